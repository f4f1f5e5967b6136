//! The evasion lab: known bad comments disguised as people disguise them, to see how
//! much of what is caught in the clear is caught in disguise.
//!
//! Every trick is one generator: seeded, so that the same seed gives the same texts, and
//! legible, so that what it makes still tells a reader what the author wants. To add
//! one, write it where its kind is (`letters`, `links`, `markup`, `padding`) and give it
//! a row in [`DISGUISES`]; a test then asks it to change a text and to stay legible.
//!
//! Not here, because they are not done to a text: the copy of an earlier comment, edits
//! after approval, one message in several comments, waves, false reports; they need the
//! memory of a running service. Nor the translation of an advert.
//!
//! May import: `types`, `text`, `features`, `classifier`, `scoring`.

mod draft;
mod figures;
mod letters;
mod links;
mod markup;
mod padding;

use crate::classifier::SplitMix;

pub use draft::Draft;
pub use figures::{Caught, CleanText, EvasionFigures, EvasionSet, TrickFigures, evade, read_clean};

/// A trick.
#[derive(Clone, Copy, Debug)]
pub struct Disguise {
    /// Its number in the table of tricks that the normaliser's golden cases follow.
    pub number: u8,
    /// Its name in figures.
    pub name: &'static str,
    /// What it looks like.
    pub example: &'static str,
    /// Whether it leaves a text on which another can follow.
    pub pairs: bool,
    /// Does it; `false` when the draft gives it nothing to work on, and is unchanged.
    pub apply: fn(&mut Draft, &mut SplitMix) -> bool,
}

const fn disguise(
    number: u8,
    name: &'static str,
    example: &'static str,
    apply: fn(&mut Draft, &mut SplitMix) -> bool,
) -> Disguise {
    Disguise { number, name, example, pairs: true, apply }
}

/// Every trick.
pub const DISGUISES: [Disguise; 25] = [
    disguise(1, "look-alike letters", "саѕіnо bоnuѕ", letters::look_alikes),
    disguise(1, "styled letters", "𝗙𝗿𝗲𝗲 𝗖𝗼𝗶𝗻𝘀", letters::styled),
    disguise(2, "mixed script", "pаypаl", letters::mixed_script),
    disguise(3, "zero-width characters", "via\\u{200B}gra", letters::zero_width),
    disguise(3, "direction marks", "casi\\u{200E}no", letters::direction_marks),
    disguise(4, "combining marks", "c̸a̸s̸h̸", letters::marks),
    disguise(5, "leetspeak", "fr33 p4yd4y", letters::leet),
    disguise(6, "spaced letters", "c a s h  a p p", letters::spaced),
    disguise(7, "stretched letters", "freeeee monnnney", letters::stretched),
    disguise(8, "emoji letters", "FR🅴🅴 c🪙ins", letters::emoji),
    disguise(9, "symbols for words", "earn $$$ 4 u", letters::symbols),
    disguise(10, "invisible text", "<span style=\"font-size:0\">…</span>", markup::invisible),
    disguise(11, "punycode host", "xn--…", links::punycode),
    disguise(12, "shortened link", "https://bit.ly/…", links::shortened),
    disguise(13, "spelled-out domain", "example dot com", links::spelled),
    disguise(14, "broken scheme", "hxxps://, h t t p : / /", links::broken_scheme),
    disguise(15, "entities", "&#102;ree c&#97;sh", markup::entities),
    disguise(16, "userinfo in the link", "http://news.example@…", links::userinfo),
    disguise(17, "spaced number", "5 5 5 - 0 1 0 0", padding::spaced_number),
    disguise(21, "spintax", "{Nice|Great} read", padding::spintax),
    Disguise {
        number: 22,
        name: "payload in the name",
        example: "Thanks! (by: Best Loans Online)",
        pairs: false,
        apply: padding::payload_in_name,
    },
    disguise(24, "late advert", "two sensible sentences, then the advert", padding::late),
    disguise(27, "foreign markup", "[b]free[/b] [url=…]", markup::foreign),
    disguise(28, "hashbusters", "… lorem quokka 8731", padding::hashbuster),
    disguise(32, "one word changed", "probing what passes", padding::probe),
];

#[cfg(test)]
mod tests {
    use super::*;

    const ADVERT: &str = "Earn money for you at home, free casino bonus and cheap loans today! \
                          Visit https://winbig-casino.com/bonus now or call 555-010-0199";

    fn done(disguise: &Disguise, seed: u64) -> Draft {
        let mut draft = Draft::new(ADVERT);
        assert!((disguise.apply)(&mut draft, &mut SplitMix::new(seed)), "{} finds nothing", disguise.name);
        draft
    }

    /// What a reader sees: entities resolved, tags and what they hide gone.
    fn seen(draft: &Draft) -> String {
        use crate::{
            text::{Document, ViewKind},
            types::Markup,
        };
        let mut document = Document::default();
        document.read(&draft.text, Markup::Html);
        let text = document.view(ViewKind::Original).map_or("", |v| v.text()).to_owned();
        format!("{text} {}", draft.author.as_deref().unwrap_or(""))
    }

    /// Share of the letters and digits of `before` that stand in `after` in their order,
    /// as themselves or as what passes for them: their longest common subsequence.
    fn legible(before: &str, after: &str) -> f64 {
        let meant: Vec<char> = before.chars().filter(|c| c.is_alphanumeric()).collect();
        let mut best = vec![0_usize; meant.len() + 1];
        for seen in after.chars() {
            let mut corner = 0;
            for (at, &c) in meant.iter().enumerate() {
                let above = best[at + 1];
                let found = if letters::passes_for(seen, c) { corner + 1 } else { above.max(best[at]) };
                (corner, best[at + 1]) = (above, found);
            }
        }
        best[meant.len()] as f64 / meant.len() as f64
    }

    #[test]
    fn every_trick_changes_the_text_and_stays_legible() {
        for disguise in &DISGUISES {
            for seed in 0..3 {
                let draft = done(disguise, seed);
                assert!(draft.text != ADVERT || draft.author.is_some(), "{}", disguise.name);
                let share = legible(ADVERT, &seen(&draft));
                // A link that is shortened or an advert moved to the name is gone from the text.
                let least = match disguise.number {
                    12 => 0.7,
                    22 => 0.3,
                    _ => 0.85,
                };
                assert!(share >= least, "{}: {share:.2} of it is legible: {}", disguise.name, draft.text);
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_text() {
        for disguise in &DISGUISES {
            assert_eq!(done(disguise, 7), done(disguise, 7), "{}", disguise.name);
        }
        let differ = DISGUISES.iter().filter(|d| done(d, 1) != done(d, 2)).count();
        assert!(differ > DISGUISES.len() / 2, "seeds matter: {differ}");
    }

    #[test]
    fn nothing_to_work_on_changes_nothing() {
        for text in ["", "!", "42", "\u{202E}", "ok", "👍"] {
            for disguise in &DISGUISES {
                let (mut draft, before) = (Draft::new(text), Draft::new(text));
                if !(disguise.apply)(&mut draft, &mut SplitMix::new(1)) {
                    assert_eq!(draft, before, "{} on {text:?}", disguise.name);
                }
            }
        }
    }

    #[test]
    fn names_tell_tricks_apart() {
        let mut names: Vec<&str> = DISGUISES.iter().map(|d| d.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DISGUISES.len());
        assert!(DISGUISES.iter().all(|d| !d.example.is_empty()));
    }
}
