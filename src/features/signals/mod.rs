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
pub const SIGNALS: &[Signal] = &[Signal { code: "links/count", doc: "Links in the comment, 0 to 64." }];

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
