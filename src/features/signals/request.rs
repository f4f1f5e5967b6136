//! How the comment was posted, and whether its language fits.
//!
//! May import: `types`, `text`.

use super::{Signal, Subject, flag, share};

pub(super) const SIGNALS: [Signal; 4] = [
    share("request/honeypot", "1 when the field that people do not see was filled in, else 0."),
    share("request/no_user_agent", "1 when other request facts came but no user agent, else 0."),
    share("timing/form_seconds", "Seconds between showing and posting the form, at most 600."),
    share("language/foreign", "Confidence that the language is none the site or article uses, 0 to 1."),
];

pub(super) fn measure(subject: &Subject<'_>) -> [f32; SIGNALS.len()] {
    let request = &subject.comment.request;
    let facts = request.ip.is_some() || request.referrer.is_some();
    [
        request.honeypot_filled.map_or(f32::NAN, flag),
        if facts { flag(request.user_agent.is_none()) } else { f32::NAN },
        request.form_seconds.map_or(f32::NAN, |s| s.clamp(0.0, 600.0)),
        foreign(subject),
    ]
}

fn foreign(subject: &Subject<'_>) -> f32 {
    let Some(guess) = subject.document.language() else { return f32::NAN };
    let article = subject.context.article.map_or("", |a| a.lang());
    let known =
        subject.context.languages.iter().map(String::as_str).chain([article]).filter(|l| !l.is_empty());
    let mut any = false;
    for tag in known {
        any = true;
        if tag.split('-').next() == Some(guess.lang) {
            return 0.0;
        }
    }
    if any { guess.confidence } else { f32::NAN }
}
