//! Deciding a checked expression for a comment.
//!
//! Total and without allocation: every node is visited at most once, nesting is
//! bounded by the check, and what cannot be computed (absent data, division by
//! zero, overflow) has no value. `&&` and `||` follow Kleene's logic, as CEL's
//! do with errors: `false && unknown` is false, `true || unknown` is true. What
//! has no value in the end does not match. May import: nothing of ours.

use std::cmp::Ordering;

use crate::rules::facts::Facts;

use super::names::Symbol;

/// What an expression comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::rules) enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// A text.
    Text(&'a str),
}

/// Arithmetic on two numbers of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// Of whole numbers only.
    Remainder,
}

/// Comparison of two values of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// Where one text is sought in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    Contains,
    StartsWith,
    EndsWith,
}

/// A part of an expression, checked: operands have the kinds it needs.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Box<str>),
    Symbol(Symbol),
    /// Whether the data for a name is there.
    Known(Symbol),
    /// A whole number as a number.
    ToDouble(Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    /// Condition, then, else.
    Choose(Box<[Node; 3]>),
    Arithmetic(Arithmetic, Box<[Node; 2]>),
    Compare(Comparison, Box<[Node; 2]>),
    /// Whether a value equals one of constants.
    OneOf(Box<Node>, Box<[Node]>),
    /// Characters of a text.
    Size(Box<Node>),
    Search(Search, Box<[Node; 2]>),
}

impl Node {
    /// What it comes to; nothing when that cannot be computed.
    pub(super) fn eval<'a>(&'a self, facts: &Facts<'a>) -> Option<Value<'a>> {
        match self {
            Self::Bool(value) => Some(Value::Bool(*value)),
            Self::Int(value) => Some(Value::Int(*value)),
            Self::Double(value) => Some(Value::Double(*value)),
            Self::Text(value) => Some(Value::Text(value)),
            Self::Symbol(name) => name.value(facts),
            Self::Known(name) => Some(Value::Bool(name.value(facts).is_some())),
            Self::ToDouble(inner) => match inner.eval(facts)? {
                Value::Int(value) => Some(Value::Double(value as f64)),
                other @ (Value::Bool(_) | Value::Double(_) | Value::Text(_)) => Some(other),
            },
            Self::Not(inner) => inner.truth(facts).map(|value| Value::Bool(!value)),
            Self::Negate(inner) => match inner.eval(facts)? {
                Value::Int(value) => value.checked_neg().map(Value::Int),
                Value::Double(value) => Some(Value::Double(-value)),
                Value::Bool(_) | Value::Text(_) => None,
            },
            Self::And(pair) => decide(pair, facts, false),
            Self::Or(pair) => decide(pair, facts, true),
            Self::Choose(parts) => {
                let [condition, then, otherwise] = &**parts;
                if condition.truth(facts)? { then.eval(facts) } else { otherwise.eval(facts) }
            }
            Self::Arithmetic(operation, pair) => {
                let [left, right] = &**pair;
                operation.apply(left.eval(facts)?, right.eval(facts)?)
            }
            Self::Compare(comparison, pair) => {
                let [left, right] = &**pair;
                Some(Value::Bool(comparison.holds(left.eval(facts)?, right.eval(facts)?)))
            }
            Self::OneOf(inner, list) => {
                let value = inner.eval(facts)?;
                let hit = |node: &Node| node.eval(facts).is_some_and(|other| other == value);
                Some(Value::Bool(list.iter().any(hit)))
            }
            Self::Size(inner) => {
                let size = inner.text(facts)?.chars().count();
                Some(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
            }
            Self::Search(search, pair) => {
                let [text, part] = &**pair;
                let (text, part) = (text.text(facts)?, part.text(facts)?);
                Some(Value::Bool(match search {
                    Search::Contains => text.contains(part),
                    Search::StartsWith => text.starts_with(part),
                    Search::EndsWith => text.ends_with(part),
                }))
            }
        }
    }

    /// Whether it is true.
    pub(super) fn truth(&self, facts: &Facts<'_>) -> Option<bool> {
        match self.eval(facts)? {
            Value::Bool(value) => Some(value),
            Value::Int(_) | Value::Double(_) | Value::Text(_) => None,
        }
    }

    fn text<'a>(&'a self, facts: &Facts<'a>) -> Option<&'a str> {
        match self.eval(facts)? {
            Value::Text(text) => Some(text),
            Value::Bool(_) | Value::Int(_) | Value::Double(_) => None,
        }
    }
}

/// `&&` and `||`: one operand with the value `decisive` decides; else both must
/// be known.
fn decide<'a>(pair: &'a [Node; 2], facts: &Facts<'a>, decisive: bool) -> Option<Value<'a>> {
    let [left, right] = pair;
    let first = left.truth(facts);
    if first == Some(decisive) {
        return Some(Value::Bool(decisive));
    }
    match right.truth(facts) {
        Some(second) if second == decisive => Some(Value::Bool(decisive)),
        Some(_) if first.is_some() => Some(Value::Bool(!decisive)),
        Some(_) | None => None,
    }
}

impl Arithmetic {
    fn apply<'a>(self, left: Value<'_>, right: Value<'_>) -> Option<Value<'a>> {
        match (left, right) {
            (Value::Int(a), Value::Int(b)) => match self {
                Self::Add => a.checked_add(b),
                Self::Subtract => a.checked_sub(b),
                Self::Multiply => a.checked_mul(b),
                Self::Divide => a.checked_div(b),
                Self::Remainder => a.checked_rem(b),
            }
            .map(Value::Int),
            (Value::Double(a), Value::Double(b)) => match self {
                Self::Add => Some(a + b),
                Self::Subtract => Some(a - b),
                Self::Multiply => Some(a * b),
                Self::Divide => Some(a / b),
                Self::Remainder => None,
            }
            .map(Value::Double),
            (Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Text(_), _) => None,
        }
    }
}

impl Comparison {
    fn holds(self, left: Value<'_>, right: Value<'_>) -> bool {
        let order = match (left, right) {
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(&b)),
            (Value::Int(a), Value::Int(b)) => Some(a.cmp(&b)),
            (Value::Double(a), Value::Double(b)) => a.partial_cmp(&b),
            (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            (Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Text(_), _) => None,
        };
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::AtMost => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::AtLeast => order.is_some_and(Ordering::is_ge),
        }
    }
}
