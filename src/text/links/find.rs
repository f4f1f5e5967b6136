//! The walk over dots, colons and at signs of one view.
//!
//! Every byte belongs to at most one candidate, and candidates have a longest
//! length, so the walk is linear.
//!
//! May import: `types`.

use crate::types::Span;

use super::{
    super::{
        chars::{self, char_at, char_before},
        view::View,
    },
    Link, Sink, disguise, host, link_of, tld,
};

/// Longest address, in bytes.
const MAX_URL: usize = 2048;
/// Longest scheme, in letters.
const MAX_SCHEME: usize = 8;
/// White space allowed between the letters of a disguised scheme.
const MAX_SPACES: usize = 3;

/// Walks one view.
pub(super) struct Finder<'a, 's> {
    pub view: &'a View,
    pub text: &'a str,
    pub body: &'a str,
    sink: &'a mut Sink<'s>,
    /// What precedes it has been looked at.
    done: usize,
}

/// Whether a character may stand in a host or the local part of an e-mail
/// address, as written.
pub(super) fn is_host_char(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '-' | '_' | '.' | '%' | '+')
        || (!c.is_ascii() && c.is_alphanumeric() && !chars::is_unspaced(chars::script(c)))
}

impl<'a, 's> Finder<'a, 's> {
    pub(super) fn new(view: &'a View, body: &'a str, sink: &'a mut Sink<'s>) -> Self {
        Self { view, text: &view.text, body, sink, done: 0 }
    }

    /// Takes what precedes `done` for looked at.
    pub(super) fn starting_at(view: &'a View, body: &'a str, sink: &'a mut Sink<'s>, done: usize) -> Self {
        Self { view, text: &view.text, body, sink, done }
    }

    pub(super) fn run(&mut self) {
        for at in memchr::memchr3_iter(b'.', b':', b'@', self.text.as_bytes()) {
            if at < self.done {
                continue;
            }
            if self.sink.is_full() {
                return;
            }
            match self.text.as_bytes().get(at) {
                Some(b':') => self.colon(at),
                Some(b'@') => self.at_sign(at, at),
                _ => self.dot(at),
            }
        }
    }

    /// The bytes around `at` that could be one host, as far as not done.
    fn run_at(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(self.done..at).unwrap_or("");
        let after = self.text.get(at..).unwrap_or("");
        let start = self.done + before.trim_end_matches(is_host_char).len();
        (start, at + (after.len() - after.trim_start_matches(is_host_char).len()))
    }

    /// `scheme://...`, with spaces or without.
    fn colon(&mut self, colon: usize) {
        let rest = self.text.get(colon + 1..).unwrap_or("");
        let Some((slashes, spaced_after)) = two_slashes(rest) else { return };
        let Some((start, spaced_before, scheme)) = scheme_before(self.text, self.done, colon) else { return };
        let host = colon + 1 + slashes;
        let after = self.text.get(host..).unwrap_or("");
        let gap = after.len() - after.trim_start_matches(' ').len();
        let spaced = spaced_after || spaced_before || (gap > 0 && gap <= MAX_SPACES);
        let host = if spaced { host + gap } else { host };
        self.url(start, host, spaced || !matches!(scheme.as_str(), "http" | "https" | "ftp" | ""));
    }

    /// An address whose host begins at `host`.
    fn url(&mut self, start: usize, host: usize, disguised: bool) {
        if let Some(chain) = disguise::chain(self.text, host).filter(|chain| chain.disguised) {
            let end = self.path_end(chain.end);
            let path = self.text.get(chain.end..end).unwrap_or("");
            let address = format!("{}{path}", chain.host);
            return self.push(&address, start, end, true);
        }
        let end = self.path_end(host);
        let address = self.text.get(host..end).unwrap_or("");
        if !address.is_empty() {
            self.push(address, start, end, disguised);
        }
    }

    /// Where an address that is open at `from` ends.
    fn path_end(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or("");
        let rest = rest.get(..rest.floor_char_boundary(MAX_URL)).unwrap_or("");
        let end = rest.find(ends_address).unwrap_or(rest.len());
        let address = rest.get(..end).unwrap_or("");
        from + trim_punctuation(address).len()
    }

    /// Reads and keeps an address that spans `start..end` of the view.
    fn push(&mut self, address: &str, start: usize, end: usize, disguised: bool) {
        self.done = self.done.max(end);
        let Some(mut link) = link_of(address, self.sink.escapes) else { return };
        if !link.host.contains(['.', ':'])
            && !link.numeric_host
            && link.path().is_empty()
            && address.len() < 4
        {
            return;
        }
        let span = Span::new(start as u32, end as u32);
        link.span = self.view.submitted(span);
        link.obfuscated |= disguised;
        link.url = self.as_written(span, address, disguised);
        self.sink.link(link);
    }

    /// The address with the case of the body, if the body holds it as it is.
    fn as_written(&self, span: Span, address: &str, disguised: bool) -> String {
        let read = span.of(self.text).unwrap_or(address);
        match self.view.submitted(span).of(self.body) {
            _ if disguised => address.to_owned(),
            Some(written) if written.eq_ignore_ascii_case(read) => written.to_owned(),
            _ => read.to_owned(),
        }
    }

    /// A bare host, perhaps with a path; or the local part of an e-mail
    /// address; or a dot set off by spaces or brackets.
    fn dot(&mut self, dot: usize) {
        let inside = |at: usize| is_host_char(char_at(self.text, at)) && at < self.text.len();
        let joins = dot > self.done && is_host_char(char_before(self.text, dot)) && inside(dot + 1);
        if !joins {
            if let Some((start, chain)) = disguise::around_dot(self.text, self.done, dot) {
                return self.disguised(start, &chain);
            }
            return;
        }
        let (start, end) = self.run_at(dot);
        if self.text.as_bytes().get(end) == Some(&b'@') {
            return self.at_sign(start, end);
        }
        if let Some(chain) =
            disguise::chain(self.text, start).filter(|chain| chain.disguised && chain.end > end)
        {
            return self.disguised(start, &chain);
        }
        self.done = end;
        let run = self.text.get(start..end).unwrap_or("");
        let lead = run.len() - run.trim_start_matches(['.', '-', '_', '+', '%']).len();
        let host = run.trim_matches(['.', '-', '_', '+', '%']);
        let (start, end) = (start + lead, start + lead + host.len());
        if host.len() > 253 {
            return;
        }
        let next = char_at(self.text, end);
        let after = self.text.as_bytes().get(end + 1).copied().unwrap_or(0);
        let followed = (matches!(next, '/' | '?' | '#') && after != 0 && !after.is_ascii_whitespace())
            || next == '/'
            || (next == ':' && after.is_ascii_digit());
        let written = self.view.submitted(Span::new(start as u32, end as u32)).of(self.body).unwrap_or(host);
        let is_host =
            if host::is_dotted_quad(host) { followed } else { tld::is_bare_host(host, written, followed) };
        if is_host {
            let end = if followed { self.path_end(start) } else { end };
            let address = self.text.get(start..end).unwrap_or("");
            self.push(address, start, end, false);
        }
    }

    /// Keeps a host in disguise, or the e-mail address that it ends.
    pub(super) fn disguised(&mut self, start: usize, chain: &disguise::Chain) {
        if let Some((local, from)) = disguise::local_part(self.text, self.done, start) {
            let span = Span::new(from as u32, chain.end as u32);
            self.sink.email(format!("{local}@{}", chain.host), true, self.view.submitted(span));
            self.done = chain.end;
            return;
        }
        let end = self.path_end(chain.end);
        let path =
            self.text.get(chain.end..end).filter(|p| p.starts_with(['/', '?', '#', ':'])).unwrap_or("");
        let address = format!("{}{path}", chain.host);
        self.push(&address, start, chain.end + path.len(), true);
    }

    /// `local@host`, the local part beginning at or before `from`.
    fn at_sign(&mut self, from: usize, at: usize) {
        let (start, _) = self.run_at(from);
        let local = self.text.get(start..at).unwrap_or("").trim_start_matches(['.', '-', '%']);
        let rest = self.text.get(at + 1..).unwrap_or("");
        let host_len = rest.len() - rest.trim_start_matches(is_host_char).len();
        let host = rest.get(..host_len).unwrap_or("").trim_end_matches(['.', '-', '_']);
        self.done = at + 1;
        if let Some(chain) = disguise::chain(self.text, at + 1).filter(|c| c.disguised && !local.is_empty()) {
            let span = Span::new(start as u32, chain.end as u32);
            self.sink.email(format!("{local}@{}", chain.host), true, self.view.submitted(span));
            self.done = chain.end;
            return;
        }
        if local.is_empty()
            || local.len() > 64
            || host.len() > 253
            || !host.contains('.')
            || !tld::has_known_tld(host)
        {
            return;
        }
        let span = Span::new((at - local.len()) as u32, (at + 1 + host.len()) as u32);
        self.sink.email(format!("{local}@{host}"), false, self.view.submitted(span));
        self.done = span.end as usize;
    }
}

/// Past two slashes, and whether there were spaces: "//", "/ /", " / /".
fn two_slashes(text: &str) -> Option<(usize, bool)> {
    let (mut at, mut spaces, mut slashes) = (0, 0, 0);
    for byte in text.bytes().take(2 * MAX_SPACES + 2) {
        match byte {
            b' ' => spaces += 1,
            b'/' | b'\\' => slashes += 1,
            _ => break,
        }
        at += 1;
        if slashes == 2 {
            return Some((at, spaces > 0));
        }
    }
    None
}

/// The scheme that ends before the colon: where it begins, whether it is
/// spaced, and what it is.
fn scheme_before(text: &str, floor: usize, colon: usize) -> Option<(usize, bool, String)> {
    let solid = text.get(floor..colon)?;
    let letters = solid.len() - solid.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '*').len();
    let start = colon - letters.min(MAX_SCHEME);
    if letters > 1 {
        return Some((start, false, text.get(start..colon)?.to_owned()));
    }
    spaced_scheme(solid).map(|(at, scheme)| (floor + at, true, scheme)).or((letters == 0).then(|| {
        let start = colon - (solid.len() - solid.trim_end_matches(' ').len());
        (start.max(floor), false, String::new())
    }))
}

/// The known scheme that ends `text` letter by letter, with spaces between.
fn spaced_scheme(text: &str) -> Option<(usize, String)> {
    let (mut letters, mut gap, mut found) = (String::new(), 0, None);
    for (at, byte) in text.bytes().enumerate().rev() {
        match byte {
            b' ' if gap < MAX_SPACES => gap += 1,
            b if b.is_ascii_alphabetic() && letters.len() < MAX_SCHEME => {
                letters.insert(0, char::from(b));
                gap = 0;
                if matches!(letters.as_str(), "http" | "https" | "hxxp" | "hxxps" | "ftp") {
                    found = Some((at, letters.clone()));
                }
            }
            _ => break,
        }
    }
    found
}

/// Characters at which an address ends.
fn ends_address(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '<' | '>'
                | '"'
                | '{'
                | '}'
                | '|'
                | '^'
                | '`'
                | '。'
                | '、'
                | '，'
                | '！'
                | '？'
                | '）'
                | '」'
                | '»'
                | '“'
        )
}

/// Without the punctuation of the sentence that an address stands in.
fn trim_punctuation(address: &str) -> &str {
    let mut address = address;
    loop {
        let trimmed = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '~', '"']);
        let open = trimmed.bytes().filter(|b| *b == b'(').count();
        let unbalanced = trimmed.ends_with(')') && trimmed.bytes().filter(|b| *b == b')').count() > open;
        let bracket = trimmed.ends_with(']') && !trimmed.contains('[');
        let next =
            if unbalanced || bracket { trimmed.get(..trimmed.len() - 1).unwrap_or("") } else { trimmed };
        if next.len() == address.len() {
            return address;
        }
        address = next;
    }
}

impl Link {
    /// Whether it covers a place of the body.
    pub(in super::super) fn covers(&self, span: Span) -> bool {
        !self.markup && self.overlaps(span)
    }
}
