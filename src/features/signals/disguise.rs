//! Tricks that hide text from filters: what the normaliser had to undo.
//!
//! May import: `types`, `text`.

use super::{Signal, Subject, count};

pub(super) const SIGNALS: [Signal; 12] = [
    count("disguise/zero_width", "Zero-width and format characters removed."),
    count("disguise/bidi", "Bidirectional controls removed."),
    count("disguise/marks", "Surplus combining marks removed."),
    count("disguise/styled", "Styled letters and digits turned into plain ones."),
    count("disguise/mixed_script", "Words that mix scripts no language mixes."),
    count("disguise/skeleton", "Words with look-alike letters replaced."),
    count("disguise/leet", "Words with digits or symbols read as letters."),
    count("disguise/joined", "Runs of spaced letters joined."),
    count("disguise/squeezed", "Runs of repeated letters squeezed."),
    count("disguise/invisible", "Characters hidden by markup."),
    count("disguise/spintax", "Braces with alternatives left in."),
    count("disguise/foreign_markup", "Tags of another markup than the declared one."),
];

pub(super) fn measure(subject: &Subject<'_>) -> [f32; SIGNALS.len()] {
    let c = subject.document.counts();
    [
        c.zero_width,
        c.bidi_controls,
        c.surplus_marks,
        c.styled,
        c.mixed_script_words,
        c.skeleton_words,
        c.leet_words,
        c.joined_runs,
        c.squeezed_runs,
        c.invisible_chars,
        c.spintax,
        c.foreign_markup,
    ]
    .map(|n| n as f32)
}
