//! Tricks on links. Each works on the first link of a text.
//!
//! May import: `classifier`, `text`.

use crate::{classifier::SplitMix, text::punycode_label};

use super::draft::{Draft, first_link, splice};

/// Letters of hosts and what passes for them.
const HOST: [(char, char); 8] =
    [('a', 'а'), ('c', 'с'), ('e', 'е'), ('i', 'і'), ('o', 'о'), ('p', 'р'), ('s', 'ѕ'), ('y', 'у')];
const SHORTENERS: [&str; 6] = ["bit.ly", "tinyurl.com", "t.ly", "is.gd", "cutt.ly", "rb.gy"];
const DOTS: [&str; 5] = [" dot ", "(dot)", "[.]", " (.) ", " [dot] "];
const TRUSTED: [&str; 4] = ["news.example", "www.bank.example", "login.example", "video.example"];

/// Replaces a letter of the host by a look-alike and writes the host as a browser would.
pub(super) fn punycode(draft: &mut Draft, _: &mut SplitMix) -> bool {
    let Some(place) = first_link(&draft.text) else { return false };
    let host = draft.text.get(place.host..place.host_end).unwrap_or("").to_owned();
    let mut changed = false;
    let top = host.matches('.').count();
    let labels: Vec<String> = host
        .split('.')
        .enumerate()
        .map(|(n, label)| {
            let twin = |c| HOST.iter().find(|(plain, _)| *plain == c).map_or(c, |(_, twin)| *twin);
            let disguised: String = label.chars().map(twin).collect();
            match punycode_label(&disguised) {
                Some(encoded) if n < top && disguised != label => {
                    changed = true;
                    format!("xn--{encoded}")
                }
                _ => label.to_owned(),
            }
        })
        .collect();
    // The reader sees the look-alike in the address bar; here the name stays beside it.
    changed && splice(draft, place.host, place.host_end, &labels.join(".")) && note(draft, &host)
}

fn note(draft: &mut Draft, host: &str) -> bool {
    draft.text.push_str(" (");
    draft.text.push_str(host.split('.').next().unwrap_or(""));
    draft.text.push(')');
    true
}

/// Replaces the link by a short one.
pub(super) fn shortened(draft: &mut Draft, random: &mut SplitMix) -> bool {
    let Some(place) = first_link(&draft.text) else { return false };
    let code: String = (0..7).map(|_| code_letter(random)).collect();
    let host = random.pick(&SHORTENERS).copied().unwrap_or("bit.ly");
    splice(draft, place.start, place.end, &format!("https://{host}/{code}"))
}

fn code_letter(random: &mut SplitMix) -> char {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    random.pick(LETTERS).map_or('a', |&b| char::from(b))
}

/// Spells the host's dots and leaves the scheme out.
pub(super) fn spelled(draft: &mut Draft, random: &mut SplitMix) -> bool {
    let Some(place) = first_link(&draft.text) else { return false };
    let dot = random.pick(&DOTS).copied().unwrap_or(" dot ");
    let host = draft.text.get(place.host..place.host_end).unwrap_or("").replace('.', dot);
    splice(draft, place.start, place.host_end, &host)
}

/// Breaks the scheme so that nothing links.
pub(super) fn broken_scheme(draft: &mut Draft, random: &mut SplitMix) -> bool {
    let Some(place) = first_link(&draft.text) else { return false };
    let rest = draft.text.get(place.host..place.end).unwrap_or("").to_owned();
    let broken = match random.below(3) {
        0 => format!("hxxps://{rest}"),
        1 => format!("h t t p s : / / {}", rest.replace('.', " . ")),
        _ => format!("https:// {rest}"),
    };
    splice(draft, place.start, place.end, &broken)
}

/// Puts a trusted name before the host.
pub(super) fn userinfo(draft: &mut Draft, random: &mut SplitMix) -> bool {
    let Some(place) = first_link(&draft.text) else { return false };
    let trusted = random.pick(&TRUSTED).copied().unwrap_or("news.example");
    let rest = draft.text.get(place.host..place.end).unwrap_or("").to_owned();
    splice(draft, place.start, place.end, &format!("http://{trusted}@{rest}"))
}
