//! Limits on an expression, checked before the CEL parser sees it.
//!
//! That parser recurses with the input; the limits keep its depth to a small
//! part of the stack it is given. Reads tokens only, so nothing here recurses.
//!
//! May import: nothing of ours.

use std::ops::Range;

use crate::rules::{diagnostic::Problem, suggest};

/// Longest expression, in bytes.
pub(super) const MAX_SOURCE: usize = 1024;
/// Most operators; signs, member calls and `in` count.
pub(super) const MAX_OPERATORS: usize = 64;
/// Deepest nesting of brackets.
pub(super) const MAX_NESTING: usize = 16;

/// Functions and methods that an expression may call.
const FUNCTIONS: [&str; 5] = ["size", "contains", "startsWith", "endsWith", "known"];

/// Checks the limits.
pub(super) fn check(source: &str) -> Result<(), Problem> {
    if source.len() > MAX_SOURCE {
        let message = format!("the expression has {} bytes; at most {MAX_SOURCE} are allowed", source.len());
        return Err(Problem::new(0..source.len(), "expression-too-long", message)
            .help("split it into several rules; weights add up"));
    }
    let (mut operators, mut depth) = (0, 0_usize);
    let mut scanner = Scanner { source, at: 0 };
    while let Some((token, bytes)) = scanner.next() {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::Operator => operators += 1,
            Token::Call(name) if !FUNCTIONS.contains(&name) => return Err(unknown_function(name, bytes)),
            Token::Call(_) | Token::Other => {}
        }
        if depth > MAX_NESTING {
            let message = format!("brackets are nested more than {MAX_NESTING} deep");
            return Err(Problem::new(bytes, "expression-too-complex", message)
                .help("split it into several rules; weights add up"));
        }
        if operators > MAX_OPERATORS {
            let message = format!("the expression has more than {MAX_OPERATORS} operators");
            return Err(Problem::new(bytes, "expression-too-complex", message)
                .help("split it into several rules, or use `x in [...]`"));
        }
    }
    Ok(())
}

fn unknown_function(name: &str, bytes: Range<usize>) -> Problem {
    let problem = Problem::new(bytes, "unknown-function", format!("there is no function `{name}`"));
    match name {
        "matches" => problem.help("use a [[pattern]] rule: its regular expression is compiled once"),
        "all" | "exists" | "exists_one" | "map" | "filter" | "has" => {
            problem.help("macros are not allowed; use `in [...]` for lists and known(name) for absent data")
        }
        _ => match suggest::nearest(name, FUNCTIONS) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help(format!("there are {}", FUNCTIONS.join(", "))),
        },
    }
}

enum Token<'s> {
    Open,
    Close,
    Operator,
    /// A name before an opening parenthesis.
    Call(&'s str),
    Other,
}

/// Splits into tokens as CEL does, as far as the limits need.
struct Scanner<'s> {
    source: &'s str,
    at: usize,
}

impl<'s> Scanner<'s> {
    fn next(&mut self) -> Option<(Token<'s>, Range<usize>)> {
        let rest = self.rest().trim_start();
        let start = self.source.len() - rest.len();
        let first = rest.chars().next()?;
        if rest.starts_with("//") {
            self.at = start + rest.find('\n').unwrap_or(rest.len());
            return self.next_after_comment();
        }
        let (token, length) = if first.is_ascii_alphabetic() || first == '_' {
            self.word(rest)
        } else if first.is_ascii_digit() {
            (Token::Other, rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len()))
        } else {
            match first {
                '"' | '\'' => (Token::Other, string_length(rest, false)),
                '(' | '[' | '{' => (Token::Open, 1),
                ')' | ']' | '}' => (Token::Close, 1),
                ',' => (Token::Other, 1),
                '&' | '|' if rest.chars().nth(1) == Some(first) => (Token::Operator, 2),
                '=' | '!' | '<' | '>' if rest.chars().nth(1) == Some('=') => (Token::Operator, 2),
                _ => (Token::Operator, first.len_utf8()),
            }
        };
        self.at = start + length;
        Some((token, start..self.at))
    }

    /// Comments may follow one another; a loop, not recursion, skips them.
    fn next_after_comment(&mut self) -> Option<(Token<'s>, Range<usize>)> {
        while self.rest().trim_start().starts_with("//") {
            let rest = self.rest().trim_start();
            let start = self.source.len() - rest.len();
            self.at = start + rest.find('\n').unwrap_or(rest.len());
        }
        self.next()
    }

    fn word(&self, rest: &'s str) -> (Token<'s>, usize) {
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        let quoted = after.starts_with(['"', '\'']);
        match word {
            "in" => (Token::Operator, length),
            "r" | "R" | "b" | "B" | "br" | "bR" | "Br" | "BR" | "rb" | "rB" | "Rb" | "RB" if quoted => {
                let raw = word.contains(['r', 'R']);
                (Token::Other, length + string_length(after, raw))
            }
            _ if after.trim_start().starts_with('(') => (Token::Call(word), length),
            _ => (Token::Other, length),
        }
    }

    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or("")
    }
}

/// Bytes of the string literal that `rest` begins with.
fn string_length(rest: &str, raw: bool) -> usize {
    let quote = match rest.get(..1) {
        Some("\"") if rest.starts_with("\"\"\"") => "\"\"\"",
        Some("'") if rest.starts_with("'''") => "'''",
        Some("\"") => "\"",
        _ => "'",
    };
    let mut at = quote.len();
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with(quote) {
            return at + quote.len();
        }
        let mut chars = tail.chars();
        at += chars.next().map_or(0, char::len_utf8);
        if !raw && tail.starts_with('\\') {
            at += chars.next().map_or(0, char::len_utf8);
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits_hold_and_strings_do_not_count() {
        let ok = |source: &str| check(source).map_err(|problem| problem.code);
        #[rustfmt::skip]
        let cases: &[(&str, String, Result<(), &str>)] = &[
            ("plain",                  "links_count > 2.0 && !honeypot".into(),             Ok(())),
            ("64 operators",           "1".to_owned() + &"+1".repeat(64),                   Ok(())),
            ("65 operators",           "1".to_owned() + &"+1".repeat(65),                   Err("expression-too-complex")),
            ("16 deep",                "(".repeat(16) + "1" + &")".repeat(16),              Ok(())),
            ("17 deep",                "(".repeat(17) + "1" + &")".repeat(17),              Err("expression-too-complex")),
            ("signs count",            "!".repeat(65) + "honeypot",                         Err("expression-too-complex")),
            ("members count",          "a".to_owned() + &".b".repeat(65),                   Err("expression-too-complex")),
            ("a string hides nothing", format!("body.contains(\"{}\")", "((((".repeat(20)), Ok(())),
            ("an escaped quote",       format!(r#"body.contains("\"{}")"#, "(".repeat(20)), Ok(())),
            ("a raw string's end",     format!(r#"body.contains(r"\") || {}"#, "(".repeat(20)), Err("expression-too-complex")),
            ("comments are skipped",   "// ((((((((((((((((((((\n// (\n honeypot".into(),   Ok(())),
            ("too long",               "1".repeat(1025),                                    Err("expression-too-long")),
            ("matches is no function", "body.matches('x')".into(),                          Err("unknown-function")),
            ("nor are macros",         "[1].all (x, x > 0)".into(),                         Err("unknown-function")),
        ];
        for (name, source, want) in cases {
            assert_eq!(ok(source), *want, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_scanned(source in "\\PC{0,300}") {
            let _ = check(&source);
        }
    }
}
