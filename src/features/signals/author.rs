//! What is known of the author, their network and the domains they link.
//!
//! May import: `types`, `text`.

use crate::types::Tally;

use super::{Signal, Subject, count, flag, share};

pub(super) const SIGNALS: [Signal; 8] = [
    count("author/approved", "Comments of the author that people approved."),
    count("author/rejected", "Comments of the author that people rejected."),
    count("author/seen", "Comments of the author seen before."),
    share("author/has_url", "1 when the author gave a link of their own, else 0."),
    count("network/rejected", "Comments from the client's network that people rejected."),
    count("domain/rejected", "Comments linking the same domains that people rejected."),
    count("domain/approved", "Comments linking the same domains that people approved."),
    count("seen/copies", "Earlier comments with exactly this text."),
];

pub(super) fn measure(subject: &Subject<'_>) -> [f32; SIGNALS.len()] {
    let context = subject.context;
    let of = |tally: Option<Tally>, field: fn(&Tally) -> u32| tally.map_or(f32::NAN, |t| field(&t) as f32);
    [
        of(context.author, |t| t.approved),
        of(context.author, |t| t.rejected),
        of(context.author, |t| t.seen),
        flag(subject.comment.author.url.is_some()),
        of(context.network, |t| t.rejected),
        of(context.domains, |t| t.rejected),
        of(context.domains, |t| t.approved),
        of(context.text, |t| t.seen),
    ]
}
