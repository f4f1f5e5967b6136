//! What the links of a comment look like.
//!
//! May import: `types`, `text`.

use super::{Signal, Subject, count, flag, ratio, share};

pub(super) const SIGNALS: [Signal; 9] = [
    count("links/count", "Links in the comment, 0 to 64."),
    share("links/per_word", "Links per word, 0 to 1."),
    count("links/obfuscated", "Links written so that filters miss them."),
    count("links/shortener", "Links through a known shortener."),
    count("links/numeric_host", "Links to a bare IP address."),
    count("links/userinfo", "Links with user information before the host."),
    count("links/lookalike", "Links whose host imitates another script or is punycode."),
    count("links/markup", "Links set by markup."),
    share("links/at_end", "1 when the comment ends in a link after other words, else 0."),
];

pub(super) fn measure(subject: &Subject<'_>) -> [f32; SIGNALS.len()] {
    let links = subject.document.links();
    let those = |test: fn(&crate::text::Link) -> bool| links.iter().filter(|l| test(l)).count() as f32;
    let body = subject.comment.body.as_str().trim_end();
    let words = body.split_ascii_whitespace().count().max(1) as u32;
    let at_end = links.last().is_some_and(|l| l.span.end as usize + 2 >= body.len() && l.span.start > 12);
    [
        links.len() as f32,
        ratio(links.len() as u32, words).min(1.0),
        those(|l| l.obfuscated),
        those(|l| l.shortener),
        those(|l| l.numeric_host),
        those(|l| l.userinfo),
        those(|l| l.lookalike),
        those(|l| l.markup),
        flag(at_end),
    ]
}
