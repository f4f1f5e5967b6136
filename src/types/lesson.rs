//! What people's decisions on a site teach at once: a correction of the model's odds by
//! the words of a comment, learnt without any training.
//!
//! Each ruling is one [`Lesson`]: for every word of the comment, how far the model's
//! probability was from what people said. [`Lessons`] add them up in whole numbers, so
//! the order of learning does not matter and taking a lesson back restores the sums to
//! the bit. The correction is one Newton step from the model towards the site's
//! decisions, with the curvature of the logistic loss replaced by its bound of 1/4
//! (D. Böhning and B. G. Lindsay, "Monotonicity of Quadratic-Approximation Algorithms",
//! 1988) and a Gaussian prior at "the model is right": few decisions move little, and
//! what the model knew already teaches nothing. Knows no store and no model. May import:
//! nothing of ours.

use serde::{Deserialize, Serialize};

use super::{Label, LogOdds, PerLabel, VerdictId};

/// Most different words of a comment that are looked at.
const MAX_WORDS: usize = 32;
/// Numbers that words are spread over: bounds what a site's lessons take.
pub const WORD_NUMBERS: u16 = 1 << 12;
/// The number of a word that every comment has: how far the model is off on the whole.
const EVERY: u16 = 0;
/// Steps in one unit of a pull.
const STEPS: f64 = 1_048_576.0;
/// Strength of the prior: a word is believed by half after eight comments.
const PRIOR: f64 = 2.0;
/// Most nats that lessons move a label: e^3 is 20 to 1.
const MOST: f64 = 3.0;

/// The different words of a text as numbers, in order, after the one all texts have.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    numbers: [u16; MAX_WORDS + 1],
    len: usize,
}

impl Words {
    /// The words of a text, whatever its case. `O(n)`, without allocation.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut words = Self { numbers: [EVERY; MAX_WORDS + 1], len: 1 };
        each_word(text, |number, _| words.add(number));
        words
    }

    /// Adds a word unless it is there; whether there is room for more.
    fn add(&mut self, number: u16) -> bool {
        if self.numbers().contains(&number) {
            return true;
        }
        if let Some(slot) = self.numbers.get_mut(self.len) {
            *slot = number;
            self.len += 1;
        }
        self.len < self.numbers.len()
    }

    /// Their numbers.
    #[must_use]
    pub fn numbers(&self) -> &[u16] {
        self.numbers.get(..self.len).unwrap_or_default()
    }

    /// What each weighs: all together have length 1.
    fn value(&self) -> f64 {
        1.0 / (self.len as f64).sqrt()
    }
}

/// Calls `each` with the number and the bytes of each word until it says no more.
fn each_word(text: &str, mut each: impl FnMut(u16, std::ops::Range<usize>) -> bool) {
    let mut word: Option<(usize, u32)> = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let packed = matches!(c as u32, 0x2E80..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF);
        if let Some((start, hash)) = word.take_if(|_| packed || !c.is_alphanumeric())
            && !each(number(hash), start..at)
        {
            return;
        }
        if packed && !each(number(letter(SEED, c)), at..at + c.len_utf8()) {
            return;
        }
        if c.is_alphanumeric() && !packed {
            let (start, hash) = word.unwrap_or((at, SEED));
            word = Some((start, c.to_lowercase().fold(hash, letter)));
        }
    }
}

/// FNV-1a.
const SEED: u32 = 0x811c_9dc5;

const fn letter(hash: u32, c: char) -> u32 {
    (hash ^ c as u32).wrapping_mul(0x0100_0193)
}

/// A word's number, never that of all comments.
const fn number(hash: u32) -> u16 {
    let mixed = hash ^ (hash >> 15) ^ (hash >> 7);
    1 + (mixed % (WORD_NUMBERS as u32 - 1)) as u16
}

/// What one ruling teaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// The verdict ruled on.
    pub verdict: VerdictId,
    /// Whether the comment may stand.
    pub approved: bool,
    /// Numbers of the comment's words.
    words: Vec<u16>,
    /// By label whose truth is known: what each word is pulled by, in 2⁻²⁰.
    pulls: PerLabel<Option<i64>>,
}

impl Lesson {
    /// The lesson of a comment with this text for which the model alone gave `odds` and
    /// people ruled that it carries `labels`, of others nothing is known; or `None` of
    /// them, when it may stand.
    #[must_use]
    pub fn new(verdict: VerdictId, text: &str, odds: &PerLabel<LogOdds>, labels: Option<&[Label]>) -> Self {
        let truth = |label: Label| match labels {
            None => Some(false),
            Some(labels) => labels.contains(&label).then_some(true),
        };
        let words = Words::of(text);
        let pull = |label: Label| {
            let missed = f64::from(u8::from(truth(label)?)) - odds[label].probability().get();
            Some((missed * words.value() * STEPS).round() as i64)
        };
        let pulls = PerLabel::from_fn(pull);
        Self { verdict, approved: labels.is_none(), words: words.numbers().to_vec(), pulls }
    }
}

/// Sums of pulls on one word for one label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pulls {
    sum: i64,
    comments: u32,
}

/// Everything that the decisions of a site teach, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lessons {
    /// By word, ascending; words without comments are not there.
    words: Vec<(u16, PerLabel<Pulls>)>,
}

/// What lessons say of one label of a comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Taught {
    /// The word that says most, by its bytes; `None` when it is that of all comments.
    pub word: Option<std::ops::Range<usize>>,
    /// Decided comments that it rests on.
    pub comments: u32,
}

impl Lessons {
    /// Learns a lesson.
    pub fn learn(&mut self, lesson: &Lesson) {
        self.change(lesson, |pulls, pull| {
            pulls.sum = pulls.sum.wrapping_add(pull);
            pulls.comments = pulls.comments.wrapping_add(1);
        });
    }

    /// Takes a lesson back that was learnt: the sums are as if it never had been.
    pub fn unlearn(&mut self, lesson: &Lesson) {
        self.change(lesson, |pulls, pull| {
            pulls.sum = pulls.sum.wrapping_sub(pull);
            pulls.comments = pulls.comments.wrapping_sub(1);
        });
    }

    fn change(&mut self, lesson: &Lesson, change: impl Fn(&mut Pulls, i64)) {
        for &word in &lesson.words {
            let at = self.words.binary_search_by_key(&word, |(known, _)| *known).unwrap_or_else(|at| {
                self.words.insert(at, (word, PerLabel::default()));
                at
            });
            let Some((_, pulls)) = self.words.get_mut(at) else { continue };
            for (label, pull) in lesson.pulls.iter() {
                pull.iter().for_each(|&pull| change(&mut pulls[label], pull));
            }
            if pulls.iter().all(|(_, pulls)| *pulls == Pulls::default()) {
                self.words.remove(at);
            }
        }
    }

    /// Whether nothing was learnt.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Nats by which the decisions correct each label of a comment with these words.
    #[must_use]
    pub fn correction(&self, words: &Words) -> PerLabel<LogOdds> {
        let mut nats = PerLabel([0.0_f64; Label::COUNT]);
        for pulls in words.numbers().iter().filter_map(|&word| self.of(word)) {
            for label in Label::ALL {
                nats[label] += words.value() * step(pulls[label]);
            }
        }
        PerLabel::from_fn(|label| LogOdds::new(nats[label].clamp(-MOST, MOST)))
    }

    /// The word of a text that moves a label most in the direction of the whole
    /// correction, for people to read; `None` when none does.
    #[must_use]
    pub fn taught(&self, text: &str, label: Label, towards: bool) -> Option<Taught> {
        let mut best: Option<(f64, Taught)> = None;
        let mut weigh = |number: u16, word: Option<std::ops::Range<usize>>| {
            let Some(pulls) = self.of(number) else { return };
            let moved = if towards { step(pulls[label]) } else { -step(pulls[label]) };
            if moved > best.as_ref().map_or(0.0, |(most, _)| *most) {
                best = Some((moved, Taught { word, comments: pulls[label].comments }));
            }
        };
        let mut seen = Words { numbers: [EVERY; MAX_WORDS + 1], len: 1 };
        each_word(text, |number, bytes| {
            weigh(number, Some(bytes));
            seen.add(number)
        });
        // Last: a word that moves as much as all comments do is the better thing to show.
        weigh(EVERY, None);
        best.map(|(_, taught)| taught)
    }

    fn of(&self, word: u16) -> Option<&PerLabel<Pulls>> {
        let at = self.words.binary_search_by_key(&word, |(known, _)| *known).ok()?;
        self.words.get(at).map(|(_, pulls)| pulls)
    }
}

/// Nats per unit of a word.
fn step(pulls: Pulls) -> f64 {
    pulls.sum as f64 / STEPS / (f64::from(pulls.comments) / 4.0 + PRIOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lesson(text: &str, odds: f64, rejected: Option<Label>) -> Lesson {
        let odds = PerLabel::from_fn(|_| LogOdds::new(odds));
        Lesson::new(VerdictId::from_bytes([1; 16]), text, &odds, rejected.as_ref().map(std::slice::from_ref))
    }

    #[test]
    fn decisions_move_their_like_and_little_else() {
        let mut lessons = Lessons::default();
        for _ in 0..10 {
            lessons.learn(&lesson("Cheap watches in my profile", -2.0, Some(Label::Spam)));
            lessons.learn(&lesson("the ferry was late again", -2.0, None));
        }
        let of = |text: &str| lessons.correction(&Words::of(text))[Label::Spam].get();
        assert!(of("cheap WATCHES in my profile") > 1.0, "{}", of("cheap watches in my profile"));
        assert!(of("new watches on offer") > 0.2);
        assert!(of("the ferry was late again") < 0.0);
        assert!(of("a remark on the council").abs() < 0.35, "{}", of("a remark on the council"));
        let taught = lessons.taught("my watches", Label::Spam, true).expect("something moves it");
        assert_eq!(taught.comments, 10);
        assert!(taught.word.is_some());
    }

    #[test]
    fn one_decision_moves_little_and_many_are_capped() {
        let mut lessons = Lessons::default();
        let of = |lessons: &Lessons| lessons.correction(&Words::of("buy gold now"))[Label::Spam].get();
        lessons.learn(&lesson("buy gold now", -4.0, Some(Label::Spam)));
        assert!((0.1..0.6).contains(&of(&lessons)), "{}", of(&lessons));
        (0..2_000).for_each(|_| lessons.learn(&lesson("buy gold now", -4.0, Some(Label::Spam))));
        assert!(of(&lessons) <= MOST && of(&lessons) > 2.0, "{}", of(&lessons));
        assert_eq!(lessons.correction(&Words::of("buy gold now"))[Label::Abuse], LogOdds::EVEN);
    }

    #[test]
    fn what_the_model_knew_teaches_nothing() {
        let mut lessons = Lessons::default();
        (0..50).for_each(|_| lessons.learn(&lesson("buy gold now", 9.0, Some(Label::Spam))));
        assert!(lessons.correction(&Words::of("buy gold now"))[Label::Spam].get() < 0.01);
    }

    #[test]
    fn words_are_bounded_and_whatever_script() {
        assert_eq!(Words::of("").numbers(), [EVERY]);
        assert_eq!(Words::of("Ferry, FERRY!").numbers().len(), 2);
        assert_eq!(Words::of("\u{6e2f}\u{53e3}").numbers().len(), 3);
        let many: String = (0..500).map(|n| format!("w{n} ")).collect();
        assert_eq!(Words::of(&many).numbers().len(), MAX_WORDS + 1);
    }

    fn lessons() -> impl Strategy<Value = Vec<Lesson>> {
        let label = prop::option::of(prop::sample::select(Label::ALL.to_vec()));
        let one = ("[a-d]{1,2}( [a-d]{1,2}){0,5}", -5.0..5.0_f64, label);
        prop::collection::vec(one.prop_map(|(text, odds, label)| lesson(&text, odds, label)), 1..30)
    }

    proptest! {
        /// The order of decisions does not matter, to the bit.
        #[test]
        fn order_does_not_matter(taught in lessons(), turn in any::<prop::sample::Index>()) {
            let (mut one, mut other) = (Lessons::default(), Lessons::default());
            let at = turn.index(taught.len());
            taught.iter().for_each(|lesson| one.learn(lesson));
            taught.iter().skip(at).rev().chain(taught.iter().take(at)).for_each(|lesson| other.learn(lesson));
            prop_assert_eq!(one, other);
        }

        /// Taking decisions back restores what was, to the bit.
        #[test]
        fn undoing_restores(kept in lessons(), undone in lessons()) {
            let mut lessons = Lessons::default();
            kept.iter().for_each(|lesson| lessons.learn(lesson));
            let before = lessons.clone();
            undone.iter().for_each(|lesson| lessons.learn(lesson));
            undone.iter().rev().for_each(|lesson| lessons.unlearn(lesson));
            prop_assert_eq!(&lessons, &before);
            kept.iter().for_each(|lesson| lessons.unlearn(lesson));
            prop_assert_eq!(lessons, Lessons::default());
        }
    }
}
