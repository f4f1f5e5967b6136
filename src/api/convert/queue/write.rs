//! Items, decisions, contexts and counts on the wire.
//!
//! May import: `types`, `store` (its answers), `moderation` (its answers).

use prost_types::FieldMask;

use super::filter::{
    write_author_action, write_cause, write_disposition, write_order, write_reason as write_code, write_state,
};
use crate::{
    api::{
        convert::{
            Shape, article,
            checks::Checks,
            names, time,
            verdict::{write as write_verdict, write_action, write_label},
        },
        pb::{
            self, batch_decide_queue_items_result::Result as BatchResult,
            undo_decision_result::Result as UndoResult,
        },
        status::Failure,
    },
    moderation::queue::{
        AuthorRecord, BatchOutcome, BatchPreview, DecisionContext, FilterView, Forecast, Neighbour,
        Reputation, StatsTold, UndoPage, rejection_rate,
    },
    store::{Placed, QueueStats, StoredHour},
    types::{
        Decision, FiledReport, QueueItem, QueueItemId, QueueOrder, Report, SiteId, Span, Tally, TallyKind,
        Timestamp, Verdict,
    },
};

type Clear = fn(&mut pb::QueueItem);

/// Every field of an item that a read mask may name, and what leaves it out.
#[rustfmt::skip]
const FIELDS: [(&str, Clear); 24] = [
    ("name",              |_| {}),
    ("verdict",           |i| i.verdict.clear()),
    ("state",             |i| i.state = 0),
    ("causes",            |i| i.causes.clear()),
    ("comment_id",        |i| i.comment_id.clear()),
    ("article",           |i| i.article.clear()),
    ("section",           |i| i.section.clear()),
    ("language",          |i| i.language.clear()),
    ("action",            |i| i.action = 0),
    ("probability",       |i| i.probability = 0.0),
    ("label",             |i| i.label = 0),
    ("label_probability", |i| i.label_probability = 0.0),
    ("report_weight",     |i| i.report_weight = 0.0),
    ("wait_start_time",   |i| i.wait_start_time = None),
    ("update_time",       |i| i.update_time = None),
    ("claimed_by",        |i| i.claimed_by.clear()),
    ("lease_expire_time", |i| i.lease_expire_time = None),
    ("decision",          |i| i.decision.clear()),
    ("campaign",          |i| i.campaign.clear()),
    ("rules",             |i| i.rules.clear()),
    ("position",          |i| i.position = None),
    ("author",            |i| i.author = None),
    ("body",              |i| i.body.clear()),
    ("reasons",           |i| i.reasons.clear()),
];
/// Fields that come from the verdict, and only when they are asked for.
const OF_VERDICT: [&str; 3] = ["author", "body", "reasons"];

/// Which fields of items are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) struct Parts(Vec<String>);

impl Parts {
    /// Every field.
    pub(in crate::api) fn all() -> Self {
        Self(FIELDS.iter().map(|(name, _)| (*name).to_owned()).collect())
    }

    /// Reads a mask; absent means everything that the item itself holds.
    pub(super) fn read(mask: Option<FieldMask>, checks: &mut Checks) -> Option<Self> {
        let mut paths = match mask {
            None => {
                let own = Self::all().0.into_iter().filter(|name| !OF_VERDICT.contains(&name.as_str()));
                return Some(Self(own.collect()));
            }
            Some(mask) => mask.paths,
        };
        if paths == ["*"] {
            return Some(Self::all());
        }
        paths.sort();
        paths.dedup();
        let unknown = paths.iter().find(|path| !FIELDS.iter().any(|(name, _)| name == path));
        if let Some(unknown) = unknown {
            checks.fail("read_mask", format_args!("names {unknown:?}, which is no field of QueueItem"));
            return None;
        }
        Some(Self(paths))
    }

    /// Whether the verdicts behind the items have to be read.
    pub(in crate::api) fn need_verdicts(&self) -> bool {
        self.0.iter().any(|name| OF_VERDICT.contains(&name.as_str()))
    }
}

/// Writes an item; `verdict` is the one behind it, when it is wanted.
pub(in crate::api) fn write_item(
    site: &SiteId,
    placed: Placed,
    order: QueueOrder,
    verdict: Option<Verdict>,
    parts: &Parts,
) -> pb::QueueItem {
    let Placed { item, rank: _, value, why } = placed;
    let mut written = own_fields(site, item);
    let position = pb::QueuePosition { order: write_order(order).into(), value, explanation: why };
    written.position = Some(position);
    if let Some(verdict) = verdict {
        let full = write_verdict(verdict, Shape::Full);
        let comment = full.comment.unwrap_or_default();
        written.author = comment.author;
        written.body = comment.body;
        written.reasons = full.reasons;
    }
    for (name, clear) in FIELDS {
        if !parts.0.iter().any(|wanted| wanted == name) {
            clear(&mut written);
        }
    }
    written
}

fn own_fields(site: &SiteId, item: QueueItem) -> pb::QueueItem {
    let label = item.label();
    let label_probability = item.labels[label].get();
    let QueueItem {
        id,
        site: _,
        verdict,
        comment,
        article,
        section,
        language,
        author: _,
        campaign,
        rules,
        causes,
        action,
        labels: _,
        overall,
        exposure: _,
        report_weight,
        state,
        lease,
        token: _,
        barred: _,
        appeal: _,
        decision,
        text: _,
        waiting_since,
        updated_at,
        version: _,
    } = item;
    let (claimed_by, lease_expire_time) = match lease {
        Some(lease) => (lease.holder.into(), Some(time::write(lease.expires_at))),
        None => (String::new(), None),
    };
    pb::QueueItem {
        name: names::of_a_queue_item(site, id),
        verdict: names::of_a_verdict(site, verdict),
        state: write_state(state).into(),
        causes: causes.iter().map(|cause| write_cause(cause).into()).collect(),
        comment_id: comment.map(String::from).unwrap_or_default(),
        article: article.map(|id| names::of_an_article(site, &id)).unwrap_or_default(),
        section: section.unwrap_or_default(),
        language: language.unwrap_or_default(),
        action: write_action(action).into(),
        probability: overall.get(),
        label: write_label(label).into(),
        label_probability,
        report_weight: f64::from(report_weight) / 1000.0,
        wait_start_time: Some(time::write(waiting_since)),
        update_time: Some(time::write(updated_at)),
        claimed_by,
        lease_expire_time,
        decision: decision.map(|id| names::of_a_decision(site, id)).unwrap_or_default(),
        campaign: campaign.map(|id| names::of_a_campaign(site, id)).unwrap_or_default(),
        rules,
        ..pb::QueueItem::default()
    }
}

/// Writes a decision.
pub(in crate::api) fn write_decision(site: &SiteId, decision: Decision) -> pb::Decision {
    let Decision {
        id,
        item,
        verdict,
        actor,
        disposition,
        reason,
        policy_clause,
        note,
        batch,
        reverses,
        author_action,
        token,
        created_at,
    } = decision;
    pb::Decision {
        name: names::of_a_decision(site, id),
        item: names::of_a_queue_item(site, item),
        verdict: names::of_a_verdict(site, verdict),
        disposition: write_disposition(disposition).into(),
        reason_code: reason.map(|reason| write_code(reason).into()).unwrap_or_default(),
        dsa_category: reason.map(|reason| reason.dsa_category().name().to_owned()).unwrap_or_default(),
        policy_clause,
        note,
        author_action: author_action.map(|action| write_author_action(action).into()).unwrap_or_default(),
        batch: batch.map(|id| names::of_a_batch(site, id)).unwrap_or_default(),
        reverses: reverses.map(|id| names::of_a_decision(site, id)).unwrap_or_default(),
        lease_token: token.unwrap_or_default(),
        reviewer: actor.into(),
        create_time: Some(time::write(created_at)),
    }
}

/// Writes what a batch did.
pub(in crate::api) fn write_batch(site: &SiteId, outcome: BatchOutcome) -> pb::BatchDecideQueueItemsResponse {
    let BatchOutcome { batch, results, more, agreed, estimated_error } = outcome;
    let decided = results.iter().filter(|(_, result)| result.is_ok()).count();
    let failed = results.len() - decided;
    let write = |(item, result): (QueueItemId, Result<Decision, _>)| pb::BatchDecideQueueItemsResult {
        name: names::of_a_queue_item(site, item),
        result: Some(match result {
            Ok(decision) => BatchResult::Decision(write_decision(site, decision)),
            Err(error) => BatchResult::Error(Failure::from(error).into()),
        }),
    };
    pb::BatchDecideQueueItemsResponse {
        batch: names::of_a_batch(site, batch),
        results: results.into_iter().map(write).collect(),
        more,
        decided_count: count(decided),
        failed_count: count(failed),
        agreed_count: count(agreed),
        estimated_error,
        sample: Vec::new(),
    }
}

/// Writes what a batch would do.
pub(in crate::api) fn write_preview(
    site: &SiteId,
    preview: BatchPreview,
) -> pb::BatchDecideQueueItemsResponse {
    let BatchPreview { count: decidable, failing, more, agreed, estimated_error, sample } = preview;
    let parts = Parts::all();
    let show = |placed| write_item(site, placed, QueueOrder::ValueOfLook, None, &parts);
    pb::BatchDecideQueueItemsResponse {
        batch: String::new(),
        results: Vec::new(),
        more,
        decided_count: count(decidable),
        failed_count: count(failing),
        agreed_count: count(agreed),
        estimated_error,
        sample: sample.into_iter().map(show).collect(),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Writes what undoing did.
pub(in crate::api) fn write_undo(site: &SiteId, page: UndoPage, token: String) -> pb::UndoDecisionResponse {
    let write = |(undone, result)| pb::UndoDecisionResult {
        undone: names::of_a_decision(site, undone),
        result: Some(match result {
            Ok(decision) => UndoResult::Decision(write_decision(site, decision)),
            Err(error) => UndoResult::Error(Failure::from(error).into()),
        }),
    };
    let results = page.results.into_iter().map(write).collect();
    pb::UndoDecisionResponse { results, next_page_token: token }
}

/// Writes how much waits.
pub(in crate::api) fn write_stats(told: StatsTold) -> pb::GetQueueStatsResponse {
    const HOURS: usize = 48;
    let StatsTold { stats, forecast, estimated } = told;
    let QueueStats { open, claimed, decided, oldest, hours } = stats;
    let Forecast { arrivals_per_hour, decisions_per_hour, time_to_empty, waiting_in_a_day, sentence } =
        forecast;
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let hour = |(start, hour): (Timestamp, StoredHour)| pb::QueueHour {
        start_time: Some(time::write(start)),
        arrival_count: small(hour.arrivals()),
        decision_count: small(hour.decisions()),
    };
    pb::GetQueueStatsResponse {
        open_count: open,
        claimed_count: claimed,
        decided_count: decided,
        oldest_wait_start_time: oldest.map(time::write),
        hours: hours.into_iter().rev().take(HOURS).map(hour).collect(),
        arrivals_per_hour,
        decisions_per_hour,
        time_to_empty: time_to_empty.map(time::write_duration),
        forecast_count: waiting_in_a_day,
        forecast: sentence,
        estimated,
    }
}

/// Writes everything around an item.
pub(in crate::api) fn write_context(
    site: &SiteId,
    context: DecisionContext,
) -> pb::GetDecisionContextResponse {
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
        reputations,
    } = context;
    let near = |neighbour| write_neighbour(site, neighbour);
    let all = Parts::all();
    let item = write_item(site, placed, QueueOrder::ValueOfLook, Some(verdict.clone()), &all);
    // Title and lede are what a decision needs; the text may have 256 KiB.
    let lede =
        |fields| pb::ArticleContent { text: String::new(), tags: Vec::new(), ..article::write(fields) };
    pb::GetDecisionContextResponse {
        item: Some(item),
        decisions: decisions.into_iter().map(|decision| write_decision(site, decision)).collect(),
        verdict: Some(write_verdict(verdict, Shape::Full)),
        article: article.map(lede),
        parent: parent.map(near),
        neighbours: neighbours.into_iter().map(near).collect(),
        author: author.map(write_author),
        author_comments: author_comments.into_iter().map(near).collect(),
        views: views.into_iter().map(write_view).collect(),
        campaign_mates: mates.into_iter().map(near).collect(),
        reports: reports.into_iter().map(write_report).collect(),
        appeal_statement: appeal_statement.unwrap_or_default(),
        reputations: reputations.into_iter().map(write_reputation).collect(),
    }
}

/// Bytes of a neighbour's body that are shown: it is there to be glanced at.
const GLANCE_BYTES: usize = 2_000;

fn write_neighbour(site: &SiteId, neighbour: Neighbour) -> pb::NeighbourComment {
    let Neighbour { verdict, decision, approved } = neighbour;
    let decision = decision.map(|decision| write_decision(site, decision));
    let outcome = match approved {
        Some(true) => pb::Disposition::Approve,
        Some(false) => pb::Disposition::Reject,
        None => pb::Disposition::Unspecified,
    };
    pb::NeighbourComment { verdict: Some(write_glance(verdict)), decision, outcome: outcome.into() }
}

/// Writes a verdict that is only glanced at: no reasons, a short body.
pub(super) fn write_glance(verdict: Verdict) -> pb::Verdict {
    let mut verdict = write_verdict(verdict, Shape::Full);
    verdict.reasons.clear();
    if let Some(comment) = &mut verdict.comment {
        cut(&mut comment.body, GLANCE_BYTES);
        comment.parent_text.clear();
    }
    verdict
}

/// Cuts a text between characters.
pub(super) fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}

fn write_author(author: AuthorRecord) -> pb::AuthorRecord {
    let AuthorRecord { rule, tally } = author;
    let rejection_rate = rejection_rate(&tally);
    let Tally { seen, approved, rejected, first_seen, last_seen } = tally;
    let moment = |moment| (seen > 0).then(|| time::write(moment));
    let (action, until) = rule.map_or((None, None), |rule| (Some(rule.action), rule.until));
    pb::AuthorRecord {
        action: action.map(|action| write_author_action(action).into()).unwrap_or_default(),
        action_expire_time: until.map(time::write),
        seen_count: seen,
        approved_count: approved,
        rejected_count: rejected,
        rejection_rate,
        first_seen_time: moment(first_seen),
        last_seen_time: moment(last_seen),
    }
}

fn write_view(view: FilterView) -> pb::FilterView {
    let FilterView { name, description, mut text, spans } = view;
    let whole = text.len();
    cut(&mut text, crate::types::MAX_BODY_BYTES);
    let shown = if text.len() == whole { whole } else { crate::types::MAX_BODY_BYTES };
    let span = |(Span { start, end }, reason): (Span, usize)| {
        let span = Some(pb::TextSpan { start, end });
        (end as usize <= shown).then_some(pb::FilterViewSpan { span, reason: count(reason) })
    };
    let spans = spans.into_iter().filter_map(span).collect();
    pb::FilterView { name: name.to_owned(), description: description.to_owned(), text, spans }
}

fn write_reputation(reputation: Reputation) -> pb::Reputation {
    let Reputation { kind, value, tally } = reputation;
    let rejection_rate = rejection_rate(&tally);
    let Tally { seen, approved, rejected, .. } = tally;
    let kind = match kind {
        TallyKind::Author => pb::ReputationKind::Unspecified,
        TallyKind::Network => pb::ReputationKind::Network,
        TallyKind::Domain => pb::ReputationKind::Domain,
        TallyKind::EmailDomain => pb::ReputationKind::EmailDomain,
        TallyKind::Text => pb::ReputationKind::Text,
    };
    pb::Reputation {
        kind: kind.into(),
        value: value.unwrap_or_default(),
        seen_count: seen,
        approved_count: approved,
        rejected_count: rejected,
        rejection_rate,
    }
}

fn write_report(report: FiledReport) -> pb::ReaderReport {
    let FiledReport { report, weight, settled: _ } = report;
    let Report { verdict: _, reporter: _, reason, note, sent_by: _, created_at } = report;
    pb::ReaderReport {
        reason_code: reason.map(|reason| write_code(reason).into()).unwrap_or_default(),
        note,
        weight: f64::from(weight) / 1000.0,
        create_time: Some(time::write(created_at)),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn masks_name_every_field_of_an_item() {
        let set = FileDescriptorSet::decode(pb::FILE_DESCRIPTOR_SET).unwrap();
        let messages = set.file.iter().flat_map(|file| &file.message_type);
        let item = messages.clone().find(|message| message.name() == "QueueItem").unwrap();
        let described: Vec<_> = item.field.iter().map(|field| field.name()).collect();
        let known: Vec<_> = FIELDS.iter().map(|(name, _)| *name).collect();
        assert_eq!(known, described);
    }

    #[test]
    fn lists_leave_texts_out_unless_asked() {
        let mut checks = Checks::default();
        let mask =
            |paths: &[&str]| Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() });
        assert!(!Parts::read(None, &mut checks).unwrap().need_verdicts());
        assert!(Parts::read(mask(&["body"]), &mut checks).unwrap().need_verdicts());
        assert!(!Parts::read(mask(&["state", "label"]), &mut checks).unwrap().need_verdicts());
        assert!(Parts::read(mask(&["*"]), &mut checks).unwrap().need_verdicts());
        assert!(Parts::read(mask(&["bodies"]), &mut checks).is_none());
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let mut text = "aä".repeat(3);
        cut(&mut text, 5);
        assert_eq!(text, "aäa…");
        let mut short = "ab".to_owned();
        cut(&mut short, 2);
        assert_eq!(short, "ab");
    }
}
