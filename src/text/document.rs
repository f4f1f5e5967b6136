//! The steps of reading one body, in order, with all their buffers.
//!
//! The ordinary comment is plain ASCII without tricks: it is copied, scanned
//! once, lower-cased and looked up word by word; everything else happens only
//! when that scan noticed a reason.
//!
//! May import: `types`.

use crate::types::{Markup, Span};

use super::{
    chars,
    confusables::unmask,
    contacts::{self, Contact},
    counts::Counts,
    edits::Edits,
    fold::Folder,
    joined::join,
    language::{self, LanguageGuess},
    leet::read_leet,
    lexicon::Cues,
    links::{self, Link, Sink},
    markup::{self, Peeler, Rendered, may_peel},
    spans::SpanMap,
    squeeze::squeeze,
    tokenize::{Hints, scan},
    view::{Token, View, ViewKind},
};

/// Bytes of a body that are read; the rest is not looked at.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Letters and digits below which a text has no identity: "ok", "+1", "...".
const IDENTITY_FLOOR: usize = 4;

/// Rounds of peeling and folding.
const PEEL_ROUNDS: usize = 3;

/// A comment body as the filter reads it. Reading into the same value again
/// reuses its buffers.
#[derive(Clone, Debug, Default)]
pub struct Document {
    views: [View; 6],
    present: [bool; 6],
    links: Vec<Link>,
    contacts: Vec<Contact>,
    quotes: Vec<Span>,
    counts: Counts,
    language: Option<LanguageGuess>,
    rendered: Rendered,
    scratch: Scratch,
}

/// Buffers of the steps.
#[derive(Clone, Debug, Default)]
struct Scratch {
    folder: Folder,
    peeler: Peeler,
    edits: Edits,
    map: SpanMap,
    other: SpanMap,
    text: String,
    cues: Cues,
}

impl Document {
    /// Reads `body`, replacing what was read before.
    ///
    /// Never fails and never panics; `O(n)` in the bytes of `body`, of which
    /// at most [`MAX_BODY_BYTES`] are looked at. Every view has at most four
    /// times the bytes of the body. A body of plain ASCII allocates nothing
    /// once the buffers have grown to its size.
    pub fn read(&mut self, body: &str, markup: Markup) {
        let body = body.get(..body.floor_char_boundary(MAX_BODY_BYTES)).unwrap_or("");
        self.clear();
        self.read_visible(body, markup);
        let hints = self.read_folded(markup);
        self.read_other_views(body, &hints);
        let [_, folded, ..] = &self.views;
        self.scratch.cues.collect(folded);
        self.language = language::guess(self.folded_view().text(), &hints, &self.counts, &self.scratch.cues);
        self.read_addresses(body, &hints);
    }

    fn clear(&mut self) {
        self.views.iter_mut().for_each(View::clear);
        self.present = [true, true, false, false, false, false];
        self.links.clear();
        self.contacts.clear();
        self.quotes.clear();
        self.counts = Counts::default();
    }

    /// V0: the visible text.
    fn read_visible(&mut self, body: &str, markup: Markup) {
        let [original, ..] = &mut self.views;
        let rendered = &mut self.rendered;
        if markup::render(body, markup, rendered) {
            std::mem::swap(&mut original.text, &mut rendered.text);
            std::mem::swap(&mut original.map, &mut rendered.map);
            self.quotes.append(&mut rendered.quotes);
            self.counts.markup_tags = rendered.tags;
            self.counts.images = rendered.images;
            self.counts.quotes = rendered.quoted;
            self.counts.escapes = rendered.escapes;
            self.counts.invisible_chars =
                rendered.invisible.chars().filter(|c| !c.is_whitespace()).count() as u32;
            let mut sink = Sink {
                links: &mut self.links,
                contacts: &mut self.contacts,
                escapes: &mut self.counts.escapes,
            };
            for link in rendered.links.drain(..) {
                links::push_markup(&link.url, link.span, &mut sink);
            }
        } else {
            rendered.invisible.clear();
            original.text.push_str(body);
        }
    }

    /// V1, with counts of V0.
    fn read_folded(&mut self, markup: Markup) -> Hints {
        let [original, folded, ..] = &mut self.views;
        let hints = scan(&original.text, &mut original.tokens, &mut self.counts);
        if hints.saw(chars::BRACE) {
            self.counts.spintax = count_spintax(&original.text);
        }
        if !hints.saw(chars::WIDE | chars::CONTROL | chars::OPENS) {
            folded.text.push_str(&original.text);
            folded.text.make_ascii_lowercase();
            folded.map.copy_from(&original.map);
            folded.tokens.extend_from_slice(&original.tokens);
            return hints;
        }
        self.fold_and_peel(markup);
        let [_, folded, ..] = &mut self.views;
        // The counts are of the visible text; this pass is for the tokens.
        scan(&folded.text, &mut folded.tokens, &mut Counts::default())
    }

    /// Peels and folds V0 into V1 until nothing changes any more.
    fn fold_and_peel(&mut self, markup: Markup) {
        let [original, folded, ..] = &mut self.views;
        let Scratch { folder, peeler, map, other, text, .. } = &mut self.scratch;
        folded.text.push_str(&original.text);
        folded.map.copy_from(&original.map);
        if markup != Markup::Markdown {
            self.counts.foreign_markup += markup::foreign_markdown_links(&original.text);
        }
        for round in 0..=PEEL_ROUNDS {
            let peeled = may_peel(&folded.text) && peeler.peel(&folded.text);
            if peeled {
                let out = &mut peeler.out;
                self.counts.markup_tags += out.tags;
                self.counts.foreign_markup += out.tags;
                self.counts.images += out.images;
                self.counts.escapes += out.escapes;
                let mut sink = Sink {
                    links: &mut self.links,
                    contacts: &mut self.contacts,
                    escapes: &mut self.counts.escapes,
                };
                for link in out.links.drain(..) {
                    links::push_markup(&link.url, folded.map.origin(link.span), &mut sink);
                }
                out.map.through(&folded.map, out.text.len() as u32, other);
                std::mem::swap(&mut folded.map, other);
                std::mem::swap(&mut folded.text, &mut out.text);
            }
            if round > 0 && !peeled {
                return;
            }
            folder.fold(&folded.text, text, map).add_to(&mut self.counts);
            map.through(&folded.map, text.len() as u32, other);
            std::mem::swap(&mut folded.map, other);
            std::mem::swap(&mut folded.text, text);
        }
        if may_peel(&folded.text) && peeler.peel(&folded.text) {
            Peeler::defuse(&mut folded.text);
        }
    }

    /// V2 to V5, where the scan gave a reason and something changes.
    fn read_other_views(&mut self, body: &str, hints: &Hints) {
        if hints.mixed || hints.odd_latin || hints.emoji_in_word || hints.saw(chars::WIDE) {
            let [_, folded, ..] = &self.views;
            let findings = unmask(folded, hints, body, &mut self.scratch.edits);
            self.counts.mixed_script_words = findings.mixed;
            self.counts.skeleton_words = findings.words;
            self.materialise(ViewKind::Skeleton);
        }
        if hints.leet {
            let [_, folded, ..] = &self.views;
            self.counts.leet_words = read_leet(folded, &mut self.scratch.edits);
            self.materialise(ViewKind::Leet);
        }
        if hints.singles >= 4 {
            let [_, folded, ..] = &self.views;
            self.counts.joined_runs = join(folded, body, &mut self.scratch.edits);
            self.materialise(ViewKind::Joined);
        }
        if hints.stretched {
            let [_, folded, ..] = &self.views;
            self.counts.squeezed_runs = squeeze(folded, &mut self.scratch.edits);
            self.materialise(ViewKind::Squeezed);
        }
    }

    /// Writes a view from the noted edits, if there are any.
    fn materialise(&mut self, kind: ViewKind) {
        if self.scratch.edits.len() == 0 {
            return;
        }
        let at = kind as usize;
        let [_, folded, rest @ ..] = &mut self.views;
        let Some((view, present)) = rest.get_mut(at - 2).zip(self.present.get_mut(at)) else { return };
        self.scratch.edits.apply(folded, view, &mut self.scratch.map);
        scan(&view.text, &mut view.tokens, &mut Counts::default());
        *present = true;
    }

    /// Links and contacts of V1 to V4.
    fn read_addresses(&mut self, body: &str, hints: &Hints) {
        let cues = &self.scratch.cues;
        let spelled = cues.spells_addresses();
        let [_, folded, skeleton, leet, joined, _] = &self.views;
        let mut sink =
            Sink { links: &mut self.links, contacts: &mut self.contacts, escapes: &mut self.counts.escapes };
        if hints.saw(chars::DOT | chars::COLON | chars::AT) || spelled {
            links::find(folded, body, cues, &mut sink);
        }
        if !joined.text.is_empty() {
            links::find_in_joined(joined, body, &mut sink);
        }
        links::finish(&mut self.links);
        if hints.digits >= 5
            || hints.saw(chars::AT | chars::UNDERSCORE | chars::COLON)
            || spelled
            || !self.links.is_empty()
        {
            contacts::Reader { folded, others: [skeleton, leet, joined], cues, links: &self.links }
                .read(&mut self.contacts);
        }
        self.contacts.sort_by_key(|contact| contact.span);
    }

    /// Bytes of the buffers that grow with the body and are kept from one reading to the
    /// next, about.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        let view = |view: &View| view.text.capacity() + view.tokens.capacity() * size_of::<Token>();
        self.views.iter().map(view).sum()
    }

    fn folded_view(&self) -> &View {
        let [_, folded, ..] = &self.views;
        folded
    }

    /// A view. Original and Folded are always there; the others only where they
    /// differ from Folded.
    #[must_use]
    pub fn view(&self, kind: ViewKind) -> Option<&View> {
        let at = kind as usize;
        self.present.get(at).copied().unwrap_or(false).then(|| self.views.get(at)).flatten()
    }

    /// Text that markup hides from readers; empty for plain text.
    #[must_use]
    pub fn invisible(&self) -> &str {
        &self.rendered.invisible
    }

    /// Passages quoted by markup, in the submitted body, at most 64.
    #[must_use]
    pub fn quotes(&self) -> &[Span] {
        &self.quotes
    }

    /// Links, in order of their place, at most 64.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Contacts, in order of their place, at most 64.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// Counts.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The language, when a guess is sure enough.
    #[must_use]
    pub const fn language(&self) -> Option<LanguageGuess> {
        self.language
    }

    /// Writes to `out` the text by which two comments count as the same: the
    /// folded view with spaced letters joined and white space collapsed.
    /// Empty for texts of fewer than four letters and digits, which too many
    /// people write independently.
    pub fn identity(&self, out: &mut String) {
        out.clear();
        let view = self.view(ViewKind::Joined).unwrap_or_else(|| self.folded_view());
        for word in view.text().split_whitespace() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
        if out.chars().filter(|c| c.is_alphanumeric()).take(IDENTITY_FLOOR).count() < IDENTITY_FLOOR {
            out.clear();
        }
    }
}

/// Braces that hold alternatives: `{Nice|Great}`, `{nice/great}`.
fn count_spintax(text: &str) -> u32 {
    let mut count = 0;
    let mut open: Option<usize> = None;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open = Some(at),
            b'}' => {
                let inner = open.take().and_then(|start| text.get(start + 1..at)).unwrap_or("");
                let plain = |c: char| {
                    c.is_alphanumeric() || matches!(c, ' ' | '|' | '/' | '\'' | '-' | ',' | '.' | '!')
                };
                let split = inner.contains('|') || (inner.contains('/') && !inner.contains("//"));
                count += u32::from(inner.len() < 400 && split && inner.chars().all(plain));
            }
            _ => {}
        }
    }
    count
}
