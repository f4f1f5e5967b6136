//! What people ruled on stored comments, as labelled comments to learn from.
//!
//! A bundle must be a function of what is stored now and of nothing else: an id, an order
//! or a time that tells of what is stored no longer would make erasing inexact. So samples
//! are named by the CMS's id of the comment, or else by their text. May import: `types`,
//! `text`, `features`, `store`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    ModelsError,
    lines::{sha256, write_line},
};
use crate::{
    features::ArticleProfile,
    learning::{DataSet, Sample, corpus::digest},
    store::SharedStore,
    text::Document,
    types::{
        ArticleFields, ArticleId, Author, Comment, KeyId, PageRequest, PerLabel, Place, RequestFacts, SiteId,
        Timestamp, Verdict, VerdictId,
    },
};

/// Rows read at a time.
const PAGE: usize = 500;
/// Samples learnt from at most: some 2 KiB each while they are learnt from.
const MAX_SAMPLES: usize = 1_000_000;
/// Copies of one text by which a site may vote: more of them teach nothing, and whoever
/// posts thousands must not own the vocabulary.
const MAX_COPIES: usize = 20;
/// Samples of one author with one ruling that always count; beyond them, a fiftieth of all.
const AUTHOR_ALWAYS: usize = 50;
/// Who rules in an import: the operator, who is held against nobody.
const IMPORT: &str = "import";
/// Samples of one reviewer that always count; beyond them, half of all.
const REVIEWER_ALWAYS: usize = 500;

/// A labelled comment with where it comes from.
#[derive(Clone, Debug)]
pub struct StoredSample {
    /// The site.
    pub site: SiteId,
    /// The verdict that holds it.
    pub verdict: VerdictId,
    /// When it was ruled on.
    pub at: Timestamp,
    /// Who ruled.
    pub reviewer: KeyId,
    /// By which its author is counted.
    pub author: Option<[u8; 16]>,
    /// The comment.
    pub sample: Sample,
}

impl StoredSample {
    /// Where it stands among all: by time, then by name.
    #[must_use]
    pub fn place(&self) -> (Timestamp, &str, &str) {
        (self.at, self.site.as_str(), &self.sample.id)
    }
}

/// What was found, and what is not learnt from.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// The labelled comments, by place.
    pub samples: Vec<StoredSample>,
    /// Articles of exported comments: site, id and content.
    pub articles: BTreeMap<(SiteId, ArticleId), ArticleFields>,
    /// Rulings that tell no label: rejected for a reason that has none.
    pub without_label: usize,
}

/// Reads what people ruled on the comments of every site.
///
/// # Errors
///
/// [`ModelsError::Store`].
pub async fn gather(store: &SharedStore) -> Result<Gathered, ModelsError> {
    let mut found = Gathered::default();
    let mut after = None;
    loop {
        let page = store.sites(PageRequest { size: PAGE, after }).await?;
        for site in page.rows {
            gather_site(store, &site.id, &mut found).await?;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    found.samples.sort_by(|a, b| a.place().cmp(&b.place()));
    Ok(found)
}

/// How many comments were ruled on after a moment; counts no further than `enough`.
/// Reads every ruling's row, some microseconds each.
///
/// # Errors
///
/// [`ModelsError::Store`].
pub(super) async fn rulings_since(
    store: &SharedStore,
    since: Timestamp,
    enough: u64,
) -> Result<u64, ModelsError> {
    let (mut count, mut after) = (0, None);
    loop {
        let sites = store.sites(PageRequest { size: PAGE, after }).await?;
        for site in sites.rows {
            let mut after = None;
            loop {
                let page = store.samples(&site.id, PageRequest { size: PAGE, after }).await?;
                count += page.rows.iter().filter(|row| row.created_at > since).count() as u64;
                after = page.next;
                if count >= enough || after.is_none() {
                    break;
                }
            }
        }
        after = sites.next;
        if count >= enough || after.is_none() {
            return Ok(count);
        }
    }
}

async fn gather_site(store: &SharedStore, site: &SiteId, found: &mut Gathered) -> Result<(), ModelsError> {
    let mut after = None;
    let mut read = Reader::default();
    while found.samples.len() < MAX_SAMPLES {
        let page = store.samples(site, PageRequest { size: PAGE, after }).await?;
        for row in page.rows {
            let Some(verdict) = store.verdict(site, row.verdict).await? else { continue };
            let labels = match (row.approved, row.labels.is_empty()) {
                (true, _) => PerLabel::from_fn(|_| Some(false)),
                (false, false) => PerLabel::from_fn(|label| row.labels.contains(&label).then_some(true)),
                (false, true) => {
                    found.without_label += 1;
                    continue;
                }
            };
            let article = match &verdict.article {
                Some(id) => read.article(store, site, id, found).await?,
                None => None,
            };
            let author = verdict.author();
            let sample = read.sample(verdict, article, labels);
            let (site, verdict) = (site.clone(), row.verdict);
            found.samples.push(StoredSample {
                site,
                verdict,
                at: row.created_at,
                reviewer: row.reviewer,
                author,
                sample,
            });
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
    Ok(())
}

/// An article with its section and language.
type Known = (Arc<ArticleProfile>, String, String);

/// Reads comments as training wants them.
#[derive(Default)]
struct Reader {
    articles: HashMap<ArticleId, Option<Known>>,
    document: Document,
}

impl Reader {
    async fn article(
        &mut self,
        store: &SharedStore,
        site: &SiteId,
        id: &ArticleId,
        found: &mut Gathered,
    ) -> Result<Option<Known>, ModelsError> {
        if let Some(known) = self.articles.get(id) {
            return Ok(known.clone());
        }
        let article = store.article(site, id).await?;
        let known = article.map(|article| {
            let fields = article.fields;
            let known = (Arc::new(ArticleProfile::new(&fields)), fields.section.clone(), fields.lang.clone());
            found.articles.insert((site.clone(), id.clone()), fields);
            known
        });
        self.articles.insert(id.clone(), known.clone());
        Ok(known)
    }

    fn sample(&mut self, verdict: Verdict, article: Option<Known>, labels: PerLabel<Option<bool>>) -> Sample {
        self.document.read(verdict.body.as_str(), verdict.markup);
        let guess = self.document.language().map(|guess| guess.lang.to_owned());
        let (profile, section, lang) = match article {
            Some((profile, section, lang)) => (Some(profile), section, lang),
            None => (None, String::new(), String::new()),
        };
        let under = verdict.article.as_ref().map(ToString::to_string).unwrap_or_default();
        let text = digest(&verdict.body.as_str().to_lowercase());
        let id = match &verdict.comment {
            Some(id) => id.to_string(),
            None => format!("text-{text:016x}"),
        };
        let group = if under.is_empty() { text } else { digest(&under) };
        let comment = Comment {
            id: verdict.comment,
            body: verdict.body,
            markup: verdict.markup,
            author: Author { name: verdict.author_name, url: verdict.author_url, ..Author::default() },
            place: Place { parent_text: verdict.parent_text, ..Place::default() },
            request: RequestFacts::default(),
            posted_at: None,
        };
        Sample {
            id,
            comment,
            article: profile,
            labels,
            group,
            under,
            lang: guess.unwrap_or(lang),
            section,
            kind: String::new(),
            posted: String::new(),
        }
    }
}

/// How many samples were left out, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Capped {
    /// Further copies of one text.
    pub copies: usize,
    /// Beyond what one author may teach.
    pub author: usize,
    /// Beyond what one reviewer may teach.
    pub reviewer: usize,
}

/// Leaves out what one text, author or reviewer says too often. Which ones stay is
/// decided by a hash of each, so that no order and no time matters. `O(n log n)`.
#[must_use]
pub fn cap(samples: Vec<StoredSample>) -> (Vec<StoredSample>, Capped) {
    let (samples, copies) = keep(samples, MAX_COPIES, |s| {
        let text = digest(&s.sample.comment.body.as_str().trim().to_lowercase());
        Some((s.site.to_string(), text, s.sample.labels.0))
    });
    let most = AUTHOR_ALWAYS.max(samples.len() / 50);
    let (samples, author) = keep(samples, most, |s| Some((s.site.to_string(), s.author?, s.sample.labels.0)));
    let reviewers: std::collections::BTreeSet<&KeyId> = samples.iter().map(|s| &s.reviewer).collect();
    // Where one or two people decide everything, there is nobody to hold them against.
    let most = if reviewers.len() < 3 { usize::MAX } else { REVIEWER_ALWAYS.max(samples.len() / 2) };
    let imported = |s: &StoredSample| s.reviewer.as_str() == IMPORT;
    let (samples, reviewer) = keep(samples, most, |s| (!imported(s)).then(|| s.reviewer.clone()));
    (samples, Capped { copies, author, reviewer })
}

fn keep<K: Ord>(
    samples: Vec<StoredSample>,
    most: usize,
    group: impl Fn(&StoredSample) -> Option<K>,
) -> (Vec<StoredSample>, usize) {
    let mut groups: BTreeMap<K, Vec<(u64, usize)>> = BTreeMap::new();
    for (at, one) in samples.iter().enumerate() {
        if let Some(key) = group(one) {
            let rank = digest(&format!("{}\n{}", one.sample.id, one.sample.comment.body.as_str()));
            groups.entry(key).or_default().push((rank, at));
        }
    }
    let mut out = vec![false; samples.len()];
    let mut count = 0;
    for mut members in groups.into_values().filter(|members| members.len() > most) {
        members.sort_unstable();
        for (_, at) in members.into_iter().skip(most) {
            if let Some(out) = out.get_mut(at) {
                *out = true;
                count += 1;
            }
        }
    }
    let kept = samples.into_iter().zip(out).filter(|(_, out)| !out).map(|(one, _)| one);
    (kept.collect(), count)
}

/// Samples as data sets, one per site. Names and hashes tell of the samples only.
#[must_use]
pub fn sets_of<'a>(samples: impl IntoIterator<Item = &'a StoredSample>) -> Vec<DataSet> {
    let mut sites: BTreeMap<&SiteId, Vec<Sample>> = BTreeMap::new();
    for one in samples {
        sites.entry(&one.site).or_default().push(one.sample.clone());
    }
    let set = |(site, mut samples): (&SiteId, Vec<Sample>)| {
        samples.sort_by(|a, b| (&a.id, a.comment.body.as_str()).cmp(&(&b.id, b.comment.body.as_str())));
        let lines: Vec<String> = samples.iter().map(write_line).collect();
        DataSet { name: format!("site-{site}"), samples, sha256: sha256(lines.join("\n").as_bytes()) }
    };
    sites.into_iter().map(set).collect()
}
