//! What is remembered of a target: its place in the chain, what was put aside, and
//! what is to be sent again.
//!
//! Small files of JSON, replaced as a whole under another name or only added to, so
//! that a kill leaves the old or the new one. May import: nothing of ours.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::target::Target;

/// A post that could not be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Letter {
    /// The event it tells of.
    pub(super) event: u64,
    /// The body.
    pub(super) body: String,
    /// What went wrong last.
    pub(super) error: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Place {
    after: u64,
}

/// The files of one target.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    place: PathBuf,
    dead: PathBuf,
    again: PathBuf,
}

impl Ledger {
    /// The files of a target in a folder, which is made.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn open(folder: &Path, target: &Target) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let name = target.file_name();
        let path = |end: &str| folder.join(format!("{name}.{end}"));
        Ok(Self { place: path("place.json"), dead: path("dead.jsonl"), again: path("replay.jsonl") })
    }

    /// The last event that was sent or put aside; `None` before the first start.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(super) fn place(&self) -> io::Result<Option<u64>> {
        match fs::read(&self.place) {
            Ok(bytes) => Ok(Some(serde_json::from_slice::<Place>(&bytes)?.after)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Moves on.
    ///
    /// # Errors
    ///
    /// What the system says; the old place then stays.
    pub(super) fn move_on(&self, after: u64) -> io::Result<()> {
        let new = self.place.with_extension("new");
        let mut file = fs::File::create(&new)?;
        serde_json::to_writer(&mut file, &Place { after })?;
        file.sync_all()?;
        fs::rename(&new, &self.place)
    }

    /// Puts a letter aside.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn put_aside(&self, letter: &Letter) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.dead)?;
        let line = serde_json::to_string(letter)?;
        writeln!(file, "{line}")?;
        file.sync_all()
    }

    /// Takes the letters that are to be sent again; whoever takes them puts aside
    /// again what still cannot be sent.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn take_again(&self) -> io::Result<Vec<Letter>> {
        match fs::read_to_string(&self.again) {
            Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Says that everything that was to be sent again was sent or put aside.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn done_again(&self) -> io::Result<()> {
        fs::remove_file(&self.again)
    }
}

/// What was put aside for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Name of its files: the site and a digest of the address.
    pub target: String,
    /// How many posts were put aside.
    pub letters: usize,
    /// What went wrong with the last one.
    pub error: String,
}

/// What was put aside, for every target of a data folder.
///
/// # Errors
///
/// What the system says.
pub fn waiting(data_dir: &Path) -> io::Result<Vec<Waiting>> {
    let mut found = Vec::new();
    for path in dead_files(data_dir)? {
        let text = fs::read_to_string(&path)?;
        let letters: Vec<Letter> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let error = letters.last().map(|letter| letter.error.clone()).unwrap_or_default();
        found.push(Waiting { target: name_of(&path), letters: letters.len(), error });
    }
    Ok(found)
}

/// Has everything that was put aside sent again by the node, now or when it starts;
/// answers for how many targets.
///
/// # Errors
///
/// What the system says.
pub fn replay(data_dir: &Path) -> io::Result<usize> {
    let mut targets = 0;
    for path in dead_files(data_dir)? {
        let again = path.with_file_name(format!("{}.replay.jsonl", name_of(&path)));
        if again.exists() {
            continue;
        }
        fs::rename(&path, &again)?;
        targets += 1;
    }
    Ok(targets)
}

fn dead_files(data_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = match fs::read_dir(data_dir.join(super::DIRECTORY)) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let paths = folder.collect::<io::Result<Vec<_>>>()?;
    let mut paths: Vec<PathBuf> = paths.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".dead.jsonl"));
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split('.').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_letters_outlive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::read("news=https://cms.example/", &["cms.example".to_owned()]).unwrap();
        let ledger = || Ledger::open(&folder.path().join(crate::app::webhooks::DIRECTORY), &target).unwrap();
        assert_eq!(ledger().place().unwrap(), None);
        ledger().move_on(41).unwrap();
        ledger().move_on(42).unwrap();
        assert_eq!(ledger().place().unwrap(), Some(42));
        let letter = |event| Letter { event, body: "{}".to_owned(), error: "answered 500".to_owned() };
        ledger().put_aside(&letter(7)).unwrap();
        ledger().put_aside(&letter(8)).unwrap();
        let found = waiting(folder.path()).unwrap();
        assert_eq!((found.len(), found[0].letters, found[0].error.as_str()), (1, 2, "answered 500"));
        assert!(ledger().take_again().unwrap().is_empty());
        assert_eq!(replay(folder.path()).unwrap(), 1);
        assert_eq!(ledger().take_again().unwrap(), [letter(7), letter(8)]);
        ledger().done_again().unwrap();
        assert!(ledger().take_again().unwrap().is_empty() && waiting(folder.path()).unwrap().is_empty());
    }
}
