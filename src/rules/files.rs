//! Rule files from disk.
//!
//! The only part of rules that touches files; nothing is parsed here.
//! May import: nothing of ours.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::Source;

/// Bytes read of a file: one more than a source may have, so that a larger one
/// is reported and not read whole.
const MAX_READ: u64 = (super::read::MAX_SOURCE + 1) as u64;

/// A path that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct Unreadable {
    /// The path.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl Source {
    /// Reads rule files: each path is a file, or a directory whose `*.toml` are
    /// meant (not those of its directories), by name.
    ///
    /// # Errors
    ///
    /// Every path that could not be read; text other than UTF-8 cannot.
    pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Self>, Vec<Unreadable>> {
        let mut sources = Vec::new();
        let mut unreadable = Vec::new();
        for path in paths {
            match files(path) {
                Ok(files) => {
                    for path in files {
                        match read(&path) {
                            Ok(text) => sources.push(Self { name: path.display().to_string(), text }),
                            Err(source) => unreadable.push(Unreadable { path, source }),
                        }
                    }
                }
                Err(source) => unreadable.push(Unreadable { path: path.clone(), source }),
            }
        }
        sources.dedup_by(|a, b| a.name == b.name);
        if unreadable.is_empty() { Ok(sources) } else { Err(unreadable) }
    }
}

fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_file() && path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The text of a file; of a file too large the beginning.
fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_READ).read_to_end(&mut bytes)?;
    let cut = bytes.len() as u64 == MAX_READ;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(_) if cut => Ok(" ".repeat(super::read::MAX_SOURCE + 1)),
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error.utf8_error())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_directories_are_read_and_every_failure_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("b.toml"), "b").unwrap();
        fs::write(at("a.toml"), "a").unwrap();
        fs::write(at("notes.txt"), "no").unwrap();
        fs::write(at("bytes"), [0xff, 0xfe]).unwrap();
        let texts = |paths: &[PathBuf]| {
            Source::read_all(paths).unwrap().into_iter().map(|source| source.text).collect::<Vec<_>>()
        };
        assert_eq!(texts(&[dir.path().to_owned()]), ["a", "b"]);
        assert_eq!(texts(&[at("notes.txt")]), ["no"]);
        let failed = Source::read_all(&[at("missing"), at("a.toml"), at("bytes")]).unwrap_err();
        let names: Vec<_> = failed.iter().map(|f| f.path.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["missing", "bytes"]);
    }
}
