//! Resource names (AIP-122): `sites/{site}`, `sites/{site}/verdicts/{verdict}`.
//!
//! May import: `types`.

use crate::types::{
    AppealId, ArticleId, BatchId, CampaignId, DecisionId, FeedbackId, FrozenSetName, InvalidId, JobId,
    ModelId, QueueItemId, QueueName, RuleSetId, SiteId, VerdictId,
};

/// Why a text is no resource name of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidName {
    /// The collections or their number are wrong.
    #[error("must be `{0}`")]
    Shape(&'static str),
    /// The site in it is no site id.
    #[error("names a site that {0}")]
    Site(InvalidId),
    /// The last part is no id.
    #[error("ends in an id that {0}")]
    Id(InvalidId),
    /// The name is of another site than the request.
    #[error("must be of the site in `parent`")]
    OtherSite,
}

/// Reads `sites/{site}`.
pub(super) fn site(name: &str) -> Result<SiteId, InvalidName> {
    let id = name.strip_prefix("sites/").ok_or(InvalidName::Shape("sites/{site}"))?;
    if id.contains('/') {
        return Err(InvalidName::Shape("sites/{site}"));
    }
    SiteId::new(id).map_err(InvalidName::Site)
}

/// Reads `sites/{site}`, or `sites/_` for the installation, which has an audit chain too.
pub(super) fn chain(name: &str) -> Result<SiteId, InvalidName> {
    if name == "sites/_" { Ok(SiteId::installation()) } else { site(name) }
}

/// Reads `models/{model}`; `models/active` is `None`.
pub(super) fn model(name: &str) -> Result<Option<ModelId>, InvalidName> {
    match name.strip_prefix("models/") {
        Some("active") => Ok(None),
        Some(id) => ModelId::new(id).map(Some).map_err(InvalidName::Id),
        None => Err(InvalidName::Shape("models/{model}")),
    }
}

/// Reads `jobs/{job}`.
pub(super) fn job(name: &str) -> Result<JobId, InvalidName> {
    let id = name.strip_prefix("jobs/").ok_or(InvalidName::Shape("jobs/{job}"))?;
    JobId::parse(id).map_err(InvalidName::Id)
}

/// Reads `frozenSets/{set}`.
pub(super) fn frozen_set(name: &str) -> Result<FrozenSetName, InvalidName> {
    let id = name.strip_prefix("frozenSets/").ok_or(InvalidName::Shape("frozenSets/{set}"))?;
    FrozenSetName::new(id).map_err(InvalidName::Id)
}

/// Reads `sites/{site}/ruleSets/{rule_set}`, of the installation too; the last part is not
/// looked at.
pub(super) fn rule_set(name: &str) -> Result<(SiteId, &str), InvalidName> {
    const SHAPE: &str = "sites/{site}/ruleSets/{rule_set}";
    if let Some(id) = name.strip_prefix("sites/_/ruleSets/").filter(|id| !id.contains('/')) {
        return Ok((SiteId::installation(), id));
    }
    child(name, "ruleSets", SHAPE)
}

/// Reads `sites/{site}/verdicts/{verdict}`.
pub(super) fn verdict(name: &str) -> Result<(SiteId, VerdictId), InvalidName> {
    let (site, id) = child(name, "verdicts", "sites/{site}/verdicts/{verdict}")?;
    Ok((site, VerdictId::parse(id).map_err(InvalidName::Id)?))
}

/// Reads `sites/{site}/articles/{article}`.
pub(super) fn article(name: &str) -> Result<(SiteId, ArticleId), InvalidName> {
    let (site, id) = child(name, "articles", "sites/{site}/articles/{article}")?;
    Ok((site, ArticleId::new(id).map_err(InvalidName::Id)?))
}

/// Reads `sites/{site}/queueItems/{item}`.
pub(super) fn queue_item(name: &str) -> Result<(SiteId, QueueItemId), InvalidName> {
    let (site, id) = child(name, "queueItems", "sites/{site}/queueItems/{item}")?;
    Ok((site, QueueItemId::parse(id).map_err(InvalidName::Id)?))
}

/// Reads `sites/{site}/queues/{queue}`.
pub(super) fn queue(name: &str) -> Result<(SiteId, QueueName), InvalidName> {
    let (site, id) = child(name, "queues", "sites/{site}/queues/{queue}")?;
    Ok((site, QueueName::new(id).map_err(InvalidName::Id)?))
}

/// Reads `sites/{site}/batches/{batch}`.
pub(super) fn batch(name: &str) -> Result<(SiteId, BatchId), InvalidName> {
    let (site, id) = child(name, "batches", "sites/{site}/batches/{batch}")?;
    Ok((site, BatchId::parse(id).map_err(InvalidName::Id)?))
}

/// Reads `sites/{site}/campaigns/{campaign}`.
pub(super) fn campaign(name: &str) -> Result<(SiteId, CampaignId), InvalidName> {
    let (site, id) = child(name, "campaigns", "sites/{site}/campaigns/{campaign}")?;
    Ok((site, CampaignId::parse(id).map_err(InvalidName::Id)?))
}

/// Reads `sites/{site}/appeals/{appeal}`.
pub(super) fn appeal(name: &str) -> Result<(SiteId, AppealId), InvalidName> {
    let (site, id) = child(name, "appeals", "sites/{site}/appeals/{appeal}")?;
    Ok((site, AppealId::parse(id).map_err(InvalidName::Id)?))
}

/// Reads `sites/{site}/auditEvents/{sequence}`.
pub(super) fn audit_event(name: &str) -> Result<(SiteId, u64), InvalidName> {
    const SHAPE: &str = "sites/{site}/auditEvents/{sequence}";
    let (site, number) = match name.strip_prefix("sites/_/auditEvents/") {
        Some(number) => (SiteId::installation(), number),
        None => child(name, "auditEvents", SHAPE)?,
    };
    Ok((site, number.parse().map_err(|_| InvalidName::Shape(SHAPE))?))
}

/// What `UndoDecision` takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Undone {
    /// One decision.
    Decision(DecisionId),
    /// Every decision of a batch.
    Batch(BatchId),
}

/// Reads `sites/{site}/decisions/{decision}` or `sites/{site}/batches/{batch}`.
pub(super) fn undone(name: &str) -> Result<(SiteId, Undone), InvalidName> {
    const SHAPE: &str = "sites/{site}/decisions/{decision}` or `sites/{site}/batches/{batch}";
    if let Ok((site, id)) = batch(name) {
        return Ok((site, Undone::Batch(id)));
    }
    let (site, id) = child(name, "decisions", SHAPE)?;
    Ok((site, Undone::Decision(DecisionId::parse(id).map_err(InvalidName::Id)?)))
}

/// The id in a name whose site must be that of the request. A request whose own
/// site is wrong gets told only that.
pub(super) fn of_site<T>(
    name: Result<(SiteId, T), InvalidName>,
    site: Option<&SiteId>,
) -> Result<T, InvalidName> {
    match (name?, site) {
        ((own, _), Some(site)) if own != *site => Err(InvalidName::OtherSite),
        ((_, id), _) => Ok(id),
    }
}

fn child<'a>(name: &'a str, collection: &str, shape: &'static str) -> Result<(SiteId, &'a str), InvalidName> {
    let parts: Vec<&str> = name.splitn(5, '/').collect();
    match parts.as_slice() {
        ["sites", site, found, id] if *found == collection => {
            Ok((SiteId::new(site).map_err(InvalidName::Site)?, id))
        }
        _ => Err(InvalidName::Shape(shape)),
    }
}

/// The name of a site.
pub(super) fn of_a_site(site: &SiteId) -> String {
    format!("sites/{site}")
}

/// The name of a verdict.
pub(super) fn of_a_verdict(site: &SiteId, id: VerdictId) -> String {
    format!("sites/{site}/verdicts/{id}")
}

/// The name of an article.
pub(super) fn of_an_article(site: &SiteId, id: &ArticleId) -> String {
    format!("sites/{site}/articles/{id}")
}

/// The name of a queue item.
pub(super) fn of_a_queue_item(site: &SiteId, id: QueueItemId) -> String {
    format!("sites/{site}/queueItems/{id}")
}

/// The name of a queue.
pub(super) fn of_a_queue(site: &SiteId, name: &QueueName) -> String {
    format!("sites/{site}/queues/{name}")
}

/// The name of a decision.
pub(super) fn of_a_decision(site: &SiteId, id: DecisionId) -> String {
    format!("sites/{site}/decisions/{id}")
}

/// The name of a batch.
pub(super) fn of_a_batch(site: &SiteId, id: BatchId) -> String {
    format!("sites/{site}/batches/{id}")
}

/// The name of a campaign.
pub(super) fn of_a_campaign(site: &SiteId, id: CampaignId) -> String {
    format!("sites/{site}/campaigns/{id}")
}

/// The name of an appeal.
pub(super) fn of_an_appeal(site: &SiteId, id: AppealId) -> String {
    format!("sites/{site}/appeals/{id}")
}

/// The name of a rule set.
pub(super) fn of_a_rule_set(site: &SiteId, id: &RuleSetId) -> String {
    format!("sites/{site}/ruleSets/{id}")
}

/// The name of an audit event.
pub(super) fn of_an_audit_event(site: &SiteId, number: u64) -> String {
    format!("sites/{site}/auditEvents/{number}")
}

/// The name of a report.
pub(super) fn of_feedback(site: &SiteId, id: FeedbackId) -> String {
    format!("sites/{site}/feedback/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_strictly() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        #[rustfmt::skip]
        let cases: &[(&str, String, bool)] = &[
            ("a verdict",             format!("sites/news/verdicts/{id}"),   true),
            ("nothing",               String::new(),                         false),
            ("an id alone",           id.to_owned(),                         false),
            ("another collection",    format!("sites/news/articles/{id}"),   false),
            ("something behind it",   format!("sites/news/verdicts/{id}/x"), false),
            ("something before it",   format!("/sites/news/verdicts/{id}"),  false),
            ("a bad site",            format!("sites/NEWS/verdicts/{id}"),   false),
            ("no site",               format!("sites//verdicts/{id}"),       false),
            ("a bad id",              "sites/news/verdicts/7".to_owned(),    false),
        ];
        for (name, text, want) in cases {
            assert_eq!(verdict(text).is_ok(), *want, "{name}");
        }
        assert!(site("sites/news").is_ok());
        for bad in ["", "news", "sites/", "sites/a/b", "Sites/a"] {
            assert!(site(bad).is_err(), "{bad}");
        }
        assert!(article("sites/news/articles/2024-05-11:42").is_ok());
        assert!(article("sites/news/articles/").is_err());
    }

    #[test]
    fn names_must_be_of_the_requests_site() {
        let site = SiteId::new("news").unwrap();
        let found = |name: &str| of_site(article(name), Some(&site));
        assert!(found("sites/news/articles/a").is_ok());
        assert_eq!(found("sites/blog/articles/a"), Err(InvalidName::OtherSite));
    }
}
