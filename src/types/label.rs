//! The four labels a comment can carry, and values kept per label.
//!
//! Knows nothing of models. May import: nothing of ours.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// What can be wrong with a comment. A comment may carry several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// Advertising, scams, unsolicited contact.
    Spam,
    /// Says nothing: "first", keyboard mash, a stray saying.
    LowContent,
    /// Says something, but not about this article or thread.
    OffTopic,
    /// Insults, threats, hate.
    Abuse,
}

impl Label {
    /// Every label, in the order in which models store them.
    pub const ALL: [Self; 4] = [Self::Spam, Self::LowContent, Self::OffTopic, Self::Abuse];
    /// How many labels there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The name in files, metrics and reason codes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::LowContent => "low_content",
            Self::OffTopic => "off_topic",
            Self::Abuse => "abuse",
        }
    }

    /// The label of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.name() == name)
    }

    /// Position in [`Label::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One value for each label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerLabel<T>(pub [T; Label::COUNT]);

impl<T> PerLabel<T> {
    /// Computes the value of each label.
    pub fn from_fn(mut f: impl FnMut(Label) -> T) -> Self {
        Self(Label::ALL.map(&mut f))
    }

    /// Labels with their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Label, &T)> {
        Label::ALL.into_iter().zip(&self.0)
    }
}

#[expect(clippy::indexing_slicing, reason = "the array has one slot per label")]
impl<T> Index<Label> for PerLabel<T> {
    type Output = T;
    fn index(&self, label: Label) -> &T {
        &self.0[label.index()]
    }
}

#[expect(clippy::indexing_slicing, reason = "the array has one slot per label")]
impl<T> IndexMut<Label> for PerLabel<T> {
    fn index_mut(&mut self, label: Label) -> &mut T {
        &mut self.0[label.index()]
    }
}
