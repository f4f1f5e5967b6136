//! `tamis rules diff`, `list` and `show`.
//!
//! May import: `api` (wire types).

use std::process::ExitCode;

use anyhow::Result;

use super::{At, DiffArgs, ListArgs, ShowArgs};
use crate::{
    api::pb,
    cli::{
        print,
        remote::{json, told},
        terminal::{Screen, tame},
    },
};

/// What changed, a rule a paragraph: `+ name`, `- name`, `~ name` with its keys.
pub(super) fn changes(changes: &[pb::RuleChange]) -> String {
    let mut out = String::new();
    for change in changes {
        let sign = match change.kind() {
            pb::RuleChangeKind::Added => '+',
            pb::RuleChangeKind::Removed => '-',
            pb::RuleChangeKind::Changed | pb::RuleChangeKind::Unspecified => '~',
        };
        out.push_str(&format!("{sign} {}\n", tame(&change.rule)));
        if sign != '~' {
            continue;
        }
        for field in &change.fields {
            let side = |text: &str| if text.is_empty() { "(absent)".to_owned() } else { tame(text) };
            out.push_str(&format!("    {}: {} -> {}\n", field.key, side(&field.before), side(&field.after)));
        }
    }
    if changes.is_empty() {
        out.push_str("no rule differs from what is in force\n");
    }
    out
}

pub(super) async fn diff(at: &mut At, args: &DiffArgs) -> Result<ExitCode> {
    let request = pb::DiffRulesRequest {
        parent: at.parent.clone(),
        base: args.base.clone(),
        target: args.target.clone(),
    };
    let answer = told(at.client.diff_rules(request).await)?;
    print(&if args.json {
        format!("{}\n", json("DiffRulesResponse", &answer)?)
    } else if answer.changes.is_empty() {
        "no rule differs\n".to_owned()
    } else {
        changes(&answer.changes)
    });
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn list(at: &mut At, args: &ListArgs) -> Result<ExitCode> {
    let mut request = pb::ListRuleVersionsRequest { parent: at.parent.clone(), ..Default::default() };
    let mut sets = Vec::new();
    while sets.len() < args.limit {
        request.page_size = i32::try_from(args.limit - sets.len()).unwrap_or(i32::MAX);
        let page = told(at.client.list_rule_versions(request.clone()).await)?;
        sets.extend(page.rule_sets);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if args.json {
        for set in &sets {
            print(&format!("{}\n", json("RuleSet", set)?));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let row = |set: &pb::RuleSet| {
        let time = set.create_time.as_ref().map(ToString::to_string).unwrap_or_default();
        let state = set.state().as_str_name().trim_start_matches("RULE_SET_STATE_");
        let hash = set.name.rsplit('/').next().unwrap_or_default();
        let rules = set.rule_count.to_string();
        vec![set.version.to_string(), hash.to_owned(), state.to_owned(), rules, time, tame(&set.note)]
    };
    let rows: Vec<Vec<String>> = sets.iter().map(row).collect();
    print(&Screen::stdout().table(&["version", "set", "state", "rules", "pushed", "note"], &rows));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn show(at: &mut At, args: &ShowArgs) -> Result<ExitCode> {
    let request = pb::GetRulesRequest { name: at.set(&args.set) };
    let answer = told(at.client.get_rules(request).await)?;
    if args.json {
        print(&format!("{}\n", json("GetRulesResponse", &answer)?));
        return Ok(ExitCode::SUCCESS);
    }
    if args.files {
        for file in &answer.files {
            print(&format!("# {}\n{}\n", tame(&file.name), file.text));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let row = |rule: &pb::Rule| {
        let state = rule.state().as_str_name().trim_start_matches("RULE_STATE_");
        let expires = rule.expire_time.as_ref().map(ToString::to_string).unwrap_or_default();
        vec![tame(&rule.name), rule.kind.clone(), state.to_owned(), effect(rule), tame(&rule.owner), expires]
    };
    let rows: Vec<Vec<String>> = answer.rules.iter().map(row).collect();
    print(&Screen::stdout().table(&["rule", "kind", "state", "effect", "owner", "expires"], &rows));
    Ok(ExitCode::SUCCESS)
}

/// `HOLD spam+1.5`.
fn effect(rule: &pb::Rule) -> String {
    let mut words = Vec::new();
    if rule.action() != pb::Action::Unspecified {
        words.push(rule.action().as_str_name().trim_start_matches("ACTION_").to_owned());
    }
    for weight in &rule.weights {
        let label = weight.label().as_str_name().trim_start_matches("LABEL_").to_lowercase();
        words.push(format!("{label}{:+}", weight.log_odds));
    }
    words.join(" ")
}
