//! A comment's way: recognise a retry, gather what is known, judge, record, answer.
//!
//! May import: `types`, `text`, `features`, `scoring`, `store`.

use std::{cell::RefCell, sync::Arc};

use arc_swap::ArcSwap;
use futures_util::future::join_all;

use crate::{
    features::ArticleProfile,
    scoring::{Books, Judgement, Snapshot, judge_read},
    store::{NewVerdict, Recorded, StoreError, VerdictFilter},
    text::NORMALIZER_VERSION,
    types::{
        Comment, CommentId, KeyId, Packed, Page, PageRequest, Site, SiteId, Tally, Timestamp, Trace, Verdict,
        VerdictId, Versions,
    },
};

use super::{
    Articles, Desk, ModerationError, PseudonymKey, Submission,
    context::{Gathered, pseudonyms, tally_keys},
    crowd::{Crowd, Newcomer},
    heat::Heat,
    lessons::Schools,
    reading::Reading,
    shadow::{Shadow, Work},
    standing::{Standing, note},
};

/// Body bytes up to which a batch is judged where it stands: below a millisecond.
/// Larger ones would hold up other calls of the same thread.
const MAX_INLINE_BYTES: usize = 32 * 1024;
/// Shadow rules named in a verdict; a rule set that says more of one comment is a
/// mistake that need not be recorded in full.
const MAX_SHADOW_HITS: usize = 64;

/// Live rules named in a verdict's trace. A comment that more match is judged, but cannot be
/// judged again.
const MAX_TRACED_RULES: usize = 256;

thread_local! {
    static BOOKS: RefCell<Books> = RefCell::default();
}

/// Scoring with memory.
pub struct Intake {
    desk: Desk,
    articles: Arc<Articles>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    secret: PseudonymKey,
    heat: Arc<Heat>,
    crowd: Crowd,
    shadow: Arc<Shadow>,
    schools: Schools,
}

/// A submission on its way.
struct Underway {
    at: usize,
    submission: Submission,
    gathered: Gathered,
}

impl Intake {
    /// An intake that judges by whatever `snapshot` holds at the time.
    #[must_use]
    pub fn new(
        desk: Desk,
        articles: Arc<Articles>,
        snapshot: Arc<ArcSwap<Snapshot>>,
        secret: PseudonymKey,
        heat: Arc<Heat>,
        shadow: Arc<Shadow>,
    ) -> Self {
        Self {
            desk,
            articles,
            snapshot,
            secret,
            heat,
            crowd: Crowd::default(),
            schools: Schools::default(),
            shadow,
        }
    }

    /// Scores a comment and records the verdict, durably, before it answers. A retry
    /// is answered with what was recorded.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], [`ModerationError::UnknownArticle`],
    /// [`ModerationError::Store`].
    pub async fn score(
        &self,
        site: &SiteId,
        actor: &KeyId,
        submission: Submission,
    ) -> Result<Verdict, ModerationError> {
        let mut answers = self.score_many(site, actor, vec![submission]).await;
        answers.pop().unwrap_or(Err(ModerationError::Store(StoreError::Closed)))
    }

    /// Scores comments and records them in one durable step. Answers come in input
    /// order; one failing leaves the others.
    pub async fn score_many(
        &self,
        site: &SiteId,
        actor: &KeyId,
        submissions: Vec<Submission>,
    ) -> Vec<Result<Verdict, ModerationError>> {
        let now = self.desk.clock.now();
        let site = match self.site(site).await {
            Ok(site) => site,
            Err(error) => return self.refuse_all(site, submissions.len(), error).await,
        };
        let mut answers: Vec<Option<Result<Verdict, ModerationError>>> = Vec::new();
        let mut underway = Vec::new();
        // All ask at once: a store that groups reads answers a batch in a few round trips.
        let numbered = submissions.into_iter().enumerate();
        let prepared = numbered.map(|(at, submission)| self.prepare(&site, at, submission, now));
        for prepared in join_all(prepared).await {
            answers.push(match prepared {
                Ok(Prepared::Underway(one)) => {
                    underway.push(*one);
                    None
                }
                Ok(Prepared::Answered(verdict)) => Some(Ok(*verdict)),
                Err(error) => Some(Err(error)),
            });
        }
        for (at, answer) in self.judge_and_record(&site, actor, underway, now).await {
            if let Some(slot) = answers.get_mut(at) {
                *slot = Some(answer);
            }
        }
        let lost = || Err(ModerationError::Store(StoreError::Closed));
        answers.into_iter().map(|answer| answer.unwrap_or_else(lost)).collect()
    }

    /// Scores a comment and records nothing. The verdict's name leads nowhere.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], [`ModerationError::UnknownArticle`],
    /// [`ModerationError::Store`].
    pub async fn preview(
        &self,
        site: &SiteId,
        actor: &KeyId,
        comment: Comment,
    ) -> Result<Verdict, ModerationError> {
        let now = self.desk.clock.now();
        let site = self.site(site).await?;
        let gathered = self.gather(&site, &comment, false, now).await?;
        let one = Underway { at: 0, submission: Submission { comment, request: None }, gathered };
        let mut judged = self.judge_all(&site, actor, vec![one], now).await?;
        judged.pop().map(|(_, new)| new.verdict).ok_or(ModerationError::Store(StoreError::Closed))
    }

    /// One verdict.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`] with `VERDICT_NOT_FOUND`.
    pub async fn verdict(&self, site: &SiteId, id: VerdictId) -> Result<Verdict, ModerationError> {
        let verdict = self.desk.store.verdict(site, id).await?;
        verdict.ok_or(ModerationError::Store(StoreError::UnknownVerdict(id)))
    }

    /// The newest verdict on a comment of the CMS.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownComment`].
    pub async fn verdict_of(&self, site: &SiteId, comment: &CommentId) -> Result<Verdict, ModerationError> {
        let verdict = self.desk.store.verdict_of(site, comment).await?;
        verdict.ok_or_else(|| ModerationError::UnknownComment(comment.clone()))
    }

    /// Verdicts, newest first.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], [`ModerationError::Store`].
    pub async fn verdicts(
        &self,
        site: &SiteId,
        filter: &VerdictFilter,
        page: PageRequest<VerdictId>,
    ) -> Result<Page<Verdict, VerdictId>, ModerationError> {
        self.site(site).await?;
        Ok(self.desk.store.verdicts(site, filter, page).await?)
    }

    /// The same failure for each submission; read anew for each, since errors are not
    /// copied.
    async fn refuse_all(
        &self,
        site: &SiteId,
        count: usize,
        first: ModerationError,
    ) -> Vec<Result<Verdict, ModerationError>> {
        let mut answers = Vec::with_capacity(count);
        answers.push(Err(first));
        while answers.len() < count {
            let busy = StoreError::Busy { retry_after: std::time::Duration::from_millis(100) };
            answers.push(Err(self.site(site).await.err().unwrap_or(ModerationError::Store(busy))));
        }
        answers.truncate(count);
        answers
    }

    async fn site(&self, id: &SiteId) -> Result<Site, ModerationError> {
        let site = self.desk.store.site(id).await?;
        site.ok_or_else(|| ModerationError::UnknownSite(id.clone()))
    }

    async fn prepare(
        &self,
        site: &Site,
        at: usize,
        submission: Submission,
        now: Timestamp,
    ) -> Result<Prepared, ModerationError> {
        if let Some(mark) = &submission.request
            && let Some(verdict) = self.desk.store.replay(&site.id, mark, now).await?
        {
            return Ok(Prepared::Answered(Box::new(verdict)));
        }
        let gathered = self.gather(site, &submission.comment, true, now).await?;
        Ok(Prepared::Underway(Box::new(Underway { at, submission, gathered })))
    }

    /// What is known about a comment.
    async fn gather(
        &self,
        site: &Site,
        comment: &Comment,
        recorded: bool,
        now: Timestamp,
    ) -> Result<Gathered, ModerationError> {
        let (article, section) = match (&comment.place.article, &comment.place.inline_article) {
            (Some(id), _) => {
                let read = self.articles.read(&site.id, id).await?;
                (Some(read.profile), read.section)
            }
            (None, Some(fields)) => {
                let section = Some(fields.section.clone()).filter(|section| !section.is_empty());
                (Some(Arc::new(ArticleProfile::new(fields))), section)
            }
            (None, None) => (None, None),
        };
        let reading = Reading::of(comment);
        let keys = tally_keys(&self.secret, &site.id, comment, reading.document());
        let tallies = self.desk.store.tallies(&site.id, &keys).await?;
        let standing = Standing::read(&self.desk.store, &site.id, comment, &keys, now).await?;
        let exposure = self.heat.exposure(&site.id, comment.place.article.as_ref(), now);
        let id = VerdictId::generate();
        let document = reading.document();
        let newcomer =
            Newcomer { document, comment, keys: &keys, tallies: &tallies, verdict: recorded.then_some(id) };
        let kin = self.crowd.meet(&self.desk.store, &site.id, newcomer, now).await?;
        let taught = self.schools.of(&self.desk.store, &site.id).await?;
        let (lessons, near) = (Arc::clone(&taught.lessons), taught.near(kin.shingles()));
        Ok(Gathered { id, article, keys, tallies, reading, standing, kin, section, exposure, lessons, near })
    }

    async fn judge_and_record(
        &self,
        site: &Site,
        actor: &KeyId,
        underway: Vec<Underway>,
        now: Timestamp,
    ) -> Vec<(usize, Result<Verdict, ModerationError>)> {
        let places: Vec<usize> = underway.iter().map(|one| one.at).collect();
        let kin: Vec<_> = underway.iter().map(|one| one.gathered.kin.clone()).collect();
        let again = self.to_judge_again(&underway);
        let judged = match self.judge_all(site, actor, underway, now).await {
            Ok(judged) => judged,
            Err(_) => {
                let closed = || Err(ModerationError::Store(StoreError::Closed));
                return places.into_iter().map(|at| (at, closed())).collect();
            }
        };
        let mut new: Vec<NewVerdict> = judged.iter().map(|(_, new)| new.clone()).collect();
        for (one, kin) in new.iter_mut().zip(&kin) {
            self.heat.note(&site.id, one.verdict.article.as_ref(), now);
            one.campaign = self.crowd.judged(&one.verdict, kin);
        }
        let recorded = self.desk.store.record(new).await;
        self.offer_to_shadow(site, again, &judged, &recorded, now);
        let answer = |((at, new), result): ((usize, NewVerdict), Result<Recorded, StoreError>)| {
            let verdict = result.map_err(ModerationError::from).map(|recorded| match recorded {
                Recorded::New => {
                    self.desk.metrics.verdict(&new.verdict);
                    new.verdict
                }
                Recorded::Replayed(verdict) => *verdict,
            });
            (at, verdict)
        };
        judged.into_iter().zip(recorded).map(answer).collect()
    }

    /// What a shadow needs of comments on their way; nothing while there is none.
    fn to_judge_again(&self, underway: &[Underway]) -> Vec<(Comment, Gathered)> {
        if !self.shadow.is_on() {
            return Vec::new();
        }
        let one = |one: &Underway| (one.submission.comment.clone(), one.gathered.for_scoring());
        underway.iter().map(one).collect()
    }

    /// Hands comments whose verdicts are durable to the shadow.
    fn offer_to_shadow(
        &self,
        site: &Site,
        again: Vec<(Comment, Gathered)>,
        judged: &[(usize, NewVerdict)],
        recorded: &[Result<Recorded, StoreError>],
        now: Timestamp,
    ) {
        if again.is_empty() {
            return;
        }
        let site = Arc::new(site.clone());
        let fresh = again.into_iter().zip(judged).zip(recorded);
        for (((comment, gathered), (_, new)), recorded) in fresh {
            if matches!(recorded, Ok(Recorded::New)) {
                let (verdict, model) = (new.verdict.id, new.verdict.versions.model.clone());
                let site = Arc::clone(&site);
                self.shadow.offer(Work { site, comment, gathered, verdict, model, now });
            }
        }
    }

    /// Judges what was gathered: here when it is quick, else on a thread for long work.
    async fn judge_all(
        &self,
        site: &Site,
        actor: &KeyId,
        underway: Vec<Underway>,
        now: Timestamp,
    ) -> Result<Vec<(usize, NewVerdict)>, ModerationError> {
        let snapshot = self.snapshot.load_full();
        let bytes: usize = underway.iter().map(|one| one.submission.comment.body.as_str().len()).sum();
        let (site, actor, secret) = (site.clone(), actor.clone(), self.secret.clone());
        let work = move || {
            BOOKS.with_borrow_mut(|books| {
                let one = |one| judge_one(&snapshot, &site, &actor, &secret, one, now, books);
                underway.into_iter().map(one).collect()
            })
        };
        if bytes <= MAX_INLINE_BYTES {
            return Ok(work());
        }
        tokio::task::spawn_blocking(work).await.map_err(|_| ModerationError::Store(StoreError::Closed))
    }
}

enum Prepared {
    Answered(Box<Verdict>),
    Underway(Box<Underway>),
}

fn judge_one(
    snapshot: &Snapshot,
    site: &Site,
    actor: &KeyId,
    secret: &PseudonymKey,
    underway: Underway,
    now: Timestamp,
    books: &mut Books,
) -> (usize, NewVerdict) {
    let Underway { at, submission: Submission { comment, request }, gathered } = underway;
    let context = gathered.context(site, now);
    let document = gathered.reading.document();
    let judgement = judge_read(snapshot, &site.policy, Some(&site.id), &comment, document, &context, books);
    let pseudonyms = pseudonyms(secret, &site.id, &comment);
    let trace = trace(&judgement, site, &comment, &gathered, context.text);
    let Judgement { action, mut assessment, mut shadow_hits, .. } = judgement;
    shadow_hits.truncate(MAX_SHADOW_HITS);
    let Gathered { id: name, keys, standing, kin, section, exposure, .. } = gathered;
    // A person's word on the very comment or its author beats one on its like.
    let (action, reason) = match standing.settle(action) {
        (action, None) => kin.settle(action),
        said => said,
    };
    if let Some((code, message)) = reason {
        note(&mut assessment, code, message);
    }
    let drawn = secret.draw(&site.id, comment.id.as_ref(), name);
    let checked = kin.checked(site.queue, drawn, section.clone(), exposure);
    let queue = standing.enqueue(action, site.queue, drawn, (section, exposure)).or(checked);
    let Comment { id, body, markup, author, place, request: _, posted_at } = comment;
    let verdict = Verdict {
        id: name,
        site: site.id.clone(),
        action,
        assessment,
        versions: Versions {
            model: snapshot.model_id().to_owned(),
            rules: snapshot.rules.version(Some(&site.id)).to_owned(),
            policy: site.policy_version,
            normalizer: NORMALIZER_VERSION,
        },
        comment: id,
        body,
        markup,
        author_id: author.id,
        author_name: author.name,
        author_url: author.url,
        pseudonyms,
        article: place.article,
        parent: place.parent,
        parent_text: place.parent_text,
        posted_at,
        created_at: now,
        requested_by: actor.clone(),
        tallies: keys,
        shadow_hits,
        trace: trace.map(Box::new),
    };
    (at, NewVerdict { verdict, request, queue, campaign: kin.membership })
}

/// What judges the comment again; `None` for one that more rules matched than are named.
fn trace(
    judgement: &Judgement,
    site: &Site,
    comment: &Comment,
    gathered: &Gathered,
    text: Option<Tally>,
) -> Option<Trace> {
    let Judgement { action, rules, signals, could_stray, .. } = judgement;
    (rules.len() <= MAX_TRACED_RULES).then(|| Trace {
        signals: Packed(signals.pack()),
        rules: rules.clone(),
        text: text.map(|text| (text.approved, text.rejected)),
        could_stray: *could_stray,
        honeypot: comment.request.honeypot_filled,
        form_seconds: comment.request.form_seconds,
        section: gathered.section.clone(),
        policy: site.policy,
        scored: *action,
    })
}
