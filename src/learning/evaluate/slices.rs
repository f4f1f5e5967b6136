//! Figures of parts: by language, by section, and by how a comment came about.
//!
//! May import: `types`, `classifier`.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Serialize;

use crate::{
    classifier::{Figures, figures},
    types::{Label, Policy},
};

use super::{Judged, Target, scored};

/// Parts with fewer comments of a known label are left out: chance speaks there.
const LEAST: usize = 20;
/// Parts of one kind at most, the largest first: a set can have a section per comment.
const MOST: usize = 40;

/// Figures of one part of a set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slice {
    /// What it was cut by: `language`, `section` or `kind`.
    pub by: &'static str,
    /// The language, section or kind; a kind with its language: `crossed · en`.
    pub part: String,
    /// What the figures are about.
    pub target: &'static str,
    /// The figures. Of a kind: its positives against the fine comments, those of which
    /// every label that the set knows is 0, of the same language.
    pub figures: Figures,
}

/// All parts of a set.
pub(super) fn slices(judged: &[Judged<'_>], policy: &Policy) -> Vec<Slice> {
    let mut parts: Vec<(&'static str, String, Vec<Judged<'_>>)> = Vec::new();
    let mut cut = |by: &'static str, name: &dyn Fn(&Judged<'_>) -> String| {
        let mut found: BTreeMap<String, Vec<Judged<'_>>> = BTreeMap::new();
        for j in judged {
            found.entry(name(j)).or_default().push(*j);
        }
        let mut found: Vec<_> = found.into_iter().filter(|(part, _)| !part.is_empty()).collect();
        found.sort_by(|(a, x), (b, y)| y.len().cmp(&x.len()).then_with(|| a.cmp(b)));
        parts.extend(found.into_iter().take(MOST).map(|(part, judged)| (by, part, judged)));
    };
    cut("language", &|j| j.sample.lang.clone());
    cut("section", &|j| j.sample.section.clone());
    let mut tasks: Vec<(&'static str, String, Target, Vec<Judged<'_>>)> = Vec::new();
    for (by, part, judged) in parts {
        tasks.extend(Target::ALL.map(|target| (by, part.clone(), target, judged.clone())));
    }
    tasks.extend(kinds(judged));
    let of = |(by, part, target, judged): (&'static str, String, Target, Vec<Judged<'_>>)| {
        let known = scored(&judged, target, policy);
        (known.len() >= LEAST).then(|| Slice { by, part, target: target.name(), figures: figures(&known) })
    };
    tasks.into_par_iter().filter_map(of).collect()
}

/// Positives of each kind against fine comments, over all languages and in each.
fn kinds<'a>(judged: &[Judged<'a>]) -> Vec<(&'static str, String, Target, Vec<Judged<'a>>)> {
    let fine: Vec<&Judged<'_>> =
        judged.iter().filter(|j| Target::Overall.truth(j.sample) == Some(false)).collect();
    let languages: BTreeSet<&str> = judged.iter().map(|j| j.sample.lang.as_str()).collect();
    let mut found: BTreeMap<(usize, String, String), Vec<Judged<'a>>> = BTreeMap::new();
    for j in judged.iter().filter(|j| !j.sample.kind.is_empty()) {
        for label in Label::ALL.into_iter().filter(|&l| j.sample.labels[l] == Some(true)) {
            let all = languages.len() > 1;
            for lang in [String::new(), j.sample.lang.clone()].into_iter().skip(usize::from(!all)) {
                for kind in [String::new(), j.sample.kind.clone()] {
                    found.entry((label.index(), kind, lang.clone())).or_default().push(*j);
                }
            }
        }
    }
    let with_fine = |((label, kind, lang), mut part): ((usize, String, String), Vec<Judged<'a>>)| {
        let label = *Label::ALL.get(label)?;
        let same = fine.iter().filter(|j| lang.is_empty() || j.sample.lang == lang);
        part.extend(same.filter(|j| j.sample.labels[label] == Some(false)).map(|j| **j));
        let named = |name: String, all: &str| if name.is_empty() { all.to_owned() } else { name };
        let part_name = format!("{} · {}", named(kind, "any kind"), named(lang, "any language"));
        Some(("kind", part_name, Target::Label(label), part))
    };
    found.into_iter().filter_map(with_fine).collect()
}
