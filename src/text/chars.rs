//! What single characters are: classes, scripts, emoji, invisible controls.
//!
//! One table for ASCII and range matches for the rest, because every byte of
//! every comment passes through here. Coarser than the Unicode database where
//! reading comments does not need more.
//!
//! May import: nothing of ours.

/// ASCII letter.
pub(super) const LETTER: u32 = 1;
/// ASCII capital (a letter too).
pub(super) const UPPER: u32 = 1 << 1;
/// ASCII digit.
pub(super) const DIGIT: u32 = 1 << 2;
/// ASCII white space.
pub(super) const SPACE: u32 = 1 << 3;
/// Part of a character beyond ASCII.
pub(super) const WIDE: u32 = 1 << 4;
/// ASCII control that is not white space.
pub(super) const CONTROL: u32 = 1 << 5;
/// `.`
pub(super) const DOT: u32 = 1 << 6;
/// `:`
pub(super) const COLON: u32 = 1 << 7;
/// `@`
pub(super) const AT: u32 = 1 << 8;
/// `<`, `&` and `[`: markup or an entity may begin here.
pub(super) const OPENS: u32 = 1 << 9;
/// `{`
pub(super) const BRACE: u32 = 1 << 10;
/// `_`
pub(super) const UNDERSCORE: u32 = 1 << 11;
/// `!` and `?`
pub(super) const EXCLAIM: u32 = 1 << 12;
/// `$`
pub(super) const DOLLAR: u32 = 1 << 13;
/// `\n`
pub(super) const NEWLINE: u32 = 1 << 14;
/// Any other printable ASCII symbol or punctuation.
pub(super) const MARK: u32 = 1 << 15;
/// `(`, `[` or `{`, which may hold a bracketed dot or at sign.
pub(super) const BRACKET: u32 = 1 << 16;

const fn classify(byte: u8) -> u32 {
    match byte {
        b'a'..=b'z' => LETTER,
        b'A'..=b'Z' => LETTER | UPPER,
        b'0'..=b'9' => DIGIT,
        b'\n' => SPACE | NEWLINE,
        b' ' | b'\t' | b'\r' => SPACE,
        0x80.. => WIDE,
        0..0x20 | 0x7f => CONTROL,
        b'.' => MARK | DOT,
        b':' => MARK | COLON,
        b'@' => MARK | AT,
        b'<' | b'&' => MARK | OPENS,
        b'[' => MARK | OPENS | BRACKET,
        b'(' => MARK | BRACKET,
        b'{' => MARK | BRACE | BRACKET,
        b'_' => MARK | UNDERSCORE,
        b'!' | b'?' => MARK | EXCLAIM,
        b'$' => MARK | DOLLAR,
        _ => MARK,
    }
}

#[expect(clippy::indexing_slicing, reason = "evaluated while compiling; the loop bound is the length")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = classify(byte as u8);
        byte += 1;
    }
    table
}

static CLASSES: [u32; 256] = table();

/// The class bits of a byte.
#[inline]
pub(super) fn class(byte: u8) -> u32 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// The byte at `at`, or 0 past the end.
#[inline]
pub(super) fn byte_at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// The character that begins at byte `at`; NUL past the end or inside one.
#[inline]
pub(super) fn char_at(text: &str, at: usize) -> char {
    text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('\0')
}

/// The character that ends before byte `at`; NUL at the beginning.
#[inline]
pub(super) fn char_before(text: &str, at: usize) -> char {
    text.get(..at).and_then(|rest| rest.chars().next_back()).unwrap_or('\0')
}

/// Groups of scripts, as far as reading comments tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Script {
    Latin,
    Cyrillic,
    Greek,
    /// Armenian, Cherokee, Coptic, Lisu...: scripts full of Latin look-alikes.
    Lookalike,
    Arabic,
    Hebrew,
    Devanagari,
    Bengali,
    Tamil,
    /// Every other script of the Indian subcontinent.
    Indic,
    Thai,
    /// Lao, Khmer, Myanmar, Tibetan: no spaces between words.
    Unspaced,
    Georgian,
    Hangul,
    Kana,
    Han,
    /// Everything else.
    Other,
}

/// How many scripts there are.
pub(super) const SCRIPTS: usize = Script::Other as usize + 1;

/// The script of a letter; meaningless for other characters.
#[inline]
pub(super) const fn script(c: char) -> Script {
    match c as u32 {
        0..=0x02ff | 0x1d00..=0x1dbf | 0x1e00..=0x1eff | 0x2c60..=0x2c7f | 0xa720..=0xa7ff => Script::Latin,
        0xab30..=0xab6f | 0xfb00..=0xfb06 | 0xff21..=0xff5a | 0x1d400..=0x1d6a5 => Script::Latin,
        0x0370..=0x03e1 | 0x03f0..=0x03ff | 0x1f00..=0x1fff | 0x1d6a8..=0x1d7cb => Script::Greek,
        0x0400..=0x052f | 0x1c80..=0x1c8f | 0x2de0..=0x2dff | 0xa640..=0xa69f => Script::Cyrillic,
        0x03e2..=0x03ef | 0x2c80..=0x2cff | 0x0530..=0x058f | 0x13a0..=0x13ff => Script::Lookalike,
        0xab70..=0xabbf | 0xa4d0..=0xa4ff | 0x10400..=0x104ff | 0x118a0..=0x118ff => Script::Lookalike,
        0x0590..=0x05ff | 0xfb1d..=0xfb4f => Script::Hebrew,
        0x0600..=0x06ff | 0x0750..=0x077f | 0x08a0..=0x08ff | 0xfb50..=0xfdff | 0xfe70..=0xfeff => {
            Script::Arabic
        }
        0x0900..=0x097f | 0xa8e0..=0xa8ff => Script::Devanagari,
        0x0980..=0x09ff => Script::Bengali,
        0x0b80..=0x0bff => Script::Tamil,
        0x0a00..=0x0b7f | 0x0c00..=0x0dff | 0x11000..=0x11fff => Script::Indic,
        0x0e00..=0x0e7f => Script::Thai,
        0x0e80..=0x109f | 0x1780..=0x17ff | 0x19e0..=0x19ff | 0xa9e0..=0xa9ff | 0xaa60..=0xaa7f => {
            Script::Unspaced
        }
        0x10a0..=0x10ff | 0x1c90..=0x1cbf | 0x2d00..=0x2d2f => Script::Georgian,
        0x1100..=0x11ff | 0x3130..=0x318f | 0xa960..=0xa97f | 0xac00..=0xd7ff | 0xffa0..=0xffdc => {
            Script::Hangul
        }
        0x3040..=0x30ff | 0x31f0..=0x31ff | 0xff66..=0xff9f | 0x1b000..=0x1b16f => Script::Kana,
        0x3005..=0x3007 | 0x3021..=0x3029 | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff => {
            Script::Han
        }
        0x20000..=0x3ffff => Script::Han,
        _ => Script::Other,
    }
}

/// Whether a script writes without spaces between words, so that each
/// character is a token of its own.
#[inline]
pub(super) const fn is_unspaced(script: Script) -> bool {
    matches!(script, Script::Han | Script::Kana | Script::Thai | Script::Unspaced)
}

/// Scripts whose letters pass for each other's: no language mixes them in a word.
pub(super) const fn is_confusable(script: Script) -> bool {
    matches!(script, Script::Latin | Script::Cyrillic | Script::Greek | Script::Lookalike)
}

/// Whether the letters of this script carry marks that must stay.
pub(super) const fn needs_marks(c: char) -> bool {
    !is_confusable(script(c))
        && matches!(c as u32, 0x0590..=0x1cff | 0x3040..=0x30ff | 0xa800..=0xabff | 0x10a00..=0x1bfff | 0x1e000..=0x1efff)
}

/// Emoji and pictographs, single characters. Skin tones are extenders, not
/// emoji of their own; regional letters count, in pairs.
#[inline]
pub(super) const fn is_emoji(c: char) -> bool {
    matches!(c as u32,
        0x1f300..=0x1f3fa | 0x1f400..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f780..=0x1f7ff | 0x1f900..=0x1faff
        | 0x1f1e6..=0x1f1ff | 0x1f000..=0x1f0ff | 0x1f18e | 0x1f191..=0x1f19a | 0x1f200..=0x1f265
        | 0x2600..=0x27bf | 0x2b05..=0x2b07 | 0x2b1b..=0x2b1c | 0x2b50 | 0x2b55 | 0x231a..=0x231b
        | 0x23e9..=0x23f3 | 0x23f8..=0x23fa | 0x25aa..=0x25ab | 0x25b6 | 0x25c0 | 0x25fb..=0x25fe
        | 0x2934..=0x2935 | 0x3030 | 0x303d | 0x3297 | 0x3299)
}

/// Regional indicator letters, which make flags in pairs.
#[inline]
pub(super) const fn is_regional(c: char) -> bool {
    matches!(c as u32, 0x1f1e6..=0x1f1ff)
}

/// Characters that belong to the emoji before them.
#[inline]
pub(super) const fn extends_emoji(c: char) -> bool {
    matches!(c as u32, 0xfe00..=0xfe0f | 0x1f3fb..=0x1f3ff | 0x20e3 | 0xe0020..=0xe007f)
}

/// Round things that stand in for the letter "o".
pub(super) const fn is_round_emoji(c: char) -> bool {
    matches!(c as u32,
        0x1f534 | 0x1f535 | 0x1f7e0..=0x1f7e4 | 0x26aa | 0x26ab | 0x2b55 | 0x1fa99 | 0x1f311..=0x1f31d
        | 0x26bd | 0x26be | 0x1f3c0 | 0x1f3d0 | 0x1f3af | 0x1f36a | 0x1f369 | 0x1f310 | 0x1f30d..=0x1f30f)
}

/// Faces, hands and hearts: put between words without spaces by honest writers.
pub(super) const fn is_mood_emoji(c: char) -> bool {
    matches!(c as u32,
        0x1f600..=0x1f64f | 0x1f440..=0x1f450 | 0x1f493..=0x1f49f | 0x1f90c..=0x1f93f | 0x1f970..=0x1f97a
        | 0x2763 | 0x2764 | 0x1f389 | 0x1f4aa | 0x1f525 | 0x1f680 | 0x1f4af | 0x2639 | 0x263a)
}

/// Why a character is dropped from the folded view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    /// Zero width: joins or splits without being seen.
    ZeroWidth,
    /// Override, embedding or isolate: changes the direction of what is seen.
    Bidi,
    /// Left-to-right, right-to-left or Arabic letter mark: at home in
    /// right-to-left texts.
    DirectionMark,
    /// Chooses how the character before it looks.
    Variation,
    /// A stretch mark of Arabic script.
    Kashida,
    /// A control of old terminals.
    Control,
}

/// Whether a character is invisible, and how. White space is not.
#[inline]
pub(super) const fn unseen(c: char) -> Option<Unseen> {
    Some(match c as u32 {
        0..=0x08 | 0x0b | 0x0c | 0x0e..=0x1f | 0x7f..=0x84 | 0x86..=0x9f => Unseen::Control,
        0x200e | 0x200f | 0x061c => Unseen::DirectionMark,
        0x202a..=0x202e | 0x2066..=0x2069 => Unseen::Bidi,
        0x200b..=0x200d | 0x2060..=0x2065 | 0x206a..=0x206f | 0xfeff | 0x00ad | 0x034f => Unseen::ZeroWidth,
        0x115f | 0x1160 | 0x3164 | 0xffa0 | 0x17b4 | 0x17b5 | 0x180e | 0xe0000..=0xe0fff => Unseen::ZeroWidth,
        0xfff0..=0xfffb | 0x1d173..=0x1d17a | 0x1bca0..=0x1bca3 => Unseen::ZeroWidth,
        0xfe00..=0xfe0f | 0x180b..=0x180d | 0x180f => Unseen::Variation,
        0x0640 => Unseen::Kashida,
        _ => return None,
    })
}

/// Whether `c` counts as a letter: alphabetic, and no enclosed or emoji letter.
#[inline]
pub(super) fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || (!c.is_ascii() && c.is_alphabetic() && !is_emoji(c))
}

/// Currency signs.
#[inline]
pub(super) const fn is_currency(c: char) -> bool {
    matches!(c as u32,
        0x24 | 0xa2..=0xa5 | 0x58f | 0x60b | 0x9f2 | 0x9f3 | 0xe3f | 0x20a0..=0x20c0 | 0xfdfc | 0xfe69 | 0xff04
        | 0xffe0 | 0xffe1 | 0xffe5 | 0xffe6)
}

/// Exclamation and question marks beyond ASCII.
#[inline]
pub(super) const fn is_exclamation(c: char) -> bool {
    matches!(c as u32,
        0x21 | 0x3f | 0xa1 | 0xbf | 0x61f | 0x203c | 0x203d | 0x2047..=0x2049 | 0x2753..=0x2755 | 0x2757
        | 0xff01 | 0xff1f)
}
