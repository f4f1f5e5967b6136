//! `tamis queue work`: one item after the other, decided by single keys.
//!
//! Leases are renewed while a person reads; what is not decided is given back.
//!
//! May import: `api` (wire types).

use anyhow::{Result, bail};
use clap::Args;
use console::{Key, Style, Term};

use super::{
    act::{give_back, request_id},
    list::{FilterArgs, parent},
    show,
    words::{self, last, order_of, ruled},
};
use crate::{
    api::pb,
    cli::{
        print,
        remote::{Queue, Refusal, Remote, told},
        terminal::Screen,
    },
};

/// How long a lease lasts while somebody reads.
const LEASE: prost_types::Duration = prost_types::Duration { seconds: 600, nanos: 0 };

/// Keys for reasons, by the letter that starts or marks the word.
#[rustfmt::skip]
const REASONS: [(char, pb::ReasonCode, &str); 10] = [
    ('s', pb::ReasonCode::Spam,         "spam"),
    ('l', pb::ReasonCode::LowContent,   "low content"),
    ('t', pb::ReasonCode::OffTopic,     "off topic"),
    ('a', pb::ReasonCode::Harassment,   "abuse: harassment"),
    ('h', pb::ReasonCode::Hate,         "hate"),
    ('x', pb::ReasonCode::Sexual,       "sexual"),
    ('v', pb::ReasonCode::Violence,     "violence"),
    ('p', pb::ReasonCode::PersonalData, "personal data"),
    ('i', pb::ReasonCode::Illegal,      "illegal"),
    ('o', pb::ReasonCode::Other,        "other"),
];

/// Shows one item after the other and takes decisions by single keys.
#[derive(Debug, Args)]
pub(super) struct WorkArgs {
    /// A named queue.
    #[arg(long)]
    queue: Option<String>,
    /// In which order.
    #[arg(long, value_parser = order_of)]
    order: Option<i32>,
    #[command(flatten)]
    filter: FilterArgs,
}

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Approve,
    Reject(pb::ReasonCode),
    Skip,
    Undo,
    Quit,
}

/// A session of work.
struct Session<'a> {
    remote: &'a Remote,
    client: Queue,
    term: Term,
    screen: Screen,
    /// The last decision made, for undoing.
    last: Option<String>,
    decided: usize,
    /// What is to be said above the next item: the screen is cleared before it.
    notice: String,
}

pub(super) async fn run(remote: &Remote, args: &WorkArgs) -> Result<()> {
    let term = Term::stdout();
    if !term.is_term() {
        bail!("work needs a terminal; scripts use claim and decide");
    }
    let client = remote.queue().await?;
    let mut session = Session {
        remote,
        client,
        term,
        screen: Screen::stdout(),
        last: None,
        decided: 0,
        notice: String::new(),
    };
    let request = pb::ClaimQueueItemsRequest {
        parent: parent(remote, args.queue.as_ref()),
        filter: Some(args.filter.filter(remote)),
        order: args.order.unwrap_or_default(),
        max_items: 1,
        lease_duration: Some(LEASE),
        ..Default::default()
    };
    let mut skipped = Vec::new();
    loop {
        let claimed = told(session.client.claim_queue_items(request.clone()).await)?.items;
        let Some(claimed) = claimed.into_iter().next() else {
            print("nothing waits\n");
            break;
        };
        let name = claimed.item.as_ref().map(|item| item.name.clone()).unwrap_or_default();
        if !session.one(&name, claimed.lease_token, &mut skipped).await? {
            break;
        }
    }
    // Skipped items stay with us until the end, so that they do not come again.
    for (name, token) in skipped {
        let _ = give_back(&mut session.client, remote, &name, token).await;
    }
    print(&format!("{} decided\n", session.decided));
    Ok(())
}

impl Session<'_> {
    /// Shows an item and does what the person says; whether to go on.
    async fn one(&mut self, name: &str, token: u64, skipped: &mut Vec<(String, u64)>) -> Result<bool> {
        let request = pb::GetDecisionContextRequest { name: name.to_owned() };
        let context = told(self.client.get_decision_context(request).await)?;
        let stats = pb::GetQueueStatsRequest { parent: self.remote.site() };
        let waiting = told(self.client.get_queue_stats(stats).await)?.open_count;
        let _ = self.term.clear_screen();
        let head = format!("{} decided · {waiting} more wait", self.decided);
        print(&format!("{}\n", self.screen.paint(&Style::new().dim(), &head)));
        if !self.notice.is_empty() {
            let notice = std::mem::take(&mut self.notice);
            print(&format!("{}\n", self.screen.paint(&Style::new().yellow(), &self.screen.cut(&notice))));
        }
        print(&show::render(self.screen, &context)?);
        loop {
            match self.ask(name, token).await? {
                Choice::Approve => return self.decide(name, token, None).await.map(|()| true),
                Choice::Reject(reason) => return self.decide(name, token, Some(reason)).await.map(|()| true),
                Choice::Skip => {
                    skipped.push((name.to_owned(), token));
                    return Ok(true);
                }
                Choice::Undo => self.undo().await?,
                Choice::Quit => {
                    give_back(&mut self.client, self.remote, name, token).await?;
                    return Ok(false);
                }
            }
        }
    }

    /// Waits for a key; renews the lease while it waits.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other key does nothing")]
    async fn ask(&mut self, name: &str, token: u64) -> Result<Choice> {
        let undo = if self.last.is_some() { "  u undo the last" } else { "" };
        print(
            &self
                .screen
                .paint(&Style::new().bold(), &format!("a approve  r reject  s skip{undo}  q quit > ")),
        );
        loop {
            let key = self.key(name, token).await?;
            let choice = match key {
                Key::Char('a') => Choice::Approve,
                Key::Char('r') => match self.reason(name, token).await? {
                    Some(reason) => Choice::Reject(reason),
                    None => continue,
                },
                Key::Char('s') => Choice::Skip,
                Key::Char('u') if self.last.is_some() => Choice::Undo,
                Key::Char('q') | Key::CtrlC | Key::Escape => Choice::Quit,
                _ => continue,
            };
            print("\n");
            return Ok(choice);
        }
    }

    /// Waits for a reason; `None` takes the reject back.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other key does nothing")]
    async fn reason(&mut self, name: &str, token: u64) -> Result<Option<pb::ReasonCode>> {
        let keys: Vec<String> = REASONS.iter().map(|(key, _, word)| format!("{key} {word}")).collect();
        print(&format!("\n{}", self.screen.wrap(&format!("why: {}  (Esc: no)", keys.join("  ")), 2)));
        loop {
            match self.key(name, token).await? {
                Key::Escape => return Ok(None),
                Key::Char(c) => {
                    if let Some((_, reason, _)) = REASONS.iter().find(|(key, _, _)| *key == c) {
                        return Ok(Some(*reason));
                    }
                }
                _ => {}
            }
        }
    }

    async fn key(&mut self, name: &str, token: u64) -> Result<Key> {
        let term = self.term.clone();
        let mut reading = tokio::task::spawn_blocking(move || term.read_key());
        let pause = std::time::Duration::from_secs(240);
        loop {
            tokio::select! {
                key = &mut reading => return Ok(key??),
                () = tokio::time::sleep(pause) => {
                    let request = pb::RenewLeaseRequest {
                        name: name.to_owned(),
                        lease_token: token,
                        lease_duration: Some(LEASE),
                    };
                    // A lost lease shows when the decision is made.
                    let _ = self.client.renew_lease(request).await;
                }
            }
        }
    }

    async fn decide(&mut self, name: &str, token: u64, reject: Option<pb::ReasonCode>) -> Result<()> {
        let ruled = ruled(reject.map(i32::from), "", "", None);
        let request = pb::DecideQueueItemRequest {
            name: name.to_owned(),
            lease_token: token,
            ruled: Some(ruled),
            request_id: request_id(),
        };
        match told(self.client.decide_queue_item(request).await) {
            Ok(answer) => {
                self.last = answer.decision.map(|decision| decision.name);
                self.decided += 1;
                Ok(())
            }
            // Somebody was faster: said, and on to the next.
            Err(Refusal { ref reason, .. }) if reason == "LEASE_LOST" => {
                self.notice = format!("{}: not decided by you, somebody was faster", last(name));
                Ok(())
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn undo(&mut self) -> Result<()> {
        let Some(name) = self.last.take() else { return Ok(()) };
        let request = pb::UndoDecisionRequest { name, request_id: request_id(), ..Default::default() };
        let results = told(self.client.undo_decision(request).await)?.results;
        self.decided = self.decided.saturating_sub(results.len());
        let item = results.iter().find_map(|result| match &result.result {
            Some(pb::undo_decision_result::Result::Decision(decision)) => Some(words::last(&decision.item)),
            _ => None,
        });
        print(&format!("undone: {} waits again\n", item.unwrap_or("it")));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_key_of_its_own() {
        let keys: std::collections::BTreeSet<char> = REASONS.iter().map(|(key, _, _)| *key).collect();
        assert_eq!(keys.len(), REASONS.len());
        let codes: std::collections::BTreeSet<i32> =
            REASONS.iter().map(|(_, code, _)| i32::from(*code)).collect();
        assert_eq!(codes, (1..=10).collect());
    }
}
