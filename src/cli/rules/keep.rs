//! `tamis rules push`, `publish` and `rollback`.
//!
//! May import: `rules`, `api` (wire types).

use std::process::ExitCode;

use anyhow::Result;

use super::{
    At, PublishArgs, PushArgs, RollbackArgs,
    check::{counted, read},
    show::changes,
};
use crate::{
    api::pb,
    cli::{
        print,
        remote::{json, told},
    },
    rules::RuleSet,
};

/// Sends files; what is wrong with them is shown as `tamis rules check` would.
pub(super) async fn push(at: &mut At, args: &PushArgs) -> Result<ExitCode> {
    let sources = read(&args.paths)?;
    let (set, diagnostics) = RuleSet::check(&sources);
    for diagnostic in &diagnostics {
        print(&format!("{diagnostic}\n\n"));
    }
    if set.is_none() {
        print("nothing was sent\n");
        return Ok(ExitCode::FAILURE);
    }
    let request = pb::PushRulesRequest {
        parent: at.parent.clone(),
        files: sources
            .into_iter()
            .map(|source| pb::RuleFile { name: source.name, text: source.text })
            .collect(),
        note: args.note.clone(),
        etag: args.etag.clone(),
        validate_only: args.dry_run,
    };
    let answer = told(at.client.push_rules(request).await)?;
    if args.json {
        print(&format!("{}\n", json("PushRulesResponse", &answer)?));
        return Ok(ExitCode::SUCCESS);
    }
    let set = answer.rule_set.unwrap_or_default();
    print(&changes(&answer.changes));
    let rules = counted(set.rule_count as usize, "rule");
    print(&match args.dry_run {
        true => format!("dry run: {} with {rules} was not kept\n", set.name),
        false => format!("{} with {rules} is kept, etag {}\n", set.name, answer.etag),
    });
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn publish(at: &mut At, args: &PublishArgs) -> Result<ExitCode> {
    let request = pb::PublishRulesRequest {
        name: at.set(&args.set),
        reason: args.reason.clone(),
        etag: args.etag.clone(),
        validate_only: args.dry_run,
        override_gate: args.override_gate.clone(),
        override_reason: args.override_reason.clone(),
    };
    let answer = told(at.client.publish_rules(request).await)?;
    if args.json {
        print(&format!("{}\n", json("PublishRulesResponse", &answer)?));
    } else {
        let word = if args.dry_run { "can be published" } else { "is in force" };
        print(&format!("{} {word}, etag {}\n", answer.rule_set.unwrap_or_default().name, answer.etag));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn roll_back(at: &mut At, args: &RollbackArgs) -> Result<ExitCode> {
    let request = pb::RollbackRulesRequest {
        parent: at.parent.clone(),
        reason: args.reason.clone(),
        etag: args.etag.clone(),
    };
    let answer = told(at.client.rollback_rules(request).await)?;
    if args.json {
        print(&format!("{}\n", json("RollbackRulesResponse", &answer)?));
    } else {
        let now = answer.rule_set.map_or_else(|| "no set of its own".to_owned(), |set| set.name);
        print(&format!("{now} is in force again, etag {}\n", answer.etag));
    }
    Ok(ExitCode::SUCCESS)
}
