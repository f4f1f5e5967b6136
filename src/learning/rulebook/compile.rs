//! Rule files to compiled sets, off the threads that answer calls: a set of patterns
//! takes up to seconds.
//!
//! May import: `types`, `rules`.

use crate::{
    rules::{Diagnostic, RuleSet, Source},
    types::{RuleFile, RuleVersion},
};

use super::RulesError;

/// A version with its files and compiled rules.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The version.
    pub version: RuleVersion,
    /// Its files.
    pub files: Vec<RuleFile>,
    /// Its rules; emergency rules end as they do in force.
    pub set: RuleSet,
}

pub(super) fn sources(files: Vec<RuleFile>) -> Vec<Source> {
    files.into_iter().map(|RuleFile { name, text }| Source { name, text }).collect()
}

/// Checks files as one set: the set when it can be used, and everything that is wrong.
pub async fn check(files: Vec<RuleFile>) -> (Option<RuleSet>, Vec<Diagnostic>) {
    let work = move || RuleSet::check(&sources(files));
    tokio::task::spawn_blocking(work).await.unwrap_or_default()
}

/// Compiles a version.
///
/// # Errors
///
/// [`RulesError::Invalid`]: it was pushed to another version of this program.
pub(super) async fn compile(version: RuleVersion, files: Vec<RuleFile>) -> Result<Compiled, RulesError> {
    let (set, diagnostics) = check(files.clone()).await;
    let set = set.ok_or(RulesError::Invalid(diagnostics))?;
    let set = match version.first_live_at {
        Some(first) => set.since(first),
        None => set,
    };
    Ok(Compiled { version, files, set })
}
