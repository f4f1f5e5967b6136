//! The text layer against golden cases that anyone can extend, clean text in
//! many languages, and properties that hold for every input.
//!
//! `tests/golden/evasion/*.case` holds one or more cases, separated by `===`:
//! metadata lines, `---`, the body, `---`, expectations. `tests/golden/README.md`
//! explains the form. Uses only the public interface of `tamis::text`.

#![expect(clippy::unwrap_used, reason = "a golden file that cannot be read fails its test")]

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use tamis::{
    text::{Contact, ContactKind, Counts, Document, Link, TokenKind, View, ViewKind},
    types::{Markup, Span},
};

fn golden(folder: &str, ending: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == ending))
        .collect();
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    files.into_iter().map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

/// Replaces `\u{200B}` by the character.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\u{") {
        let (code, after) = after.split_once('}').expect("an escape ends in }");
        out.push_str(before);
        out.push(char::from_u32(u32::from_str_radix(code, 16).expect("hexadecimal")).expect("a character"));
        rest = after;
    }
    out + rest
}

fn view_kind(name: &str) -> ViewKind {
    let find = |kind: &ViewKind| format!("{kind:?}").eq_ignore_ascii_case(name);
    ViewKind::ALL.into_iter().find(find).unwrap_or_else(|| panic!("no view is called {name}"))
}

macro_rules! count_by_name {
    ($counts:expr, $name:expr, $($field:ident)*) => {{
        // A field that is missing from the list does not compile.
        let Counts { $($field),* } = *$counts;
        match $name { $(stringify!($field) => $field,)* other => panic!("no count is called {other}") }
    }};
}

fn count(counts: &Counts, name: &str) -> u32 {
    count_by_name!(counts, name,
        chars letters uppercase digits whitespace emoji symbols exclamations currency shouted_words zero_width
        bidi_controls surplus_marks styled mixed_script_words skeleton_words leet_words joined_runs squeezed_runs
        invisible_chars lines markup_tags foreign_markup spintax images quotes escapes)
}

fn link_has(link: &Link, flag: &str) -> bool {
    match flag {
        "obfuscated" => link.obfuscated,
        "plain" => !link.obfuscated,
        "shortener" => link.shortener,
        "numeric" => link.numeric_host,
        "userinfo" => link.userinfo,
        "lookalike" => link.lookalike,
        "markup" => link.markup,
        other => panic!("no flag of links is called {other}"),
    }
}

fn contact_has(contact: &Contact, flag: &str) -> bool {
    match flag {
        "obfuscated" => contact.obfuscated,
        "plain" => !contact.obfuscated,
        messenger => contact.messenger == messenger,
    }
}

fn contact_kind(name: &str) -> ContactKind {
    match name {
        "phone" => ContactKind::Phone,
        "email" => ContactKind::Email,
        "handle" => ContactKind::Handle,
        other => panic!("no contact is called {other}"),
    }
}

/// Whether one expectation holds.
fn holds(document: &Document, body: &str, line: &str) -> bool {
    let (what, value) = line.split_once(':').unwrap_or((line, ""));
    let value = unescape(value.strip_prefix(' ').unwrap_or(value));
    let text = |name: &str| document.view(view_kind(name)).map_or("", View::text);
    let mut flags = value.split_whitespace();
    match what.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["view", name, "contains"] => text(name).contains(&value),
        ["view", name, "lacks"] => !text(name).contains(&value),
        ["view", name, "is"] => text(name) == value,
        ["no", "view", name] => document.view(view_kind(name)).is_none(),
        ["no", "link"] if value.is_empty() => document.links().is_empty(),
        ["no", "link"] => document.links().iter().all(|link| link.host != value),
        ["no", "contact"] => document.contacts().is_empty(),
        ["url"] => document.links().iter().any(|link| link.url == value),
        ["domain"] => document.links().iter().any(|link| link.domain == value),
        ["link"] => {
            let host = flags.next().expect("a host");
            document.links().iter().any(|l| l.host == host && flags.clone().all(|flag| link_has(l, flag)))
        }
        ["contact"] => {
            let kind = contact_kind(flags.next().expect("a kind"));
            let value = flags.next().expect("a value");
            let fits =
                |c: &Contact| c.kind == kind && c.value == value && flags.clone().all(|f| contact_has(c, f));
            document.contacts().iter().any(fits)
        }
        ["links"] => document.links().len() == value.parse::<usize>().unwrap(),
        ["contacts"] => document.contacts().len() == value.parse::<usize>().unwrap(),
        ["count", name, sign, number] => {
            let (count, number) = (count(document.counts(), name), number.parse().unwrap());
            match *sign {
                ">=" => count >= number,
                "=" => count == number,
                "<=" => count <= number,
                other => panic!("no comparison is called {other}"),
            }
        }
        ["token", name, kind] => {
            let view = document.view(view_kind(name)).expect("the view");
            view.tokens()
                .iter()
                .any(|t| view.word(*t) == value && format!("{:?}", t.kind).eq_ignore_ascii_case(kind))
        }
        ["language"] => document.language().map_or("none", |guess| guess.lang) == value,
        ["invisible", "contains"] => document.invisible().contains(&value),
        ["identity", "is"] => identity(document) == value,
        ["span", name] => {
            let (part, submitted) = value.split_once(" => ").expect("a part of the view => its origin");
            let view = document.view(view_kind(name)).expect("the view");
            let start = view.text().find(part).expect("the part stands in the view") as u32;
            view.submitted(Span::new(start, start + part.len() as u32)).of(body) == Some(submitted)
        }
        _ => panic!("not an expectation: {line}"),
    }
}

fn identity(document: &Document) -> String {
    let mut out = String::new();
    document.identity(&mut out);
    out
}

#[test]
fn every_evasion_case_holds() {
    let mut failures = Vec::new();
    let mut document = Document::default();
    for (file, content) in golden("evasion", "case") {
        for case in content.split("\n===\n") {
            let mut parts = case.splitn(3, "\n---\n");
            let head = parts.next().unwrap();
            let body = unescape(parts.next().unwrap_or_else(|| panic!("{file} has a body")));
            let expectations = parts.next().unwrap_or_else(|| panic!("{file} has expectations"));
            let markup = match head.lines().find_map(|l| l.strip_prefix("markup: ")).unwrap_or("plain") {
                "plain" => Markup::Plain,
                "html" => Markup::Html,
                "markdown" => Markup::Markdown,
                "bbcode" => Markup::Bbcode,
                other => panic!("no markup is called {other}"),
            };
            document.read(&body, markup);
            for line in expectations.lines().filter(|l| !l.trim().is_empty()) {
                if !holds(&document, &body, line) {
                    failures.push(format!("{file}: {line}\n{}", describe(&document)));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn describe(document: &Document) -> String {
    let views: Vec<_> = ViewKind::ALL
        .into_iter()
        .filter_map(|kind| document.view(kind).map(|view| format!("  {kind:?}: {:?}", view.text())))
        .collect();
    format!(
        "{}\n  {:?}\n  {:?}\n  {:?}\n  {:?}",
        views.join("\n"),
        document.links(),
        document.contacts(),
        document.counts(),
        document.language()
    )
}

/// Clean text in any language has no other views, links, contacts or tricks,
/// and its language is guessed rightly or not at all. The file name is the
/// language.
#[test]
fn clean_text_stays_as_it_is() {
    let mut failures = Vec::new();
    let mut document = Document::default();
    let (mut whole, mut guessed) = (0, 0);
    let files = golden("clean", "txt");
    assert!(files.len() >= 20, "clean text in 20 languages");
    for (file, content) in &files {
        let lang = file.split(['.', '-']).next().unwrap();
        for paragraph in std::iter::once(content.as_str()).chain(content.lines().filter(|l| !l.is_empty())) {
            document.read(paragraph, Markup::Plain);
            let others =
                ViewKind::ALL.into_iter().skip(2).filter(|kind| document.view(*kind).is_some()).count();
            let counts = document.counts();
            let tricks = counts.zero_width + counts.mixed_script_words + counts.styled + counts.surplus_marks;
            if others + document.links().len() + document.contacts().len() + tricks as usize > 0 {
                failures.push(format!("{file}: {paragraph}\n{}", describe(&document)));
            }
            if let Some(guess) = document.language()
                && guess.lang != lang
            {
                failures.push(format!("{file}: taken for {}: {paragraph}", guess.lang));
            }
        }
        document.read(content, Markup::Plain);
        whole += 1;
        guessed += usize::from(document.language().is_some());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(guessed * 10 >= whole * 9, "{guessed} of {whole} languages guessed");
}

/// Pieces that stress every step; strings of them are nastier than random ones.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "a", "Z", "e", "0", "5", " ", "  ", "\n", "\t", ".", ",", ":", "/", "//", "@", "-", "_", "(", ")", "[", "]", "<", ">",
    "{", "|", "}", "&", "&amp;", "&#58;", "&#x", "&lt;", ";", "%41", "%", "#", "!", "?", "'", "\"", "*", "**", "`", "~~",
    "$", "€", "+", "=", "\\", "\0", "\u{7}", "\u{85}", "\u{a0}", "\u{ad}", "\u{300}", "\u{301}", "\u{338}", "\u{323}",
    "\u{5bc}", "\u{640}", "\u{653}", "\u{e38}", "\u{1100}", "\u{1161}", "\u{11a8}", "\u{ac00}", "\u{3099}", "か", "ガ",
    "\u{200b}", "\u{200d}", "\u{202e}", "\u{feff}", "\u{fe0f}", "\u{20e3}", "\u{fdfa}", "\u{fb01}", "\u{130}", "ß", "ẞ",
    "Σ", "ς", "ö", "é", "ñ", "а", "о", "Ж", "і", "α", "μ", "ا", "ل", "ش", "ש", "क", "्", "ष", "ก", "ำ", "中", "文", "가",
    "ㅋ", "ﾊ", "ﾞ", "Ａ", "ｚ", "．", "＆", "；", "＜", "＞", "［", "𝗙", "𝓮", "ⓕ", "🅴", "🇫", "🇷", "👍", "🏽", "👩", "💻", "🟢",
    "http", "https://", "hxxp", "www.", "example.com", "dot", "punkt", "at", "com", "whatsapp", "tele", "gram", "t.me/",
    "one", "plus", "<b>", "</b>", "<a href=", "<span style='display:none'>", "[url=", "[/url]", "[b]", "[/b]", "[i]",
    "[/i]", "](", "![", "> ", "```", "c a s h", "l.o.a.n", "fr33", "xn--", "555", "0100",
];

fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => (proptest::sample::select(PIECES), 2..40_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn any_markup() -> impl Strategy<Value = Markup> {
    proptest::sample::select(vec![Markup::Plain, Markup::Html, Markup::Markdown, Markup::Bbcode])
}

/// Spans are inside the body and on character boundaries, outputs are bounded.
fn check_shape(document: &Document, body: &str) {
    let inside = |span: Span| assert!(span.of(body).is_some(), "{span:?} of {body:?}");
    for view in ViewKind::ALL.into_iter().filter_map(|kind| document.view(kind)) {
        assert!(view.text().len() <= 4 * body.len(), "a view grew to {}", view.text().len());
        let mut last = 0;
        for token in view.tokens() {
            assert!(
                !view.word(*token).is_empty() && token.span.start >= last,
                "{token:?} of {:?}",
                view.text()
            );
            last = token.span.end;
            inside(view.submitted(token.span));
        }
        for (at, c) in view.text().char_indices() {
            inside(view.submitted(Span::new(at as u32, (at + c.len_utf8()) as u32)));
        }
    }
    assert!(document.links().len() <= 64 && document.contacts().len() <= 64 && document.quotes().len() <= 64);
    document.links().iter().for_each(|link| inside(link.span));
    document.contacts().iter().for_each(|contact| inside(contact.span));
    document.quotes().iter().for_each(|quote| inside(*quote));
}

fn folded(document: &Document) -> String {
    document.view(ViewKind::Folded).unwrap().text().to_owned()
}

fn check_idempotent(document: &mut Document, body: &str, markup: Markup) {
    document.read(body, markup);
    check_shape(document, body);
    let once = folded(document);
    document.read(&once, Markup::Plain);
    assert_eq!(folded(document), once, "folding {body:?} again");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_within_bounds_and_folds_once(body in ".{0,200}", markup in any_markup()) {
        check_idempotent(&mut Document::default(), &body, markup);
    }

    #[test]
    fn nasty_text_is_read_within_bounds_and_folds_once(body in nasty(), markup in any_markup()) {
        check_idempotent(&mut Document::default(), &body, markup);
    }

    #[test]
    fn a_reused_document_reads_like_a_new_one(first in nasty(), second in nasty(), markup in any_markup()) {
        let mut reused = Document::default();
        reused.read(&first, markup);
        reused.read(&second, markup);
        let mut new = Document::default();
        new.read(&second, markup);
        prop_assert_eq!(describe(&reused), describe(&new));
        prop_assert_eq!(identity(&reused), identity(&new));
        prop_assert_eq!(reused.invisible(), new.invisible());
    }
}

/// 64 KiB of anything takes at most a fixed multiple of 64 KiB of prose.
#[test]
fn hostile_text_takes_linear_time() {
    let mut document = Document::default();
    let mut slowest = (0, String::new());
    let extra = [
        "a.",
        "a .",
        "a@",
        ". ",
        "a b c d ",
        "1 2 3 ",
        "h t t p : / / ",
        "one ",
        "x dot com ",
        "[.]",
        "a dot ",
        "telegram ",
        "tele gram ",
        "@a ",
        "c\u{338}",
        "a\u{200b}",
        "{a|b}",
        "a1",
        "(dot)",
        "https://a.b/",
        "aaa",
        "1-",
        "а o ",
        "wh",
        "w ",
        "+1 ",
        "b@b.com ",
        "a. ",
        "- ",
        "\u{fdfa}",
        "🟢a",
        "<b>",
        "&amp;amp;amp;amp;",
    ];
    for piece in PIECES.iter().chain(&extra) {
        let body = piece.repeat(65_536 / piece.len());
        for markup in [Markup::Plain, Markup::Html, Markup::Markdown, Markup::Bbcode] {
            let started = std::time::Instant::now();
            document.read(&body, markup);
            let took = started.elapsed().as_millis();
            if took > slowest.0 {
                slowest = (took, format!("{piece:?} in {markup:?}"));
            }
        }
    }
    // Unoptimised and beside other tests; a quadratic step takes minutes.
    assert!(slowest.0 < 1_500, "{} ms for {}", slowest.0, slowest.1);
}

#[test]
fn what_lies_beyond_the_cap_is_not_read() {
    let mut document = Document::default();
    document.read(&"word ".repeat(100_000), Markup::Plain);
    assert!(document.view(ViewKind::Original).unwrap().text().len() <= 65_536);
    document.read(&"é".repeat(65_535), Markup::Plain);
    assert_eq!(document.counts().chars, 32_768);
}

#[test]
fn tokens_are_of_the_right_kind() {
    let mut document = Document::default();
    #[rustfmt::skip]
    let cases: &[(&str, &[(&str, TokenKind)])] = &[
        ("don't", &[("don't", TokenKind::Word)]),
        ("3.5 4K", &[("3.5", TokenKind::Number), ("4K", TokenKind::Number)]),
        ("B2B!!!", &[("B2B", TokenKind::Word), ("!!!", TokenKind::Symbol)]),
        ("你好a", &[("你", TokenKind::Ideograph), ("好", TokenKind::Ideograph), ("a", TokenKind::Word)]),
        ("👩\u{200d}💻🇫🇷", &[("👩\u{200d}💻", TokenKind::Emoji), ("🇫🇷", TokenKind::Emoji)]),
        ("한국어", &[("한국어", TokenKind::Word)]),
        ("ไป", &[("ไ", TokenKind::Ideograph), ("ป", TokenKind::Ideograph)]),
    ];
    for (text, want) in cases {
        document.read(text, Markup::Plain);
        let view = document.view(ViewKind::Original).unwrap();
        let got: Vec<_> = view.tokens().iter().map(|t| (view.word(*t), t.kind)).collect();
        assert_eq!(got, *want, "{text}");
    }
}

#[test]
fn identity_forgets_spacing_and_case_and_knows_nothing_of_little() {
    let mut document = Document::default();
    document.read("Great   POST,\n friends", Markup::Plain);
    assert_eq!(identity(&document), "great post, friends");
    document.read("b u y  n o w", Markup::Plain);
    assert_eq!(identity(&document), "buy now");
    document.read("ok!!! :-)", Markup::Plain);
    assert_eq!(identity(&document), "");
}
