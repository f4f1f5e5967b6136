//! Views for those who keep the filter: rules, models, policy. Each shows what its
//! service says, and changes it through the service behind a confirmation.
//!
//! May import: nothing more.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::Code;

use super::{
    Console,
    asked::{Refused, constant, last},
    frame::{Frame, show},
};
use crate::{
    api::auth::Caller,
    moderation::Session,
    types::{Action, Label, Preset, Role},
};

/// Versions of rules and promotions shown.
const PAGE: i32 = 20;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Weight {
    label: String,
    log_odds: f64,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Rule {
    name: String,
    kind: String,
    state: String,
    message: String,
    action: String,
    weights: Vec<Weight>,
    owner: String,
    note: String,
    expire_time: String,
}

impl Rule {
    fn state_words(&self) -> String {
        constant("RULE_STATE_", &self.state)
    }
    fn effect(&self) -> String {
        let weights = self.weights.iter();
        let weights = weights.map(|w| format!("{} {:+.1}", constant("LABEL_", &w.label), w.log_odds));
        let action = (!self.action.is_empty()).then(|| constant("ACTION_", &self.action).to_uppercase());
        action.into_iter().chain(weights).collect::<Vec<_>>().join(", ")
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct RuleSet {
    name: String,
    version: String,
    state: String,
    rule_count: u32,
    key_id: String,
    note: String,
    create_time: String,
}

impl RuleSet {
    fn id(&self) -> &str {
        last(&self.name)
    }
    fn state_words(&self) -> String {
        constant("RULE_SET_STATE_", &self.state)
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Rules {
    rule_set: Option<RuleSet>,
    etag: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct RuleVersions {
    rule_sets: Vec<RuleSet>,
    etag: String,
}

/// The rules of one place: of the installation, or of the site.
struct RulesOf {
    parent: String,
    words: &'static str,
    live: Rules,
    versions: RuleVersions,
}

#[derive(Template)]
#[template(path = "rules.html", config = "src/api/http/console/askama.toml")]
struct RulesPage {
    f: Frame,
    places: Vec<RulesOf>,
}

/// `GET /console/s/{site}/rules`.
pub(super) async fn rules(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(session): Extension<Session>,
    Path(site): Path<String>,
) -> Result<Response, Refused> {
    let (site, f) = console.enter(&caller, &session, &site, "rules").await?;
    let mut places = Vec::new();
    for (parent, words) in [(format!("sites/{site}"), "rules.site"), ("sites/_".to_owned(), "rules.all")] {
        let request = json!({ "name": format!("{parent}/ruleSets/live") });
        let live = absent(console.ask(&caller, ("RuleService", "GetRules"), request).await)?;
        let request = json!({ "parent": parent, "pageSize": PAGE });
        let versions = absent(console.ask(&caller, ("RuleService", "ListRuleVersions"), request).await)?;
        let (Some(live), Some(versions)) = (live, versions) else { continue };
        places.push(RulesOf { parent, words, live, versions });
    }
    Ok(show(&RulesPage { f, places }))
}

/// `None` for what is not there, or not for this caller: a key of one site sees nothing
/// of the installation.
fn absent<T: Default>(answer: Result<T, tonic::Status>) -> Result<Option<T>, tonic::Status> {
    match answer {
        Ok(found) => Ok(Some(found)),
        // A site that has no rules of its own says FAILED_PRECONDITION.
        Err(status) if matches!(status.code(), Code::NotFound | Code::FailedPrecondition) => {
            Ok(Some(T::default()))
        }
        Err(status) if status.code() == Code::PermissionDenied => Ok(None),
        Err(status) => Err(status),
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Gate {
    name: String,
    passed: bool,
    message: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Model {
    name: String,
    stage: String,
    stage_time: String,
    origin: String,
    create_time: String,
    size_bytes: String,
    gates: Vec<Gate>,
    has_report: bool,
}

impl Model {
    fn id(&self) -> &str {
        last(&self.name)
    }
    fn stage_words(&self) -> String {
        constant("MODEL_STAGE_", &self.stage)
    }
    fn origin_words(&self) -> String {
        constant("MODEL_ORIGIN_", &self.origin)
    }
    fn mebibytes(&self) -> String {
        format!("{:.1}", self.size_bytes.parse().unwrap_or(0.0) / f64::from(1 << 20))
    }
    fn is_active(&self) -> bool {
        self.stage == "MODEL_STAGE_ACTIVE"
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Models {
    models: Vec<Model>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Promotion {
    sequence: String,
    model: String,
    kind: String,
    create_time: String,
    key_id: String,
    reason: String,
}

impl Promotion {
    fn id(&self) -> &str {
        last(&self.model)
    }
    fn kind_words(&self) -> String {
        constant("PROMOTION_KIND_", &self.kind)
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Promotions {
    promotions: Vec<Promotion>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Carded {
    card_json: String,
}

#[derive(Template)]
#[template(path = "models.html", config = "src/api/http/console/askama.toml")]
struct ModelsPage {
    f: Frame,
    models: Vec<Model>,
    promotions: Vec<Promotion>,
    sequence: String,
    card: Vec<(String, String)>,
}

/// `GET /console/s/{site}/models`.
pub(super) async fn models(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(session): Extension<Session>,
    Path(site): Path<String>,
) -> Result<Response, Refused> {
    let (_, f) = console.enter(&caller, &session, &site, "models").await?;
    let Models { models } = console.ask(&caller, ("ModelService", "ListModels"), json!({})).await?;
    let request = json!({ "pageSize": PAGE });
    let Promotions { promotions } = console.ask(&caller, ("ModelService", "ListPromotions"), request).await?;
    let active = models.iter().find(|model| model.is_active()).map(|model| model.name.clone());
    let card = match active {
        Some(name) => {
            let carded: Carded =
                console.ask(&caller, ("ModelService", "GetModel"), json!({ "name": name })).await?;
            leaves(&serde_json::from_str(&carded.card_json).unwrap_or_default())
        }
        None => Vec::new(),
    };
    let sequence = promotions.first().map_or(String::new(), |promotion| promotion.sequence.clone());
    Ok(show(&ModelsPage { f, models, promotions, sequence, card }))
}

/// The values of a card by their path, as far as a person reads them.
fn leaves(card: &Value) -> Vec<(String, String)> {
    const MOST: usize = 400;
    fn walk(path: &str, value: &Value, out: &mut Vec<(String, String)>) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path} · {key}") };
        match value {
            _ if out.len() >= MOST => {}
            Value::Object(fields) => fields.iter().for_each(|(key, value)| walk(&below(key), value, out)),
            Value::Array(items) if items.iter().all(|item| item.is_number() || item.is_string()) => {
                let words: Vec<String> = items.iter().take(12).map(plain).collect();
                out.push((path.to_owned(), words.join(", ")));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(at, value)| walk(&below(&at.to_string()), value, out));
            }
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) => out.push((path.to_owned(), plain(value))),
        }
    }
    let mut out = Vec::new();
    walk("", card, &mut out);
    out
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.chars().take(200).collect(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.as_i64().is_none() => format!("{float:.4}"),
            _ => number.to_string(),
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// One threshold with the costs that make it.
struct Threshold {
    action: &'static str,
    /// In percent; empty for never.
    now: String,
    balanced: String,
    strict: String,
}

struct OfLabel {
    label: &'static str,
    words: &'static str,
    rows: Vec<Threshold>,
}

#[derive(Template)]
#[template(path = "policy.html", config = "src/api/http/console/askama.toml")]
struct PolicyPage {
    f: Frame,
    labels: Vec<OfLabel>,
    version: u64,
    etag: String,
    changes: bool,
}

/// `GET /console/s/{site}/policy`.
pub(super) async fn policy(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(session): Extension<Session>,
    Path(site): Path<String>,
) -> Result<Response, Refused> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Site {
        etag: String,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Got {
        site: Site,
    }
    let (site, f) = console.enter(&caller, &session, &site, "policy").await?;
    let request = json!({ "name": format!("sites/{site}") });
    let Got { site: Site { etag } } = console.ask(&caller, ("SiteService", "GetSite"), request).await?;
    let kept = console.sites.get(&site).await.map_err(crate::api::http::answer::Refusal::from)?;
    let share =
        |p: Option<crate::types::Probability>| p.map_or(String::new(), |p| format!("{:.1}", p.get() * 100.0));
    let preset = |preset: Preset, label, action| {
        share(preset.costs(label, action).map(crate::types::Costs::threshold))
    };
    let labels = Label::ALL.into_iter().map(|label| {
        let now = kept.policy.thresholds(label);
        let rows =
            [(Action::Hold, Some(now.hold)), (Action::Reject, now.reject), (Action::Discard, now.discard)];
        let row = |(action, now): (Action, Option<crate::types::Probability>)| Threshold {
            action: action.name(),
            now: share(now),
            balanced: preset(Preset::Balanced, label, action),
            strict: preset(Preset::Strict, label, action),
        };
        OfLabel {
            label: label.name(),
            words: super::card::label_words(label),
            rows: rows.into_iter().map(row).collect(),
        }
    });
    Ok(show(&PolicyPage {
        f,
        labels: labels.collect(),
        version: kept.policy_version,
        etag,
        changes: matches!(caller.actor().role, Role::Lead | Role::Admin),
    }))
}
