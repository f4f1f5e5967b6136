//! Character references (`&#58;`, `&amp;`) and percent escapes.
//!
//! Knows the names that writers and evaders use, not all 2,231 of HTML; an
//! unknown name is text. Source of names: the HTML standard, "Named character
//! references".
//!
//! May import: nothing of ours.

/// Longest reference looked at, in bytes after the `&`.
const MAX_REFERENCE: usize = 24;
/// Rounds of decoding: `&amp;amp;#58;` is a colon.
const ROUNDS: usize = 3;

/// Names and what they stand for, sorted by name.
#[rustfmt::skip]
const NAMES: &[(&str, char)] = &[
    ("AMP", '&'), ("Aacute", 'Á'), ("Agrave", 'À'), ("Aring", 'Å'), ("Auml", 'Ä'), ("Ccedil", 'Ç'),
    ("Colon", '∷'), ("Eacute", 'É'), ("Egrave", 'È'), ("GT", '>'), ("LT", '<'), ("NewLine", '\n'),
    ("Ntilde", 'Ñ'), ("Oacute", 'Ó'), ("Oslash", 'Ø'), ("Ouml", 'Ö'), ("QUOT", '"'), ("Tab", '\t'),
    ("Uacute", 'Ú'), ("Uuml", 'Ü'), ("ZeroWidthSpace", '\u{200b}'),
    ("aacute", 'á'), ("acirc", 'â'), ("aelig", 'æ'), ("agrave", 'à'), ("amp", '&'), ("apos", '\''),
    ("aring", 'å'), ("ast", '*'), ("atilde", 'ã'), ("auml", 'ä'), ("bull", '•'), ("ccedil", 'ç'),
    ("cent", '¢'), ("colon", ':'), ("comma", ','), ("commat", '@'), ("copy", '©'), ("dash", '‐'),
    ("deg", '°'), ("dollar", '$'), ("eacute", 'é'), ("ecirc", 'ê'), ("egrave", 'è'), ("emsp", '\u{2003}'),
    ("ensp", '\u{2002}'), ("equals", '='), ("euml", 'ë'), ("euro", '€'), ("excl", '!'), ("frac12", '½'),
    ("gt", '>'), ("hearts", '♥'), ("hellip", '…'), ("hyphen", '‐'), ("iacute", 'í'), ("icirc", 'î'),
    ("iexcl", '¡'), ("iquest", '¿'), ("iuml", 'ï'), ("laquo", '«'), ("lbrack", '['), ("ldquo", '“'),
    ("lowbar", '_'), ("lpar", '('), ("lrm", '\u{200e}'), ("lsqb", '['), ("lsquo", '‘'), ("lt", '<'),
    ("mdash", '—'), ("middot", '·'), ("nbsp", '\u{a0}'), ("ndash", '–'), ("ntilde", 'ñ'), ("num", '#'),
    ("oacute", 'ó'), ("ocirc", 'ô'), ("oslash", 'ø'), ("otilde", 'õ'), ("ouml", 'ö'), ("percnt", '%'),
    ("period", '.'), ("plus", '+'), ("pound", '£'), ("quest", '?'), ("quot", '"'), ("raquo", '»'),
    ("rbrack", ']'), ("rdquo", '”'), ("reg", '®'), ("rlm", '\u{200f}'), ("rpar", ')'), ("rsqb", ']'),
    ("rsquo", '’'), ("sect", '§'), ("semi", ';'), ("shy", '\u{ad}'), ("sol", '/'), ("szlig", 'ß'),
    ("thinsp", '\u{2009}'), ("times", '×'), ("trade", '™'), ("uacute", 'ú'), ("ucirc", 'û'), ("uuml", 'ü'),
    ("yen", '¥'), ("zwj", '\u{200d}'), ("zwnj", '\u{200c}'),
];

/// Reads the reference that begins with the `&` at byte `at`: the character
/// and the byte after it.
pub(super) fn reference_at(text: &str, at: usize) -> Option<(char, usize)> {
    let rest = text.as_bytes().get(at + 1..)?;
    let rest = rest.get(..MAX_REFERENCE.min(rest.len()))?;
    if let Some(number) = rest.strip_prefix(b"#") {
        return numeric(number).map(|(c, len)| (c, at + 2 + len));
    }
    let len = rest.iter().position(|b| !b.is_ascii_alphanumeric())?;
    if rest.get(len) != Some(&b';') {
        return None;
    }
    let name = std::str::from_utf8(rest.get(..len)?).ok()?;
    Some((named(name)?, at + 2 + len))
}

fn named(name: &str) -> Option<char> {
    let found = NAMES.binary_search_by(|(known, _)| (*known).cmp(name));
    found.ok().and_then(|at| NAMES.get(at)).map(|&(_, c)| c)
}

/// `58;`, `x3a;` or the same without the semicolon.
fn numeric(text: &[u8]) -> Option<(char, usize)> {
    let (digits, radix, prefix) = match text.first()? {
        b'x' | b'X' => (text.get(1..)?, 16, 1),
        _ => (text, 10, 0),
    };
    let len = digits.iter().position(|b| !(*b as char).is_digit(radix)).unwrap_or(digits.len());
    let code = u32::from_str_radix(std::str::from_utf8(digits.get(..len)?).ok()?, radix).ok()?;
    let c = char::from_u32(code).filter(|c| !c.is_control() || c.is_whitespace())?;
    Some((c, prefix + len + usize::from(digits.get(len) == Some(&b';'))))
}

/// Decodes the references of an address, to a fixpoint within three rounds.
pub(super) fn decode(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS {
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for at in memchr::memchr_iter(b'&', text.as_bytes()) {
            if at < done {
                continue;
            }
            if let Some((c, next)) = reference_at(&text, at) {
                out.push_str(text.get(done..at).unwrap_or(""));
                out.push(c);
                done = next;
            }
        }
        if done == 0 {
            break;
        }
        out.push_str(text.get(done..).unwrap_or(""));
        text = out;
    }
    text
}

/// Decodes the percent escapes of a host name, to a fixpoint within three
/// rounds; gives the result and how many escapes there were. Escapes that
/// make no UTF-8 are left.
pub(in crate::text) fn decode_percent(text: &str) -> (String, u32) {
    let (mut text, mut escapes) = (text.to_owned(), 0);
    for _ in 0..ROUNDS {
        let mut out = Vec::with_capacity(text.len());
        let mut bytes = text.as_bytes();
        let before = escapes;
        while let Some((&byte, rest)) = bytes.split_first() {
            let escaped = (byte == b'%').then(|| rest.get(..2)).flatten();
            let code = escaped
                .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))
                .and_then(|hex| std::str::from_utf8(hex).ok())
                .and_then(|hex| u8::from_str_radix(hex, 16).ok());
            out.push(code.unwrap_or(byte));
            escapes += u32::from(code.is_some());
            bytes = if code.is_some() { rest.get(2..).unwrap_or(&[]) } else { rest };
        }
        match String::from_utf8(out) {
            Ok(decoded) if escapes > before => text = decoded,
            _ => {
                escapes = before;
                break;
            }
        }
    }
    (text, escapes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn references_are_read() {
        #[rustfmt::skip]
        let cases: &[(&str, Option<(char, usize)>)] = &[
            ("&#58;//", Some((':', 5))),
            ("&#58//", Some((':', 4))),
            ("&#x3A;", Some((':', 6))),
            ("&amp;", Some(('&', 5))),
            ("&amp", None),
            ("&nonsense;", None),
            ("&#0;", None),
            ("&#xD800;", None),
            ("&", None),
        ];
        for (text, want) in cases {
            assert_eq!(reference_at(text, 0), *want, "{text}");
        }
    }

    #[test]
    fn decoding_goes_three_deep() {
        assert_eq!(decode("http&amp;#58;//x"), "http://x");
        assert_eq!(decode_percent("ex%2561mple").0, "example");
        assert_eq!(decode_percent("100%").0, "100%");
        assert_eq!(decode_percent("%ff").0, "%ff");
    }
}
