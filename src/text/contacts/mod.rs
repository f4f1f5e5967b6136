//! Ways to be reached outside the site: telephone numbers and messenger
//! handles; e-mail addresses come from `links`.
//!
//! Knows nothing of whether a contact is welcome.
//!
//! May import: `types`.

use crate::types::Span;

use super::{lexicon::Cues, links::Link, view::View};

mod handles;
mod messengers;
mod phone;

use messengers::Mention;

/// Contacts that are kept.
pub(super) const MAX_CONTACTS: usize = 64;
/// Farthest a messenger's name may stand from a number that it goes with, in
/// bytes.
const NEAR: u32 = 60;

/// The ways to be reached outside the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactKind {
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A messenger or social handle: "telegram @name", "WhatsApp +1…".
    Handle,
}

/// A way to be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Which way.
    pub kind: ContactKind,
    /// Digits with a leading `+` when written, the address, or the handle, folded.
    pub value: String,
    /// The messenger named beside it: "whatsapp", "telegram"...; empty when none.
    pub messenger: &'static str,
    /// Spaced, spelled out or otherwise disguised.
    pub obfuscated: bool,
    /// Place in the submitted body.
    pub span: Span,
}

/// What contacts are read from.
pub(super) struct Reader<'a> {
    pub folded: &'a View,
    /// Skeleton, leet and joined views; empty when not there.
    pub others: [&'a View; 3],
    pub cues: &'a Cues,
    pub links: &'a [Link],
}

/// Whether two places share a byte.
const fn overlap(a: Span, b: Span) -> bool {
    a.start < b.end && b.start < a.end
}

impl Reader<'_> {
    /// Finds telephone numbers and handles.
    pub(super) fn read(&self, contacts: &mut Vec<Contact>) {
        for link in self.links {
            if let Some(contact) = messengers::of_link(link) {
                push(contacts, contact);
            }
        }
        let mentions = messengers::find(self);
        let first = contacts.len();
        phone::find(self, &mentions, contacts);
        for contact in contacts.iter_mut().skip(first) {
            if let Some(mention) = nearest(&mentions, contact.span) {
                contact.messenger = mention.name;
                contact.obfuscated |= mention.disguised;
            }
        }
        for mention in &mentions {
            handles::find(self, mention, contacts);
        }
    }

    /// The number of the first token of the folded view that comes from byte
    /// `at` of the body or later.
    fn token_from(&self, at: u32) -> usize {
        self.folded.tokens.partition_point(|token| self.folded.submitted(token.span).start < at)
    }

    /// Whether a place of the body belongs to something found already.
    fn is_taken(&self, span: Span, contacts: &[Contact]) -> bool {
        self.links.iter().any(|link| link.covers(span)) || contacts.iter().any(|c| overlap(c.span, span))
    }
}

fn push(contacts: &mut Vec<Contact>, contact: Contact) {
    if contacts.len() < MAX_CONTACTS {
        contacts.push(contact);
    }
}

/// The messenger named nearest to a place, if any is near.
fn nearest(mentions: &[Mention], span: Span) -> Option<Mention> {
    let distance =
        |m: &Mention| span.start.saturating_sub(m.span.end).max(m.span.start.saturating_sub(span.end));
    mentions.iter().filter(|m| distance(m) <= NEAR).min_by_key(|m| distance(m)).copied()
}
