//! One item as the focus view shows it: from what the queue knows of it to what the
//! template writes.
//!
//! May import: `types`, `moderation`, `store` (answers).

use super::{
    frame::moment,
    names::Names,
    strings::t,
    text::{self, Piece},
};
use crate::{
    moderation::{
        ModerationError,
        queue::{DecisionContext, Neighbour},
    },
    types::{
        Action, ArticleFields, Assessment, Decision, ItemState, Label, Policy, Probability, QueueItem, Role,
        Verdict,
    },
};

/// Bytes of a lede.
const LEDE: usize = 320;
/// Characters of another comment.
const NEAR: usize = 220;
/// Probability of abuse from which a text is blurred until it is asked for.
const BLUR: f64 = 0.5;
/// Width of the drawing of contributions, in units; its middle is nought.
const WIDTH: f64 = 200.0;

/// One contribution, as a bar from the middle.
pub(super) struct Bar {
    pub(super) words: String,
    pub(super) code: String,
    pub(super) nats: String,
    pub(super) toward: bool,
    pub(super) x: String,
    pub(super) width: String,
    /// Number of the reason, from 1; 0 for what is no reason.
    pub(super) reason: usize,
}

/// The contributions to one label; they add up to its total.
pub(super) struct Meter {
    pub(super) label: &'static str,
    pub(super) percent: String,
    pub(super) total: String,
    pub(super) bars: Vec<Bar>,
    pub(super) hold: String,
    pub(super) reject: String,
    pub(super) main: bool,
}

/// A reading of the text.
pub(super) struct Reading {
    pub(super) name: &'static str,
    pub(super) words: &'static str,
    pub(super) pieces: Vec<Piece>,
}

/// A comment near the one in question.
pub(super) struct Near {
    pub(super) author: String,
    pub(super) text: Vec<Piece>,
    pub(super) at: String,
    pub(super) outcome: &'static str,
}

/// What is known of the author.
pub(super) struct AuthorCard {
    pub(super) seen: u32,
    pub(super) approved: u32,
    pub(super) rejected: u32,
    pub(super) first: String,
    pub(super) rule: &'static str,
}

/// One decision.
pub(super) struct Ruling {
    pub(super) who: String,
    pub(super) what: &'static str,
    pub(super) why: &'static str,
    pub(super) note: String,
    pub(super) at: String,
}

/// Everything of an item.
pub(super) struct Card {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: &'static str,
    pub(super) mine: bool,
    pub(super) holder: String,
    pub(super) token: u64,
    pub(super) expires: String,
    pub(super) causes: Vec<&'static str>,
    pub(super) label: &'static str,
    pub(super) percent: String,
    pub(super) action: &'static str,
    pub(super) why: String,
    pub(super) since: String,
    pub(super) blurred: bool,
    pub(super) author: String,
    pub(super) author_id: String,
    pub(super) author_url: String,
    pub(super) body: Vec<Piece>,
    pub(super) readings: Vec<Reading>,
    pub(super) meters: Vec<Meter>,
    pub(super) counterfactual: String,
    pub(super) article: Option<ArticleCard>,
    pub(super) article_id: String,
    pub(super) parent: Option<Near>,
    pub(super) neighbours: Vec<Near>,
    pub(super) record: Option<AuthorCard>,
    pub(super) others: Vec<Near>,
    pub(super) campaign: String,
    pub(super) mates: Vec<Near>,
    pub(super) reports: Vec<(String, &'static str, String)>,
    pub(super) appeal: String,
    pub(super) history: Vec<Ruling>,
    pub(super) versions: String,
    pub(super) language: String,
}

/// The article beside a comment.
pub(super) struct ArticleCard {
    pub(super) title: String,
    pub(super) lede: String,
    pub(super) section: String,
    pub(super) url: String,
}

/// A probability in whole percent; "<1" and ">99" at the ends, where 0 and 100 would
/// be claims.
pub(super) fn percent(p: Probability) -> String {
    match p.get() * 100.0 {
        p if p < 1.0 => "<1".to_owned(),
        p if p > 99.0 => ">99".to_owned(),
        p => format!("{p:.0}"),
    }
}

/// The words of a label.
pub(super) fn label_words(label: Label) -> &'static str {
    match label {
        Label::Spam => t("label.spam"),
        Label::LowContent => t("label.low_content"),
        Label::OffTopic => t("label.off_topic"),
        Label::Abuse => t("label.abuse"),
    }
}

/// The words of an action.
pub(super) fn action_words(action: Action) -> &'static str {
    match action {
        Action::Allow => t("action.allow"),
        Action::Hold => t("action.hold"),
        Action::Reject => t("action.reject"),
        Action::Discard => t("action.discard"),
    }
}

/// The word of a state, for scripts and styles.
pub(super) const fn state_name(state: ItemState) -> &'static str {
    match state {
        ItemState::Open => "open",
        ItemState::Claimed => "claimed",
        ItemState::Decided => "decided",
    }
}

/// The words of an item's causes.
pub(super) fn causes(item: &QueueItem) -> Vec<&'static str> {
    item.causes
        .iter()
        .map(|cause| {
            t(match cause.name() {
                "held" => "cause.held",
                "reported" => "cause.reported",
                "sampled" => "cause.sampled",
                "appealed" => "cause.appealed",
                _ => "cause.campaign",
            })
        })
        .collect()
}

impl Card {
    /// Makes a card for somebody with a role.
    pub(super) async fn new(
        context: DecisionContext,
        policy: &Policy,
        names: &mut Names<'_>,
    ) -> Result<Self, ModerationError> {
        let DecisionContext {
            placed,
            decisions,
            verdict,
            article,
            parent,
            neighbours,
            author,
            author_comments,
            mates,
            reports,
            appeal_statement,
            views,
            ..
        } = context;
        let item = &placed.item;
        let lease = item.lease.as_ref();
        let mine = lease.is_some_and(|lease| names.is_own(&lease.holder));
        let holder = match lease {
            Some(lease) => names.of(&lease.holder).await?,
            None => String::new(),
        };
        let mut history = Vec::new();
        for decision in &decisions {
            history.push(ruling(decision, names).await?);
        }
        let record = author.map(|record| AuthorCard {
            seen: record.tally.seen,
            approved: record.tally.approved,
            rejected: record.tally.rejected,
            first: moment(record.tally.first_seen),
            rule: record.rule.map_or("", |rule| rule_words(rule.action.name())),
        });
        let report = |filed: &crate::types::FiledReport| {
            let reason = filed.report.reason.map_or("", |reason| t(reason_key(reason.name())));
            (moment(filed.report.created_at), reason, text::excerpt(&filed.report.note, NEAR))
        };
        let Verdict { assessment, versions, .. } = &verdict;
        let body = text::marked(verdict.body.as_str(), &marks(assessment));
        Ok(Self {
            id: item.id.to_string(),
            name: format!("sites/{}/queueItems/{}", item.site, item.id),
            state: state_name(item.state),
            mine,
            holder,
            token: lease.filter(|_| mine).map_or(0, |lease| lease.token),
            expires: lease.map_or(String::new(), |lease| moment(lease.expires_at)),
            causes: causes(item),
            label: label_words(item.label()),
            percent: percent(item.overall),
            action: action_words(item.action),
            since: moment(item.waiting_since),
            blurred: item.labels[Label::Abuse].get() >= BLUR,
            author: verdict.author_name.clone().unwrap_or_default(),
            author_id: verdict.author_id.clone().or(verdict.author_name.clone()).unwrap_or_default(),
            author_url: verdict.author_url.clone().unwrap_or_default(),
            readings: readings(verdict.body.as_str(), views),
            meters: meters(assessment, policy, item.label()),
            counterfactual: assessment
                .counterfactual
                .as_ref()
                .map_or(String::new(), |c| c.message.to_string()),
            article_id: verdict.article.as_ref().map_or(String::new(), ToString::to_string),
            article: article.map(article_card),
            parent: parent.map(|parent| near(&parent)).or_else(|| unknown_parent(&verdict)),
            neighbours: neighbours.iter().map(near).collect(),
            record,
            others: author_comments.iter().map(near).collect(),
            campaign: item.campaign.map_or(String::new(), |id| id.to_string()),
            mates: mates.iter().map(near).collect(),
            reports: reports.iter().map(report).collect(),
            appeal: appeal_statement.unwrap_or_default(),
            history,
            versions: format!(
                "model {} · rules {} · policy {} · normaliser {}",
                short(&versions.model),
                short(&versions.rules),
                versions.policy,
                versions.normalizer
            ),
            language: assessment.language.as_deref().unwrap_or("").to_owned(),
            body,
            why: placed.why,
        })
    }
}

fn short(id: &str) -> String {
    id.chars().take(12).collect()
}

/// The spans of reasons that point at the text.
fn marks(assessment: &Assessment) -> Vec<(crate::types::Span, usize)> {
    let reasons = assessment.reasons.iter().enumerate();
    reasons.filter_map(|(number, reason)| reason.span.map(|span| (span, number))).collect()
}

/// The readings of the filter, each beside the one before it.
fn readings(body: &str, views: Vec<crate::moderation::queue::FilterView>) -> Vec<Reading> {
    let mut before = body.to_owned();
    let mut readings = Vec::with_capacity(views.len());
    for view in views {
        let pieces = text::changed(&before, &view.text);
        readings.push(Reading { name: view.name, words: view.description, pieces });
        before = view.text;
    }
    readings
}

/// The contributions to every label, the main one first.
fn meters(assessment: &Assessment, policy: &Policy, main: Label) -> Vec<Meter> {
    let mut meters: Vec<Meter> =
        Label::ALL.into_iter().map(|label| meter(assessment, policy, label, label == main)).collect();
    meters.sort_by_key(|meter| !meter.main);
    meters
}

fn meter(assessment: &Assessment, policy: &Policy, label: Label, main: bool) -> Meter {
    let score = &assessment.labels[label];
    let mut parts = vec![(t("meter.base").to_owned(), String::new(), score.base.get(), 0)];
    for (number, reason) in assessment.reasons.iter().enumerate().filter(|(_, reason)| reason.label == label)
    {
        parts.push((reason.message.to_string(), reason.code.to_string(), reason.log_odds.get(), number + 1));
    }
    parts.push((t("meter.rest").to_owned(), String::new(), score.rest.get(), 0));
    let most = parts.iter().map(|part| part.2.abs()).fold(1.0, f64::max);
    let bar = |(words, code, nats, reason): (String, String, f64, usize)| {
        let width = nats.abs() / most * (WIDTH / 2.0);
        let x = if nats < 0.0 { WIDTH / 2.0 - width } else { WIDTH / 2.0 };
        Bar {
            words,
            code,
            nats: format!("{nats:+.2}"),
            toward: nats >= 0.0,
            x: format!("{x:.1}"),
            width: format!("{:.1}", width.max(0.6)),
            reason,
        }
    };
    let thresholds = policy.thresholds(label);
    Meter {
        label: label_words(label),
        percent: percent(score.probability),
        total: format!("{:+.2}", score.log_odds.get()),
        bars: parts.into_iter().map(bar).collect(),
        hold: percent(thresholds.hold),
        reject: thresholds.reject.map_or(String::new(), percent),
        main,
    }
}

fn article_card(article: ArticleFields) -> ArticleCard {
    let lede = if article.summary.trim().is_empty() { &article.text } else { &article.summary };
    ArticleCard {
        lede: text::excerpt(lede, LEDE),
        url: text::web_address(&article.url).unwrap_or("").to_owned(),
        title: text::excerpt(&article.title, LEDE),
        section: article.section,
    }
}

/// Another comment, cut.
pub(super) fn near(neighbour: &Neighbour) -> Near {
    let Neighbour { verdict, decision, approved } = neighbour;
    let outcome = match (decision, approved) {
        (Some(decision), _) => disposition_words(decision),
        (None, Some(true)) => t("ruled.approve"),
        (None, Some(false)) => t("ruled.reject"),
        (None, None) => action_words(verdict.action),
    };
    Near {
        author: text::excerpt(verdict.author_name.as_deref().unwrap_or(t("card.nobody")), 60),
        text: text::plain(&text::excerpt(verdict.body.as_str(), NEAR)),
        at: moment(verdict.created_at),
        outcome,
    }
}

/// The text that the CMS sent along of a comment that was not scored here.
fn unknown_parent(verdict: &Verdict) -> Option<Near> {
    let parent = verdict.parent_text.as_ref()?;
    Some(Near {
        author: String::new(),
        text: text::plain(&text::excerpt(parent, NEAR)),
        at: String::new(),
        outcome: "",
    })
}

fn disposition_words(decision: &Decision) -> &'static str {
    t(match decision.disposition.name() {
        "approve" => "ruled.approve",
        "reject" => "ruled.reject",
        _ => "ruled.undo",
    })
}

fn rule_words(name: &str) -> &'static str {
    t(match name {
        "trust" => "author.trust",
        "ban" => "author.ban",
        _ => "author.pre_moderate",
    })
}

/// The key of the words of a reason to reject.
pub(super) fn reason_key(name: &str) -> &'static str {
    match name {
        "spam" => "reason.spam",
        "low_content" => "reason.low_content",
        "off_topic" => "reason.off_topic",
        "harassment" => "reason.harassment",
        "hate" => "reason.hate",
        "sexual" => "reason.sexual",
        "violence" => "reason.violence",
        "personal_data" => "reason.personal_data",
        "illegal" => "reason.illegal",
        _ => "reason.other",
    }
}

async fn ruling(decision: &Decision, names: &mut Names<'_>) -> Result<Ruling, ModerationError> {
    Ok(Ruling {
        who: names.of(&decision.actor).await?,
        what: disposition_words(decision),
        why: decision.reason.map_or("", |reason| t(reason_key(reason.name()))),
        note: text::excerpt(&decision.note, 500),
        at: moment(decision.created_at),
    })
}

/// Whether somebody with a role may rule on authors for good.
pub(super) const fn may_ban(role: Role) -> bool {
    matches!(role, Role::Lead | Role::Admin)
}
