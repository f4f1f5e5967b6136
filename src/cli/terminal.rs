//! What reaches a terminal: columns that fit, colours only where they are seen, and
//! strangers' text made harmless.
//!
//! Knows no command and no server. May import: nothing of ours.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _},
};

use console::{Style, Term, measure_text_width, truncate_str};

/// Width when the output is no terminal: lines are read by programs or pagers.
const PLAIN_WIDTH: usize = 120;
/// Marks on one letter that are shown; stacks of them run over other lines.
const MAX_MARKS: usize = 3;

/// The terminal, or what stands for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    /// Columns.
    pub(super) width: usize,
    /// Whether colours are shown.
    pub(super) colours: bool,
}

impl Screen {
    /// The standard output as it is.
    pub(super) fn stdout() -> Self {
        if !io::stdout().is_terminal() {
            return Self { width: PLAIN_WIDTH, colours: false };
        }
        let (_, columns) = Term::stdout().size();
        let colours = std::env::var_os("NO_COLOR").is_none();
        Self { width: usize::from(columns).max(40), colours }
    }

    /// The text in a style, where styles are seen.
    pub(super) fn paint(self, style: &Style, text: &str) -> String {
        if self.colours {
            style.clone().force_styling(true).apply_to(text).to_string()
        } else {
            text.to_owned()
        }
    }

    /// Rows under their heads, each cut so that it fits; the last column takes what
    /// the others leave.
    pub(super) fn table(self, heads: &[&str], rows: &[Vec<String>]) -> String {
        let mut widths: Vec<usize> = heads.iter().map(|head| measure_text_width(head)).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(measure_text_width(cell));
            }
        }
        let mut out = String::new();
        let bold = Style::new().bold();
        let heads: Vec<String> = heads.iter().map(|head| self.paint(&bold, head)).collect();
        for row in std::iter::once(&heads).chain(rows) {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let gap = if at + 1 == row.len() {
                    0
                } else {
                    (width + 2).saturating_sub(measure_text_width(cell))
                };
                let _ = write!(line, "{cell}{:gap$}", "");
            }
            let _ = writeln!(out, "{}", self.cut(line.trim_end()));
        }
        out
    }

    /// The line, cut to the width.
    pub(super) fn cut(self, line: &str) -> String {
        truncate_str(line, self.width, "…").into_owned()
    }

    /// The text in lines of at most the width less `indent`, each indented; breaks
    /// between words where it can.
    pub(super) fn wrap(self, text: &str, indent: usize) -> String {
        let room = self.width.saturating_sub(indent).max(20);
        let mut out = String::new();
        for line in text.lines() {
            let mut start = true;
            let mut used = 0;
            for word in line.split(' ') {
                for piece in pieces(word, room) {
                    let width = measure_text_width(&piece);
                    if !start && used + 1 + width > room {
                        out.push('\n');
                        start = true;
                    }
                    if start {
                        let _ = write!(out, "{:indent$}", "");
                        used = 0;
                    } else {
                        out.push(' ');
                        used += 1;
                    }
                    out.push_str(&piece);
                    used += width;
                    start = false;
                }
            }
            out.push('\n');
        }
        out
    }
}

/// A word in pieces of at most `room` columns.
fn pieces(word: &str, room: usize) -> Vec<String> {
    if measure_text_width(word) <= room {
        return vec![word.to_owned()];
    }
    let mut found = vec![String::new()];
    let mut used = 0;
    for c in word.chars() {
        let width = measure_text_width(c.encode_utf8(&mut [0; 4]));
        if used + width > room {
            found.push(String::new());
            used = 0;
        }
        used += width;
        if let Some(last) = found.last_mut() {
            last.push(c);
        }
    }
    found
}

/// Whether a terminal would obey a character, or show nothing for it, where a
/// reader should see that it is there.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn push(out: &mut String, marks: &mut usize, c: char) {
    if is_hostile(c) {
        let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        *marks = 0;
        return;
    }
    let is_mark = measure_text_width(c.encode_utf8(&mut [0; 4])) == 0;
    *marks = if is_mark { *marks + 1 } else { 0 };
    if *marks <= MAX_MARKS {
        out.push(c);
    }
}

/// A stranger's text as one line that does nothing to a terminal.
pub(super) fn tame(text: &str) -> String {
    let (mut out, mut marks) = (String::with_capacity(text.len()), 0);
    for c in text.trim().chars() {
        match c {
            '\n' | '\r' | '\t' if out.ends_with(' ') => {}
            '\n' | '\r' | '\t' => out.push(' '),
            c => push(&mut out, &mut marks, c),
        }
    }
    out
}

/// Like [`tame`], with its lines kept.
pub(super) fn tame_lines(text: &str) -> String {
    let lines: Vec<String> = text.trim().lines().map(tame).collect();
    lines.join("\n")
}

/// A span of time, roughly: `45 s`, `12 min`, `3.5 h`, `2.0 d`.
pub(super) fn roughly(seconds: f64) -> String {
    match seconds.max(0.0) {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3_600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_text_is_shown_not_obeyed() {
        #[rustfmt::skip]
        let cases = [
            ("a colour",            "\u{1b}[31mred",        r"\u{1b}[31mred"),
            ("a title change",      "\u{1b}]0;x\u{7}",      r"\u{1b}]0;x\u{7}"),
            ("a line that returns", "good\rbad",            "good bad"),
            ("a C1 control",        "\u{9b}2J",             r"\u{9b}2J"),
            ("a turned direction",  "\u{202e}gpj.exe",      r"\u{202e}gpj.exe"),
            ("a hidden space",      "ca\u{200b}sino",       r"ca\u{200b}sino"),
            ("a stack of marks",    "e\u{301}\u{301}\u{301}\u{301}\u{301}", "e\u{301}\u{301}\u{301}"),
            ("other scripts",       "שלום مرحبا 日本 👩\u{200d}🚀", "שלום مرحبا 日本 👩\u{200d}🚀"),
        ];
        for (name, text, want) in cases {
            assert_eq!(tame(text), want, "{name}");
        }
    }

    #[test]
    fn tables_fit_and_line_up() {
        let rows = vec![
            vec!["1".to_owned(), "open".to_owned(), "日本語の長いコメント".repeat(5)],
            vec!["22".to_owned(), "claimed".to_owned(), "short".to_owned()],
        ];
        let screen = Screen { width: 40, colours: false };
        let table = screen.table(&["id", "state", "text"], &rows);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "id  state    text");
        assert!(lines[1].starts_with("1   open     日"), "{table}");
        assert!(lines.iter().all(|line| measure_text_width(line) <= 40), "{table}");
    }

    proptest! {
        /// Whatever comes in, nothing that a terminal obeys goes out, and lines fit.
        #[test]
        fn nothing_hostile_passes(text in "\\PC*|[\\x00-\\x9f\\u{200b}-\\u{206f}a-z ]{0,200}", width in 40usize..120) {
            prop_assert!(!tame(&text).chars().any(is_hostile));
            let screen = Screen { width, colours: false };
            let wrapped = screen.wrap(&tame_lines(&text), 2);
            prop_assert!(wrapped.lines().all(|line| measure_text_width(line) <= width), "{wrapped}");
            prop_assert!(wrapped.chars().all(|c| c == '\n' || !is_hostile(c)));
        }
    }
}
