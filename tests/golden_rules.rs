//! Every mistake in a rule file is found at its place with its code, and the
//! reference in docs/RULES.md names every code.
//!
//! A case is a file of `tests/golden/rules/bad`: its first line is a comment
//! with each expected `line:column code`, in order, separated by commas.

use std::{collections::BTreeSet, fs, path::Path};

use tamis::rules::{RuleSet, Severity, Source};

fn cases() -> Vec<Source> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rules/bad");
    let sources = Source::read_all(&[dir]).expect("the cases are readable");
    assert!(sources.len() >= 20, "cases are missing");
    sources
}

#[test]
fn mistakes_are_found_where_they_are() {
    let mut wrong = Vec::new();
    for case in cases() {
        let expected: Vec<&str> = case
            .text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# "))
            .unwrap_or_else(|| panic!("{} does not say what it expects", case.name))
            .split(", ")
            .collect();
        let (set, found) = RuleSet::check(std::slice::from_ref(&case));
        let got: Vec<String> = found.iter().map(|d| format!("{}:{} {}", d.line, d.column, d.code)).collect();
        let has_errors = found.iter().any(|d| d.severity == Severity::Error);
        assert_eq!(set.is_none(), has_errors, "{}", case.name);
        if got != expected {
            let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
            wrong.push(format!("{}\nwant {expected:?}\ngot  {got:?}\n{}", case.name, shown.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_code_is_documented_and_has_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reference = fs::read_to_string(root.join("docs/RULES.md")).expect("docs/RULES.md");
    let documented: BTreeSet<&str> = reference
        .lines()
        .skip_while(|line| !line.starts_with("## Diagnostic codes"))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let mut seen = BTreeSet::new();
    for case in cases() {
        for diagnostic in RuleSet::check(&[case]).1 {
            seen.insert(diagnostic.code);
        }
    }
    // Too large to be committed as files; unit tests have them.
    for code in ["too-many-rules", "too-many-terms", "file-too-large", "set-too-large"] {
        seen.insert(code);
    }
    assert_eq!(documented, seen);
}

#[test]
fn limits_on_whole_sets_hold() {
    let code = |text: String| {
        let found = RuleSet::check(&[Source { name: "large".to_owned(), text }]).1;
        found.iter().map(|d| d.code).collect::<Vec<_>>()
    };
    let rule = |n: usize| format!("[[list]]\nname='r{n}'\nmessage='m'\nterms=['t{n}']\naction='HOLD'\n");
    assert_eq!(code((0..1000).map(rule).collect()), [""; 0]);
    assert_eq!(code((0..1001).map(rule).collect()), ["too-many-rules"]);
    let terms: Vec<String> = (0..10_001).map(|n| format!("'t{n}'")).collect();
    let list = |terms: &[String]| {
        format!("[[list]]\nname='r'\nmessage='m'\naction='HOLD'\nterms=[{}]\n", terms.join(","))
    };
    assert_eq!(code(list(&terms[..10_000])), [""; 0]);
    assert_eq!(code(list(&terms)), ["too-many-terms"]);
    assert_eq!(code(" ".repeat((4 << 20) + 1)), ["file-too-large"]);
    let large =
        |n: usize| format!("[[pattern]]\nname='p{n}'\nmessage='m'\naction='HOLD'\nregex='x{n}\\pL{{20}}'\n");
    assert_eq!(code((0..200).map(large).collect()), ["set-too-large"]);
}

#[test]
fn the_example_of_the_reference_is_sound() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reference = fs::read_to_string(root.join("docs/RULES.md")).expect("docs/RULES.md");
    let example = reference.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let text = example.expect("the reference has an example").to_owned();
    let (set, found) = RuleSet::check(&[Source { name: "docs/RULES.md".to_owned(), text }]);
    assert!(set.is_some() && found.is_empty(), "{found:?}");
}
