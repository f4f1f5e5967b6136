//! What is counted while a body is read.
//!
//! Plain numbers; what they mean for a verdict is for `features` to say.
//!
//! May import: nothing of ours.

/// Counts taken while reading. All are of the visible text unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Characters.
    pub chars: u32,
    /// Letters.
    pub letters: u32,
    /// Upper-case letters.
    pub uppercase: u32,
    /// Decimal digits.
    pub digits: u32,
    /// White-space characters.
    pub whitespace: u32,
    /// Emoji and pictographs.
    pub emoji: u32,
    /// Punctuation and other symbols.
    pub symbols: u32,
    /// Exclamation and question marks.
    pub exclamations: u32,
    /// Currency signs.
    pub currency: u32,
    /// Words that are wholly upper case and at least three letters long.
    pub shouted_words: u32,
    /// Zero-width and other format characters removed.
    pub zero_width: u32,
    /// Bidirectional controls removed.
    pub bidi_controls: u32,
    /// Combining marks beyond what the script needs, removed.
    pub surplus_marks: u32,
    /// Characters that NFKC turned into plain letters or digits (styled letters).
    pub styled: u32,
    /// Words that mix scripts which no language mixes.
    pub mixed_script_words: u32,
    /// Words changed by the skeleton view.
    pub skeleton_words: u32,
    /// Words changed by the leet view.
    pub leet_words: u32,
    /// Runs joined by the joined view.
    pub joined_runs: u32,
    /// Runs squeezed by the squeezed view.
    pub squeezed_runs: u32,
    /// Characters of invisible text (hidden by markup).
    pub invisible_chars: u32,
    /// Line breaks.
    pub lines: u32,
    /// HTML, Markdown or BBCode tags found; foreign ones in plain text included.
    pub markup_tags: u32,
    /// Tags of another markup than the declared one.
    pub foreign_markup: u32,
    /// Spintax braces with alternatives (`{a|b}`).
    pub spintax: u32,
    /// Images.
    pub images: u32,
    /// Quoted passages.
    pub quotes: u32,
    /// Entities and percent escapes decoded in the text.
    pub escapes: u32,
}
