//! Sets of labelled comments that never change, and the lines of stored rulings.
//!
//! May import: `types`, `store`, `learning`.

use super::{
    Models, ModelsError,
    lines::{read_articles, read_lines, sha256, write_line},
    stored::{StoredSample, cap, gather},
};
use crate::{
    learning::DataSet,
    store::ModelRefusal,
    types::{FrozenSet, FrozenSetName, JobId, KeyId, ModelId, SiteId, Timestamp, VerdictId},
};

/// Files of a frozen set.
const LINES: &str = "lines.jsonl";
const ARTICLES: &str = "articles.jsonl";

/// Name of the blob of an evaluation; no bundle has such a name.
pub(super) fn evaluation_blob(job: JobId) -> String {
    format!("evaluation-{job}")
}

fn set_blob(name: &FrozenSetName) -> String {
    format!("set-{name}")
}

/// Labelled comments and their articles as JSON lines.
#[derive(Clone, Debug, Default)]
pub struct SetText {
    /// The comments.
    pub lines: String,
    /// The articles that they name.
    pub articles: String,
}

impl SetText {
    /// The set in them.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Field`] names the first bad line.
    pub fn read(&self, name: &FrozenSetName) -> Result<DataSet, ModelsError> {
        read_lines(name.as_str(), &self.lines, &read_articles(&self.articles)?)
    }
}

/// Which stored rulings are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of them.
    All,
    /// Those that the measured bundle of a model learnt from.
    LearntFrom,
    /// Those that it was judged on.
    HeldOut,
}

impl Models {
    /// Freezes a set under a name.
    ///
    /// # Errors
    ///
    /// `SetExists`; [`ModelsError::Field`] when a line is none or nothing is labelled.
    pub async fn freeze(
        &self,
        name: FrozenSetName,
        text: SetText,
        actor: &KeyId,
    ) -> Result<FrozenSet, ModelsError> {
        if self.shelf.store.frozen_set(&name).await?.is_some() {
            return Err(ModelRefusal::SetExists(name).into());
        }
        let (checked, text) = {
            let name = name.clone();
            let read =
                tokio::task::spawn_blocking(move || text.read(&name).map(|set| (set.samples.len(), text)));
            read.await.map_err(|error| ModelsError::Unusable(error.to_string()))??
        };
        if checked == 0 {
            let must = "must hold at least one labelled comment".to_owned();
            return Err(ModelsError::Field { field: "chunk", must });
        }
        let SetText { lines, articles } = text;
        let set = FrozenSet {
            name: name.clone(),
            sha256: sha256(format!("{}{}", sha256(lines.as_bytes()), sha256(articles.as_bytes())).as_bytes()),
            comments: checked as u64,
            bytes: (lines.len() + articles.len()) as u64,
            created_at: self.now(),
            created_by: Some(actor.clone()),
        };
        let id = set_blob(&name);
        self.shelf.blobs.put_blob(&id, LINES, lines.into_bytes()).await?;
        self.shelf.blobs.put_blob(&id, ARTICLES, articles.into_bytes()).await?;
        self.shelf.store.freeze_set(set.clone()).await?;
        Ok(set)
    }

    /// One frozen set.
    ///
    /// # Errors
    ///
    /// `UnknownSet`.
    pub async fn frozen_set(&self, name: &FrozenSetName) -> Result<FrozenSet, ModelsError> {
        let found = self.shelf.store.frozen_set(name).await?;
        found.ok_or_else(|| ModelRefusal::UnknownSet(name.clone()).into())
    }

    /// Every frozen set, by name.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Store`].
    pub async fn frozen_sets(&self) -> Result<Vec<FrozenSet>, ModelsError> {
        Ok(self.shelf.store.frozen_sets().await?)
    }

    /// The lines of a frozen set; refused when they are not what was frozen.
    ///
    /// # Errors
    ///
    /// `UnknownSet`; [`ModelsError::Unusable`].
    pub(super) async fn frozen_text(&self, name: &FrozenSetName) -> Result<SetText, ModelsError> {
        let set = self.frozen_set(name).await?;
        let id = set_blob(name);
        let read = |file: &'static str| {
            let id = id.clone();
            async move {
                let bytes = self.shelf.blobs.blob(&id, file).await?.unwrap_or_default();
                String::from_utf8(bytes).map_err(|error| ModelsError::Unusable(error.to_string()))
            }
        };
        let text = SetText { lines: read(LINES).await?, articles: read(ARTICLES).await? };
        let both = format!("{}{}", sha256(text.lines.as_bytes()), sha256(text.articles.as_bytes()));
        if sha256(both.as_bytes()) != set.sha256 {
            return Err(ModelsError::Unusable(format!("the frozen set {name} is damaged")));
        }
        Ok(text)
    }

    /// Stored rulings as lines, with the articles that they name. Of a model: as its
    /// report took them, as far as they are still stored.
    ///
    /// # Errors
    ///
    /// `UnknownModel`; [`ModelsError::NoReport`].
    pub async fn export(&self, model: Option<&ModelId>, part: Part) -> Result<SetText, ModelsError> {
        let gathered = gather(&self.shelf.store).await?;
        let (mut samples, articles) = (gathered.samples, gathered.articles);
        if let Some(id) = model {
            let until = self.get(id).await?.learnt_until;
            let (report, _) = self.report(id).await?;
            let report: serde_json::Value =
                serde_json::from_str(&report).map_err(|error| ModelsError::Unusable(error.to_string()))?;
            let split = report.pointer("/data/split_at").and_then(serde_json::Value::as_i64);
            let split = split.map(Timestamp::from_micros);
            samples.retain(|one| until.is_none_or(|until| one.at <= until));
            samples = cap(samples).0;
            samples.retain(|one| {
                let before = split.is_some_and(|split| one.at <= split);
                match part {
                    Part::All => true,
                    Part::LearntFrom => before,
                    Part::HeldOut => !before,
                }
            });
        }
        let lines: Vec<String> = samples.iter().map(|one: &StoredSample| write_line(&one.sample)).collect();
        let article = |((_, id), fields): (&(SiteId, _), _)| {
            let mut line = serde_json::to_value(fields).unwrap_or_default();
            if let Some(line) = line.as_object_mut() {
                line.insert("id".to_owned(), serde_json::Value::String(ToString::to_string(id)));
            }
            line.to_string()
        };
        let articles: Vec<String> = articles.iter().map(article).collect();
        let text = |lines: Vec<String>| lines.into_iter().map(|line| line + "\n").collect::<String>();
        Ok(SetText { lines: text(lines), articles: text(articles) })
    }

    /// Withdraws every ruling on comments of the author of a verdict; answers how many
    /// there were.
    ///
    /// # Errors
    ///
    /// `VERDICT_NOT_FOUND`; [`ModelsError::Field`] when the verdict names no author.
    pub async fn forget(&self, site: &SiteId, verdict: VerdictId, actor: &KeyId) -> Result<u64, ModelsError> {
        let store = &self.shelf.store;
        let found = store.verdict(site, verdict).await?;
        let found = found.ok_or(crate::store::StoreError::UnknownVerdict(verdict))?;
        let author = found.author().ok_or_else(|| ModelsError::Field {
            field: "verdict",
            must: "must be on a comment whose author is known".to_owned(),
        })?;
        let mut all = 0;
        loop {
            match store.forget_samples(site, author, actor, self.now()).await? {
                0 => return Ok(all),
                count => all += count,
            }
        }
    }
}
