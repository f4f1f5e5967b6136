//! The messages of `RuleService`.
//!
//! May import: `types`, `learning` (what is asked of the rulebook and what it tells).

use super::{
    checks::{Checks, at_most},
    names,
    scoring::page_size,
    time,
    verdict::{write_action, write_label},
};
use crate::{
    api::{
        error::ApiError,
        page_token::ListBinding,
        pb::{self},
    },
    learning::{
        RuleRef, RulebookEntry,
        replay::desk::APPROVED_HELD,
        rule_words::{Change, Diagnostic, RuleChange, RuleInfo, Severity},
    },
    types::{Label, PageRequest, RuleFile, RuleSetId, RuleVersion, RulesState, SiteId, Timestamp},
};

/// Most files of a set.
const MAX_FILES: usize = 200;
/// Longest name of a file, in bytes.
const MAX_FILE_NAME_BYTES: usize = 200;
/// Longest note and reason, in bytes.
const MAX_NOTE_BYTES: usize = 500;

/// Reads the files of a set.
pub(super) fn read_files(files: Vec<pb::RuleFile>, checks: &mut Checks) -> Option<Vec<RuleFile>> {
    checks.require("files", files.len() <= MAX_FILES, format_args!("must be at most {MAX_FILES}"));
    let read = |(at, file): (usize, pb::RuleFile)| {
        checks.inside(&format!("files[{at}]"), |checks| {
            let pb::RuleFile { name, text } = file;
            checks.require("name", !name.is_empty(), "must be there");
            let name = checks.take("name", at_most(name, MAX_FILE_NAME_BYTES))?;
            Some(RuleFile { name, text })
        })
    };
    let read: Vec<_> = files.into_iter().take(MAX_FILES).enumerate().map(read).collect();
    read.into_iter().collect()
}

/// Reads the files of a request that has nothing else.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_check(request: pb::CheckRulesRequest) -> Result<Vec<RuleFile>, ApiError> {
    let mut checks = Checks::default();
    let files = read_files(request.files, &mut checks);
    checks.finish(files)
}

/// A set to push.
#[derive(Debug)]
pub(in crate::api) struct PushCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) files: Vec<RuleFile>,
    pub(in crate::api) note: String,
    pub(in crate::api) expected: Option<u64>,
    pub(in crate::api) dry_run: bool,
}

impl TryFrom<pb::PushRulesRequest> for PushCall {
    type Error = ApiError;
    fn try_from(request: pb::PushRulesRequest) -> Result<Self, ApiError> {
        let pb::PushRulesRequest { parent, files, note, etag, validate_only } = request;
        let mut checks = Checks::default();
        let site = checks.take("parent", names::chain(&parent));
        checks.require("files", !files.is_empty(), "must be there");
        let files = read_files(files, &mut checks);
        let note = checks.take("note", at_most(note, MAX_NOTE_BYTES));
        let expected = checks.take("etag", read_etag(&etag));
        let call = (|| {
            Some(Self {
                site: site?,
                files: files?,
                note: note?,
                expected: expected?,
                dry_run: validate_only,
            })
        })();
        checks.finish(call)
    }
}

/// Reads the name of a set.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_name(name: &str) -> Result<(SiteId, RuleRef), ApiError> {
    let mut checks = Checks::default();
    let name = checks.take("name", rule_set(name));
    checks.finish(name)
}

pub(super) fn rule_set(name: &str) -> Result<(SiteId, RuleRef), String> {
    let (site, last) = names::rule_set(name).map_err(|error| error.to_string())?;
    Ok((site, read_ref(last)?))
}

fn read_ref(text: &str) -> Result<RuleRef, String> {
    match text {
        "live" => Ok(RuleRef::Live),
        "draft" => Ok(RuleRef::Draft),
        hash if hash.len() == 16 => {
            RuleSetId::new(hash).map(RuleRef::Set).map_err(|error| format!("ends in an id that {error}"))
        }
        _ => Err("must end in a content hash of 16 digits, `live` or `draft`".to_owned()),
    }
}

/// A page of versions to show.
#[derive(Debug)]
pub(in crate::api) struct ListCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) page: PageRequest<u64>,
    pub(in crate::api) binding: ListBinding,
}

impl TryFrom<pb::ListRuleVersionsRequest> for ListCall {
    type Error = ApiError;
    fn try_from(mut request: pb::ListRuleVersionsRequest) -> Result<Self, ApiError> {
        let mut checks = Checks::default();
        let token = std::mem::take(&mut request.page_token);
        let size = checks.take("page_size", page_size(std::mem::take(&mut request.page_size)));
        let binding = ListBinding::new("ListRuleVersions", &request);
        let site = checks.take("parent", names::chain(&request.parent));
        let (size, site) = checks.finish(size.zip(site))?;
        let cursor = |bytes: Vec<u8>| {
            bytes.try_into().map(u64::from_be_bytes).map_err(|_| ApiError::PageToken("holds no version"))
        };
        let after = binding.read(&token)?.map(cursor).transpose()?;
        Ok(Self { site, page: PageRequest { size, after }, binding })
    }
}

/// Two sets to compare.
#[derive(Debug)]
pub(in crate::api) struct DiffCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) before: RuleRef,
    pub(in crate::api) after: RuleRef,
}

impl TryFrom<pb::DiffRulesRequest> for DiffCall {
    type Error = ApiError;
    fn try_from(request: pb::DiffRulesRequest) -> Result<Self, ApiError> {
        let pb::DiffRulesRequest { parent, base, target } = request;
        let mut checks = Checks::default();
        let site = checks.take("parent", names::chain(&parent));
        let or = |text: &str, default: RuleRef| if text.is_empty() { Ok(default) } else { read_ref(text) };
        let before = checks.take("base", or(&base, RuleRef::Live));
        let after = checks.take("target", or(&target, RuleRef::Draft));
        let all = site.zip(before).zip(after).map(|((site, before), after)| Self { site, before, after });
        checks.finish(all)
    }
}

/// A set to publish.
#[derive(Debug)]
pub(in crate::api) struct PublishCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) set: RuleRef,
    pub(in crate::api) reason: String,
    pub(in crate::api) expected: Option<u64>,
    pub(in crate::api) dry_run: bool,
    /// `GATE: why`; empty when none is overridden.
    pub(in crate::api) overridden: String,
}

impl TryFrom<pb::PublishRulesRequest> for PublishCall {
    type Error = ApiError;
    fn try_from(request: pb::PublishRulesRequest) -> Result<Self, ApiError> {
        let pb::PublishRulesRequest { name, reason, etag, validate_only, override_gate, override_reason } =
            request;
        let mut checks = Checks::default();
        let name = checks.take("name", rule_set(&name));
        let reason = read_reason(reason, &mut checks);
        let expected = checks.take("etag", read_etag(&etag));
        let overridden = match override_gate.as_str() {
            "" => Some(String::new()),
            APPROVED_HELD if override_reason.trim().is_empty() => {
                checks.take("override_reason", Err("must be there"))
            }
            APPROVED_HELD => checks
                .take("override_reason", at_most(override_reason, MAX_NOTE_BYTES))
                .map(|why| format!("{APPROVED_HELD}: {why}")),
            _ => checks.take("override_gate", Err("must be approved_held, or empty")),
        };
        let call = (|| {
            let (site, set) = name?;
            let (reason, expected, overridden) = (reason?, expected?, overridden?);
            Some(Self { site, set, reason, expected, dry_run: validate_only, overridden })
        })();
        checks.finish(call)
    }
}

/// A publication to take back.
#[derive(Debug)]
pub(in crate::api) struct RollbackCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) reason: String,
    pub(in crate::api) expected: Option<u64>,
}

impl TryFrom<pb::RollbackRulesRequest> for RollbackCall {
    type Error = ApiError;
    fn try_from(request: pb::RollbackRulesRequest) -> Result<Self, ApiError> {
        let pb::RollbackRulesRequest { parent, reason, etag } = request;
        let mut checks = Checks::default();
        let site = checks.take("parent", names::chain(&parent));
        let reason = read_reason(reason, &mut checks);
        let expected = checks.take("etag", read_etag(&etag));
        let call = (|| Some(Self { site: site?, reason: reason?, expected: expected? }))();
        checks.finish(call)
    }
}

fn read_reason(reason: String, checks: &mut Checks) -> Option<String> {
    checks.require("reason", !reason.trim().is_empty(), "must be there");
    checks.take("reason", at_most(reason, MAX_NOTE_BYTES))
}

/// The version of draft and live set as clients see it: opaque.
pub(in crate::api) fn write_etag(state: &RulesState) -> String {
    format!("r{:x}", state.etag)
}

fn read_etag(etag: &str) -> Result<Option<u64>, &'static str> {
    if etag.is_empty() {
        return Ok(None);
    }
    let hex = etag.strip_prefix('r').filter(|hex| !hex.starts_with('+'));
    hex.and_then(|hex| u64::from_str_radix(hex, 16).ok())
        .map(Some)
        .ok_or("must be the etag that was last read")
}

/// Writes a version.
pub(in crate::api) fn write_set(site: &SiteId, version: RuleVersion, state: &RulesState) -> pb::RuleSet {
    let RuleVersion { id, number, rules, files, actor, note, created_at, first_live_at } = version;
    let drafted = state.draft.as_ref().is_some_and(|draft| draft.set == id);
    let standing = match () {
        () if state.live_set() == Some(&id) => pb::RuleSetState::Live,
        () if drafted || number == 0 => pb::RuleSetState::Draft,
        () => pb::RuleSetState::Retired,
    };
    pb::RuleSet {
        name: names::of_a_rule_set(site, &id),
        version: number,
        state: standing.into(),
        rule_count: rules,
        file_names: files,
        key_id: actor.map(String::from).unwrap_or_default(),
        note,
        create_time: (number > 0).then(|| time::write(created_at)),
        first_live_time: first_live_at.map(time::write),
    }
}

/// Writes a set with its rules and files.
pub(in crate::api) fn write_entry(
    site: &SiteId,
    entry: RulebookEntry,
    state: &RulesState,
    now: Timestamp,
) -> pb::GetRulesResponse {
    let RulebookEntry { version, files, set } = entry;
    pb::GetRulesResponse {
        rules: set.rules().map(|rule| write_rule(&rule, now)).collect(),
        rule_set: Some(write_set(site, version, state)),
        etag: write_etag(state),
        files: files.into_iter().map(|RuleFile { name, text }| pb::RuleFile { name, text }).collect(),
    }
}

pub(super) fn write_rule(rule: &RuleInfo<'_>, now: Timestamp) -> pb::Rule {
    let standing = match rule.state {
        _ if rule.expires.is_some_and(|expires| expires <= now) => pb::RuleState::Expired,
        "DRAFT" => pb::RuleState::Draft,
        "SHADOW" => pb::RuleState::Shadow,
        "EXPIRED" => pb::RuleState::Expired,
        _ => pb::RuleState::Live,
    };
    let weight = |label: Label| {
        let log_odds = rule.effect.weights[label].get();
        (log_odds != 0.0).then(|| pb::RuleWeight { label: write_label(label).into(), log_odds })
    };
    pb::Rule {
        name: rule.name.to_owned(),
        kind: rule.kind.to_owned(),
        state: standing.into(),
        message: rule.message.to_owned(),
        action: rule.effect.action.map(write_action).unwrap_or_default().into(),
        weights: Label::ALL.into_iter().filter_map(weight).collect(),
        site_id: rule.site.map(ToString::to_string).unwrap_or_default(),
        owner: rule.owner.unwrap_or_default().to_owned(),
        note: rule.note.unwrap_or_default().to_owned(),
        expire_time: rule.expires.map(time::write),
        emergency: rule.emergency,
    }
}

/// Writes a diagnostic.
pub(in crate::api) fn write_diagnostic(found: Diagnostic) -> pb::RuleDiagnostic {
    let severity = match found.severity {
        Severity::Error => pb::RuleSeverity::Error,
        Severity::Warning => pb::RuleSeverity::Warning,
    };
    pb::RuleDiagnostic {
        severity: severity.into(),
        code: found.code.to_owned(),
        file: found.file,
        line: found.line,
        column: found.column,
        message: found.message,
        help: found.help.unwrap_or_default(),
    }
}

/// Writes what changed of a rule.
pub(in crate::api) fn write_change(change: RuleChange) -> pb::RuleChange {
    let RuleChange { name, change, fields } = change;
    let kind = match change {
        Change::Added => pb::RuleChangeKind::Added,
        Change::Removed => pb::RuleChangeKind::Removed,
        Change::Changed => pb::RuleChangeKind::Changed,
    };
    let field = |f: crate::learning::rule_words::FieldChange| pb::RuleFieldChange {
        key: f.key,
        before: f.before,
        after: f.after,
    };
    pb::RuleChange { rule: name, kind: kind.into(), fields: fields.into_iter().map(field).collect() }
}

#[cfg(test)]
mod tests {
    use super::{super::checks::tests::refused, *};

    #[test]
    fn every_violation_is_named() {
        let push = |parent: &str, etag: &str| pb::PushRulesRequest {
            parent: parent.to_owned(),
            files: vec![pb::RuleFile::default()],
            note: "n".repeat(501),
            etag: etag.to_owned(),
            validate_only: false,
        };
        assert_eq!(
            refused(PushCall::try_from(push("news", "7"))),
            ["parent", "files[0].name", "note", "etag"]
        );
        let empty = pb::PushRulesRequest { parent: "sites/_".into(), ..Default::default() };
        assert_eq!(refused(PushCall::try_from(empty)), ["files"]);
        assert_eq!(refused(PublishCall::try_from(pb::PublishRulesRequest::default())), ["name", "reason"]);
        assert_eq!(
            refused(RollbackCall::try_from(pb::RollbackRulesRequest::default())),
            ["parent", "reason"]
        );
        let diff = pb::DiffRulesRequest { base: "x".into(), target: "y".into(), ..Default::default() };
        assert_eq!(refused(DiffCall::try_from(diff)), ["parent", "base", "target"]);
        assert_eq!(refused(ListCall::try_from(pb::ListRuleVersionsRequest::default())), ["parent"]);
        assert_eq!(refused(read_name("sites/news/ruleSets/0123")), ["name"]);
    }

    #[test]
    fn names_are_read() {
        let (site, set) = read_name("sites/_/ruleSets/0123456789abcdef").unwrap();
        assert_eq!(
            (site, set),
            (SiteId::installation(), RuleRef::Set(RuleSetId::new("0123456789abcdef").unwrap()))
        );
        assert_eq!(read_name("sites/news/ruleSets/draft").unwrap().1, RuleRef::Draft);
        let state = RulesState { etag: 26, ..RulesState::default() };
        assert_eq!(read_etag(&write_etag(&state)), Ok(Some(26)));
    }
}
