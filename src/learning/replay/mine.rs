//! Rules proposed from what people rejected: the domains, handles and phrases that many
//! rejected comments share and approved ones do not.
//!
//! A phrase is a run of three to six words of the folded text, so a template shows as its
//! longest fixed part. Of candidates that catch the same comments only the most telling is
//! kept: a domain before a handle before the longest phrase. Support by several authors
//! counts, so that one person's habit is no rule. May import: `types`, `text`, `store`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::backtest::{Rate, truth};
use crate::{
    store::{SharedStore, StoreError},
    text::{Document, ViewKind},
    types::{SiteId, Timestamp, Verdict},
};

/// Most decided comments looked at.
const MAX_COMMENTS: usize = 20_000;
/// Most proposals.
const MAX_PROPOSALS: usize = 50;
/// Words of a phrase.
const WORDS: std::ops::RangeInclusive<usize> = 3..=6;
/// Most words of a comment looked at.
const MAX_WORDS: usize = 200;
/// Words from which on a phrase that many authors share is a template.
const TEMPLATE_WORDS: usize = 6;
/// How long a proposed rule lasts, in days.
const TERM_DAYS: u64 = 30;

/// What a proposal looks for. In order of preference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Find {
    Domain(String),
    Handle(String),
    Phrase(usize, String),
}

/// A rule that is proposed.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Its name.
    pub name: String,
    /// `domain`, `handle`, `phrase` or `template`.
    pub kind: &'static str,
    /// It as TOML.
    pub toml: String,
    /// Of the decided comments that hold it, the rejected ones.
    pub precision: Rate,
    /// Authors that wrote them.
    pub authors: u64,
}

/// What mining came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mined {
    /// Proposals, the best supported first.
    pub proposals: Vec<Proposal>,
    /// Rejected comments looked at.
    pub rejected: u64,
    /// Approved comments looked at.
    pub approved: u64,
}

#[derive(Debug, Default)]
struct Support {
    rejected: BTreeSet<usize>,
    approved: u64,
    authors: BTreeSet<[u8; 16]>,
}

/// Proposes rules from the decided comments of a site since a moment.
///
/// # Errors
///
/// What the store says.
pub async fn mine(
    store: &SharedStore,
    site: &SiteId,
    (from, now): (Timestamp, Timestamp),
    (support, precision): (u64, f64),
) -> Result<Mined, StoreError> {
    let mut decided: Vec<_> = truth(store, site).await?.into_iter().collect();
    // The newest first: ids sort by time.
    decided.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
    let mut comments = Vec::new();
    for (id, approved) in decided.into_iter().take(MAX_COMMENTS) {
        let Some(verdict) = store.verdict(site, id).await? else { continue };
        if verdict.created_at >= from {
            comments.push((verdict, approved));
        }
    }
    let work = move || propose(&comments, now, support.max(2), precision);
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Closed)
}

fn propose(comments: &[(Verdict, bool)], now: Timestamp, least: u64, precision: f64) -> Mined {
    let mut found: HashMap<Find, Support> = HashMap::new();
    let mut document = Document::default();
    let mut mined = Mined::default();
    // Rejected ones first: only what they hold is counted in approved ones.
    for (at, (verdict, _)) in comments.iter().enumerate().filter(|(_, (_, approved))| !approved) {
        mined.rejected += 1;
        for find in finds(verdict, &mut document) {
            let support = found.entry(find).or_default();
            support.rejected.insert(at);
            support.authors.extend(verdict.author());
        }
    }
    found.retain(|_, support| support.rejected.len() as u64 >= least);
    for (verdict, _) in comments.iter().filter(|(_, approved)| *approved) {
        mined.approved += 1;
        for find in finds(verdict, &mut document) {
            if let Some(support) = found.get_mut(&find) {
                support.approved += 1;
            }
        }
    }
    let rate = |support: &Support| {
        let rejected = support.rejected.len() as u64;
        Rate::of(rejected, rejected + support.approved)
    };
    let mut best: Vec<_> =
        found.into_iter().filter(|(_, support)| rate(support).value() >= precision).collect();
    // Most support first; of equals the most telling, the longest, by name.
    best.sort_by(|(a, x), (b, y)| {
        y.rejected.len().cmp(&x.rejected.len()).then_with(|| rank(a).cmp(&rank(b))).then_with(|| a.cmp(b))
    });
    let mut covered: Vec<BTreeSet<usize>> = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (find, support) in best {
        if mined.proposals.len() == MAX_PROPOSALS {
            break;
        }
        // What catches nothing that is not caught already says nothing new.
        if covered.iter().any(|known| support.rejected.is_subset(known)) {
            continue;
        }
        mined.proposals.push(proposal(&find, rate(&support), support.authors.len() as u64, now, &mut names));
        covered.push(support.rejected);
    }
    mined
}

/// Of finds with the same support: domains, handles, then longer phrases first.
const fn rank(find: &Find) -> (u8, usize) {
    match find {
        Find::Domain(_) => (0, 0),
        Find::Handle(_) => (1, 0),
        Find::Phrase(words, _) => (2, usize::MAX - *words),
    }
}

/// What a comment holds that a rule could look for.
fn finds(verdict: &Verdict, document: &mut Document) -> BTreeSet<Find> {
    document.read(verdict.body.as_str(), verdict.markup);
    let mut found = BTreeSet::new();
    found.extend(
        document
            .links()
            .iter()
            .filter(|link| link.domain.contains('.'))
            .map(|link| Find::Domain(link.domain.to_string())),
    );
    found.extend(document.contacts().iter().map(|contact| Find::Handle(contact.value.to_string())));
    let text = document.view(ViewKind::Folded).map_or("", |view| view.text());
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .take(MAX_WORDS)
        .collect();
    for length in WORDS {
        for run in words.windows(length) {
            let phrase = run.join(" ");
            // Only what stands so in the text can be found there by a list.
            if phrase.len() <= 120 && text.contains(&phrase) {
                found.insert(Find::Phrase(length, phrase));
            }
        }
    }
    found
}

fn proposal(
    find: &Find,
    precision: Rate,
    authors: u64,
    now: Timestamp,
    names: &mut BTreeMap<String, usize>,
) -> Proposal {
    let (kind, field, text) = match find {
        Find::Domain(domain) => ("domain", "link_domain", domain),
        Find::Handle(handle) => ("handle", "contact", handle),
        Find::Phrase(words, text) if *words >= TEMPLATE_WORDS && authors > 1 => ("template", "body", text),
        Find::Phrase(_, text) => ("phrase", "body", text),
    };
    let slug: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let slug = slug.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    let base = format!("mined-{kind}-{}", slug.get(..slug.len().min(32)).unwrap_or_default());
    let base = base.trim_end_matches('-').to_owned();
    let seen = names.entry(base.clone()).or_insert(0);
    *seen += 1;
    let name = if *seen == 1 { base } else { format!("{base}-{seen}") };
    let term = toml::Value::String(text.clone());
    let note = format!(
        "Mined: {} of {} decided comments with it were rejected, by {authors} authors.",
        precision.count, precision.of
    );
    let toml = format!(
        "[[list]]\nname = \"{name}\"\nmessage = \"Holds a {kind} that rejected comments share.\"\nfield = \"{field}\"\nterms = [{term}]\nweight = {{ spam = 2.0 }}\nstate = \"SHADOW\"\nexpires = {}\nnote = \"{note}\"\n",
        day(now, TERM_DAYS)
    );
    Proposal { name, kind, toml, precision, authors }
}

/// The first moment of the day that many days after `now`, as TOML (days by H. Hinnant,
/// "chrono-compatible low-level date algorithms", 2013).
fn day(now: Timestamp, days: u64) -> String {
    let z = now.micros().div_euclid(86_400_000_000) + i64::try_from(days).unwrap_or(0) + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let y = yoe + era * 400 + i64::from(m <= 2);
    format!("{y:04}-{m:02}-{d:02}T00:00:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rules::{RuleSet, Source},
        store::conformance::samples::{at, verdict},
        types::Body,
    };

    fn comment(text: &str, author: u8, approved: bool) -> (Verdict, bool) {
        use crate::types::{TallyKey, TallyKind};
        let mut made = verdict("daily");
        made.body = Body::new(text.to_owned()).unwrap();
        made.tallies = vec![TallyKey { kind: TallyKind::Author, digest: [author; 16] }];
        (made, approved)
    }

    #[test]
    fn what_rejected_comments_share_is_proposed() {
        let comments = [
            comment("Make money now at http://quick-cash.example/a today friends", 1, false),
            comment("I love this: http://quick-cash.example/b", 2, false),
            comment("see http://www.quick-cash.example/c", 3, false),
            comment("Dear sir kindly write to our agent for a loan of trust", 4, false),
            comment("Hello! Dear sir kindly write to our agent for money", 5, false),
            comment("Dear sir kindly write to our agent for help please", 6, false),
            comment("The council should write to our agent for parks", 7, true),
            comment("I think that the council is right about this", 8, true),
            comment("I think that the council is wrong about this", 9, true),
        ];
        let mined = propose(&comments, at(0), 3, 0.95);
        assert_eq!((mined.rejected, mined.approved), (6, 3));
        let kinds: Vec<_> = mined.proposals.iter().map(|proposal| proposal.kind).collect();
        assert_eq!(kinds, ["domain", "template"], "{:#?}", mined.proposals);
        assert_eq!(mined.proposals[0].precision.count, 3);
        assert!(
            mined.proposals[1].toml.contains("dear sir kindly write to our"),
            "{}",
            mined.proposals[1].toml
        );
        let text: String = mined.proposals.iter().map(|proposal| proposal.toml.as_str()).collect();
        let (set, diagnostics) = RuleSet::check(&[Source { name: "mined.toml".into(), text }]);
        assert!(set.is_some(), "{diagnostics:?}");
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(day(Timestamp::from_micros(0), 0), "1970-01-01T00:00:00Z");
        assert_eq!(day(Timestamp::from_micros(951_782_400_000_000), 1), "2000-03-01T00:00:00Z");
    }
}
