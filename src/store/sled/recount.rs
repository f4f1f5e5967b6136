//! Checks the rows of one site against each other: look-ups point to rows, rows
//! have their look-ups, tallies equal what the verdicts and reports add up to.
//!
//! Rows come in key order, so reports are read before verdicts and tallies before
//! what they count. May import: `types`, `store`.

use std::collections::{BTreeMap, HashMap, HashSet};

use ::sled::Db;
use serde::de::DeserializeOwned;

use super::{
    Key,
    codec::{self, Rows as _},
    keys::Kind,
    ledger::SiteRows,
    packs,
    plan::{GroupedMark, Totals},
    verify::Report,
};
use crate::{
    store::{
        effect::{self, Mark},
        queue::{self, Given, RowKind, Standing, of_decision, of_feedback},
    },
    types::{
        ApiKey, Article, Decision, Feedback, RulingId, Site, SiteId, Tally, Timestamp, Verdict, VerdictId,
    },
};

/// What is known of one site so far.
pub(super) struct Recount<'a> {
    db: &'a Db,
    name: String,
    site: Option<SiteId>,
    last: Option<Key>,
    rulings: HashMap<VerdictId, Vec<Given>>,
    undone: HashSet<RulingId>,
    stored_standing: HashMap<VerdictId, Standing>,
    stored: BTreeMap<Key, Tally>,
    counted: BTreeMap<Key, Tally>,
    marks: BTreeMap<Key, Timestamp>,
    lookups: u64,
    expected_lookups: u64,
}

impl<'a> Recount<'a> {
    /// Begins a site.
    pub(super) fn new(db: &'a Db, name: &str) -> Self {
        Self {
            db,
            name: name.to_owned(),
            site: SiteId::new(name).ok(),
            last: None,
            rulings: HashMap::new(),
            undone: HashSet::new(),
            stored_standing: HashMap::new(),
            stored: BTreeMap::new(),
            counted: BTreeMap::new(),
            marks: BTreeMap::new(),
            lookups: 0,
            expected_lookups: 0,
        }
    }

    /// The site's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The row read last.
    pub(super) const fn last(&self) -> Option<&Key> {
        self.last.as_ref()
    }

    /// Reads one row of the tree whose checksum holds; how many rows it is.
    pub(super) fn read(&mut self, key: &Key, kind: Kind, stored: &[u8], report: &mut Report) -> u64 {
        self.last = Some(key.clone());
        if !kind.is_packed() {
            self.read_row(key, kind, stored, report);
            return 1;
        }
        match packs::entries(self.db, key, stored) {
            Ok(entries) => {
                entries.iter().for_each(|(key, value)| self.read_packed(key, kind, value, report));
                entries.len() as u64
            }
            Err(error) => {
                report.object(key, format!("cannot be read: {error}"));
                1
            }
        }
    }

    fn read_packed(&mut self, key: &Key, kind: Kind, value: &[u8], report: &mut Report) {
        if kind == Kind::Tally {
            match rmp_serde::from_slice(value) {
                Ok(tally) => drop(self.stored.insert(key.clone(), tally)),
                Err(_) => report.object(key, "cannot be read".into()),
            }
        } else if !matches!(kind, Kind::Row(_)) {
            self.lookup(key, report);
        }
        // The recount of the queue reads its rows, when all are known.
    }

    fn read_row(&mut self, key: &Key, kind: Kind, stored: &[u8], report: &mut Report) {
        match kind {
            Kind::Article => drop(self.decode::<Article>(key, stored, report)),
            Kind::Site => drop(self.decode::<Site>(key, stored, report)),
            Kind::ApiKey => drop(self.decode::<ApiKey>(key, stored, report)),
            Kind::Totals => drop(self.decode::<Totals>(key, stored, report)),
            Kind::Schema => drop(self.decode::<u32>(key, stored, report)),
            Kind::Health => drop(self.decode::<u64>(key, stored, report)),
            Kind::Chunk => self.chunk(key, report),
            Kind::Feedback => self.feedback(key, stored, report),
            Kind::Mark => {
                if let Some(mark) = self.decode::<Mark>(key, stored, report) {
                    self.marks.insert(key.clone(), mark.at);
                }
            }
            Kind::Row(RowKind::Standing) => {
                let found = self.decode::<Standing>(key, stored, report);
                self.stored_standing.extend(key.verdict_id().zip(found));
            }
            Kind::Row(RowKind::Decision) => {
                if let Some(decision) = self.decode::<Decision>(key, stored, report) {
                    match decision.reverses {
                        Some(reverses) => drop(self.undone.insert(reverses.into())),
                        None => {
                            self.rulings.entry(decision.verdict).or_default().push(of_decision(&decision))
                        }
                    }
                }
            }
            // The recount of the queue reads its rows, when all are known; the others are packed.
            Kind::Row(_) | Kind::ArticleIndex | Kind::CommentIndex | Kind::AuthorIndex | Kind::Tally => {}
            Kind::Verdict => self.verdict(key, stored, report),
            Kind::MarkGroup => self.group(key, stored, report),
        }
    }

    /// Ends the site: compares what was counted with what is stored.
    pub(super) fn finish(mut self, report: &mut Report) {
        for (key, counted) in &self.counted {
            match self.stored.remove(key) {
                Some(stored) if stored == *counted => {}
                Some(stored) => {
                    report.object(key, format!("says {}, the rows say {}", words(&stored), words(counted)));
                }
                None => report.object(key, format!("is missing, the rows say {}", words(counted))),
            }
        }
        for (key, stored) in &self.stored {
            report.object(key, format!("says {}, but no verdict counts towards it", words(stored)));
        }
        if let Some(site) = &self.site {
            match queue::recount(&SiteRows::new(self.db, site)) {
                Ok(problems) => {
                    for (row, message) in problems {
                        report.object(&Key::row(site, &row), message);
                    }
                }
                Err(error) => {
                    report.object(&Key::verdicts(site), format!("the queue cannot be read: {error}"))
                }
            }
        }
        for key in self.marks.keys() {
            report.object(key, "is in no group and would never be forgotten".into());
        }
        if self.lookups > self.expected_lookups
            && let Some(site) = &self.site
        {
            let more = self.lookups - self.expected_lookups;
            report.object(
                &Key::verdicts(site),
                format!("{more} look-ups lead to verdicts that do not name them"),
            );
        }
    }

    fn decode<T: DeserializeOwned>(&self, key: &Key, stored: &[u8], report: &mut Report) -> Option<T> {
        match codec::decode(self.db, key, stored) {
            Ok(value) => Some(value),
            Err(error) => {
                report.object(key, format!("cannot be read: {error}"));
                None
            }
        }
    }

    fn is_there(&self, key: &Key) -> bool {
        matches!(self.db.raw(key), Ok(Some(_)))
    }

    fn chunk(&self, key: &Key, report: &mut Report) {
        let wanted = key.whole().is_some_and(|(whole, number)| {
            let head = self.db.raw(&whole).ok().flatten();
            head.is_some_and(|head| number < codec::pieces(&whole, &head))
        });
        if !wanted {
            report.object(key, "belongs to no row".into());
        }
    }

    fn lookup(&mut self, key: &Key, report: &mut Report) {
        self.lookups += 1;
        let target = self.site.as_ref().zip(key.verdict_id()).map(|(site, id)| Key::verdict(site, id));
        if target.is_none_or(|target| !self.is_there(&target)) {
            report.object(key, "leads to a verdict that is not there".into());
        }
    }

    fn feedback(&mut self, key: &Key, stored: &[u8], report: &mut Report) {
        let Some(feedback) = self.decode::<Feedback>(key, stored, report) else { return };
        let about = self.site.as_ref().map(|site| Key::verdict(site, feedback.verdict));
        if about.is_none_or(|about| !self.is_there(&about)) {
            report.object(key, "is about a verdict that is not there".into());
        }
        let given = of_feedback(&feedback);
        self.rulings.entry(feedback.verdict).or_default().extend(given);
    }

    fn verdict(&mut self, key: &Key, stored: &[u8], report: &mut Report) {
        let Some(verdict) = self.decode::<Verdict>(key, stored, report) else { return };
        let Some(site) = self.site.clone() else { return };
        if Key::verdict(&verdict.site, verdict.id) != *key {
            report.object(key, "holds a verdict of another key".into());
        }
        let lookups = [
            verdict.comment.as_ref().map(|comment| Key::of_comment(&site, comment)),
            verdict.article.as_ref().map(|article| Key::under_article(&site, article)),
            verdict.author().map(|author| Key::by_author(&site, author)),
        ];
        for lookup in lookups.into_iter().flatten() {
            self.expected_lookups += 1;
            let lookup = lookup.with_verdict(verdict.id);
            if !matches!(packs::get(self.db, &lookup), Ok(Some(_))) {
                report.object(key, format!("is not found by its {}", lookup.what()));
            }
        }
        let rulings = self.rulings.remove(&verdict.id).unwrap_or_default();
        let holds =
            rulings.into_iter().filter(|given| !self.undone.contains(&given.by)).max_by_key(|given| given.by);
        if holds.as_ref() != self.stored_standing.get(&verdict.id).and_then(Standing::current) {
            report.object(key, "has reports and decisions that do not agree with its standing ruling".into());
        }
        for tally in effect::distinct(&verdict.tallies) {
            let count = self.counted.entry(Key::tally(&site, &tally)).or_default();
            effect::see(count, verdict.created_at);
            effect::rule(count, None, holds.as_ref().map(|given| given.approved));
        }
    }

    fn group(&mut self, key: &Key, stored: &[u8], report: &mut Report) {
        let (Some(listed), Some(site)) =
            (self.decode::<Vec<GroupedMark>>(key, stored, report), self.site.clone())
        else {
            return;
        };
        for (actor, id, at) in listed {
            let mark = Key::mark(&site, &actor, id);
            // A mark used again after its day is in a later group too.
            if self.marks.get(&mark) == Some(&at) {
                self.marks.remove(&mark);
            }
        }
    }
}

fn words(tally: &Tally) -> String {
    let Tally { seen, approved, rejected, first_seen, last_seen } = tally;
    let (first, last) = (first_seen.micros(), last_seen.micros());
    format!("{seen} seen from {first} to {last}, {approved} approved, {rejected} rejected")
}
