//! Text and tables as HTML.
//!
//! May import: nothing of ours.

/// Text as HTML, for content and for quoted attributes. Characters that would change
/// how the text around them reads (controls, direction marks, zero width) are named
/// instead of written.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' | '\r' => out.push(' '),
            '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' => {
                out.push_str(&format!("⟨U+{:04X}⟩", c as u32));
            }
            c if c.is_control() => out.push_str(&format!("⟨U+{:04X}⟩", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// A cell of a table.
pub(super) enum Cell {
    /// A word, at the left.
    Word(String),
    /// A number, at the right, with what stands small beside it.
    Number(String, String),
    /// Text of a comment.
    Text(String),
}

impl Cell {
    pub(super) fn count(n: usize) -> Self {
        Self::Number(n.to_string(), String::new())
    }

    /// A figure with four places; a dash when there is none.
    pub(super) fn figure(x: Option<f64>) -> Self {
        Self::Number(x.map_or_else(|| "–".to_owned(), |x| format!("{x:.4}")), String::new())
    }

    /// A figure with its interval.
    pub(super) fn with_interval(x: Option<f64>, interval: Option<[f64; 2]>) -> Self {
        let Self::Number(number, _) = Self::figure(x) else { return Self::count(0) };
        let beside = interval.filter(|_| x.is_some()).map(|[low, high]| format!("{low:.3}–{high:.3}"));
        Self::Number(number, beside.unwrap_or_default())
    }

    /// A share in percent with one place.
    pub(super) fn percent(x: Option<f64>) -> Self {
        Self::Number(x.map_or_else(|| "–".to_owned(), |x| format!("{:.1}", 100.0 * x)), String::new())
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Word(text) => out.push_str(&format!("<th scope=\"row\">{}</th>", escape(text))),
            Self::Number(number, beside) if beside.is_empty() => {
                out.push_str(&format!("<td>{}</td>", escape(number)));
            }
            Self::Number(number, beside) => {
                out.push_str(&format!("<td>{}<small>{}</small></td>", escape(number), escape(beside)));
            }
            Self::Text(text) => {
                out.push_str(&format!("<td class=\"text\"><bdi dir=\"auto\">{}</bdi></td>", escape(text)));
            }
        }
    }
}

/// A table that scrolls by itself where the window is narrow; nothing without rows.
pub(super) fn table(headings: &[&str], rows: &[Vec<Cell>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let first = rows.first().map_or(&[][..], Vec::as_slice);
    let head = |(at, h): (usize, &&str)| {
        let side = if matches!(first.get(at), Some(Cell::Number(..))) { "" } else { " class=\"word\"" };
        format!("<th scope=\"col\"{side}>{}</th>", escape(h))
    };
    let heads: String = headings.iter().enumerate().map(head).collect();
    let mut out = format!("<div class=\"scroll\"><table><thead><tr>{heads}</tr></thead><tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        row.iter().for_each(|cell| cell.write(&mut out));
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    out
}
