//! Reads a whole store and says what is wrong with it.
//!
//! Works on a copy beside the directory: sled repairs what it opens, and looking
//! must not change what is looked at. Needs as much free space as the store has.
//!
//! May import: `types`, `store`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use ::sled::Db;
use serde::Serialize;

use super::{
    Key, SledOptions, StoreError, codec, disk, disk::unreadable, gate::failed, guard::caught, keys::Kind,
    migrate, open, plan::Totals, recount::Recount,
};

/// Most problems a report lists; the rest are counted.
const MAX_LISTED: usize = 1_000;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The site; empty for rows of the installation.
    pub site: String,
    /// The kind of row: "verdict".
    pub kind: String,
    /// The key, hexadecimal; empty when no row can be named.
    pub key: String,
    /// A plain sentence.
    pub message: String,
}

/// What a store holds and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Version of the rows.
    pub schema: Option<u32>,
    /// Commits since the store was made.
    pub commits: u64,
    /// Rows of the tree read; a pack of small rows is one.
    pub rows: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Rows by site and kind; the site of rows of the installation is empty.
    pub sites: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// What is wrong; at most 1,000.
    pub problems: Vec<Problem>,
    /// How many more problems there are.
    pub more_problems: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Adds a problem with a row.
    pub(super) fn object(&mut self, key: &Key, message: String) {
        let (site, kind) = key.parts().map_or(("", "row"), |(site, kind, _)| (site, kind.name()));
        let problem = Problem { site: site.to_owned(), kind: kind.to_owned(), key: key.hex(), message };
        self.push(problem);
    }

    fn object_to_all(&mut self, message: String) {
        self.push(Problem { site: String::new(), kind: "store".into(), key: String::new(), message });
    }

    fn push(&mut self, problem: Problem) {
        if self.problems.len() < MAX_LISTED {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }
}

/// Reads every row of the store in `path`: checksums, shapes, look-ups, and
/// tallies counted again. Takes time and memory in proportion to the store: about
/// 30 s and 500 MiB per million verdicts.
///
/// # Errors
///
/// [`StoreError::Locked`] while it is open; [`StoreError::Unreadable`] when it is
/// no store or so damaged that no row can be read; [`StoreError::Full`] when there
/// is no room for the copy.
pub fn verify(path: &Path) -> Result<Report, StoreError> {
    verify_with(path, &mut |_| {})
}

/// As [`verify`]; `progress` is told the rows read so far, every thousand.
///
/// # Errors
///
/// As [`verify`].
pub fn verify_with(path: &Path, progress: &mut dyn FnMut(u64)) -> Result<Report, StoreError> {
    let Some(lock) = disk::lock(path)? else {
        return Err(unreadable(path, "there is no store here"));
    };
    let copy = Copy::of(path)
        .map_err(|source| if disk::is_full(&source) { StoreError::Full } else { unreadable(path, source) })?;
    drop(lock);
    let noted = open::noted_commits(path);
    let db = open::try_open(&copy.0, &SledOptions::default()).map_err(|error| rename(path, error))?;
    let report = caught("reading every row", || Ok(read(&db, noted, progress)));
    open::discard(Some(db));
    report.map_err(|error| unreadable(path, error))
}

/// Says the original's path instead of the copy's.
fn rename(path: &Path, error: StoreError) -> StoreError {
    if let StoreError::Unreadable { source, .. } = error {
        return unreadable(path, source);
    }
    error
}

/// A copy of a store that goes away with this value.
struct Copy(PathBuf);

impl Copy {
    fn of(path: &Path) -> io::Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".verify-{}", std::process::id()));
        let copy = Self(path.with_file_name(name));
        let _ = fs::remove_dir_all(&copy.0);
        copy_files(path, &copy.0).map(|()| copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    disk::create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() { copy_files(&path, &target)? } else { fs::copy(&path, &target).map(drop)? }
    }
    Ok(())
}

fn read(db: &Db, noted: Option<u64>, progress: &mut dyn FnMut(u64)) -> Report {
    let mut report = Report::default();
    match migrate::stored_schema(db) {
        Ok(Some(schema)) if schema <= migrate::SCHEMA => report.schema = Some(schema),
        Ok(Some(newer)) => {
            report.object(&Key::schema(), format!("has schema {newer}, unknown to this program"))
        }
        Ok(None) => {
            report.object_to_all("the schema version is missing: the beginning of the store is lost".into())
        }
        Err(error) => report.object(&Key::schema(), error.to_string()),
    }
    let totals = codec::load::<Totals>(db, &Key::totals()).ok().flatten().unwrap_or_default();
    report.commits = totals.commits;
    if let Some(missing) = noted.and_then(|noted| noted.checked_sub(totals.commits)).filter(|n| *n > 0) {
        report.object_to_all(format!("the newest {missing} commits are missing"));
    }
    walk(db, &mut report, progress);
    compare_totals(&mut report, totals);
    report
}

/// Reads all rows in key order, site by site.
fn walk(db: &Db, report: &mut Report, progress: &mut dyn FnMut(u64)) {
    let mut site = Recount::new(db, "");
    for row in db.iter() {
        let (key, stored) = match row {
            Ok((key, stored)) => (Key::from_bytes(&key), stored),
            Err(error) => {
                let error = failed("listing rows", error);
                let after = site.last().map_or_else(|| "the first row".into(), Key::hex);
                report.object_to_all(format!("rows after {after} cannot be read: {error}"));
                break;
            }
        };
        report.rows += 1;
        report.bytes += (key.as_bytes().len() + stored.len()) as u64;
        if report.rows.is_multiple_of(1_000) {
            progress(report.rows);
        }
        let Some((name, kind, _)) = key.parts() else {
            report.object(&key, "is not a key of this program".into());
            continue;
        };
        if name != site.name() {
            std::mem::replace(&mut site, Recount::new(db, name)).finish(report);
        }
        let rows = if codec::is_sound(&key, &stored) {
            site.read(&key, kind, &stored, report)
        } else {
            report.object(&key, "does not match its checksum".into());
            1
        };
        *report.sites.entry(name.to_owned()).or_default().entry(kind.name()).or_default() += rows;
    }
    site.finish(report);
}

/// Compares the rows found with the counts written beside them.
fn compare_totals(report: &mut Report, totals: Totals) {
    let found = |kind: Kind| report.sites.values().filter_map(|kinds| kinds.get(kind.name())).sum::<u64>();
    let Totals { commits: _, verdicts, feedback, articles } = totals;
    let kinds = [(Kind::Verdict, verdicts), (Kind::Feedback, feedback), (Kind::Article, articles)];
    let wrong = kinds.map(|(kind, want)| (kind, found(kind), want));
    for (kind, found, want) in wrong.into_iter().filter(|(_, found, want)| found != want) {
        let message = format!("{found} rows of kind {} are there, {want} were written", kind.name());
        report.object_to_all(message);
    }
}
