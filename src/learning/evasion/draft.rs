//! A comment while it is disguised, and walking over its words.
//!
//! May import: `classifier`.

use crate::classifier::SplitMix;

/// A comment while it is disguised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// What is written.
    pub text: String,
    /// The name it is written under, when a trick sets one.
    pub author: Option<String>,
}

impl Draft {
    /// A draft of that text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), author: None }
    }
}

/// Whether a piece between white space looks like an address: tricks on letters leave
/// those alone, or the link would be dead.
pub(super) fn is_address(piece: &str) -> bool {
    let dotted = |c: &[char]| matches!(c, [a, '.', b] if a.is_alphanumeric() && b.is_alphabetic());
    let chars: Vec<char> = piece.chars().collect();
    piece.contains("://") || piece.contains('@') || chars.windows(3).any(dotted)
}

/// Rewrites words of at least `least` letters, two in three by chance and at least one;
/// white space and addresses stay as they are. `false` when no word was changed.
pub(super) fn rewrite_words(
    draft: &mut Draft,
    random: &mut SplitMix,
    least: usize,
    mut rewrite: impl FnMut(&str, &mut SplitMix) -> String,
) -> bool {
    let fits =
        |piece: &str| !is_address(piece) && piece.chars().filter(|c| c.is_alphabetic()).count() >= least;
    let pieces: Vec<&str> = draft.text.split_inclusive(char::is_whitespace).collect();
    let able: Vec<usize> = pieces.iter().enumerate().filter(|(_, p)| fits(p)).map(|(at, _)| at).collect();
    let Some(&sure) = random.pick(&able) else { return false };
    let mut out = String::with_capacity(draft.text.len() * 2);
    let mut next = able.iter().peekable();
    for (at, piece) in pieces.iter().enumerate() {
        let able = next.next_if(|&&n| n == at).is_some();
        if able && (at == sure || random.below(3) < 2) {
            let word = piece.trim_end();
            out.push_str(&rewrite(word, random));
            out.push_str(piece.get(word.len()..).unwrap_or(""));
        } else {
            out.push_str(piece);
        }
    }
    let changed = out != draft.text;
    draft.text = out;
    changed
}

/// The first link of a text: its place with scheme, and without.
pub(super) struct Place {
    /// Where the whole link begins.
    pub(super) start: usize,
    /// Where its host begins.
    pub(super) host: usize,
    /// Where its host ends.
    pub(super) host_end: usize,
    /// Where it ends.
    pub(super) end: usize,
}

/// Finds the first thing a reader would follow: an address with a scheme, or `www.`, or
/// a bare host with a path.
pub(super) fn first_link(text: &str) -> Option<Place> {
    let mut at = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let inner = word.find("http").or_else(|| word.find("www.")).unwrap_or(0);
        let link = word.get(inner..)?.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '/');
        let scheme = link.find("://").map_or(0, |i| i + 3);
        let host = link.get(scheme..)?;
        let host = host.split(['/', '?', '#', ':']).next().unwrap_or("");
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        let named = host.rsplit_once('.').is_some_and(|(name, top)| {
            !name.is_empty() && top.len() >= 2 && top.chars().all(|c| c.is_ascii_alphabetic())
        });
        if named
            && host.chars().all(plain)
            && (scheme > 0 || host.starts_with("www.") || link.len() > host.len() + 1)
        {
            let start = at + inner;
            let host_at = start + scheme;
            return Some(Place {
                start,
                host: host_at,
                host_end: host_at + host.len(),
                end: start + link.len(),
            });
        }
        at += piece.len();
    }
    None
}

/// Replaces a part of the text.
pub(super) fn splice(draft: &mut Draft, from: usize, to: usize, with: &str) -> bool {
    if draft.text.get(from..to).is_none() {
        return false;
    }
    draft.text.replace_range(from..to, with);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_as_readers_find_them() {
        let check = |text: &str, want: Option<(&str, &str)>| {
            let got = first_link(text).map(|p| (&text[p.start..p.end], &text[p.host..p.host_end]));
            assert_eq!(got, want, "{text}");
        };
        check("see https://a.example/x?y=1, now", Some(("https://a.example/x?y=1", "a.example")));
        check("(www.shop.example)", Some(("www.shop.example", "www.shop.example")));
        check("go to shop.example/deal!", Some(("shop.example/deal", "shop.example")));
        check("end.Start of 3.5 and U.S. e.g. this", None);
        check("", None);
    }

    #[test]
    fn words_change_and_addresses_do_not() {
        let mut draft = Draft::new("cheap  watches\nat https://shop.example me@mail.example");
        assert!(rewrite_words(&mut draft, &mut SplitMix::new(3), 4, |w, _| w.to_uppercase()));
        assert!(draft.text.ends_with("at https://shop.example me@mail.example"), "{}", draft.text);
        assert!(draft.text.contains("  ") && draft.text.contains('\n'));
        assert!(!rewrite_words(&mut Draft::new("a b 1234"), &mut SplitMix::new(3), 4, |w, _| w.to_owned()));
    }
}
