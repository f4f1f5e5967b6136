//! A ring of remembered comments, found by the bands of their sketches.
//!
//! Fixed in size: the oldest gives way. May import: `types`, `features`.

use std::collections::BTreeSet;

use crate::{
    features::near::{ALIKE, Sketch},
    types::{ArticleId, CampaignId, CommentId, VerdictId},
};

/// Places of bands per remembered comment.
const PLACES_EACH: usize = 8;
/// Comments found by one place: copies share every band, and must not hide each other.
const SLOTS: usize = 4;

/// How many of the latest are looked through by name: those under way.
const LOOKED_BACK: usize = 1_024;

/// One remembered comment: some 400 bytes.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) sketch: Sketch,
    pub(super) verdict: VerdictId,
    /// The CMS's id of the comment.
    pub(super) comment: Option<CommentId>,
    /// Digest of the text.
    pub(super) text: [u8; 16],
    pub(super) author: Option<[u8; 16]>,
    pub(super) article: Option<ArticleId>,
    pub(super) campaign: Option<CampaignId>,
}

impl Known {
    /// Whether this is the same comment with the same text.
    pub(super) fn is_again(&self, other: &Self) -> bool {
        self.text == other.text && self.comment.is_some() && self.comment == other.comment
    }
}

/// A ring of comments.
#[derive(Debug)]
pub(super) struct Memory {
    /// By band: places in the ring, plus one, the newest first.
    places: Box<[[u16; SLOTS]]>,
    ring: Vec<Known>,
    next: usize,
    size: usize,
}

impl Memory {
    /// Room for `size` comments, at most 65,535.
    pub(super) fn new(size: usize) -> Self {
        Self { places: vec![[0; SLOTS]; size * PLACES_EACH].into(), ring: Vec::new(), next: 0, size }
    }

    /// Places in the ring of comments that are alike, oldest place first, each once.
    pub(super) fn alike(&self, sketch: &Sketch) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for band in sketch.bands() {
            for slot in self.places.get(self.place(band)).into_iter().flatten() {
                let Some(at) = usize::from(*slot).checked_sub(1) else { break };
                if !found.contains(&at) && self.at(at).is_some_and(|k| k.sketch.similarity(sketch) >= ALIKE) {
                    found.insert(at);
                }
            }
        }
        found
    }

    /// The comment at a place.
    pub(super) fn at(&self, at: usize) -> Option<&Known> {
        self.ring.get(at)
    }

    /// The same, to be changed.
    pub(super) fn at_mut(&mut self, at: usize) -> Option<&mut Known> {
        self.ring.get_mut(at)
    }

    /// The comment with a verdict of this name, if it is among the latest.
    pub(super) fn find(&self, verdict: VerdictId) -> Option<&Known> {
        let (before, after) = self.ring.split_at(self.next.min(self.ring.len()));
        before.iter().rev().chain(after.iter().rev()).take(LOOKED_BACK).find(|known| known.verdict == verdict)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Remembers a comment.
    pub(super) fn note(&mut self, known: Known) {
        let at = self.next;
        self.next = (self.next + 1) % self.size;
        for band in known.sketch.bands() {
            let place = self.place(band);
            if let Some(slots) = self.places.get_mut(place) {
                slots.rotate_right(1);
                slots[0] = u16::try_from(at + 1).unwrap_or(0);
            }
        }
        match self.ring.get_mut(at) {
            Some(old) => *old = known,
            None => self.ring.push(known),
        }
    }

    fn place(&self, band: u64) -> usize {
        band as usize % self.places.len().max(1)
    }
}
