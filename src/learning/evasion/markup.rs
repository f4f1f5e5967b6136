//! Tricks of markup, in comments that are declared plain text.
//!
//! May import: `classifier`.

use crate::classifier::SplitMix;

use super::draft::{Draft, first_link, rewrite_words, splice};

/// Innocent text to hide in.
const INNOCENT: [&str; 4] = [
    "good article, thank you for the careful research",
    "I agree with the second half of the report",
    "the council should have answered this last year",
    "interesting numbers, I had expected more",
];
const HIDING: [&str; 3] = ["<span style=\"font-size:0\">", "<span style=\"display:none\">", "<span hidden>"];

/// Puts innocent text before the advert that browsers do not show.
pub(super) fn invisible(draft: &mut Draft, random: &mut SplitMix) -> bool {
    if draft.text.trim().is_empty() {
        return false;
    }
    let tag = random.pick(&HIDING).copied().unwrap_or("");
    let text = random.pick(&INNOCENT).copied().unwrap_or("");
    draft.text = format!("{tag}{text}</span>{}", draft.text);
    true
}

/// Writes letters as numeric entities.
pub(super) fn entities(draft: &mut Draft, random: &mut SplitMix) -> bool {
    rewrite_words(draft, random, 3, |word, random| {
        let mut out = String::with_capacity(word.len() * 4);
        let mut any = false;
        for c in word.chars() {
            if c.is_alphabetic() && (!any || random.below(2) == 0) {
                any = true;
                let code = c as u32;
                let entity =
                    if random.below(2) == 0 { format!("&#{code};") } else { format!("&#x{code:x};") };
                out.push_str(&entity);
            } else {
                out.push(c);
            }
        }
        out
    })
}

/// Wraps words and the link in BBCode, HTML or Markdown.
pub(super) fn foreign(draft: &mut Draft, random: &mut SplitMix) -> bool {
    if let Some(place) = first_link(&draft.text) {
        let link = draft.text.get(place.start..place.end).unwrap_or("").to_owned();
        let wrapped = match random.below(3) {
            0 => format!("[url={link}]{link}[/url]"),
            1 => format!("<a href=\"{link}\">{link}</a>"),
            _ => format!("[{link}]({link})"),
        };
        splice(draft, place.start, place.end, &wrapped);
    }
    rewrite_words(draft, random, 4, |word, random| match random.below(4) {
        0 => format!("[b]{word}[/b]"),
        1 => format!("<b>{word}</b>"),
        2 => format!("**{word}**"),
        _ => {
            let half = word.chars().count() / 2;
            let head: String = word.chars().take(half).collect();
            let tail: String = word.chars().skip(half).collect();
            format!("{head}<i></i>{tail}")
        }
    })
}
