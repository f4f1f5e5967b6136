//! Tests of expressions: what they mean, what is refused and where, that the
//! largest allowed are harmless, and that they agree with the `cel` crate.

use super::*;
use crate::{
    features::{
        Context, Subject,
        signals::{self, Signals},
    },
    text::Document,
    types::{Body, Comment, Markup},
};
use proptest::prelude::*;

/// Decides `source` for a fixed comment: links/count 3, honeypot empty, named
/// "Ann", language absent, 1.5 s, no author link.
fn holds(source: &str) -> bool {
    let expression = Expression::compile(source).unwrap_or_else(|p| panic!("{source}: {p:?}"));
    with_facts(|facts| expression.holds(facts))
}

fn with_facts<R>(look: impl FnOnce(&Facts<'_>) -> R) -> R {
    let text = "Visit MY shop";
    let mut comment = Comment::of(Body::new(text.to_owned()).unwrap());
    comment.author.name = Some("Ann".to_owned());
    comment.request.honeypot_filled = Some(false);
    comment.request.form_seconds = Some(1.5);
    let mut document = Document::default();
    document.read(text, Markup::Plain);
    let context = Context::default();
    let subject = Subject { comment: &comment, document: &document, context: &context };
    let mut signals = Signals::default();
    signals.set(signals::find("links/count").unwrap(), 3.0);
    look(&Facts { language: None, ..Facts::new(&subject, &signals) })
}

#[test]
fn expressions_mean_what_they_say() {
    #[rustfmt::skip]
    let cases = [
        ("links_count > 2.0",                               true),
        ("links_count > 2",                                 true),
        ("links_count == 3 && !honeypot",                   true),
        ("2 < links_count && links_count < 2.5",            false),
        ("links_count / 2 == 1.5",                          true),
        ("7 / 2 == 3 && known(body)",                       true),
        ("7 % 2 == 1 && known(body)",                       true),
        ("-links_count < -2.5",                             true),
        ("links_count in [1, 2, 3]",                        true),
        ("size(author_name) == 3",                          true),
        ("author_name.size() in [1, 3]",                    true),
        ("author_name in ['Bob', 'Ann']",                   true),
        ("body.contains('MY') && folded.contains('my')",    true),
        ("body.startsWith('Visit') && body.endsWith(\"shop\")", true),
        ("honeypot ? links_count > 9 : form_seconds < 2",   true),
        // Absent data: unknown, decided only where it cannot matter.
        ("language == 'en'",                                false),
        ("language != 'en'",                                false),
        ("!(language == 'en')",                             false),
        ("language == 'en' || links_count > 2",             true),
        ("links_count > 2 || language == 'en'",             true),
        ("!(language == 'en' && links_count > 5)",          true),
        ("known(language)",                                 false),
        ("!known(author_url)",                              true),
        // What cannot be computed does not match.
        ("1 / 0 == 1 || known(language)",                   false),
        ("9223372036854775807 + 1 > 0 || known(language)",  false),
        ("// a note\nlinks_count > 2",                      true),
    ];
    for (source, want) in cases {
        assert_eq!(holds(source), want, "{source}");
    }
}

#[test]
fn mistakes_are_found_where_they_are() {
    #[rustfmt::skip]
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("link_count > 2.0",                 &[("unknown-name", "link_count")]),
        ("links.count > 2.0",                &[("unknown-name", ".")]),
        ("nope > 2.0 && nada < 1",           &[("unknown-name", "nope"), ("unknown-name", "nada")]),
        ("links_count",                      &[("type-mismatch", "links_count")]),
        ("links_count > 'x'",                &[("type-mismatch", ">")]),
        ("body && true",                     &[("type-mismatch", "body")]),
        ("body < 'x'",                       &[("type-mismatch", "<")]),
        ("links_count % 2 == 0",             &[("type-mismatch", "%")]),
        ("body == 'ä' && bodi == 'x'",       &[("unknown-name", "bodi")]),
        ("true",                             &[("constant-expression", "true")]),
        ("1 < 2",                            &[("constant-expression", "1 < 2")]),
        ("links_count in [1, 'x']",          &[("type-mismatch", "'x'")]),
        ("links_count in body",              &[("type-mismatch", "body")]),
        ("known(1)",                         &[("type-mismatch", "1")]),
        ("links_count > 1u",                 &[("type-mismatch", "1u")]),
        ("links_count >",                    &[("bad-expression", "")]),
        ("links_count > 2)",                 &[("bad-expression", ")")]),
        ("body.matches('x')",                &[("unknown-function", "matches")]),
        ("size(body, body) > 1",             &[("unknown-function", "(")]),
        ("body[0] == 'x'",                   &[("unknown-function", "[")]),
    ];
    for (source, want) in cases {
        let problems = Expression::compile(source).expect_err(source);
        let got: Vec<_> = problems.iter().map(|p| (p.code, &source[p.bytes.clone()])).collect();
        assert_eq!(got, *want, "{source}: {problems:?}");
    }
}

/// The largest expressions that the limits allow.
fn largest() -> Vec<String> {
    let list = (0..64).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    vec![
        "links_count".to_owned() + &"+1.0".repeat(63) + ">0.0",
        "1+".repeat(61) + "1>0&&honeypot",
        format!("{}honeypot{}", "(".repeat(16), ")".repeat(16)),
        format!("{}links_count > 1.0{}", "!(".repeat(16), ")".repeat(16)),
        "!".repeat(64) + "honeypot",
        format!("{}links_count > 0.0", "-".repeat(0)),
        format!("links_count in [{list}]"),
        "honeypot?true:".repeat(32) + "true",
        "honeypot||".repeat(64) + "honeypot",
        "honeypot&&honeypot||".repeat(32) + "honeypot",
        format!("{}body{}", "size(".repeat(16), ")".repeat(16)),
        format!("body.contains('{}')", "(".repeat(900)),
        "a.".repeat(64) + "b == 1",
        "[".repeat(16) + &"]".repeat(16),
        "{1:".repeat(16) + "1" + &"}".repeat(16),
    ]
}

#[test]
fn the_largest_expressions_need_little_stack_to_decide() {
    for source in largest() {
        let compiled = Expression::compile(&source);
        // Some are refused; none may end the process. Deciding must fit a
        // thread far smaller than any that a server uses.
        let Ok(expression) = compiled else { continue };
        let small = thread::Builder::new().stack_size(256 << 10);
        let decided = small.spawn(move || with_facts(|facts| expression.holds(facts))).unwrap().join();
        assert!(decided.is_ok(), "{source}");
    }
}

#[test]
fn parsing_has_room_even_without_the_limits() {
    // The stack suffices for the worst that 1 KiB can hold; the operator and
    // nesting limits only add to that.
    for source in
        ["1+".repeat(511) + "1", "(".repeat(500) + "1" + &")".repeat(500), "!".repeat(1000) + "true"]
    {
        let parser = thread::Builder::new().stack_size(PARSER_STACK);
        assert!(parser.spawn(move || drop(cel::Program::compile(&source))).unwrap().join().is_ok());
    }
}

/// Well-formed expressions over what [`with_facts`] knows.
fn expressions() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("links_count".to_owned()),
        Just("form_seconds".to_owned()),
        (0..5_u8).prop_map(|n| format!("{n}.0")),
    ];
    let number = number.prop_recursive(2, 6, 2, |inner| {
        (inner.clone(), prop_oneof![Just("+"), Just("-"), Just("*"), Just("/")], inner)
            .prop_map(|(a, op, b)| format!("({a} {op} {b})"))
    });
    let text = prop_oneof![Just("body"), Just("author_name"), Just("'Ann'"), Just("'MY'"), Just("\"x\"")];
    let leaf = prop_oneof![
        Just("honeypot".to_owned()),
        Just("true".to_owned()),
        (
            number.clone(),
            prop_oneof![Just("<"), Just("<="), Just(">"), Just(">="), Just("=="), Just("!=")],
            number
        )
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (text.clone(), prop_oneof![Just("=="), Just("!=")], text.clone())
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (text.clone(), prop_oneof![Just("contains"), Just("startsWith"), Just("endsWith")], text.clone())
            .prop_map(|(a, f, b)| format!("{a}.{f}({b})")),
        (text.clone(), 0..15_u8).prop_map(|(a, n)| format!("size({a}) < {n}")),
        text.prop_map(|a| format!("{a} in ['Ann', 'x']")),
        Just("language == 'en'".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} || {b}")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

/// What the `cel` crate's interpreter makes of it.
fn reference(source: &str) -> bool {
    let mut context = cel::Context::default();
    context.add_variable_from_value("links_count", 3.0);
    context.add_variable_from_value("form_seconds", 1.5);
    context.add_variable_from_value("honeypot", false);
    context.add_variable_from_value("body", "Visit MY shop");
    context.add_variable_from_value("author_name", "Ann");
    let value = cel::Program::compile(source).unwrap().execute(&context);
    matches!(value, Ok(cel::Value::Bool(true)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The interpreter of the `cel` crate and ours agree, absent data included.
    #[test]
    fn decisions_agree_with_the_reference(source in expressions()) {
        prop_assume!(caps::check(&source).is_ok());
        match Expression::compile(&source) {
            Ok(expression) => {
                prop_assert_eq!(with_facts(|facts| expression.holds(facts)), reference(&source), "{}", source);
            }
            Err(problems) => {
                prop_assert!(problems.iter().all(|p| p.code == "constant-expression"), "{source}: {problems:?}");
            }
        }
    }

    /// Whatever stands there: an answer, and no panic.
    #[test]
    fn any_text_is_compiled_or_refused(source in "[ a-z0-9_.()\\[\\]!&|<>=+*/%?:,'\"-]{0,60}") {
        if let Err(problems) = Expression::compile(&source) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(source.get(problem.bytes.clone()).is_some(), "{:?}", problem);
            }
        }
    }
}
