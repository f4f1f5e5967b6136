//! Expressions over named signals and comment fields, in CEL.
//!
//! The text is parsed by the `cel` crate and then checked and decided by our
//! own code instead of that crate's interpreter: kinds are checked when a file
//! is read, so that no comment meets a mistake first; a decision takes tens of
//! nanoseconds and no allocation; and its depth is known. Tests compare the two
//! on generated expressions.
//!
//! A crafted text can exhaust the stack of that parser, which ends the process
//! and cannot be caught. So length, operators and nesting are limited before
//! it runs, and it runs on a thread with a stack many times of what they allow.
//!
//! May import: `types`, `text`, `features`.

mod caps;
mod check;
mod eval;
mod names;

use std::{panic::catch_unwind, thread};

use super::{diagnostic::Problem, facts::Facts};
use eval::Node;
pub(super) use names::{Symbol, Type};

/// What the parser puts before errors of the grammar.
const SYNTAX: &str = "Syntax error: ";

/// Stack of the thread that parses, in bytes.
const PARSER_STACK: usize = 16 << 20;

/// A checked expression.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    root: Node,
    unkept: bool,
}

/// Names of fields that are not kept with verdicts.
const UNKEPT: [&str; 2] = ["author_email", "user_agent"];

impl Expression {
    /// Parses and checks an expression.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, and where.
    pub(super) fn compile(source: &str) -> Result<Self, Vec<Problem>> {
        caps::check(source).map_err(|problem| vec![problem])?;
        let gave_up = || vec![Problem::new(0..source.len(), "bad-expression", "the parser gave up on it")];
        let parse = || catch_unwind(|| parse(source)).unwrap_or_else(|_| Err(gave_up()));
        thread::scope(|scope| {
            let parser = thread::Builder::new().stack_size(PARSER_STACK).spawn_scoped(scope, parse);
            let root =
                parser.map_or_else(|_| Err(gave_up()), |p| p.join().unwrap_or_else(|_| Err(gave_up())))?;
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let unkept = source.split(|c| !word(c)).any(|name| UNKEPT.contains(&name));
            Ok(Self { root, unkept })
        })
    }

    /// Whether it names a field that is not kept with verdicts.
    pub(super) const fn looks_at_unkept(&self) -> bool {
        self.unkept
    }

    /// Whether it is true of a comment. What cannot be decided is not.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> bool {
        self.root.truth(facts) == Some(true)
    }
}

fn parse(source: &str) -> Result<Node, Vec<Problem>> {
    match cel::Program::compile(source) {
        Ok(program) => check::check(&program, source),
        Err(errors) => Err(vec![first_problem(&errors.errors, source)]),
    }
}

/// The first error of the grammar; the parser's later ones are mostly its
/// consequences.
fn first_problem(errors: &[cel::ParseError], source: &str) -> Problem {
    let grammar = errors.iter().find(|error| error.msg.starts_with(SYNTAX));
    let Some(error) = grammar.or(errors.first()) else {
        return Problem::new(0..source.len(), "bad-expression", "the expression is wrong");
    };
    let (line, column) = error.pos;
    let before = |n: isize| usize::try_from(n - 1).unwrap_or(0);
    let line_start: usize = source.split_inclusive('\n').take(before(line)).map(str::len).sum();
    let rest = source.get(line_start..).unwrap_or("");
    let columns: usize = rest.chars().take(before(column)).map(char::len_utf8).sum();
    let start = line_start + columns;
    let width = rest.get(columns..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let message = error.msg.strip_prefix(SYNTAX).unwrap_or(&error.msg);
    let message = message.split(" expecting ").next().unwrap_or("").replace("'<EOF>'", "end of expression");
    Problem::new(start..start + width, "bad-expression", format!("the expression is wrong: {message}"))
}

#[cfg(test)]
mod tests;
