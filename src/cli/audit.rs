//! `tamis audit`: what was done on a site, and whether its chain holds.
//!
//! May import: `api` (wire types).

use anyhow::Result;
use clap::{Args, Subcommand};
use std::process::ExitCode;

use super::{
    print,
    remote::{Remote, json, told},
    terminal::{Screen, tame},
};
use crate::api::pb;

/// Lists and verifies the audit chain of a site, on a running server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tamis audit list --limit 20\n  tamis audit verify\n\n\
    Exit status of verify: 0 the chain holds, 1 it is broken.")]
pub(super) struct AuditArgs {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Lists events, oldest first.
    List {
        /// Most events.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Computes the chain again and says where it breaks first.
    Verify {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs `tamis audit`.
///
/// # Errors
///
/// What the server says.
pub(super) fn run(args: &AuditArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.command {
            AuditCommand::List { limit, json } => list(&args.remote, limit, json).await,
            AuditCommand::Verify { json } => verify(&args.remote, json).await,
        }
    })
}

async fn list(remote: &Remote, limit: usize, as_json: bool) -> Result<ExitCode> {
    let mut client = remote.audit().await?;
    let mut request = pb::ListAuditEventsRequest { parent: remote.site(), ..Default::default() };
    let mut events = Vec::new();
    while events.len() < limit {
        request.page_size = i32::try_from(limit - events.len()).unwrap_or(i32::MAX);
        let page = told(client.list_audit_events(request.clone()).await)?;
        events.extend(page.events);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if as_json {
        for event in &events {
            print(&format!("{}\n", json("AuditEvent", event)?));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let row = |event: &pb::AuditEvent| {
        let time = event.create_time.as_ref().map(ToString::to_string).unwrap_or_default();
        let by = if event.key_id.is_empty() { "-" } else { &event.key_id };
        let target = event.target.splitn(3, '/').nth(2).unwrap_or_default();
        vec![event.sequence.to_string(), time, tame(by), event.action.clone(), tame(target)]
    };
    let rows: Vec<Vec<String>> = events.iter().map(row).collect();
    print(&Screen::stdout().table(&["event", "time", "key", "action", "target"], &rows));
    Ok(ExitCode::SUCCESS)
}

async fn verify(remote: &Remote, as_json: bool) -> Result<ExitCode> {
    let mut client = remote.audit().await?;
    let mut request = pb::VerifyAuditChainRequest { parent: remote.site(), ..Default::default() };
    let mut verified = 0;
    loop {
        let answer = told(client.verify_audit_chain(request.clone()).await)?;
        verified += answer.verified_count;
        if answer.broken_sequence == 0 && !answer.done {
            request.after_sequence = answer.head_sequence;
            request.after_hash = answer.head_hash;
            continue;
        }
        let broken = answer.broken_sequence;
        if as_json {
            let whole = pb::VerifyAuditChainResponse { verified_count: verified, ..answer };
            print(&format!("{}\n", json("VerifyAuditChainResponse", &whole)?));
        } else if broken > 0 {
            print(&format!("broken at event {broken}; {verified} events before it hold\n"));
        } else {
            print(&format!("{verified} events hold; head {} {}\n", answer.head_sequence, answer.head_hash));
        }
        return Ok(if broken > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
}
