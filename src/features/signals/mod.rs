//! Named numbers drawn from a comment and its context, `family/name`.
//!
//! One file per family: a table of what it measures and a function that measures
//! it, in table order. The catalogue is the tables one after the other. A signal
//! whose data is missing is absent (NaN inside), never guessed.
//!
//! May import: `types`, `text`.

mod author;
mod contacts;
mod disguise;
mod links;
mod meaning;
mod relevance;
mod request;
mod shape;

use std::sync::LazyLock;

use super::{IdfTable, Subject};

/// How a model reads a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As it is: shares and flags.
    Linear,
    /// `ln(1 + x)`: counts, whose tenth step says less than their first.
    Log,
}

/// One entry of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Signal {
    /// `family/name`.
    pub code: &'static str,
    /// How a model reads it.
    pub scale: Scale,
    /// What it measures, with its range and unit.
    pub doc: &'static str,
}

const fn share(code: &'static str, doc: &'static str) -> Signal {
    Signal { code, scale: Scale::Linear, doc }
}

const fn count(code: &'static str, doc: &'static str) -> Signal {
    Signal { code, scale: Scale::Log, doc }
}

/// Position of a signal in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignalId(pub u16);

impl SignalId {
    /// Its entry of the catalogue; `None` for a position beyond it.
    #[must_use]
    pub fn signal(self) -> Option<&'static Signal> {
        TABLE.get(usize::from(self.0))
    }
}

const FAMILIES: [&[Signal]; 8] = [
    &links::SIGNALS,
    &contacts::SIGNALS,
    &disguise::SIGNALS,
    &shape::SIGNALS,
    &relevance::SIGNALS,
    &meaning::SIGNALS,
    &author::SIGNALS,
    &request::SIGNALS,
];

/// How many signals there are.
pub const COUNT: usize = links::SIGNALS.len()
    + contacts::SIGNALS.len()
    + disguise::SIGNALS.len()
    + shape::SIGNALS.len()
    + relevance::SIGNALS.len()
    + meaning::SIGNALS.len()
    + author::SIGNALS.len()
    + request::SIGNALS.len();

static TABLE: [Signal; COUNT] = concatenated();

/// The catalogue.
pub const SIGNALS: &[Signal] = &concatenated();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time: a wrong index does not build")]
const fn concatenated() -> [Signal; COUNT] {
    let mut all = [share("", ""); COUNT];
    let (mut family, mut at) = (0, 0);
    while family < FAMILIES.len() {
        let mut i = 0;
        while i < FAMILIES[family].len() {
            all[at] = FAMILIES[family][i];
            at += 1;
            i += 1;
        }
        family += 1;
    }
    all
}

/// The signal of that code.
#[must_use]
pub fn find(code: &str) -> Option<SignalId> {
    TABLE.iter().position(|s| s.code == code).and_then(|at| u16::try_from(at).ok()).map(SignalId)
}

/// The signals of one comment.
#[derive(Clone, Copy, Debug)]
pub struct Signals {
    values: [f32; COUNT],
}

impl Default for Signals {
    fn default() -> Self {
        Self { values: [f32::NAN; COUNT] }
    }
}

impl Signals {
    /// Measures a comment. `O(n)` in its tokens, times `O(log m)` for an article
    /// of `m` terms.
    #[must_use]
    pub fn measure(subject: &Subject<'_>, idf: &IdfTable) -> Self {
        let mut values = [f32::NAN; COUNT];
        let mut rest = values.as_mut_slice();
        let mut put = |family: &[f32]| {
            if let Some((slots, after)) = std::mem::take(&mut rest).split_at_mut_checked(family.len()) {
                slots.copy_from_slice(family);
                rest = after;
            }
        };
        put(&links::measure(subject));
        put(&contacts::measure(subject));
        put(&disguise::measure(subject));
        put(&shape::measure(subject));
        put(&relevance::measure(subject, idf));
        put(&meaning::measure(subject, idf));
        put(&author::measure(subject));
        put(&request::measure(subject));
        Self { values }
    }

    /// The value, or `None` when the data for it was absent.
    #[must_use]
    pub fn get(&self, id: SignalId) -> Option<f32> {
        self.values.get(usize::from(id.0)).copied().filter(|v| v.is_finite())
    }

    /// Sets a value; not-finite values count as absent.
    pub fn set(&mut self, id: SignalId, value: f32) {
        if let Some(slot) = self.values.get_mut(usize::from(id.0)) {
            *slot = value;
        }
    }

    /// The values to be kept: a checksum of the catalogue, which of them are there and
    /// which of those are not 0, one bit each, and those as floats.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut bytes = CATALOGUE.to_le_bytes().to_vec();
        let (mut there, mut rest) = ([0_u8; COUNT.div_ceil(8)], [0_u8; COUNT.div_ceil(8)]);
        let mut values = Vec::new();
        for (at, value) in self.values.iter().enumerate() {
            let bit = 1 << (at % 8);
            if value.is_nan() {
                continue;
            }
            there.get_mut(at / 8).into_iter().for_each(|byte| *byte |= bit);
            if value.to_bits() != 0 {
                rest.get_mut(at / 8).into_iter().for_each(|byte| *byte |= bit);
                values.extend_from_slice(&value.to_le_bytes());
            }
        }
        bytes.extend_from_slice(&there);
        bytes.extend_from_slice(&rest);
        bytes.append(&mut values);
        bytes
    }

    /// The values that [`Signals::pack`] kept, to the bit; `None` when they were packed
    /// under another catalogue or are damaged.
    #[must_use]
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        const BITS: usize = COUNT.div_ceil(8);
        let (catalogue, bytes) = bytes.split_first_chunk::<4>()?;
        let (there, bytes) = bytes.split_first_chunk::<BITS>()?;
        let (rest, bytes) = bytes.split_first_chunk::<BITS>()?;
        if u32::from_le_bytes(*catalogue) != *CATALOGUE {
            return None;
        }
        let (mut floats, []) = (bytes.as_chunks::<4>().0.iter(), bytes.as_chunks::<4>().1) else {
            return None;
        };
        let mut signals = Self::default();
        for (at, slot) in signals.values.iter_mut().enumerate() {
            let has = |bits: &[u8; BITS]| bits.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
            if has(there) {
                *slot = if has(rest) { f32::from_le_bytes(*floats.next()?) } else { 0.0 };
            }
        }
        floats.next().is_none().then_some(signals)
    }

    /// Values as a model reads them, in catalogue order; NaN where absent.
    pub fn scaled(&self) -> impl Iterator<Item = f32> {
        self.values.iter().zip(&TABLE).map(|(&value, signal)| match signal.scale {
            Scale::Linear => value,
            Scale::Log => log_scaled(value),
        })
    }
}

/// A checksum of the names and scales of the catalogue, in order.
static CATALOGUE: LazyLock<u32> = LazyLock::new(|| {
    SIGNALS.iter().fold(0, |sum, signal| {
        let scale = [u8::from(signal.scale == Scale::Log)];
        crc32c::crc32c_append(crc32c::crc32c_append(sum, signal.code.as_bytes()), &scale)
    })
});

/// `ln(1 + x)` of the whole numbers that nearly all counts are.
static LOGARITHMS: LazyLock<[f32; 128]> = LazyLock::new(|| std::array::from_fn(|n| (n as f32).ln_1p()));

/// `ln(1 + x)`; below 0 counts as 0, what is not finite is NaN.
#[inline]
fn log_scaled(value: f32) -> f32 {
    if value.is_nan() {
        return value;
    }
    let whole = value as usize;
    match LOGARITHMS.get(whole) {
        Some(&logarithm) if whole as f32 == value => logarithm,
        _ => value.max(0.0).ln_1p() + value * 0.0,
    }
}

/// 1 for true, 0 for false.
fn flag(fact: bool) -> f32 {
    f32::from(u8::from(fact))
}

/// `part / whole`, 0 for an empty whole.
fn ratio(part: u32, whole: u32) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        features::{ArticleProfile, Context},
        text::Document,
        types::{ArticleFields, Body, Comment, Markup},
    };
    use std::collections::HashSet;

    /// One signal of a comment under an article of which only the title is known;
    /// without a title there is no article.
    pub(super) fn signal(text: &str, title: &str, code: &str) -> Option<f32> {
        let comment = Comment::of(Body::new(text.into()).expect("body"));
        let mut document = Document::default();
        document.read(text, Markup::Plain);
        let profile = ArticleProfile::new(&ArticleFields { title: title.into(), ..ArticleFields::default() });
        let context = Context { article: (!title.is_empty()).then_some(&profile), ..Context::default() };
        let subject = Subject { comment: &comment, document: &document, context: &context };
        Signals::measure(&subject, &IdfTable::default()).get(find(code).expect("a signal"))
    }

    #[test]
    fn the_catalogue_is_well_formed() {
        let mut seen = HashSet::new();
        for signal in SIGNALS {
            assert!(seen.insert(signal.code), "{} twice", signal.code);
            assert!(signal.code.split('/').count() == 2, "{}", signal.code);
            assert!(signal.doc.ends_with('.'), "{} has no sentence", signal.code);
            assert!(find(signal.code).is_some());
        }
        assert_eq!(SIGNALS.len(), COUNT);
    }

    #[test]
    fn absent_is_not_zero() {
        let mut signals = Signals::default();
        let id = SignalId(0);
        assert_eq!(signals.get(id), None);
        signals.set(id, 0.0);
        assert_eq!(signals.get(id), Some(0.0));
        assert!(signals.scaled().nth(1).is_some_and(f32::is_nan));
    }

    #[test]
    fn packed_signals_come_back_to_the_bit() {
        let mut signals = Signals::default();
        for at in (0..COUNT).step_by(2) {
            signals.set(SignalId(at as u16), [0.0, -0.0, 0.1, 1e-30][at / 2 % 4]);
        }
        let packed = signals.pack();
        let back = Signals::unpack(&packed).unwrap();
        let bits = |signals: &Signals| signals.values.map(f32::to_bits);
        let there = |signals: &Signals| signals.values.map(f32::is_nan);
        assert_eq!(there(&back), there(&signals));
        for (a, b) in bits(&back).into_iter().zip(bits(&signals)) {
            assert!(a == b || f32::from_bits(a).is_nan());
        }
        assert!(Signals::unpack(&packed[..packed.len() - 1]).is_none());
        assert!(Signals::unpack(&[]).is_none());
        let mut other = packed;
        other[0] ^= 1;
        assert!(Signals::unpack(&other).is_none(), "another catalogue");
    }
}
