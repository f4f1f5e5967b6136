//! Named numbers drawn from a comment and its context, `family/name`.
//!
//! The table of all signals is the catalogue; a signal whose data is missing is
//! absent, never guessed. One file per family. May import: `types`, `text`.

/// One entry of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Signal {
    /// `family/name`.
    pub code: &'static str,
    /// What it measures, with its range and unit.
    pub doc: &'static str,
}

/// Position of a signal in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignalId(pub u16);

/// The catalogue.
pub const SIGNALS: &[Signal] = &[
    Signal { code: "links/count", doc: "Links in the comment, 0 to 64." },
    Signal { code: "links/obfuscated", doc: "Links written so that filters do not see them, 0 to 64." },
    Signal { code: "links/shortener", doc: "Links to link shorteners, 0 to 64." },
    Signal { code: "contacts/phone", doc: "Telephone numbers, 0 to 64." },
    Signal { code: "contacts/handle", doc: "Messenger and social handles, 0 to 64." },
    Signal { code: "contacts/obfuscated", doc: "Disguised contacts, 0 to 64." },
    Signal { code: "disguise/zero_width", doc: "Zero-width characters removed, from 0." },
    Signal { code: "disguise/mixed_script", doc: "Words that mix scripts, from 0." },
    Signal { code: "disguise/leet", doc: "Words with digits or symbols for letters, from 0." },
    Signal { code: "disguise/joined", doc: "Runs of spaced letters, from 0." },
    Signal { code: "timing/form_seconds", doc: "Seconds from showing the form to posting it, from 0." },
    Signal { code: "request/honeypot", doc: "1 when the hidden field was filled in, else 0." },
    Signal { code: "length/words", doc: "Words in the comment, from 0." },
    Signal { code: "relevance/overlap", doc: "Share of the words that the article has too, 0 to 1." },
];

/// The signal of that code.
#[must_use]
pub fn find(code: &str) -> Option<SignalId> {
    SIGNALS.iter().position(|s| s.code == code).and_then(|at| u16::try_from(at).ok()).map(SignalId)
}

/// The signals of one comment.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    values: Vec<Option<f32>>,
}

impl Signals {
    /// The value, or `None` when the data for it was absent.
    #[must_use]
    pub fn get(&self, id: SignalId) -> Option<f32> {
        self.values.get(usize::from(id.0)).copied().flatten()
    }

    /// Sets a value; not-finite values count as absent.
    pub fn set(&mut self, id: SignalId, value: f32) {
        if self.values.len() < SIGNALS.len() {
            self.values.resize(SIGNALS.len(), None);
        }
        if let Some(slot) = self.values.get_mut(usize::from(id.0)) {
            *slot = value.is_finite().then_some(value);
        }
    }
}
