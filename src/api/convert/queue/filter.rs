//! Filters, orders and states, both ways.
//!
//! May import: `types`, `moderation` (what is asked).

use crate::{
    api::{
        convert::{
            checks::{Checks, at_most, known, some},
            names, time,
            verdict::{read_action, read_label, write_action, write_label},
        },
        pb,
    },
    moderation::queue::Wanted,
    types::{
        AuthorAction, Cause, Disposition, ItemState, MAX_FIELD_BYTES, Probability, QueueFilter, QueueOrder,
        ReasonCode, SiteId,
    },
};

/// Most bytes of a rule's code and of a language tag.
const MAX_CODE_BYTES: usize = 200;

/// Reads a filter of a request on a site.
pub(super) fn read_filter(
    filter: Option<pb::QueueItemFilter>,
    site: Option<&SiteId>,
    checks: &mut Checks,
) -> Option<Wanted> {
    let filter = filter.unwrap_or_default();
    checks.inside("filter", |checks| fields(filter, site, checks))
}

fn fields(filter: pb::QueueItemFilter, site: Option<&SiteId>, checks: &mut Checks) -> Option<Wanted> {
    let pb::QueueItemFilter {
        label,
        cause,
        action,
        article,
        section,
        language,
        author_id,
        rule,
        campaign,
        min_probability,
        max_probability,
        min_wait,
        max_wait,
    } = filter;
    let label = checks.maybe("label", (label != 0).then(|| read_label(label)));
    let cause = checks.take("cause", known::<pb::QueueCause>(cause));
    let action = checks.take("action", known::<pb::Action>(action));
    let article = some(article).map(|name| names::of_site(names::article(&name), site));
    let article = checks.maybe("article", article);
    let section = checks.maybe("section", some(section).map(|text| at_most(text, MAX_FIELD_BYTES)));
    let language = checks.maybe("language", some(language).map(|text| at_most(text, MAX_CODE_BYTES)));
    let author_id = checks.maybe("author_id", some(author_id).map(|text| at_most(text, MAX_FIELD_BYTES)));
    let rule = checks.maybe("rule", some(rule).map(|text| at_most(text, MAX_CODE_BYTES)));
    let campaign = some(campaign).map(|name| names::of_site(names::campaign(&name), site));
    let campaign = checks.maybe("campaign", campaign);
    let score_from = checks.maybe("min_probability", min_probability.map(read_probability));
    let score_below = checks.maybe("max_probability", max_probability.map(read_probability));
    if let (Some(Some(from)), Some(Some(below))) = (score_from, score_below) {
        checks.require("max_probability", from <= below, "must not be less than min_probability");
    }
    let waited_at_least = checks.maybe("min_wait", min_wait.map(time::read_duration));
    let waited_less_than = checks.maybe("max_wait", max_wait.map(time::read_duration));
    let filter = QueueFilter {
        label: label?,
        section: section?,
        language: language?,
        score_from: score_from?,
        score_below: score_below?,
        rule: rule?,
        waited_at_least: waited_at_least?,
        waited_less_than: waited_less_than?,
        author: None,
        article: article?,
        campaign: campaign?,
        cause: cause?.and_then(read_cause),
        action: action?.and_then(read_action),
    };
    Some(Wanted { filter, author_id: author_id? })
}

/// Writes a filter. The author is kept as a digest only and cannot be written.
pub(super) fn write_filter(site: &SiteId, filter: QueueFilter) -> pb::QueueItemFilter {
    let QueueFilter {
        label,
        section,
        language,
        score_from,
        score_below,
        rule,
        waited_at_least,
        waited_less_than,
        author: _,
        article,
        campaign,
        cause,
        action,
    } = filter;
    pb::QueueItemFilter {
        label: label.map(|label| write_label(label).into()).unwrap_or_default(),
        cause: cause.map(|cause| write_cause(cause).into()).unwrap_or_default(),
        action: action.map(|action| write_action(action).into()).unwrap_or_default(),
        article: article.map(|id| names::of_an_article(site, &id)).unwrap_or_default(),
        section: section.unwrap_or_default(),
        language: language.unwrap_or_default(),
        author_id: String::new(),
        rule: rule.unwrap_or_default(),
        campaign: campaign.map(|id| names::of_a_campaign(site, id)).unwrap_or_default(),
        min_probability: score_from.map(Probability::get),
        max_probability: score_below.map(Probability::get),
        min_wait: waited_at_least.map(time::write_duration),
        max_wait: waited_less_than.map(time::write_duration),
    }
}

fn read_probability(number: f64) -> Result<Probability, &'static str> {
    Probability::new(number).ok_or("must be from 0 to 1")
}

fn read_cause(cause: pb::QueueCause) -> Option<Cause> {
    match cause {
        pb::QueueCause::Unspecified => None,
        pb::QueueCause::Held => Some(Cause::Held),
        pb::QueueCause::Reported => Some(Cause::Reported),
        pb::QueueCause::Sampled => Some(Cause::Sampled),
        pb::QueueCause::Appealed => Some(Cause::Appealed),
        pb::QueueCause::Campaign => Some(Cause::Campaign),
    }
}

/// Writes a cause.
pub(super) const fn write_cause(cause: Cause) -> pb::QueueCause {
    match cause {
        Cause::Held => pb::QueueCause::Held,
        Cause::Reported => pb::QueueCause::Reported,
        Cause::Sampled => pb::QueueCause::Sampled,
        Cause::Appealed => pb::QueueCause::Appealed,
        Cause::Campaign => pb::QueueCause::Campaign,
    }
}

/// Reads an order; unspecified is none.
pub(super) fn read_order(number: i32, checks: &mut Checks) -> Option<Option<QueueOrder>> {
    let order = checks.take("order", known::<pb::QueueOrder>(number))?;
    Some(order.and_then(|order| match order {
        pb::QueueOrder::Unspecified => None,
        pb::QueueOrder::Newest => Some(QueueOrder::Newest),
        pb::QueueOrder::Oldest => Some(QueueOrder::Oldest),
        pb::QueueOrder::MostLikelyWrong => Some(QueueOrder::MostLikelyWrong),
        pb::QueueOrder::HarmExposure => Some(QueueOrder::HarmExposure),
        pb::QueueOrder::ValueOfLook => Some(QueueOrder::ValueOfLook),
    }))
}

/// Writes an order.
pub(super) const fn write_order(order: QueueOrder) -> pb::QueueOrder {
    match order {
        QueueOrder::Newest => pb::QueueOrder::Newest,
        QueueOrder::Oldest => pb::QueueOrder::Oldest,
        QueueOrder::MostLikelyWrong => pb::QueueOrder::MostLikelyWrong,
        QueueOrder::HarmExposure => pb::QueueOrder::HarmExposure,
        QueueOrder::ValueOfLook => pb::QueueOrder::ValueOfLook,
    }
}

/// Reads a state; unspecified is OPEN.
pub(super) fn read_state(number: i32, checks: &mut Checks) -> Option<ItemState> {
    let state = checks.take("state", known::<pb::QueueItemState>(number))?;
    Some(match state {
        None | Some(pb::QueueItemState::Unspecified | pb::QueueItemState::Open) => ItemState::Open,
        Some(pb::QueueItemState::Claimed) => ItemState::Claimed,
        Some(pb::QueueItemState::Decided) => ItemState::Decided,
    })
}

/// Writes a state.
pub(super) const fn write_state(state: ItemState) -> pb::QueueItemState {
    match state {
        ItemState::Open => pb::QueueItemState::Open,
        ItemState::Claimed => pb::QueueItemState::Claimed,
        ItemState::Decided => pb::QueueItemState::Decided,
    }
}

/// Reads a reason; unspecified is none.
pub(super) fn read_reason(number: i32, checks: &mut Checks) -> Option<Option<ReasonCode>> {
    use pb::ReasonCode as P;
    let reason = checks.take("reason_code", known::<P>(number))?;
    Some(reason.and_then(|reason| match reason {
        P::Unspecified => None,
        P::Spam => Some(ReasonCode::Spam),
        P::LowContent => Some(ReasonCode::LowContent),
        P::OffTopic => Some(ReasonCode::OffTopic),
        P::Harassment => Some(ReasonCode::Harassment),
        P::Hate => Some(ReasonCode::Hate),
        P::Sexual => Some(ReasonCode::Sexual),
        P::Violence => Some(ReasonCode::Violence),
        P::PersonalData => Some(ReasonCode::PersonalData),
        P::Illegal => Some(ReasonCode::Illegal),
        P::Other => Some(ReasonCode::Other),
    }))
}

/// Writes a reason.
pub(super) const fn write_reason(reason: ReasonCode) -> pb::ReasonCode {
    use pb::ReasonCode as P;
    match reason {
        ReasonCode::Spam => P::Spam,
        ReasonCode::LowContent => P::LowContent,
        ReasonCode::OffTopic => P::OffTopic,
        ReasonCode::Harassment => P::Harassment,
        ReasonCode::Hate => P::Hate,
        ReasonCode::Sexual => P::Sexual,
        ReasonCode::Violence => P::Violence,
        ReasonCode::PersonalData => P::PersonalData,
        ReasonCode::Illegal => P::Illegal,
        ReasonCode::Other => P::Other,
    }
}

/// Reads what holds for an author; unspecified is none.
pub(super) fn read_author_action(
    number: i32,
    field: &str,
    checks: &mut Checks,
) -> Option<Option<AuthorAction>> {
    let action = checks.take(field, known::<pb::AuthorAction>(number))?;
    Some(action.and_then(|action| match action {
        pb::AuthorAction::Unspecified => None,
        pb::AuthorAction::Trust => Some(AuthorAction::Trust),
        pb::AuthorAction::PreModerate => Some(AuthorAction::PreModerate),
        pb::AuthorAction::Ban => Some(AuthorAction::Ban),
    }))
}

/// Writes what holds for an author.
pub(super) const fn write_author_action(action: AuthorAction) -> pb::AuthorAction {
    match action {
        AuthorAction::Trust => pb::AuthorAction::Trust,
        AuthorAction::PreModerate => pb::AuthorAction::PreModerate,
        AuthorAction::Ban => pb::AuthorAction::Ban,
    }
}

/// Writes a disposition.
pub(super) const fn write_disposition(disposition: Disposition) -> pb::Disposition {
    match disposition {
        Disposition::Approve => pb::Disposition::Approve,
        Disposition::Reject => pb::Disposition::Reject,
        Disposition::Undo => pb::Disposition::Undo,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back() {
        let mut checks = Checks::default();
        for order in QueueOrder::ALL {
            assert_eq!(read_order(write_order(order).into(), &mut checks), Some(Some(order)));
        }
        for reason in ReasonCode::ALL {
            assert_eq!(read_reason(write_reason(reason).into(), &mut checks), Some(Some(reason)));
        }
        for state in ItemState::ALL {
            assert_eq!(read_state(write_state(state).into(), &mut checks), Some(state));
        }
        for cause in Cause::ALL {
            assert_eq!(read_cause(write_cause(cause)), Some(cause));
        }
        for action in [AuthorAction::Trust, AuthorAction::PreModerate, AuthorAction::Ban] {
            let number = write_author_action(action).into();
            assert_eq!(read_author_action(number, "action", &mut checks), Some(Some(action)));
        }
        assert!(checks.finish(Some(())).is_ok());
    }

    #[test]
    fn filters_come_back() {
        let site = SiteId::new("news").unwrap();
        let filter = pb::QueueItemFilter {
            label: pb::Label::Spam.into(),
            cause: pb::QueueCause::Reported.into(),
            action: pb::Action::Hold.into(),
            article: "sites/news/articles/42".to_owned(),
            section: "world".to_owned(),
            language: "en".to_owned(),
            author_id: String::new(),
            rule: "rule/no-casino".to_owned(),
            campaign: "sites/news/campaigns/01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            min_probability: Some(0.25),
            max_probability: Some(0.75),
            min_wait: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
            max_wait: Some(prost_types::Duration { seconds: 600, nanos: 0 }),
        };
        let mut checks = Checks::default();
        let wanted = read_filter(Some(filter.clone()), Some(&site), &mut checks).unwrap();
        assert_eq!(write_filter(&site, wanted.filter), filter);
    }
}
