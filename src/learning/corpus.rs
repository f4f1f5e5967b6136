//! Labelled comments read from files, with their articles read once.
//!
//! May import: `types`, `features`.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use crate::{
    features::ArticleProfile,
    types::{ArticleFields, Comment, Label, PerLabel},
};

use super::{
    LearningError,
    lines::{ArticleLine, Line, known_labels},
};

/// One labelled comment.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The id on its line.
    pub id: String,
    /// The comment.
    pub comment: Comment,
    /// Its article, read.
    pub article: Option<Arc<ArticleProfile>>,
    /// What is known of it.
    pub labels: PerLabel<Option<bool>>,
    /// What must not be split between learning and judging: the article, or else
    /// the text.
    pub group: u64,
    /// BCP 47 tag of the language; empty when not told.
    pub lang: String,
}

/// One data file.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// Its name: the folder's for `train.jsonl` and the like, else the file's.
    pub name: String,
    /// Its comments.
    pub samples: Vec<Sample>,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// Articles by id, and profiles by content so that each is read once.
#[derive(Debug, Default)]
pub struct Articles {
    by_id: HashMap<String, ArticleFields>,
    profiles: HashMap<ArticleFields, Arc<ArticleProfile>>,
}

impl Articles {
    /// Adds the articles of a JSON lines file.
    ///
    /// # Errors
    ///
    /// [`LearningError::Io`], [`LearningError::Line`].
    pub fn add_file(&mut self, path: &Path) -> Result<(), LearningError> {
        let text = read(path)?;
        for (at, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let article: ArticleLine = parse(path, at, line)?;
            self.by_id.insert(article.id, article.fields);
        }
        Ok(())
    }

    /// The profile of the article under which a line stands.
    pub fn of(&mut self, line: &Line) -> Option<Arc<ArticleProfile>> {
        let fields = match line.article() {
            Some(fields) => fields,
            None => self.by_id.get(line.article_id.as_deref()?)?.clone(),
        };
        if let Some(profile) = self.profiles.get(&fields) {
            return Some(Arc::clone(profile));
        }
        let profile = Arc::new(ArticleProfile::new(&fields));
        self.profiles.insert(fields, Arc::clone(&profile));
        Some(profile)
    }
}

impl DataSet {
    /// Reads a data file.
    ///
    /// # Errors
    ///
    /// [`LearningError::Io`]; [`LearningError::Line`] names the first bad line.
    pub fn read(path: &Path, articles: &mut Articles) -> Result<Self, LearningError> {
        let text = read(path)?;
        let mut samples = Vec::new();
        for (at, raw) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let line: Line = parse(path, at, raw)?;
            let wrong = |problem| LearningError::Line { path: path.to_owned(), line: at + 1, problem };
            let labels = known_labels(&line).map_err(wrong)?;
            // A blank text teaches nothing and no CMS can send it.
            let Ok(comment) = line.comment() else { continue };
            let group = match (&line.article_id, &line.article_title) {
                (Some(id), _) => hash(id),
                (None, Some(title)) => hash(title),
                (None, None) => hash(&line.text.to_lowercase()),
            };
            let article = articles.of(&line);
            let lang = line.lang.clone().unwrap_or_default();
            samples.push(Sample { id: line.id, comment, article, labels, group, lang });
        }
        let sha256 = Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        Ok(Self { name: name_of(path), samples, sha256 })
    }

    /// How many samples carry a label, and how many are known not to.
    #[must_use]
    pub fn count(&self, label: Label) -> (usize, usize) {
        let of = |truth| self.samples.iter().filter(|s| s.labels[label] == Some(truth)).count();
        (of(true), of(false))
    }
}

fn name_of(path: &Path) -> String {
    let part = |p: Option<&std::ffi::OsStr>| p.map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = part(path.file_stem());
    let folder = part(path.parent().and_then(Path::file_name));
    match stem.as_str() {
        "train" | "dev" | "test" if !folder.is_empty() => folder,
        _ => stem,
    }
}

fn read(path: &Path) -> Result<String, LearningError> {
    fs::read_to_string(path).map_err(|source| LearningError::Io { path: PathBuf::from(path), source })
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, at: usize, line: &str) -> Result<T, LearningError> {
    serde_json::from_str(line).map_err(|error| LearningError::Line {
        path: path.to_owned(),
        line: at + 1,
        problem: error.to_string(),
    })
}

/// FNV-1a: a group number that is the same on every machine.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
