//! Ways offered to be reached outside the site.
//!
//! May import: `types`, `text`.

use crate::text::ContactKind;

use super::{Signal, Subject, count};

pub(super) const SIGNALS: [Signal; 5] = [
    count("contacts/phone", "Telephone numbers."),
    count("contacts/email", "E-mail addresses."),
    count("contacts/handle", "Messenger or social handles."),
    count("contacts/messenger", "Contacts with a messenger named beside them."),
    count("contacts/obfuscated", "Contacts spaced, spelled out or otherwise disguised."),
];

pub(super) fn measure(subject: &Subject<'_>) -> [f32; SIGNALS.len()] {
    let contacts = subject.document.contacts();
    let of = |kind| contacts.iter().filter(|c| c.kind == kind).count() as f32;
    [
        of(ContactKind::Phone),
        of(ContactKind::Email),
        of(ContactKind::Handle),
        contacts.iter().filter(|c| !c.messenger.is_empty()).count() as f32,
        contacts.iter().filter(|c| c.obfuscated).count() as f32,
    ]
}
