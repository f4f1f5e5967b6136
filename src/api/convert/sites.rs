//! The messages of `SiteService`.
//!
//! May import: `types`, `moderation` (site changes).

use std::time::Duration;

use super::{
    article::language_tag,
    checks::{Checks, at_most},
    names,
    queue::read_inherit_duration,
    scoring::page_size,
    time,
    verdict::{read_label, write_label},
};
use crate::{
    api::{
        error::ApiError,
        page_token::ListBinding,
        pb::{self, policy::Basis},
    },
    moderation::{SiteChange, queue::MAX_INHERITED_CAP},
    types::{
        Label, LabelThresholds, PageRequest, PerLabel, Policy, Preset, Probability, QueueRules, Site, SiteId,
    },
};

const MAX_DISPLAY_NAME_BYTES: usize = 200;
const MAX_LANGUAGES: usize = 32;
/// The presets as they are told apart in answers.
const PRESETS: [(Preset, pb::PolicyPreset); 2] =
    [(Preset::Balanced, pb::PolicyPreset::Balanced), (Preset::Strict, pb::PolicyPreset::Strict)];

/// A site to make.
#[derive(Debug)]
pub(in crate::api) struct CreateCall {
    pub(in crate::api) id: SiteId,
    pub(in crate::api) display_name: String,
    pub(in crate::api) languages: Vec<String>,
    pub(in crate::api) policy: Policy,
    pub(in crate::api) queue: QueueRules,
}

impl TryFrom<pb::CreateSiteRequest> for CreateCall {
    type Error = ApiError;
    fn try_from(request: pb::CreateSiteRequest) -> Result<Self, ApiError> {
        let pb::CreateSiteRequest { site_id, site } = request;
        let pb::Site {
            name: _,
            display_name,
            languages,
            policy,
            etag: _,
            create_time: _,
            update_time: _,
            policy_version: _,
            queue_rules,
        } = site.unwrap_or_default();
        let mut checks = Checks::default();
        let id = checks.take("site_id", SiteId::new(&site_id));
        let fields = checks.inside("site", |checks| {
            let display_name = checks.take("display_name", at_most(display_name, MAX_DISPLAY_NAME_BYTES));
            let languages = read_languages(languages, checks);
            let policy = match policy {
                Some(policy) => checks.inside("policy", |checks| read_policy(policy, checks)),
                None => Some(Policy::default()),
            };
            let queue = read_queue_rules(queue_rules, checks);
            Some((display_name?, languages?, policy?, queue?))
        });
        let (id, (display_name, languages, policy, queue)) = checks.finish(id.zip(fields))?;
        Ok(Self { id, display_name, languages, policy, queue })
    }
}

/// A site to change.
#[derive(Debug)]
pub(in crate::api) struct UpdateCall {
    pub(in crate::api) id: SiteId,
    pub(in crate::api) change: SiteChange,
}

impl TryFrom<pb::UpdateSiteRequest> for UpdateCall {
    type Error = ApiError;
    fn try_from(request: pb::UpdateSiteRequest) -> Result<Self, ApiError> {
        let pb::UpdateSiteRequest { site, update_mask } = request;
        let pb::Site {
            name,
            display_name,
            languages,
            policy,
            etag,
            create_time: _,
            update_time: _,
            policy_version: _,
            queue_rules,
        } = site.unwrap_or_default();
        let mut checks = Checks::default();
        let mask = Mask::read(&update_mask.unwrap_or_default().paths, &mut checks);
        let call = checks.inside("site", |checks| {
            let id = checks.take("name", names::site(&name));
            let expected_version = checks.take("etag", read_etag(&etag));
            let display_name = mask.display_name.then(|| at_most(display_name, MAX_DISPLAY_NAME_BYTES));
            let display_name = checks.maybe("display_name", display_name);
            let languages =
                if mask.languages { read_languages(languages, checks).map(Some) } else { Some(None) };
            let policy = match (mask.policy, policy) {
                (false, _) => Some(None),
                (true, Some(policy)) => {
                    checks.inside("policy", |checks| read_policy(policy, checks)).map(Some)
                }
                (true, None) => checks.take("policy", Err("must be there")),
            };
            let queue = match mask.queue_rules {
                true => read_queue_rules(queue_rules, checks).map(Some),
                false => Some(None),
            };
            let change = SiteChange {
                display_name: display_name?,
                languages: languages?,
                policy: policy?,
                queue: queue?,
                expected_version: expected_version?,
            };
            Some(Self { id: id?, change })
        });
        checks.finish(call)
    }
}

/// Which fields of a site change.
#[derive(Clone, Copy, Debug, Default)]
struct Mask {
    display_name: bool,
    languages: bool,
    policy: bool,
    queue_rules: bool,
}

impl Mask {
    fn read(paths: &[String], checks: &mut Checks) -> Self {
        let mut mask = Self::default();
        checks.require("update_mask", !paths.is_empty(), "must name the fields that change");
        for path in paths {
            match path.as_str() {
                "display_name" => mask.display_name = true,
                "languages" => mask.languages = true,
                "policy" => mask.policy = true,
                "queue_rules" => mask.queue_rules = true,
                "*" => mask = Self { display_name: true, languages: true, policy: true, queue_rules: true },
                _ => checks.fail("update_mask", "may hold display_name, languages, policy, queue_rules or *"),
            }
        }
        mask
    }
}

/// Reads the name of a request that has nothing else.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_name(name: &str) -> Result<SiteId, ApiError> {
    let mut checks = Checks::default();
    let name = checks.take("name", names::site(name));
    checks.finish(name)
}

/// A page of sites to show.
#[derive(Debug)]
pub(in crate::api) struct ListCall {
    pub(in crate::api) page: PageRequest<SiteId>,
    pub(in crate::api) binding: ListBinding,
}

impl TryFrom<pb::ListSitesRequest> for ListCall {
    type Error = ApiError;
    fn try_from(request: pb::ListSitesRequest) -> Result<Self, ApiError> {
        let pb::ListSitesRequest { page_size: asked, page_token } = request;
        let mut checks = Checks::default();
        let size = checks.take("page_size", page_size(asked));
        let size = checks.finish(size)?;
        let binding = ListBinding::new("ListSites", &pb::ListSitesRequest::default());
        let after = binding.read(&page_token)?.map(site_cursor).transpose()?;
        Ok(Self { page: PageRequest { size, after }, binding })
    }
}

fn site_cursor(bytes: Vec<u8>) -> Result<SiteId, ApiError> {
    let text = String::from_utf8(bytes).ok();
    text.and_then(|text| SiteId::new(&text).ok()).ok_or(ApiError::PageToken("holds no site"))
}

fn read_languages(languages: Vec<String>, checks: &mut Checks) -> Option<Vec<String>> {
    let fits = languages.len() <= MAX_LANGUAGES;
    checks.require("languages", fits, format_args!("must be at most {MAX_LANGUAGES}"));
    let tags = languages.into_iter().take(MAX_LANGUAGES).enumerate();
    let tags: Vec<_> =
        tags.map(|(at, tag)| checks.take(&format!("languages[{at}]"), language_tag(tag))).collect();
    tags.into_iter().collect()
}

pub(super) fn read_policy(policy: pb::Policy, checks: &mut Checks) -> Option<Policy> {
    match policy.basis {
        None => {
            checks.fail("preset", "or thresholds must be there");
            None
        }
        Some(Basis::Preset(number)) => {
            let preset = PRESETS.into_iter().find(|(_, wire)| i32::from(*wire) == number);
            let preset = preset.ok_or("must be a known preset");
            checks.take("preset", preset).map(|(preset, _)| Policy::preset(preset))
        }
        Some(Basis::Thresholds(thresholds)) => {
            checks.inside("thresholds", |checks| read_thresholds(&thresholds.labels, checks))
        }
    }
}

/// Reads how a queue works; what is absent is as it is by default.
fn read_queue_rules(rules: Option<pb::QueueRules>, checks: &mut Checks) -> Option<QueueRules> {
    let pb::QueueRules {
        sample_share,
        report_threshold,
        campaign_duration,
        campaign_cap,
        campaign_check_share,
    } = rules.unwrap_or_default();
    checks.inside("queue_rules", |checks| {
        let sample = checks.maybe("sample_share", sample_share.map(millionths));
        let weight = |weight: f64| match (0.001..=1_000.0).contains(&weight) {
            true => Ok((weight * 1_000.0).round() as u32),
            false => Err("must be from 0.001 to 1000"),
        };
        let threshold = checks.maybe("report_threshold", report_threshold.map(weight));
        let duration = checks.maybe("campaign_duration", campaign_duration.map(read_inherit_duration));
        let cap = campaign_cap.map(|cap| match cap <= MAX_INHERITED_CAP {
            true => Ok(cap),
            false => Err(format!("must be at most {MAX_INHERITED_CAP}")),
        });
        let cap = checks.maybe("campaign_cap", cap);
        let check = checks.maybe("campaign_check_share", campaign_check_share.map(millionths));
        let default = QueueRules::default();
        Some(QueueRules {
            sample_per_million: sample?.unwrap_or(default.sample_per_million),
            report_threshold: threshold?.unwrap_or(default.report_threshold),
            campaign_seconds: duration?.map_or(default.campaign_seconds, |duration| duration.as_secs()),
            campaign_cap: cap?.unwrap_or(default.campaign_cap),
            campaign_check_per_million: check?.unwrap_or(default.campaign_check_per_million),
        })
    })
}

/// Reads a share in millionths.
fn millionths(share: f64) -> Result<u32, &'static str> {
    match (0.0..=1.0).contains(&share) {
        true => Ok((share * 1e6).round() as u32),
        false => Err("must be in [0, 1]"),
    }
}

fn write_queue_rules(rules: QueueRules) -> pb::QueueRules {
    let QueueRules {
        sample_per_million,
        report_threshold,
        campaign_seconds,
        campaign_cap,
        campaign_check_per_million,
    } = rules;
    let share = |per_million: u32| Some(f64::from(per_million) / 1e6);
    pb::QueueRules {
        sample_share: share(sample_per_million),
        report_threshold: Some(f64::from(report_threshold) / 1_000.0),
        campaign_duration: Some(time::write_duration(Duration::from_secs(campaign_seconds))),
        campaign_cap: Some(campaign_cap),
        campaign_check_share: share(campaign_check_per_million),
    }
}

/// Every entry is checked by itself, so that all mistakes are told.
fn read_thresholds(entries: &[pb::LabelThresholds], checks: &mut Checks) -> Option<Policy> {
    let balanced = Policy::default();
    let defaults = PerLabel::from_fn(|label| balanced.thresholds(label));
    let (mut all, mut seen) = (defaults, PerLabel::<bool>::default());
    for (at, entry) in entries.iter().enumerate() {
        checks.inside(&format!("labels[{at}]"), |checks| {
            let label = checks.take("label", read_label(entry.label));
            let row = LabelThresholds {
                hold: probability("hold", entry.hold, checks)?.unwrap_or_else(never),
                reject: probability("reject", entry.reject, checks)?,
                discard: probability("discard", entry.discard, checks)?,
            };
            let label = label?;
            checks.require("label", !seen[label], "must not come twice");
            seen[label] = true;
            all[label] = row;
            let mut alone = defaults;
            alone[label] = row;
            checks.take(
                "hold",
                Policy::new(alone).map_err(|_| "must be at most reject, and that at most discard"),
            )
        });
    }
    Policy::new(all).ok()
}

/// The threshold that nothing reaches.
fn never() -> Probability {
    Probability::new(1.0).expect("1 is a probability")
}

#[expect(clippy::option_option, reason = "wrong, absent and present are three answers")]
fn probability(field: &str, value: Option<f64>, checks: &mut Checks) -> Option<Option<Probability>> {
    checks.maybe(field, value.map(|value| Probability::new(value).ok_or("must be in [0, 1]")))
}

/// Writes a site.
pub(in crate::api) fn write(site: Site) -> pb::Site {
    let Site { id, display_name, languages, policy, policy_version, queue, created_at, updated_at } = site;
    pb::Site {
        name: names::of_a_site(&id),
        display_name,
        languages,
        policy: Some(write_policy(policy)),
        etag: write_etag(policy_version),
        create_time: Some(time::write(created_at)),
        update_time: Some(time::write(updated_at)),
        policy_version,
        queue_rules: Some(write_queue_rules(queue)),
    }
}

fn write_policy(policy: Policy) -> pb::Policy {
    let effective: Vec<_> = Label::ALL
        .into_iter()
        .map(|label| {
            let LabelThresholds { hold, reject, discard } = policy.thresholds(label);
            pb::LabelThresholds {
                label: write_label(label).into(),
                hold: Some(hold.get()),
                reject: reject.map(Probability::get),
                discard: discard.map(Probability::get),
            }
        })
        .collect();
    let preset = PRESETS.into_iter().find(|(preset, _)| Policy::preset(*preset) == policy);
    let basis = match preset {
        Some((_, wire)) => Basis::Preset(wire.into()),
        None => Basis::Thresholds(pb::Thresholds { labels: effective.clone() }),
    };
    pb::Policy { basis: Some(basis), effective }
}

/// The version of a site as clients see it: opaque, so that it can change shape.
fn write_etag(version: u64) -> String {
    format!("v{version:x}")
}

fn read_etag(etag: &str) -> Result<u64, &'static str> {
    let hex = etag.strip_prefix('v').filter(|hex| !hex.starts_with('+'));
    let version = hex.and_then(|hex| u64::from_str_radix(hex, 16).ok());
    // The next version must exist too.
    version.filter(|version| *version < u64::MAX).ok_or("must be the etag that was last read")
}

#[cfg(test)]
mod tests {
    use super::{super::checks::tests::refused, *};
    use crate::types::Timestamp;

    fn thresholds(labels: Vec<pb::LabelThresholds>) -> Option<pb::Policy> {
        let basis = Some(Basis::Thresholds(pb::Thresholds { labels }));
        Some(pb::Policy { basis, effective: Vec::new() })
    }

    fn row(label: pb::Label, hold: f64, reject: Option<f64>) -> pb::LabelThresholds {
        pb::LabelThresholds { label: label.into(), hold: Some(hold), reject, discard: None }
    }

    fn site() -> Site {
        Site {
            id: SiteId::new("news").unwrap(),
            display_name: "News".to_owned(),
            languages: vec!["en".to_owned()],
            policy: Policy::default(),
            queue: crate::types::QueueRules::default(),
            policy_version: 26,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }

    #[test]
    fn every_violation_of_a_new_site_is_named() {
        let create = |site| pb::CreateSiteRequest { site_id: "news".to_owned(), site: Some(site) };
        let ruled = |policy| create(pb::Site { policy, ..Default::default() });
        let ruled_by = |rules| create(pb::Site { queue_rules: Some(rules), ..Default::default() });
        let preset = |preset| Some(pb::Policy { basis: Some(Basis::Preset(preset)), effective: vec![] });
        let spam = pb::Label::Spam;
        #[rustfmt::skip]
        let cases: Vec<(&str, pb::CreateSiteRequest, &[&str])> = vec![
            ("no id",               pb::CreateSiteRequest::default(), &["site_id"]),
            ("a long name",         create(pb::Site { display_name: "n".repeat(201), ..Default::default() }), &["site.display_name"]),
            ("no language",         create(pb::Site { languages: vec!["en".into(), "?".into()], ..Default::default() }), &["site.languages[1]"]),
            ("many languages",      create(pb::Site { languages: vec!["en".into(); 33], ..Default::default() }), &["site.languages"]),
            ("an empty policy",     ruled(Some(pb::Policy::default())), &["site.policy.preset"]),
            ("an unknown preset",   ruled(preset(9)), &["site.policy.preset"]),
            ("no label",            ruled(thresholds(vec![pb::LabelThresholds::default()])), &["site.policy.thresholds.labels[0].label"]),
            ("a label twice",       ruled(thresholds(vec![row(spam, 0.5, None), row(spam, 0.5, None)])), &["site.policy.thresholds.labels[1].label"]),
            ("no probability",      ruled(thresholds(vec![row(spam, 1.5, None)])), &["site.policy.thresholds.labels[0].hold"]),
            ("shares above one",    ruled_by(pb::QueueRules { sample_share: Some(1.1), campaign_check_share: Some(-0.1), ..Default::default() }),
                                    &["site.queue_rules.sample_share", "site.queue_rules.campaign_check_share"]),
            ("no threshold",        ruled_by(pb::QueueRules { report_threshold: Some(0.0), ..Default::default() }), &["site.queue_rules.report_threshold"]),
            ("falling thresholds",  ruled(thresholds(vec![row(spam, 0.9, Some(0.5)), row(pb::Label::Abuse, 0.9, Some(0.5))])),
                                    &["site.policy.thresholds.labels[0].hold", "site.policy.thresholds.labels[1].hold"]),
        ];
        for (name, request, want) in cases {
            assert_eq!(refused(CreateCall::try_from(request)), want, "{name}");
        }
    }

    #[test]
    fn only_masked_fields_change() {
        let update = |paths: &[&str]| {
            let paths = paths.iter().map(|p| (*p).to_owned()).collect();
            pb::UpdateSiteRequest {
                site: Some(pb::Site { display_name: "Daily".to_owned(), ..write(site()) }),
                update_mask: Some(prost_types::FieldMask { paths }),
            }
        };
        let change = UpdateCall::try_from(update(&["display_name"])).unwrap().change;
        assert_eq!(change.display_name.as_deref(), Some("Daily"));
        assert!(change.languages.is_none() && change.policy.is_none());
        assert_eq!(change.expected_version, 26);
        let change = UpdateCall::try_from(update(&["*"])).unwrap().change;
        assert!(change.languages.is_some() && change.policy == Some(Policy::default()));
        assert_eq!(refused(UpdateCall::try_from(update(&[]))), ["update_mask"]);
        assert_eq!(refused(UpdateCall::try_from(update(&["name"]))), ["update_mask"]);
        let empty = pb::UpdateSiteRequest::default();
        assert_eq!(refused(UpdateCall::try_from(empty)), ["update_mask", "site.name", "site.etag"]);
    }

    #[test]
    fn policies_come_back() {
        for (preset, wire) in PRESETS {
            let written = write_policy(Policy::preset(preset));
            assert_eq!(written.basis, Some(Basis::Preset(wire.into())));
            assert_eq!(written.effective.len(), Label::COUNT);
            let mut checks = Checks::default();
            assert_eq!(read_policy(written, &mut checks), Some(Policy::preset(preset)));
        }
        let mut checks = Checks::default();
        let own = thresholds(vec![row(pb::Label::Abuse, 0.25, None)]).unwrap();
        let own = read_policy(own, &mut checks).unwrap();
        let written = write_policy(own);
        assert!(matches!(written.basis, Some(Basis::Thresholds(_))));
        assert_eq!(read_policy(written, &mut checks), Some(own));
        assert_eq!(own.thresholds(Label::Spam), Policy::default().thresholds(Label::Spam));
    }

    #[test]
    fn rules_of_the_queue_come_back() {
        let mut checks = Checks::default();
        let own = QueueRules {
            sample_per_million: 1,
            report_threshold: 2_500,
            campaign_seconds: 3_600,
            campaign_cap: 0,
            campaign_check_per_million: 1_000_000,
        };
        for rules in [QueueRules::default(), own] {
            assert_eq!(read_queue_rules(Some(write_queue_rules(rules)), &mut checks), Some(rules));
        }
        assert_eq!(read_queue_rules(None, &mut checks), Some(QueueRules::default()));
    }

    #[test]
    fn etags_are_read_strictly() {
        assert_eq!(read_etag(&write_etag(u64::MAX - 1)), Ok(u64::MAX - 1));
        for bad in ["vffffffffffffffff", "", "v", "1a", "vx", "v+1", "v10000000000000000"] {
            assert!(read_etag(bad).is_err(), "{bad}");
        }
    }
}
