//! Links: addresses in markup, in the text, and in disguise.
//!
//! Finding is a walk over dots, colons and at signs; each stretch of the text
//! is looked at once. E-mail addresses are found on the way. Makes no
//! connection and asks no resolver.
//!
//! May import: `types`.

use crate::types::Span;

use super::{
    contacts::{Contact, ContactKind, MAX_CONTACTS},
    lexicon::Cues,
    markup::MAX_LINKS,
    view::View,
};

mod disguise;
mod find;
mod host;
mod punycode;
mod shorteners;
mod tld;

use find::Finder;
use host::Host;

pub use punycode::punycode_label;

/// What kind of address a link has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The address as read, scheme included when there was one.
    pub url: String,
    /// Host, lower case, without `www.`; punycode decoded when it round-trips.
    pub host: String,
    /// Registrable domain of the host by the public suffix list; the host
    /// itself for numeric addresses.
    pub domain: String,
    /// Written so that filters do not see it ("dot", "[.]", hxxp, spaced).
    pub obfuscated: bool,
    /// The host is a known link shortener.
    pub shortener: bool,
    /// The host is an IP address, in any notation.
    pub numeric_host: bool,
    /// The address carries user information before an `@`.
    pub userinfo: bool,
    /// The host was written in punycode, or mixes scripts.
    pub lookalike: bool,
    /// It stood in markup (`<a href>`, `[..](..)`, `[url]`), not in the text.
    pub markup: bool,
    /// Place in the submitted body.
    pub span: Span,
}

impl Link {
    /// The address after the host: path, query, fragment; empty when none.
    pub(super) fn path(&self) -> &str {
        let after_scheme = self.url.find("://").map_or(0, |at| at + 3);
        let rest = self.url.get(after_scheme..).unwrap_or("");
        rest.find(['/', '?', '#']).and_then(|at| rest.get(at..)).unwrap_or("")
    }

    fn overlaps(&self, span: Span) -> bool {
        self.span.start < span.end && span.start < self.span.end
    }
}

/// Where found addresses go, with the caps.
pub(super) struct Sink<'a> {
    pub links: &'a mut Vec<Link>,
    pub contacts: &'a mut Vec<Contact>,
    /// Percent escapes decoded in hosts.
    pub escapes: &'a mut u32,
}

impl Sink<'_> {
    fn is_full(&self) -> bool {
        self.links.len() >= MAX_LINKS && self.contacts.len() >= MAX_CONTACTS
    }

    fn link(&mut self, link: Link) {
        if self.links.len() < MAX_LINKS {
            self.links.push(link);
        }
    }

    fn email(&mut self, value: String, obfuscated: bool, span: Span) {
        if self.contacts.len() < MAX_CONTACTS {
            self.contacts.push(Contact { kind: ContactKind::Email, value, messenger: "", obfuscated, span });
        }
    }
}

/// Takes in the address of a tag; `span` is the tag's place in the body.
/// Relative addresses stay on the site and are left out.
pub(super) fn push_markup(url: &str, span: Span, sink: &mut Sink<'_>) {
    let url: String = url.chars().filter(|c| !c.is_control()).collect();
    let url = url.trim();
    let lower = url.to_ascii_lowercase();
    if let Some(address) = lower.strip_prefix("mailto:") {
        let address = address.split('?').next().unwrap_or("");
        if address.contains('@') {
            sink.email(address.to_owned(), false, span);
        }
        return;
    }
    let bare = || {
        url.split(['/', '?', '#'])
            .next()
            .is_some_and(|host| tld::is_bare_host(&host.to_lowercase(), host, true))
    };
    let (scheme, rest) = match url.split_once("//") {
        Some((scheme, rest)) if scheme.is_empty() || scheme.ends_with(':') => (scheme, rest),
        _ if bare() => ("", url),
        _ => return,
    };
    if let Some(mut link) = link_of(rest, sink.escapes) {
        link.url = url.to_owned();
        link.markup = true;
        link.obfuscated = !matches!(scheme.to_ascii_lowercase().as_str(), "" | "http:" | "https:" | "ftp:");
        link.span = span;
        sink.link(link);
    }
}

/// Reads `userinfo@host:port/path`.
fn link_of(address: &str, escapes: &mut u32) -> Option<Link> {
    let authority = address.split(['/', '?', '#', '\\']).next()?;
    let (userinfo, host) = match authority.rsplit_once('@') {
        Some((_, host)) => (true, host),
        None => (false, authority),
    };
    let host = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let host = Host::read(host)?;
    *escapes += host.escapes;
    Some(Link {
        shortener: shorteners::is_shortener(&host.name),
        obfuscated: host.escapes > 0,
        host: host.name,
        domain: host.domain,
        numeric_host: host.numeric,
        lookalike: host.lookalike,
        userinfo,
        ..Link::default()
    })
}

/// Finds links and e-mail addresses in the folded view.
pub(super) fn find(folded: &View, body: &str, cues: &Cues, sink: &mut Sink<'_>) {
    Finder::new(folded, body, sink).run();
    disguise::find_spelled(folded, body, cues, sink);
}

/// Finds what only joining spaced letters brings to light.
pub(super) fn find_in_joined(joined: &View, body: &str, sink: &mut Sink<'_>) {
    let (known_links, known_contacts) = (sink.links.len(), sink.contacts.len());
    Finder::new(joined, body, sink).run();
    let (before, found) = sink.links.split_at_mut(known_links);
    found.iter_mut().for_each(|link| link.obfuscated = true);
    let spans: Vec<Span> = before.iter().filter(|l| !l.markup).map(|l| l.span).collect();
    let is_new = |span: Span| !spans.iter().any(|s| s.start < span.end && span.start < s.end);
    let mut place = 0;
    sink.links.retain(|link| {
        place += 1;
        place <= known_links || is_new(link.span)
    });
    let seen: Vec<Span> = sink.contacts.iter().take(known_contacts).map(|c| c.span).collect();
    let mut place = 0;
    sink.contacts.retain_mut(|contact| {
        place += 1;
        contact.obfuscated |= place > known_contacts;
        place <= known_contacts
            || !seen.iter().any(|s| s.start < contact.span.end && contact.span.start < s.end)
    });
}

/// Puts links in the order of their place and leaves out those of the text
/// that repeat what their markup says.
pub(super) fn finish(links: &mut Vec<Link>) {
    if links.len() < 2 {
        return;
    }
    let marked: Vec<String> = links.iter().filter(|l| l.markup).map(|l| l.url.clone()).collect();
    let same = |a: &str, b: &str| a.trim_end_matches('/').eq_ignore_ascii_case(b.trim_end_matches('/'));
    links.retain(|link| link.markup || !marked.iter().any(|url| same(url, &link.url)));
    links.sort_by_key(|link| link.span);
}
