//! The folded view: NFKC, case, invisible characters, marks, quotes, dashes.
//!
//! Most characters are their own normal form; they are lower-cased in place.
//! The rest is normalised in chunks that cannot interact with their
//! neighbours (UAX #15, "Stream-Safe Text Format" bounds their length), so the
//! whole is linear and every chunk knows its origin. Apostrophes, quotation
//! marks and dashes become ASCII, because writers and their keyboards mix them.
//! Characters that NFKC would grow more than fourfold stay (U+FDFA grows
//! elevenfold), so the result has at most four times the bytes.
//!
//! Folding a folded text changes nothing. Knows nothing of markup.
//!
//! May import: `types`.

use unicode_normalization::{
    IsNormalized, UnicodeNormalization,
    char::{canonical_combining_class, decompose_compatible, is_combining_mark},
    is_nfkc_quick,
};

use crate::types::Span;

use super::{
    chars::{self, Script, Unseen, char_at, class, unseen},
    counts::Counts,
    spans::SpanMap,
};

/// Characters of one chunk; further marks are dropped (UAX #15 allows 30).
const CHUNK_CHARS: usize = 32;
/// Marks kept on one letter of a script that needs them.
const MARKS_PER_LETTER: u32 = 4;

/// Buffers of the folding, kept between texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    chunk: String,
    normal: String,
}

/// What the folding dropped or replaced.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FoldCounts {
    pub zero_width: u32,
    pub bidi: u32,
    pub direction_marks: u32,
    pub surplus_marks: u32,
    pub styled: u32,
    pub wide_letters: u32,
    right_to_left: bool,
    east_asian: bool,
}

impl FoldCounts {
    /// Adds to `counts` what no honest text needs: direction marks count only
    /// outside right-to-left text, full-width letters only outside East Asian.
    pub(super) fn add_to(self, counts: &mut Counts) {
        counts.zero_width += self.zero_width;
        counts.bidi_controls += self.bidi;
        counts.bidi_controls += if self.right_to_left { 0 } else { self.direction_marks };
        counts.surplus_marks += self.surplus_marks;
        counts.styled += self.styled;
        counts.styled += if self.east_asian { 0 } else { self.wide_letters };
    }
}

impl Folder {
    /// Folds `text` into `out`, with the way back in `map`.
    pub(super) fn fold(&mut self, text: &str, out: &mut String, map: &mut SpanMap) -> FoldCounts {
        out.clear();
        map.clear();
        if text.bytes().all(|b| class(b) & (chars::WIDE | chars::CONTROL) == 0) {
            out.push_str(text);
            out.make_ascii_lowercase();
            return FoldCounts::default();
        }
        let mut run =
            Run { text, at: 0, out, map, counts: FoldCounts::default(), base: Base::default(), folder: self };
        while run.at < text.len() {
            run.step();
        }
        run.counts
    }
}

/// The letter that marks attach to.
#[derive(Clone, Copy, Default)]
struct Base {
    needs_marks: bool,
    keycap: bool,
    marks: u32,
}

struct Run<'a> {
    text: &'a str,
    at: usize,
    out: &'a mut String,
    map: &'a mut SpanMap,
    counts: FoldCounts,
    base: Base,
    folder: &'a mut Folder,
}

impl Run<'_> {
    fn step(&mut self) {
        let c = char_at(self.text, self.at);
        if c.is_ascii() {
            return self.ascii(c);
        }
        if let Some(how) = unseen(c) {
            return self.drop_unseen(c, how);
        }
        let next = self.at + c.len_utf8();
        let folded = if is_simple(c) { Some(lower_simple(c)) } else { ascii_punctuation(c) };
        match folded {
            Some(folded) if self.ends_chunk(next) => {
                self.base = Base { needs_marks: chars::needs_marks(c), ..Base::default() };
                self.note_script(c);
                self.emit(folded, c, next);
                self.at = next;
            }
            _ => self.chunk(),
        }
    }

    fn ascii(&mut self, c: char) {
        let next = self.at + 1;
        if class(c as u8) & chars::CONTROL != 0 {
            self.drop_unseen(c, Unseen::Control);
        } else if self.ends_chunk(next) {
            self.base = Base { keycap: is_keycap(c), ..Base::default() };
            self.map.linear(self.out.len() as u32, self.at as u32);
            self.out.push(c.to_ascii_lowercase());
            self.at = next;
        } else {
            self.chunk();
        }
    }

    /// Whether nothing at `at` can attach to what precedes it. Invisible
    /// characters may have a mark behind them.
    fn ends_chunk(&self, at: usize) -> bool {
        let c = char_at(self.text, at);
        at >= self.text.len() || is_simple(c) || (unseen(c).is_none() && (c.is_ascii() || starts_chunk(c)))
    }

    /// Writes one character for one character.
    fn emit(&mut self, folded: char, from: char, end: usize) {
        let place = self.out.len() as u32;
        if folded.len_utf8() == from.len_utf8() {
            self.map.linear(place, self.at as u32);
        } else {
            self.map.whole(place, Span::new(self.at as u32, end as u32));
        }
        self.out.push(folded);
    }

    fn note_script(&mut self, c: char) {
        match chars::script(c) {
            Script::Arabic | Script::Hebrew => self.counts.right_to_left = true,
            Script::Han | Script::Kana | Script::Hangul => self.counts.east_asian = true,
            Script::Latin
            | Script::Cyrillic
            | Script::Greek
            | Script::Lookalike
            | Script::Devanagari
            | Script::Bengali
            | Script::Tamil
            | Script::Indic
            | Script::Thai
            | Script::Unspaced
            | Script::Georgian
            | Script::Other => {}
        }
    }

    /// Drops an invisible character; counts it where honest text has none.
    fn drop_unseen(&mut self, c: char, how: Unseen) {
        let next = self.at + c.len_utf8();
        match how {
            Unseen::ZeroWidth if self.zero_width_is_honest(c, next) => {}
            Unseen::ZeroWidth => self.counts.zero_width += 1,
            Unseen::Bidi => self.counts.bidi += 1,
            Unseen::DirectionMark => self.counts.direction_marks += 1,
            Unseen::Variation | Unseen::Kashida | Unseen::Control => {}
        }
        self.at = next;
    }

    /// Joiners between emoji, and in scripts that shape or break words by
    /// them; a byte order mark at the very beginning; tags on a flag.
    fn zero_width_is_honest(&self, c: char, next: usize) -> bool {
        let before = chars::char_before(self.text, self.at);
        match c as u32 {
            0x200b..=0x200d => {
                before as u32 >= 0x0600 && (shapes_words(before) || shapes_words(char_at(self.text, next)))
            }
            0xfeff => self.at == 0,
            0xe0000..=0xe0fff => before as u32 == 0x1f3f4 || (0xe0000..=0xe0fff).contains(&(before as u32)),
            _ => false,
        }
    }

    /// Normalises the character at `self.at` with all that attaches to it.
    fn chunk(&mut self) {
        let start = self.at;
        let lone_regional = self.lone_regional();
        let mut chunk = std::mem::take(&mut self.folder.chunk);
        chunk.clear();
        let mut taken = 0;
        loop {
            let c = char_at(self.text, self.at);
            if let Some(how) = unseen(c) {
                self.drop_unseen(c, how);
            } else if taken >= CHUNK_CHARS {
                self.counts.surplus_marks += 1;
                self.at += c.len_utf8();
            } else {
                chunk.push(c);
                taken += 1;
                self.at += c.len_utf8();
            }
            if self.at >= self.text.len() {
                break;
            }
            let next = char_at(self.text, self.at);
            if unseen(next).is_none() && starts_chunk(next) {
                break;
            }
        }
        self.count_styled(&chunk);
        if let Some(letter) = lone_regional {
            chunk.replace_range(..'🇦'.len_utf8(), letter.encode_utf8(&mut [0; 4]));
        }
        self.normalise(&mut chunk);
        let place = self.out.len();
        for c in chunk.chars() {
            self.keep(c);
        }
        if self.out.len() > place {
            self.map.whole(place as u32, Span::new(start as u32, self.at as u32));
        }
        self.folder.chunk = chunk;
    }

    /// The letter of a regional indicator that makes no flag: it has no
    /// neighbour of its kind.
    fn lone_regional(&self) -> Option<char> {
        let c = char_at(self.text, self.at);
        let next = char_at(self.text, self.at + c.len_utf8());
        let before = chars::char_before(self.text, self.at);
        if !chars::is_regional(c) || chars::is_regional(before) || chars::is_regional(next) {
            return None;
        }
        char::from_u32(c as u32 - 0x1f1e6 + u32::from('a'))
    }

    /// Brings `chunk` into its folded normal form, in at most four rounds;
    /// real characters need two.
    fn normalise(&mut self, chunk: &mut String) {
        let normal = &mut self.folder.normal;
        for _ in 0..4 {
            normal.clear();
            if chunk.chars().any(grows_too_much) {
                normal.push_str(chunk);
            } else {
                normal.extend(chunk.nfkc());
            }
            chunk.clear();
            for c in normal.chars().filter(|&c| unseen(c).is_none()) {
                push_lower(c, chunk);
            }
            if *chunk == *normal {
                return;
            }
        }
    }

    /// Writes a character of a normalised chunk, unless it is a surplus mark.
    fn keep(&mut self, c: char) {
        if c.is_ascii() || !is_combining_mark(c) {
            self.base = Base { needs_marks: chars::needs_marks(c), keycap: is_keycap(c), marks: 0 };
            self.note_script(c);
            return self.out.push(c);
        }
        self.base.marks += 1;
        if chars::needs_marks(c) || self.base.needs_marks {
            if self.base.marks <= MARKS_PER_LETTER {
                self.out.push(c);
            } else {
                self.counts.surplus_marks += 1;
            }
            return;
        }
        let keycap = self.base.keycap && c == '\u{20e3}';
        let accent = self.base.marks == 1 && is_common_mark(c);
        self.counts.surplus_marks += u32::from(!keycap && !accent);
    }

    /// Counts letters that are written in a style no orthography asks for.
    fn count_styled(&mut self, chunk: &str) {
        for c in chunk.chars() {
            match c as u32 {
                0xff21..=0xff3a | 0xff41..=0xff5a => self.counts.wide_letters += 1,
                0x1d400..=0x1d7ff | 0x24b6..=0x24e9 | 0x249c..=0x24b5 | 0x1f110..=0x1f189 => {
                    self.counts.styled += 1;
                }
                0x1d2c..=0x1d6a | 0x2071 | 0x207f | 0x2090..=0x209c | 0x210a..=0x2113 | 0x2119..=0x211d => {
                    self.counts.styled += 1;
                }
                0x2102 | 0x2124 | 0x2128 | 0x212c..=0x2134 | 0x1f1e6..=0x1f1ff => {
                    self.counts.styled += u32::from(c as u32 != 0x212e);
                }
                _ => {}
            }
        }
    }
}

const fn is_keycap(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*')
}

/// Marks that orthographies and dictionaries put on letters one at a time.
const fn is_common_mark(c: char) -> bool {
    matches!(c as u32, 0x0300..=0x0304 | 0x0306..=0x030c | 0x030f | 0x0311 | 0x0313 | 0x0314 | 0x0323..=0x0328 | 0x032d..=0x0331 | 0x0342 | 0x0345 | 0x20e3 | 0xfe00..=0xfe0f)
}

/// Whether joiners shape, or mark the words of, the script of `c`, or join emoji.
fn shapes_words(c: char) -> bool {
    match chars::script(c) {
        Script::Arabic
        | Script::Devanagari
        | Script::Bengali
        | Script::Tamil
        | Script::Indic
        | Script::Thai
        | Script::Unspaced => true,
        Script::Latin
        | Script::Cyrillic
        | Script::Greek
        | Script::Lookalike
        | Script::Hebrew
        | Script::Georgian
        | Script::Hangul
        | Script::Kana
        | Script::Han => false,
        Script::Other => {
            chars::is_emoji(c)
                || chars::extends_emoji(c)
                || matches!(c as u32, 0x0700..=0x08ff | 0x1800..=0x18af | 0x1a00..=0x1cff | 0xa800..=0xabff)
        }
    }
}

/// Whether no normal form makes `c`, or what it decomposes to, attach to what
/// precedes it.
fn starts_chunk(c: char) -> bool {
    let mut first = None;
    decompose_compatible(c, |d| {
        first.get_or_insert(d);
    });
    let first = first.unwrap_or(c);
    canonical_combining_class(first) == 0
        && !is_combining_mark(first)
        && !matches!(is_nfkc_quick(std::iter::once(first)), IsNormalized::Maybe)
}

/// Whether NFKC makes more than four bytes of each byte of `c`.
fn grows_too_much(c: char) -> bool {
    if !matches!(c as u32, 0x3300..=0x3357 | 0xfdf0..=0xfdff) {
        return false;
    }
    let mut bytes = 0;
    decompose_compatible(c, |d| bytes += d.len_utf8());
    bytes > 4 * c.len_utf8()
}

/// Characters that NFKC leaves alone, if no mark follows, and whose lower case
/// is a single character.
#[inline]
const fn is_simple(c: char) -> bool {
    matches!(c as u32,
        0x00c0..=0x012f | 0x0131 | 0x0134..=0x013e | 0x0141..=0x0148 | 0x014a..=0x017e | 0x0180..=0x01c3
        | 0x01cd..=0x01f0 | 0x01f4..=0x02a0 | 0x0388..=0x03ce | 0x0400..=0x0482 | 0x048a..=0x052f
        | 0x0531..=0x0556 | 0x0561..=0x0586 | 0x05d0..=0x05ea | 0x0621..=0x063f | 0x0641..=0x064a
        | 0x0660..=0x0669 | 0x0671..=0x0674 | 0x0679..=0x06d3 | 0x06f0..=0x06f9
        | 0x0904..=0x0939 | 0x0966..=0x096f | 0x0985..=0x09b9 | 0x0e01..=0x0e30 | 0x0e32 | 0x0e40..=0x0e46
        | 0x10d0..=0x10fa | 0x1e00..=0x1e99 | 0x1ea0..=0x1ef9
        | 0x201a | 0x20a0..=0x20a7 | 0x20a9..=0x20bf
        | 0x2190..=0x21ff | 0x2500..=0x27bf | 0x3001..=0x3002 | 0x3005..=0x3029 | 0x3041..=0x3096
        | 0x30a1..=0x30fe | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xac00..=0xd7a3
        | 0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f900..=0x1faff)
}

/// Lower case of a simple character; final sigma becomes plain sigma.
#[inline]
fn lower_simple(c: char) -> char {
    let code = c as u32;
    let shifted = match code {
        0x00d7 | 0x00f7 => code,
        0x00c0..=0x00de | 0x0410..=0x042f => code + 0x20,
        0x0400..=0x040f => code + 0x50,
        0x00df..=0x00ff | 0x0430..=0x045f => code,
        0x03c2 => 0x03c3,
        0x0100..=0x0586 | 0x10d0..=0x1ef9 | 0x2c60..=0xa7ff => return single_lower(c),
        _ => code,
    };
    char::from_u32(shifted).unwrap_or(c)
}

fn single_lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

/// Appends the folded form of a normalised character.
fn push_lower(c: char, out: &mut String) {
    if let Some(plain) = ascii_punctuation(c) {
        return out.push(plain);
    }
    let code = c as u32;
    let ascii = match code {
        // Enclosed letters that Unicode gives no decomposition.
        0x1f150..=0x1f169 => b'a' + (code - 0x1f150) as u8,
        0x1f170..=0x1f189 => b'a' + (code - 0x1f170) as u8,
        0x03c2 => return out.push('σ'),
        _ => return out.extend(c.to_lowercase()),
    };
    out.push(char::from(ascii));
}

/// Quotes, dashes and line ends that are written in ASCII as often.
#[inline]
const fn ascii_punctuation(c: char) -> Option<char> {
    Some(match c as u32 {
        0x2018 | 0x2019 | 0x201b | 0x02bc | 0x2032 => '\'',
        0x201c..=0x201f => '"',
        0x2010..=0x2015 | 0x2212 => '-',
        0x0085 | 0x2028 | 0x2029 => '\n',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> (String, FoldCounts) {
        let (mut out, mut map) = (String::new(), SpanMap::default());
        let counts = Folder::default().fold(text, &mut out, &mut map);
        (out, counts)
    }

    #[test]
    fn folding_reads_as_people_do() {
        #[rustfmt::skip]
        let cases: &[(&str, &str, &str)] = &[
            ("case",                          "GROẞE Straße ÉTÉ ЖУК ΣΊΣΥΦΟΣ", "große straße été жук σίσυφοσ"),
            ("styled letters",                "𝗙𝗿𝗲𝗲 𝓬𝓸𝓲𝓷𝓼 ⓕⓡⓔⓔ ＦＲＥＥ",        "free coins free free"),
            ("letters without decomposition", "FR🅴🅴",                         "free"),
            ("zero width",                    "vi\u{200b}ag\u{2060}ra",         "viagra"),
            ("overlay marks",                 "c\u{338}a\u{338}s\u{338}h",      "cash"),
            ("a composed accent stays",       "cafe\u{301}",                    "café"),
            ("Vietnamese stays",              "Tiếng Việt",                     "tiếng việt"),
            ("typographic quotes",            "don’t “say” – that",             "don't \"say\" - that"),
            ("Turkish capital dotted I",      "İstanbul",                       "istanbul"),
            ("Hebrew points stay",            "שָׁלוֹם",                          "שָׁלוֹם"),
            ("controls",                      "a\u{7}b",                        "ab"),
        ];
        for (name, text, want) in cases {
            assert_eq!(folded(text).0, *want, "{name}");
        }
    }

    #[test]
    fn tricks_are_counted_and_honest_use_is_not() {
        assert_eq!(folded("vi\u{200b}ag\u{200b}ra").1.zero_width, 2);
        assert_eq!(folded("👨\u{200d}👩\u{200d}👧").1.zero_width, 0);
        assert_eq!(folded("می\u{200c}خواهم क्\u{200d}ष").1.zero_width, 0);
        assert_eq!(folded("1\u{fe0f}\u{20e3}").1.surplus_marks, 0);
        assert_eq!(folded("за\u{301}мок").1.surplus_marks, 0);
        assert_eq!(folded("c\u{338}a\u{338}").1.surplus_marks, 2);
        assert_eq!(folded("𝗙𝗿𝗲𝗲").1.styled, 4);
    }

    #[test]
    fn growth_is_at_most_fourfold() {
        for text in ["\u{fdfa}", "\u{fdfa}\u{fdfb}\u{fdfc}", "㌀㌖㍗", "\u{1d163}\u{1d164}"] {
            let (out, _) = folded(&text.repeat(50));
            assert!(out.len() <= 4 * 50 * text.len(), "{text} grows to {}", out.len());
            assert_eq!(folded(&out).0, out, "{text}");
        }
    }
}
