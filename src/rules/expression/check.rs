//! From the parser's tree to a checked one: names exist, kinds fit.
//!
//! The language is CEL without macros, maps, messages and lists other than
//! those after `in`. Two things are added: a whole number beside a number
//! counts as one, and `known(name)` tells whether the data for a name is there.
//!
//! May import: nothing of ours but names.

use std::ops::Range;

use cel::{
    IdedExpr, Program,
    common::ast::{CallExpr, Expr, LiteralValue, SourceInfo, operators},
};

use crate::rules::diagnostic::Problem;

use super::{
    eval::{Arithmetic, Comparison, Node, Search},
    names::{Symbol, Type},
};

/// Most constants after `in`.
const MAX_LIST: usize = 64;
/// Deepest tree decided; the limits before parsing keep trees far below.
const MAX_DEPTH: usize = 128;

/// Checks a parsed expression.
///
/// # Errors
///
/// Everything that is wrong with it.
pub(super) fn check(program: &Program, source: &str) -> Result<Node, Vec<Problem>> {
    let mut checker = Checker { info: program.source_info(), source, problems: Vec::new(), names: 0 };
    let root = checker.expression(program.expression(), 0);
    let whole = 0..source.len();
    if let Some((_, kind)) = &root
        && *kind != Type::Bool
    {
        let message = format!("the expression must be true or false, but is {}", kind.name());
        checker.problems.push(
            Problem::new(whole.clone(), "type-mismatch", message).help("compare it: `links_count > 2.0`"),
        );
    }
    if checker.names == 0 && checker.problems.is_empty() {
        let message = "the expression is the same for every comment";
        checker
            .problems
            .push(Problem::new(whole, "constant-expression", message).help("use a signal or a field"));
    }
    match root {
        Some((node, _)) if checker.problems.is_empty() => Ok(node),
        Some(_) | None => Err(checker.problems),
    }
}

struct Checker<'p> {
    info: &'p SourceInfo,
    source: &'p str,
    problems: Vec<Problem>,
    /// Names used.
    names: usize,
}

/// A part with the kind of its value; nothing where a problem was reported.
type Checked = Option<(Node, Type)>;

impl Checker<'_> {
    fn expression(&mut self, expr: &IdedExpr, depth: usize) -> Checked {
        if depth > MAX_DEPTH {
            return self.fail(expr, "expression-too-complex", "the expression is nested too deep", None);
        }
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.name(expr, name).map(|(name, kind)| (Node::Symbol(name), kind)),
            Expr::Call(call) => self.call(expr, call, depth),
            Expr::Select(_) => {
                let written = dotted(expr);
                let help = Symbol::nearest(&written).map(|near| format!("did you mean `{near}`?"));
                self.fail(expr, "unknown-name", format!("there is no field `{written}`"), help)
            }
            Expr::List(_) => self.fail(
                expr,
                "type-mismatch",
                "lists are only allowed after `in`",
                Some("write `language in ['en', 'de']`".to_owned()),
            ),
            Expr::Map(_) | Expr::Struct(_) | Expr::Comprehension(_) | Expr::Unspecified => {
                self.fail(expr, "bad-expression", "maps, messages and macros are not allowed", None)
            }
        }
    }

    fn literal(&mut self, expr: &IdedExpr, literal: &LiteralValue) -> Checked {
        match literal {
            LiteralValue::Boolean(value) => Some((Node::Bool(*value.inner()), Type::Bool)),
            LiteralValue::Int(value) => Some((Node::Int(*value.inner()), Type::Int)),
            LiteralValue::Double(value) => Some((Node::Double(*value.inner()), Type::Double)),
            LiteralValue::String(value) => Some((Node::Text(value.inner().into()), Type::Text)),
            LiteralValue::UInt(_) => self.fail(
                expr,
                "type-mismatch",
                "unsigned numbers are not needed here",
                Some("leave out the `u`".to_owned()),
            ),
            LiteralValue::Bytes(_) | LiteralValue::Null => {
                self.fail(expr, "type-mismatch", "bytes and null are not used here", None)
            }
        }
    }

    fn name(&mut self, expr: &IdedExpr, text: &str) -> Option<(Symbol, Type)> {
        self.names += 1;
        let found = Symbol::find(text);
        if found.is_none() {
            let help = match Symbol::nearest(text) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "docs/RULES.md lists the fields; a signal `family/name` is called `family_name`"
                    .to_owned(),
            };
            self.fail(expr, "unknown-name", format!("there is no signal or field `{text}`"), Some(help));
        }
        found
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr, depth: usize) -> Checked {
        let operands: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        match (call.func_name.as_str(), operands.as_slice()) {
            (operators::LOGICAL_NOT, [inner]) => {
                let inner = self.of_kind(inner, Type::Bool, depth)?;
                Some((Node::Not(Box::new(inner)), Type::Bool))
            }
            (operators::NEGATE, [inner]) => {
                let (inner, kind) = self.number(inner, depth)?;
                Some((Node::Negate(Box::new(inner)), kind))
            }
            (operators::LOGICAL_AND, [left, right]) => {
                self.pair_of(left, right, Type::Bool, depth).map(|pair| (Node::And(pair), Type::Bool))
            }
            (operators::LOGICAL_OR, [left, right]) => {
                self.pair_of(left, right, Type::Bool, depth).map(|pair| (Node::Or(pair), Type::Bool))
            }
            (operators::CONDITIONAL, [condition, then, otherwise]) => {
                let condition = self.of_kind(condition, Type::Bool, depth);
                let (pair, kind) = self.alike(expr, then, otherwise, depth)?;
                let [then, otherwise] = pair;
                Some((Node::Choose(Box::new([condition?, then, otherwise])), kind))
            }
            (operators::IN, [inner, list]) => self.one_of(inner, list, depth),
            ("size", [inner]) => {
                let inner = self.of_kind(inner, Type::Text, depth)?;
                Some((Node::Size(Box::new(inner)), Type::Int))
            }
            ("known", [inner]) if call.target.is_none() => self.known(inner),
            (name, [left, right]) => self.binary(expr, name, left, right, depth),
            (name, _) => self.unknown_call(expr, name),
        }
    }

    fn binary(
        &mut self,
        expr: &IdedExpr,
        name: &str,
        left: &IdedExpr,
        right: &IdedExpr,
        depth: usize,
    ) -> Checked {
        let arithmetic = match name {
            operators::ADD => Some(Arithmetic::Add),
            operators::SUBSTRACT => Some(Arithmetic::Subtract),
            operators::MULTIPLY => Some(Arithmetic::Multiply),
            operators::DIVIDE => Some(Arithmetic::Divide),
            operators::MODULO => Some(Arithmetic::Remainder),
            _ => None,
        };
        let comparison = match name {
            operators::EQUALS => Some(Comparison::Equal),
            operators::NOT_EQUALS => Some(Comparison::NotEqual),
            operators::LESS => Some(Comparison::Less),
            operators::LESS_EQUALS => Some(Comparison::AtMost),
            operators::GREATER => Some(Comparison::Greater),
            operators::GREATER_EQUALS => Some(Comparison::AtLeast),
            _ => None,
        };
        let search = match name {
            "contains" => Some(Search::Contains),
            "startsWith" => Some(Search::StartsWith),
            "endsWith" => Some(Search::EndsWith),
            _ => None,
        };
        if let Some(operation) = arithmetic {
            let (pair, kind) = self.alike(expr, left, right, depth)?;
            return self.arithmetic(expr, operation, pair, kind);
        }
        if let Some(comparison) = comparison {
            let (pair, kind) = self.alike(expr, left, right, depth)?;
            let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
            if ordered && matches!(kind, Type::Bool | Type::Text) {
                let message = format!("{} has no order; only == and != compare it", kind.name());
                return self.fail(expr, "type-mismatch", message, None);
            }
            return Some((Node::Compare(comparison, Box::new(pair)), Type::Bool));
        }
        match search {
            Some(search) => self
                .pair_of(left, right, Type::Text, depth)
                .map(|pair| (Node::Search(search, pair), Type::Bool)),
            None => self.unknown_call(expr, name),
        }
    }

    fn arithmetic(&mut self, expr: &IdedExpr, operation: Arithmetic, pair: [Node; 2], kind: Type) -> Checked {
        match (kind, operation) {
            (Type::Int, _)
            | (
                Type::Double,
                Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply | Arithmetic::Divide,
            ) => Some((Node::Arithmetic(operation, Box::new(pair)), kind)),
            (Type::Double, Arithmetic::Remainder) => {
                self.fail(expr, "type-mismatch", "`%` takes whole numbers only", None)
            }
            (Type::Bool | Type::Text, _) => {
                let message = format!("one cannot calculate with {}", kind.name());
                self.fail(expr, "type-mismatch", message, None)
            }
        }
    }

    fn one_of(&mut self, inner: &IdedExpr, list: &IdedExpr, depth: usize) -> Checked {
        let inner_checked = self.expression(inner, depth + 1);
        let Expr::List(constants) = &list.expr else {
            let help = Some("write `language in ['en', 'de']`".to_owned());
            return self.fail(list, "type-mismatch", "after `in` there must be a list of constants", help);
        };
        if constants.elements.len() > MAX_LIST {
            let message =
                format!("the list has {} items; at most {MAX_LIST} are allowed", constants.elements.len());
            let help = Some("use a [[list]] rule".to_owned());
            return self.fail(list, "expression-too-complex", message, help);
        }
        let (node, kind) = inner_checked?;
        // A number meets whole numbers as numbers.
        let wanted = if kind == Type::Int { Type::Double } else { kind };
        let node = if kind == Type::Int { Node::ToDouble(Box::new(node)) } else { node };
        let mut items = Vec::with_capacity(constants.elements.len());
        for element in &constants.elements {
            if !matches!(element.expr, Expr::Literal(_)) {
                self.fail(element, "type-mismatch", "only constants are allowed in a list", None);
                continue;
            }
            items.extend(self.of_kind(element, wanted, depth));
        }
        Some((Node::OneOf(Box::new(node), items.into()), Type::Bool))
    }

    fn known(&mut self, inner: &IdedExpr) -> Checked {
        let Expr::Ident(text) = &inner.expr else {
            return self.fail(inner, "type-mismatch", "known() takes the name of a signal or field", None);
        };
        self.name(inner, text).map(|(name, _)| (Node::Known(name), Type::Bool))
    }

    /// Checks two parts that must have the same kind; a whole number beside a
    /// number becomes one.
    fn alike(
        &mut self,
        expr: &IdedExpr,
        left: &IdedExpr,
        right: &IdedExpr,
        depth: usize,
    ) -> Option<([Node; 2], Type)> {
        let (left, right) = (self.expression(left, depth + 1), self.expression(right, depth + 1));
        let ((left, left_kind), (right, right_kind)) = (left?, right?);
        match (left_kind, right_kind) {
            (Type::Int, Type::Double) => Some(([Node::ToDouble(Box::new(left)), right], Type::Double)),
            (Type::Double, Type::Int) => Some(([left, Node::ToDouble(Box::new(right))], Type::Double)),
            (a, b) if a == b => Some(([left, right], a)),
            (a, b) => {
                let message = format!("{} stands beside {}", a.name(), b.name());
                self.fail(expr, "type-mismatch", message, None);
                None
            }
        }
    }

    fn pair_of(
        &mut self,
        left: &IdedExpr,
        right: &IdedExpr,
        kind: Type,
        depth: usize,
    ) -> Option<Box<[Node; 2]>> {
        let (left, right) = (self.of_kind(left, kind, depth), self.of_kind(right, kind, depth));
        Some(Box::new([left?, right?]))
    }

    fn number(&mut self, expr: &IdedExpr, depth: usize) -> Checked {
        let (node, kind) = self.expression(expr, depth + 1)?;
        match kind {
            Type::Int | Type::Double => Some((node, kind)),
            Type::Bool | Type::Text => {
                self.fail(expr, "type-mismatch", format!("a number is needed, not {}", kind.name()), None)
            }
        }
    }

    fn of_kind(&mut self, expr: &IdedExpr, wanted: Type, depth: usize) -> Option<Node> {
        let (node, kind) = self.expression(expr, depth + 1)?;
        match (wanted, kind) {
            (Type::Double, Type::Int) => Some(Node::ToDouble(Box::new(node))),
            (wanted, kind) if wanted == kind => Some(node),
            (wanted, kind) => {
                let message = format!("{} is needed, not {}", wanted.name(), kind.name());
                self.fail(expr, "type-mismatch", message, None);
                None
            }
        }
    }

    fn unknown_call(&mut self, expr: &IdedExpr, name: &str) -> Checked {
        let name = name.trim_matches(['_', '@']);
        let message = format!("`{name}` cannot be used like this");
        self.fail(
            expr,
            "unknown-function",
            message,
            Some("docs/RULES.md shows operators and functions".to_owned()),
        )
    }

    fn fail(
        &mut self,
        expr: &IdedExpr,
        code: &'static str,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Checked {
        let problem = Problem { bytes: self.bytes(expr), code, message: message.into(), help };
        self.problems.push(problem);
        None
    }

    /// Where a part stands. The parser counts characters and tells of a call
    /// or an operator only where its sign stands.
    fn bytes(&self, expr: &IdedExpr) -> Range<usize> {
        let Some((start, last)) = self.info.offset_for(expr.id) else { return 0..self.source.len() };
        let byte = |chars: u32| {
            self.source.char_indices().nth(chars as usize).map_or(self.source.len(), |(byte, _)| byte)
        };
        byte(start)..byte(last.max(start).saturating_add(1))
    }
}

/// How a member access was written.
fn dotted(expr: &IdedExpr) -> String {
    let mut parts = Vec::new();
    let mut at = expr;
    loop {
        #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum; anything else ends the chain")]
        match &at.expr {
            Expr::Select(select) => {
                parts.push(select.field.as_str());
                at = &select.operand;
            }
            Expr::Ident(name) => {
                parts.push(name);
                break;
            }
            _ => break,
        }
    }
    parts.reverse();
    parts.join(".")
}
