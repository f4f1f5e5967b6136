//! Labelled comments read from files, with their articles read once.
//!
//! May import: `types`, `features`.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;
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
    /// The article's id, or else its title; empty when neither is told.
    pub under: String,
    /// BCP 47 tag of the language; empty when not told.
    pub lang: String,
    /// The article's section or subject; empty when not told.
    pub section: String,
    /// How the line came about; empty when not told.
    pub kind: String,
    /// When it was posted, as written; empty when not told.
    pub posted: String,
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

/// Profiles of articles that lines carry themselves, kept at a time: bounds memory when
/// a stream names ever new ones.
const MAX_PROFILES: usize = 4096;

/// An article, and its profile once it was asked for.
type Read = (ArticleFields, Option<Arc<ArticleProfile>>);

/// Articles by id or by what lines tell of them, each read once.
#[derive(Debug, Default)]
pub struct Articles {
    by_id: HashMap<String, Read>,
    /// By hash of title and text.
    told: HashMap<u64, (ArticleFields, Arc<ArticleProfile>)>,
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
            self.by_id.insert(article.id, (article.fields, None));
        }
        Ok(())
    }

    /// The profile of the article under which a line stands.
    pub fn of(&mut self, line: &Line) -> Option<Arc<ArticleProfile>> {
        let text = |field: &Option<String>| field.as_deref().unwrap_or("").to_owned();
        self.profile(&text(&line.article_id), &text(&line.article_title), &text(&line.article_text))
    }

    /// The profile of the article that title and text tell, or else of the known one with
    /// that id; what is not told is empty. Copies nothing that was told before.
    pub fn profile(&mut self, id: &str, title: &str, text: &str) -> Option<Arc<ArticleProfile>> {
        if title.is_empty() && text.is_empty() {
            let (fields, profile) = self.by_id.get_mut(id)?;
            return Some(Arc::clone(profile.get_or_insert_with(|| Arc::new(ArticleProfile::new(fields)))));
        }
        let key = digest(title) ^ digest(text).rotate_left(32);
        if let Some((fields, profile)) = self.told.get(&key)
            && (fields.title.as_str(), fields.text.as_str()) == (title, text)
        {
            return Some(Arc::clone(profile));
        }
        if self.told.len() >= MAX_PROFILES {
            self.told.clear();
        }
        let (title, text) = (title.to_owned(), text.to_owned());
        let fields = ArticleFields { title, text, ..ArticleFields::default() };
        let profile = Arc::new(ArticleProfile::new(&fields));
        self.told.insert(key, (fields, Arc::clone(&profile)));
        Some(profile)
    }

    /// The section under which a line stands: its own word, else its article's.
    fn section(&self, line: &Line) -> String {
        let told = line.section.as_ref().or(line.topic.as_ref());
        let known = || Some(&self.by_id.get(line.article_id.as_deref()?)?.0.section);
        told.or_else(known).cloned().unwrap_or_default()
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
        let raw: Vec<(usize, &str)> =
            text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()).collect();
        let parsed: Vec<Result<Line, LearningError>> =
            raw.par_iter().map(|&(at, line)| parse(path, at, line)).collect();
        let mut samples = Vec::with_capacity(raw.len());
        for (line, (at, _)) in parsed.into_iter().zip(raw) {
            let line = line?;
            let wrong = |problem| LearningError::Line { path: path.to_owned(), line: at + 1, problem };
            let labels = known_labels(&line).map_err(wrong)?;
            // A blank text teaches nothing and no CMS can send it.
            let Ok(comment) = line.comment() else { continue };
            let group = match (&line.article_id, &line.article_title) {
                (Some(id), _) => digest(id),
                (None, Some(title)) => digest(title),
                (None, None) => digest(&line.text.to_lowercase()),
            };
            let article = articles.of(&line);
            let section = articles.section(&line);
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            samples.push(Sample {
                under: line.article_id.clone().or_else(|| line.article_title.clone()).unwrap_or_default(),
                lang: text(&line.lang),
                section,
                kind: text(&line.kind),
                posted: text(&line.created_at),
                id: line.id,
                comment,
                article,
                labels,
                group,
            });
        }
        let sha256 = hex(&Sha256::digest(text.as_bytes()));
        Ok(Self { name: name_of(path), samples, sha256 })
    }

    /// Adds another file of the same set.
    fn merge(&mut self, other: Self) {
        self.samples.extend(other.samples);
        self.sha256 = hex(&Sha256::digest(format!("{} {}", self.sha256, other.sha256)));
    }

    /// Reads files; those of one name (a set's train.jsonl and dev.jsonl) become one set.
    ///
    /// # Errors
    ///
    /// As [`DataSet::read`].
    pub fn read_all(paths: &[PathBuf], articles: &mut Articles) -> Result<Vec<Self>, LearningError> {
        let mut sets: Vec<Self> = Vec::with_capacity(paths.len());
        for path in paths {
            let set = Self::read(path, articles)?;
            match sets.iter_mut().find(|s| s.name == set.name) {
                Some(same) => same.merge(set),
                None => sets.push(set),
            }
        }
        Ok(sets)
    }

    /// How many samples carry a label, and how many are known not to.
    #[must_use]
    pub fn count(&self, label: Label) -> (usize, usize) {
        let of = |truth| self.samples.iter().filter(|s| s.labels[label] == Some(truth)).count();
        (of(true), of(false))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
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
pub(super) fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
