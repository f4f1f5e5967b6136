//! Markdown (CommonMark) as a reader sees it.
//!
//! Block structure is reduced to what text needs: quotes, headings, list
//! bullets, fences, link definitions. Inline HTML is handled as HTML. Emphasis
//! follows CommonMark closely enough to tell "2 * 3" from "*two*"; reference
//! links keep their brackets, their addresses are found at the definitions.
//!
//! May import: `types`.

use super::{Budget, Rendered, entities, html::Elements};

/// Longest link text and longest destination looked at, in bytes.
const LABEL_WINDOW: usize = 1000;
const TARGET_WINDOW: usize = 2048;
/// Farthest end of an emphasis, in bytes.
const EMPHASIS_WINDOW: usize = 1000;
/// Links and images inside each other.
const MAX_NESTED: usize = 8;

/// Renders a whole source. Linear.
pub(super) fn render(source: &str, out: &mut Rendered) {
    let mut reader = Reader {
        source,
        out,
        elements: Elements::new(source),
        budget: Budget::for_text(source),
        at: 0,
        done: 0,
        labels: Vec::new(),
        stars: false,
        underscores: false,
        fenced: false,
        quote: None,
    };
    reader.run();
}

struct Reader<'a, 'o> {
    source: &'a str,
    out: &'o mut Rendered,
    elements: Elements<'a>,
    budget: Budget,
    at: usize,
    /// What precedes it has been written or left out.
    done: usize,
    /// Ends of open link texts, and where reading goes on after them.
    labels: Vec<(usize, usize)>,
    stars: bool,
    underscores: bool,
    fenced: bool,
    /// Start of the quotation that the last line belonged to.
    quote: Option<usize>,
}

impl Reader<'_, '_> {
    fn run(&mut self) {
        let len = self.source.len();
        self.line_start();
        while self.at < len {
            let byte = self.byte(self.at);
            if byte == b'\n' {
                self.at += 1;
                self.line_start();
            } else if self.fenced || !self.inline(byte) {
                self.at += 1;
            }
        }
        self.flush(len);
        if let Some(start) = self.quote.take() {
            self.out.quote(start, len);
        }
    }

    fn byte(&self, at: usize) -> u8 {
        self.source.as_bytes().get(at).copied().unwrap_or(0)
    }

    /// Writes what has been read up to `end`.
    fn flush(&mut self, end: usize) {
        self.out.copy(self.source, self.done, end, self.elements.seen());
        self.done = self.done.max(end);
    }

    /// Leaves out `start..end`, goes on at its end.
    fn skip(&mut self, start: usize, end: usize) {
        self.flush(start);
        self.done = end;
        self.at = end;
        self.out.tags += 1;
    }

    /// Quote marks, heading marks, bullets, fences, definitions.
    fn line_start(&mut self) {
        let start = self.at;
        let mut at = self.indent(start);
        let mut quoted = false;
        while self.byte(at) == b'>' {
            quoted = true;
            at = self.indent(at + 1);
        }
        match (quoted, self.quote) {
            (true, None) => self.quote = Some(start),
            (false, Some(from)) => {
                self.out.quote(from, start);
                self.quote = None;
            }
            _ => {}
        }
        let rest = self.source.get(at..).unwrap_or("");
        if rest.starts_with("```") || rest.starts_with("~~~") {
            self.fenced = !self.fenced;
            let end = memchr::memchr(b'\n', rest.as_bytes()).map_or(self.source.len(), |n| at + n);
            return self.skip(start, end);
        }
        if self.fenced {
            return;
        }
        (self.stars, self.underscores) =
            (self.stars && !rest.starts_with('\n'), self.underscores && !rest.starts_with('\n'));
        let hashes = rest.bytes().take(7).take_while(|b| *b == b'#').count();
        let after = rest.as_bytes().get(hashes).copied();
        if (1..=6).contains(&hashes) && matches!(after, Some(b' ' | b'\n') | None) {
            at += hashes + usize::from(after == Some(b' '));
        } else if matches!(rest.as_bytes(), [b'-' | b'*' | b'+', b' ', ..]) {
            at += 2;
        } else if let Some(end) = self.definition(at) {
            return self.skip(start, end);
        }
        if at > start && (quoted || at > self.indent(start)) {
            self.skip(start, at);
        }
    }

    /// Past at most three spaces.
    fn indent(&self, at: usize) -> usize {
        at + (0..3).take_while(|n| self.byte(at + n) == b' ').count()
    }

    /// `[name]: address` at `at`: notes the link; the end of the line.
    fn definition(&mut self, at: usize) -> Option<usize> {
        if self.byte(at) != b'[' {
            return None;
        }
        let close = self.budget.find(self.source, at + 1, LABEL_WINDOW, |b| matches!(b, b']' | b'\n'))?;
        let rest = self.source.get(close..)?.strip_prefix("]:")?;
        let line = rest.split('\n').next()?;
        let target = line.split_whitespace().next()?.trim_matches(['<', '>']);
        if !target.contains('.') && !target.contains("://") {
            return None;
        }
        let end = close + 2 + line.len();
        self.out.link(target, at, end);
        Some(end)
    }

    /// Takes what begins at `self.at`, if it is markup.
    fn inline(&mut self, byte: u8) -> bool {
        if let Some(&(close, next)) = self.labels.last()
            && self.at >= close
        {
            self.labels.pop();
            self.skip(close, next);
            return true;
        }
        match byte {
            b'\\' if self.byte(self.at + 1).is_ascii_punctuation() => {
                self.skip(self.at, self.at + 1);
                self.at += 1;
                true
            }
            b'`' => self.code(),
            b'&' => self.reference(),
            b'<' => self.angle(),
            b'!' if self.byte(self.at + 1) == b'[' => self.image(),
            b'[' => self.link(),
            b'*' => self.emphasis(b'*'),
            b'_' => self.emphasis(b'_'),
            b'~' if self.byte(self.at + 1) == b'~' => {
                self.skip(self.at, self.at + 2);
                true
            }
            _ => false,
        }
    }

    /// A code span shows its content as it is.
    fn code(&mut self) -> bool {
        let open = self.at;
        let ticks = (open..).take_while(|&at| self.byte(at) == b'`').count();
        let mut from = open + ticks;
        while let Some(close) = self.budget.find(self.source, from, LABEL_WINDOW, |b| b == b'`') {
            let run = (close..).take_while(|&at| self.byte(at) == b'`').count();
            if run == ticks {
                self.skip(open, open + ticks);
                self.skip(close, close + ticks);
                return true;
            }
            from = close + run;
        }
        self.at = open + ticks;
        true
    }

    fn reference(&mut self) -> bool {
        let Some((c, end)) = entities::reference_at(self.source, self.at) else { return false };
        let start = self.at;
        self.flush(start);
        self.out.put(c, start, end, self.elements.seen());
        self.out.escapes += 1;
        (self.done, self.at) = (end, end);
        true
    }

    /// `<https://...>`, `<name@host>` or a tag of HTML.
    fn angle(&mut self) -> bool {
        let start = self.at;
        let close = self
            .budget
            .find(self.source, start + 1, TARGET_WINDOW, |b| matches!(b, b'>' | b'<' | b' ' | b'\n' | b'"'));
        if let Some(close) = close.filter(|&close| self.byte(close) == b'>') {
            let inner = self.source.get(start + 1..close).unwrap_or("");
            if inner.contains("://") || inner.contains('@') || inner.starts_with("mailto:") {
                self.skip(start, start + 1);
                self.skip(close, close + 1);
                return true;
            }
        }
        self.flush(start);
        let Some(end) = self.elements.take(self.source, start, self.out) else { return false };
        (self.done, self.at) = (end, end);
        true
    }

    /// The byte of the `]` that closes the `[` at `open`, if `(` follows it.
    fn label_end(&mut self, open: usize) -> Option<usize> {
        let mut depth = 0;
        let mut from = open + 1;
        loop {
            let at = self.budget.find(self.source, from, LABEL_WINDOW, |b| matches!(b, b'[' | b']'))?;
            match self.byte(at) {
                b'[' if depth >= MAX_NESTED => return None,
                b'[' => depth += 1,
                _ if depth == 0 => return (self.byte(at + 1) == b'(').then_some(at),
                _ => depth -= 1,
            }
            from = at + 1;
        }
    }

    /// The address between the parentheses at `open`, and the byte after them.
    fn target(&mut self, open: usize) -> Option<(&str, usize)> {
        let mut depth = 0;
        let mut from = open + 1;
        let close = loop {
            let at =
                self.budget.find(self.source, from, TARGET_WINDOW, |b| matches!(b, b'(' | b')' | b'\n'))?;
            match self.byte(at) {
                b'(' => depth += 1,
                b')' if depth == 0 => break at,
                b')' => depth -= 1,
                _ => return None,
            }
            from = at + 1;
        };
        let inner = self.source.get(open + 1..close)?.trim();
        Some((inner.split_whitespace().next().unwrap_or("").trim_matches(['<', '>']), close + 1))
    }

    /// `![alt](address)`: shows nothing.
    fn image(&mut self) -> bool {
        let start = self.at;
        let Some(close) = self.label_end(start + 1) else { return false };
        let Some((_, end)) = self.target(close + 1) else { return false };
        self.out.images += 1;
        self.skip(start, end);
        true
    }

    /// `[text](address "title")`: shows the text.
    fn link(&mut self) -> bool {
        let start = self.at;
        if self.labels.len() >= MAX_NESTED {
            return false;
        }
        let Some(close) = self.label_end(start) else { return false };
        let Some((target, end)) = self.target(close + 1) else { return false };
        let target = target.to_owned();
        self.out.link(&target, start, end);
        self.labels.push((close, end));
        self.skip(start, start + 1);
        true
    }

    /// A run of `*` or `_` that opens or closes an emphasis.
    fn emphasis(&mut self, mark: u8) -> bool {
        let start = self.at;
        let end = start + (start..).take_while(|&at| self.byte(at) == mark).count();
        let solid = |byte: u8| byte != 0 && !byte.is_ascii_whitespace();
        let wordy = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
        let before = start.checked_sub(1).map_or(0, |at| self.byte(at));
        let after = self.byte(end);
        let (within, open) = match mark {
            b'_' => (wordy(before) && wordy(after), self.underscores),
            _ => (false, self.stars),
        };
        let closes = open && solid(before) && !within;
        let opens = !open && solid(after) && !within && self.has_closer(end, mark);
        if !closes && !opens {
            self.at = end;
            return true;
        }
        match mark {
            b'_' => self.underscores = opens,
            _ => self.stars = opens,
        }
        self.skip(start, end);
        true
    }

    /// Whether a later run of `mark` can close what opens before `from`.
    fn has_closer(&mut self, from: usize, mark: u8) -> bool {
        let mut from = from;
        let limit = from + EMPHASIS_WINDOW;
        while let Some(at) = self.budget.find(self.source, from, limit.saturating_sub(from), |b| b == mark) {
            let before = self.byte(at - 1);
            let run = (at..).take_while(|&at| self.byte(at) == mark).count();
            let inside = mark == b'_' && self.byte(at + run).is_ascii_alphanumeric();
            if before != mark && !before.is_ascii_whitespace() && !inside {
                return true;
            }
            from = at + run;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rendered;
    use crate::types::Markup;

    #[test]
    fn markdown_reads_as_it_is_shown() {
        #[rustfmt::skip]
        let cases: &[(&str, &str, &str)] = &[
            ("emphasis",           "a *b* **c** _d_ __e__ ~~f~~",              "a b c d e f"),
            ("arithmetic",         "2 * 3 * 4 = 24",                           "2 * 3 * 4 = 24"),
            ("names in code",      "my_long_name and a_b",                     "my_long_name and a_b"),
            ("censored",           "what the f*ck",                            "what the f*ck"),
            ("a link",             "see [this](https://x.example \"t\") now",  "see this now"),
            ("brackets in it",     "[a [b] c](https://x.example/(y))",         "a [b] c"),
            ("no link",            "see [this] (that)",                        "see [this] (that)"),
            ("an image",           "a ![alt](https://x.example/i.png) b",      "a  b"),
            ("an autolink",        "<https://x.example>",                      "https://x.example"),
            ("escapes",            "\\*not\\*",                                "*not*"),
            ("code",               "`a *b*`",                                  "a *b*"),
            ("heading and quote",  "# Title\n> old\nnew",                      "Title\nold\nnew"),
            ("bullets",            "* one\n- two",                             "one\ntwo"),
            ("a definition",       "[x]: https://x.example\ntext",             "\ntext"),
            ("references",         "a &lt; b",                                 "a < b"),
            ("html",               "a <span hidden>h</span>b",                 "a b"),
        ];
        for (name, source, want) in cases {
            assert_eq!(rendered(source, Markup::Markdown).text, *want, "{name}");
        }
    }

    #[test]
    fn links_images_and_quotes_are_kept_apart() {
        let out =
            rendered("> q\n\n[a](https://x.example)![b](c.png)\n\n[d]: https://y.example", Markup::Markdown);
        let urls: Vec<_> = out.links.iter().map(|link| link.url.as_str()).collect();
        assert_eq!(urls, ["https://x.example", "https://y.example"]);
        assert_eq!((out.images, out.quoted), (1, 1));
    }
}
