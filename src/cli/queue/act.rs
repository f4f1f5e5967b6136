//! `tamis queue claim`, `release`, `decide`, `batch` and `undo`.
//!
//! May import: `api` (wire types).

use anyhow::{Result, bail};
use clap::{ArgGroup, Args};

use super::{
    list::{FilterArgs, parent},
    show::told_decision,
    words::{self, author_action_of, last, order_of, reason_of, ruled, span},
};
use crate::{
    api::pb::{
        self, batch_decide_queue_items_request::Selection,
        batch_decide_queue_items_result::Result as BatchResult,
    },
    cli::{
        print,
        remote::{Queue, Remote, json, told},
        terminal::{Screen, tame},
    },
};

/// Claims items and prints their lease tokens.
#[derive(Debug, Args)]
pub(super) struct ClaimArgs {
    /// Exactly these items instead of the first ones.
    items: Vec<String>,
    /// A named queue.
    #[arg(long)]
    queue: Option<String>,
    /// Most items, 1 to 50.
    #[arg(long, default_value_t = 1)]
    max: i32,
    /// First ones of which order.
    #[arg(long, value_parser = order_of)]
    order: Option<i32>,
    /// How long the leases last: 30s to 30m.
    #[arg(long, value_parser = span, default_value = "5m")]
    lease: prost_types::Duration,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: FilterArgs,
}

pub(super) async fn claim(remote: &Remote, args: &ClaimArgs) -> Result<()> {
    let mut client = remote.queue().await?;
    let named = !args.items.is_empty();
    let request = pb::ClaimQueueItemsRequest {
        parent: parent(remote, args.queue.as_ref()),
        filter: (!named).then(|| args.filter.filter(remote)),
        order: args.order.unwrap_or_default(),
        items: args.items.iter().map(|item| remote.name("queueItems", item)).collect(),
        max_items: if named { 0 } else { args.max },
        lease_duration: Some(args.lease),
        request_id: String::new(),
    };
    let claimed = told(client.claim_queue_items(request).await)?.items;
    if claimed.is_empty() && !args.json {
        print("nothing could be claimed\n");
    }
    let screen = Screen::stdout();
    for one in &claimed {
        if args.json {
            print(&format!("{}\n", json("ClaimedItem", one)?));
            continue;
        }
        let item = one.item.clone().unwrap_or_default();
        print(&format!("{} --token {}\n", last(&item.name), one.lease_token));
        print(&format!("{}\n", screen.cut(&format!("    {}", tame(&item.body)))));
    }
    Ok(())
}

/// Gives claimed items back.
#[derive(Debug, Args)]
pub(super) struct ReleaseArgs {
    /// The item.
    item: String,
    /// The token of the lease.
    #[arg(long)]
    token: u64,
}

pub(super) async fn release(remote: &Remote, args: &ReleaseArgs) -> Result<()> {
    let mut client = remote.queue().await?;
    let name = remote.name("queueItems", &args.item);
    give_back(&mut client, remote, &name, args.token).await?;
    print("given back\n");
    Ok(())
}

/// Gives one item back.
///
/// # Errors
///
/// What the server says.
pub(super) async fn give_back(client: &mut Queue, remote: &Remote, name: &str, token: u64) -> Result<()> {
    let items = vec![pb::ReleaseQueueItemsItem { name: name.to_owned(), lease_token: token }];
    let request = pb::ReleaseQueueItemsRequest { parent: remote.site(), items };
    let results = told(client.release_queue_items(request).await)?.results;
    match results.into_iter().find_map(|result| result.error) {
        Some(error) => bail!("{}", tame(&error.message)),
        None => Ok(()),
    }
}

/// What is ruled.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("ruling").required(true).args(["approve", "reject"])))]
pub(super) struct RuledArgs {
    /// It may stand.
    #[arg(long)]
    approve: bool,
    /// It has to go, and why: spam, low_content, off_topic, harassment, hate, sexual, violence,
    /// personal_data, illegal or other.
    #[arg(long, value_name = "REASON", value_parser = reason_of)]
    reject: Option<i32>,
    /// The clause of the site's policy.
    #[arg(long, default_value = "")]
    clause: String,
    /// Free words.
    #[arg(long, default_value = "")]
    note: String,
    /// What the author's later comments meet: trust, pre_moderate or ban.
    #[arg(long, value_parser = author_action_of)]
    author_action: Option<i32>,
    /// Until when, from now: 7d.
    #[arg(long = "for", value_name = "SPAN", value_parser = span, requires = "author_action")]
    for_span: Option<prost_types::Duration>,
}

impl RuledArgs {
    pub(super) fn ruled(&self) -> pb::Ruled {
        let ruled = ruled(self.reject, &self.clause, &self.note, self.author_action);
        let until = self.for_span.map(|span| {
            let now = -words::seconds_since(Some(&prost_types::Timestamp::default()));
            prost_types::Timestamp { seconds: -now as i64 + span.seconds, nanos: 0 }
        });
        pb::Ruled { author_action_expire_time: until, ..ruled }
    }
}

/// Decides one item, claiming it first unless a token is given.
#[derive(Debug, Args)]
pub(super) struct DecideArgs {
    /// The item.
    item: String,
    /// The token of a lease; without it the item is claimed first.
    #[arg(long)]
    token: Option<u64>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ruled: RuledArgs,
}

pub(super) async fn decide(remote: &Remote, args: &DecideArgs) -> Result<()> {
    let mut client = remote.queue().await?;
    let name = remote.name("queueItems", &args.item);
    let lease_token = match args.token {
        Some(token) => token,
        None => take(&mut client, remote, &name).await?,
    };
    let ruled = Some(args.ruled.ruled());
    let request = pb::DecideQueueItemRequest { name, lease_token, ruled, request_id: request_id() };
    let decision = told(client.decide_queue_item(request).await)?.decision.unwrap_or_default();
    if args.json {
        print(&format!("{}\n", json("Decision", &decision)?));
    } else {
        print(&format!("{}\n", Screen::stdout().cut(&told_decision(&decision))));
    }
    Ok(())
}

/// Claims one item by name.
///
/// # Errors
///
/// It is not open: what it is instead.
async fn take(client: &mut Queue, remote: &Remote, name: &str) -> Result<u64> {
    let request = pb::ClaimQueueItemsRequest {
        parent: remote.site(),
        items: vec![name.to_owned()],
        ..Default::default()
    };
    let claimed = told(client.claim_queue_items(request).await)?.items;
    if let Some(one) = claimed.first() {
        return Ok(one.lease_token);
    }
    let get = pb::GetQueueItemRequest { name: name.to_owned() };
    let answer = told(client.get_queue_item(get).await)?;
    let item = answer.item.unwrap_or_default();
    match answer.decisions.last() {
        Some(decision) if item.state == i32::from(pb::QueueItemState::Decided) => {
            bail!("it is decided already: {}", told_decision(decision))
        }
        _ if !item.claimed_by.is_empty() => bail!("it is held by {}", tame(&item.claimed_by)),
        _ => bail!("it cannot be claimed: an appeal against your own decision needs somebody else"),
    }
}

/// A fresh id under which a retry is recognised.
pub(super) fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Decides many open items at once. Leads only.
#[derive(Debug, Args)]
pub(super) struct BatchArgs {
    /// Exactly these items instead of a filter.
    items: Vec<String>,
    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,
    /// As JSON, one object per call.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    ruled: RuledArgs,
}

pub(super) async fn batch(remote: &Remote, args: &BatchArgs) -> Result<()> {
    let mut client = remote.queue().await?;
    let selection = if args.items.is_empty() {
        Selection::Filter(args.filter.filter(remote))
    } else {
        let names = args.items.iter().map(|item| remote.name("queueItems", item)).collect();
        Selection::Items(pb::QueueItemNames { names })
    };
    let mut request = pb::BatchDecideQueueItemsRequest {
        parent: remote.site(),
        selection: Some(selection),
        ruled: Some(args.ruled.ruled()),
        validate_only: args.dry_run,
        ..Default::default()
    };
    let (mut decided, mut failed, mut error) = (0, 0, 0.0);
    loop {
        request.request_id = request_id();
        let answer = told(client.batch_decide_queue_items(request.clone()).await)?;
        if args.json {
            print(&format!("{}\n", json("BatchDecideQueueItemsResponse", &answer)?));
        }
        decided += answer.decided_count;
        failed += answer.failed_count;
        error += f64::from(answer.decided_count) * answer.estimated_error;
        for result in &answer.results {
            if let (Some(BatchResult::Error(error)), false) = (&result.result, args.json) {
                print(&format!("{}: {}\n", last(&result.name), tame(&error.message)));
            }
        }
        request.batch.clone_from(&answer.batch);
        // A call that could decide nothing would be asked for ever.
        if args.dry_run || !answer.more || answer.decided_count == 0 {
            break;
        }
    }
    if !args.json {
        let (verb, batch) =
            if args.dry_run { ("would be decided", "") } else { ("decided", last(&request.batch)) };
        let share = 100.0 * error / f64::from(decided.max(1));
        print(&format!("{decided} {verb}, {failed} not; by the model's estimate {share:.1} % wrongly\n"));
        if !batch.is_empty() {
            print(&format!("undo all: tamis queue undo batches/{batch}\n"));
        }
    }
    Ok(())
}

/// Takes a decision or a whole batch back.
#[derive(Debug, Args)]
pub(super) struct UndoArgs {
    /// A decision, or batches/ID.
    decision: String,
    /// Why.
    #[arg(long, default_value = "")]
    note: String,
}

pub(super) async fn undo(remote: &Remote, args: &UndoArgs) -> Result<()> {
    let mut client = remote.queue().await?;
    let name = match args.decision.split_once('/') {
        Some((collection @ ("batches" | "decisions"), id)) => remote.name(collection, id),
        _ => remote.name("decisions", &args.decision),
    };
    let mut page_token = String::new();
    let (mut undone, mut failed) = (0, 0);
    loop {
        let request = pb::UndoDecisionRequest {
            name: name.clone(),
            note: args.note.clone(),
            request_id: String::new(),
            page_token,
        };
        let answer = told(client.undo_decision(request).await)?;
        for result in answer.results {
            match result.result {
                Some(pb::undo_decision_result::Result::Decision(_)) => undone += 1,
                Some(pb::undo_decision_result::Result::Error(error)) => {
                    failed += 1;
                    print(&format!("{}: {}\n", last(&result.undone), tame(&error.message)));
                }
                None => {}
            }
        }
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    print(&format!(
        "{undone} undone{}\n",
        if failed > 0 { format!(", {failed} not") } else { String::new() }
    ));
    Ok(())
}
