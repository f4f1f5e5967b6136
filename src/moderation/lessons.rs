//! What the decisions of each site teach, kept in memory as every node needs it to score.
//!
//! Before a comment is judged the store is asked for what is new, a point read when
//! nothing is, so a decision made on any node counts for the next comment on every other.
//! What is known is an immutable value behind an atomic pointer: scoring takes no lock and
//! does not wait for another call that is learning. May import: `types`, `text`, `features`,
//! `store`.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::ArcSwap;

use crate::{
    features::{NearRulings, near::Sketch},
    store::{LessonNews, SharedStore, StoreError},
    text::Document,
    types::{Lesson, Lessons, SiteId, VerdictId},
};

use super::crowd::shingles_of;

/// Decided texts per site that near copies are recognised by, the newest.
const TEXTS: usize = 512;
/// Similarity at which a text begins to count as nearly the same: half of the shingles are
/// shared at about 0.5, and a few words exchanged in a long text leave 0.6 and more.
const NEARLY: f64 = 0.4;

/// Sites kept in memory, of at most some 300 KiB each; beyond it all are forgotten and read
/// again when asked for.
const MAX_SITES: usize = 64;

/// The lessons of every site.
#[derive(Debug, Default)]
pub(super) struct Schools(ArcSwap<HashMap<SiteId, Arc<School>>>);

/// The lessons of one site.
#[derive(Debug, Default)]
struct School {
    known: ArcSwap<Known>,
    /// Whether a call is learning; others go on with what is known.
    busy: AtomicBool,
}

/// What is known of a site at one moment.
#[derive(Debug, Default)]
pub(super) struct Known {
    number: u64,
    /// The corrections.
    pub(super) lessons: Arc<Lessons>,
    /// The newest decided texts that say enough to be recognised, oldest first.
    texts: Vec<Arc<Decided>>,
}

#[derive(Debug)]
struct Decided {
    verdict: VerdictId,
    approved: bool,
    sketch: Sketch,
}

impl Known {
    /// What people ruled on texts nearly the same as one of these shingles; `None` when
    /// there are none. Linear in [`TEXTS`].
    pub(super) fn near(&self, shingles: &[u64]) -> Option<NearRulings> {
        if self.texts.is_empty() {
            return None;
        }
        let sketch = Sketch::of(shingles, |_| false)?;
        let mut near = NearRulings::default();
        for text in &self.texts {
            let closeness = (f64::from(text.sketch.similarity(&sketch)) - NEARLY) / (1.0 - NEARLY);
            if closeness > 0.0 {
                near.nearest = near.nearest.max(closeness);
                let count = if text.approved { &mut near.approved } else { &mut near.rejected };
                *count += closeness;
            }
        }
        (near.nearest > 0.0).then_some(near)
    }
}

impl Schools {
    /// What the decisions of a site teach by now.
    pub(super) async fn of(&self, store: &SharedStore, site: &SiteId) -> Result<Arc<Known>, StoreError> {
        let school = self.school(site);
        let known = school.known.load_full();
        if school.busy.swap(true, Ordering::Acquire) {
            return Ok(known);
        }
        let _done = Done(&school.busy);
        let known = school.known.load_full();
        let Some(news) = store.lessons(site, known.number).await? else {
            return Ok(known);
        };
        let heeded = Arc::new(heed(store, site, &known, &news).await?);
        school.known.store(Arc::clone(&heeded));
        Ok(heeded)
    }

    fn school(&self, site: &SiteId) -> Arc<School> {
        if let Some(school) = self.0.load().get(site) {
            return Arc::clone(school);
        }
        let new = Arc::new(School::default());
        self.0.rcu(|sites| {
            let mut sites = HashMap::clone(sites);
            if sites.len() >= MAX_SITES {
                sites.clear();
            }
            sites.entry(site.clone()).or_insert_with(|| Arc::clone(&new));
            sites
        });
        self.0.load().get(site).cloned().unwrap_or(new)
    }
}

/// Says that nobody is learning any more, also when the call is dropped half-way.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

async fn heed(
    store: &SharedStore,
    site: &SiteId,
    known: &Known,
    news: &LessonNews,
) -> Result<Known, StoreError> {
    let (mut lessons, mut texts) = (Lessons::default(), Vec::new());
    if !news.anew {
        lessons.clone_from(&known.lessons);
        texts.clone_from(&known.texts);
    }
    news.learnt.iter().for_each(|lesson| lessons.learn(lesson));
    for gone in &news.gone {
        lessons.unlearn(gone);
        texts.retain(|text| text.verdict != gone.verdict);
    }
    for lesson in news.learnt.iter().skip(news.learnt.len().saturating_sub(TEXTS)) {
        let Some(verdict) = store.verdict(site, lesson.verdict).await? else { continue };
        let mut document = Document::default();
        document.read(verdict.body.as_str(), verdict.markup);
        if let Some(sketch) = Sketch::of(&shingles_of(&document), |_| false) {
            let Lesson { verdict, approved, .. } = *lesson;
            texts.push(Arc::new(Decided { verdict, approved, sketch }));
        }
    }
    texts.drain(..texts.len().saturating_sub(TEXTS));
    Ok(Known { number: news.number, lessons: Arc::new(lessons), texts })
}
