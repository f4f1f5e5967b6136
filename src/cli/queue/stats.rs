//! `tamis queue stats` and `watch`.
//!
//! May import: `api` (wire types).

use anyhow::Result;
use clap::Args;

use super::words;
use crate::{
    api::pb,
    cli::{
        print,
        remote::{Remote, json, next, told},
        terminal::{Screen, roughly, tame},
    },
};

/// How much waits, how fast it comes and goes.
#[derive(Debug, Args)]
pub(super) struct StatsArgs {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn stats(remote: &Remote, args: &StatsArgs) -> Result<()> {
    let mut client = remote.queue().await?;
    let stats = told(client.get_queue_stats(pb::GetQueueStatsRequest { parent: remote.site() }).await)?;
    if args.json {
        print(&format!("{}\n", json("GetQueueStatsResponse", &stats)?));
        return Ok(());
    }
    let oldest = match &stats.oldest_wait_start_time {
        Some(moment) => roughly(words::seconds_since(Some(moment))),
        None => "-".to_owned(),
    };
    print(&format!(
        "open {}  claimed {}  decided {}  oldest {oldest}\ncoming {:.1}/h  decided {:.1}/h  {}\n",
        stats.open_count,
        stats.claimed_count,
        stats.decided_count,
        stats.arrivals_per_hour,
        stats.decisions_per_hour,
        tame(&stats.forecast)
    ));
    let hour = |hour: &pb::QueueHour| {
        let ago = words::seconds_since(hour.start_time.as_ref()) / 3_600.0;
        vec![
            format!("-{:.0} h", ago.floor()),
            hour.arrival_count.to_string(),
            hour.decision_count.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = stats.hours.iter().take(12).map(hour).collect();
    if !rows.is_empty() {
        print(&Screen::stdout().table(&["hour", "came", "decided"], &rows));
    }
    Ok(())
}

/// Tells what happens as it happens, until interrupted.
#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// Go on after this token.
    #[arg(long, value_name = "TOKEN", default_value = "")]
    resume: String,
    /// One JSON object per line, heartbeats too.
    #[arg(long)]
    json: bool,
    /// Stop after so many events.
    #[arg(long)]
    count: Option<usize>,
}

pub(super) async fn watch(remote: &Remote, args: &WatchArgs) -> Result<()> {
    let mut client = remote.queue().await?;
    let request = pb::WatchQueueRequest { parent: remote.site(), resume_token: args.resume.clone() };
    let mut events = told(client.watch_queue(request).await)?;
    let (screen, mut seen) = (Screen::stdout(), 0);
    while args.count.is_none_or(|count| seen < count) {
        let Some(event) = next(&mut events).await? else { break };
        let heartbeat = event.kind == 0;
        seen += usize::from(!heartbeat);
        if args.json {
            print(&format!("{}\n", json("WatchQueueResponse", &event)?));
        } else if !heartbeat {
            let by =
                if event.key_id.is_empty() { String::new() } else { format!(" by {}", tame(&event.key_id)) };
            let ruled = event.decision.as_ref().map(super::show::told_decision);
            let ruled = ruled.map(|ruled| format!(": {ruled}")).unwrap_or_default();
            let line = format!("{:<9} {}{by}{ruled}", words::event(event.kind), words::last(&event.item));
            print(&format!("{}\n", screen.cut(&line)));
        }
    }
    Ok(())
}
