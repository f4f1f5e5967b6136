//! Tests of whole rule sets.

use super::*;
use crate::{
    features::{Context, signals},
    text::Document,
    types::{Body, Comment, Label},
};

fn source(text: &str) -> Source {
    Source { name: "test.toml".to_owned(), text: text.to_owned() }
}

fn parse(text: &str) -> RuleSet {
    RuleSet::parse(&[source(text)]).unwrap_or_else(|found| {
        panic!("{}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"))
    })
}

/// Names of the rules that match, with what is marked in the body.
fn hits(set: &RuleSet, comment: &Comment, site: Option<&str>, now: Option<i64>) -> Vec<(String, String)> {
    let mut document = Document::default();
    let body = comment.body.as_str();
    document.read(body, comment.markup);
    let context = Context::default();
    let subject = Subject { comment, document: &document, context: &context };
    let mut signals = Signals::default();
    signals.set(signals::find("links/count").unwrap(), 2.0);
    let site = site.map(|site| SiteId::new(site).unwrap());
    let mut found = Vec::new();
    set.evaluate(&subject, &signals, site.as_ref(), now.map(Timestamp::from_micros), &mut |hit| {
        let marked = hit.span.and_then(|span| span.of(body)).unwrap_or("-");
        found.push((hit.name.to_owned() + if hit.shadow { " (shadow)" } else { "" }, marked.to_owned()));
    });
    found
}

fn comment(body: &str) -> Comment {
    Comment::of(Body::new(body.to_owned()).unwrap())
}

const SET: &str = r#"
[[pattern]]
name = "phone"
message = "m"
regex = '\d{3}-\d{4}'
weight = { spam = 1.0 }

[[list]]
name = "casino"
message = "m"
terms = """
casino
  # a remark
Free  Spins
"""
weight = { spam = 1 }

[[expression]]
name = "links"
message = "m"
when = "links_count > 1"
action = "HOLD"

[[list]]
name = "watched"
message = "m"
terms = ["casino"]
weight = { spam = 1.0 }
state = "SHADOW"

[[list]]
name = "draft"
message = "m"
terms = ["casino"]
weight = { spam = 1.0 }
state = "DRAFT"

[[list]]
name = "over"
message = "m"
terms = ["casino"]
weight = { spam = 1.0 }
state = "EXPIRED"

[[list]]
name = "here-only"
message = "m"
terms = ["casino"]
weight = { spam = -1.0 }
site = "here"

[[expression]]
name = "until-noon"
message = "m"
when = "links_count > 1"
weight = { spam = 1.0 }
expires = 1970-01-01T12:00:00Z
"#;

#[test]
fn rules_match_in_order_and_once() {
    let set = parse(SET);
    let comment = comment("Casino! CASINO, free\nspins: 555-0100, 555-0101");
    let want = [
        ("phone", "555-0100"),
        ("casino", "Casino"),
        ("links", "-"),
        ("watched (shadow)", "Casino"),
        ("until-noon", "-"),
    ];
    let want: Vec<_> = want.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!(hits(&set, &comment, None, None), want);
}

#[test]
fn sites_and_expiry_select_rules() {
    let set = parse(SET);
    let comment = comment("casino");
    let names =
        |site, now| hits(&set, &comment, site, now).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let has = |site, now, name: &str| names(site, now).iter().any(|n| n == name);
    assert!(has(Some("here"), None, "here-only"));
    assert!(!has(Some("there"), None, "here-only"));
    assert!(has(None, Some(43_199_999_999), "until-noon"));
    assert!(!has(None, Some(43_200_000_000), "until-noon"));
}

#[test]
fn effects_and_owners_are_kept() {
    let set = parse(
        r#"
        [[list]]
        name = "a"
        message = "Says a."
        terms = ["a"]
        weight = { spam = 1.5, abuse = -0.25 }
        action = "ALLOW"
        owner = "desk"
        note = "since May"
        site = "here"
        "#,
    );
    let rule = set.rules().next().unwrap();
    assert_eq!(rule.effect.weights[Label::Spam], LogOdds::new(1.5));
    assert_eq!(rule.effect.weights[Label::Abuse], LogOdds::new(-0.25));
    assert_eq!(rule.effect.action, Some(Action::Allow));
    assert_eq!((rule.state, rule.owner, rule.note), ("LIVE", Some("desk"), Some("since May")));
    assert_eq!(rule.site.map(SiteId::as_str), Some("here"));
}

#[test]
fn the_id_is_of_the_content() {
    let one = "[[list]]\nname='a'\nmessage='m'\nterms=['a']\naction='HOLD'\n";
    let two = one.replace("'a'", "'b'");
    let id = |sources: &[(&str, &str)]| {
        let sources: Vec<_> = sources
            .iter()
            .map(|(name, text)| Source { name: (*name).into(), text: (*text).into() })
            .collect();
        RuleSet::parse(&sources).unwrap().id().to_owned()
    };
    assert_eq!(id(&[("x", one), ("y", &two)]), id(&[("y", &two), ("x", one)]));
    assert_eq!(id(&[("x", one)]), id(&[("x", &one.replace('\n', "\r\n"))]));
    assert_ne!(id(&[("x", one)]), id(&[("x", &two)]));
    assert_ne!(id(&[("x", one)]), RuleSet::empty().id());
    assert_eq!(RuleSet::empty().id().len(), 16);
}

#[test]
fn the_author_and_links_are_looked_at_too() {
    let set = parse(
        r#"
        [[list]]
        name = "name"
        message = "m"
        field = "author_name"
        terms = ["Cheap Loans"]
        action = "HOLD"
        [[list]]
        name = "domain"
        message = "m"
        field = "link_domain"
        terms = ["www.Bad.example"]
        action = "HOLD"
        [[pattern]]
        name = "agent"
        message = "m"
        field = "user_agent"
        regex = '^Python-requests/\d'
        action = "HOLD"
        [[list]]
        name = "mail"
        message = "m"
        field = "author_email"
        terms = ["@mailinator.example"]
        match = "anywhere"
        action = "HOLD"
        "#,
    );
    let mut comment = comment("hello");
    assert_eq!(hits(&set, &comment, None, None), []);
    comment.author.name = Some("cheap LOANS".into());
    comment.author.url = Some("http://Shop.bad.example/x".into());
    comment.author.email = Some("Joe@Mailinator.example".into());
    comment.request.user_agent = Some("python-requests/2.31".into());
    let names: Vec<_> = hits(&set, &comment, None, None).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["name", "domain", "agent", "mail"]);
}

#[test]
fn the_starter_set_is_sound() {
    let (set, diagnostics) = RuleSet::check(&[Source::starter()]);
    let shown: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
    assert!(diagnostics.is_empty(), "{}", shown.join("\n\n"));
    let set = set.unwrap();
    assert_eq!(set.id(), RuleSet::starter().id());
    for rule in &set.global.compiled.rules {
        for matches in [true, false] {
            let has = rule.examples.iter().any(|example| example.matches == matches);
            assert!(has, "{} has no example with matches = {matches}", rule.name);
        }
        assert!(rule.owner.is_some() && rule.message.ends_with('.'), "{}", rule.name);
        assert_eq!(rule.effect.action.is_some(), rule.name == "honeypot-filled", "{}", rule.name);
    }
}

#[test]
fn the_starter_set_leaves_plain_comments_alone() {
    let set = RuleSet::starter();
    for body in [
        "Well said",
        "Putin is right",
        "fake news",
        "I think that the summit changes little: both sides said the same in March, and gas still flows.",
        "Das sehe ich anders, aber danke für den Artikel.",
        "Мне кажется, автор прав.",
    ] {
        let mut found = hits(&set, &comment(body), None, None);
        found.retain(|(name, _)| name != "link-only");
        assert_eq!(found, [], "{body}");
    }
}

const OWN: &str = "[[list]]\nname = \"own\"\nmessage = \"m\"\nterms = [\"casino\"]\naction = \"ALLOW\"\n";

#[test]
fn sites_have_sets_of_their_own() {
    let global =
        parse("[[list]]\nname = \"all\"\nmessage = \"m\"\nterms = [\"casino\"]\naction = \"HOLD\"\n");
    let news = SiteId::new("news").unwrap();
    let layered = global.with_own([(news.clone(), parse(OWN))]);
    let casino = comment("a casino");
    let found =
        |site| hits(&layered, &casino, site, None).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(found(Some("news")), ["all", "own"]);
    assert_eq!(found(Some("daily")), ["all"]);
    assert_eq!(found(None), ["all"]);
    assert_eq!(layered.version(Some(&news)), format!("{}+{}", global.id(), parse(OWN).id()));
    assert_eq!(layered.version(None), global.id());
    assert_eq!(layered.own(&news).unwrap().id(), parse(OWN).id());
    assert_eq!(layered.with_own(layered.owners()).version(Some(&news)), layered.version(Some(&news)));
    let mut ranks = Vec::new();
    layered.recall(Some(&news), &["all".to_owned(), "own".to_owned()], &mut |hit| {
        ranks.push((hit.name.to_owned(), hit.site_rule));
    });
    assert_eq!(ranks, [("all".to_owned(), false), ("own".to_owned(), true)]);
}

#[test]
fn emergency_rules_end_by_themselves() {
    let text = "[[list]]\nname = \"a\"\nmessage = \"m\"\nterms = [\"casino\"]\naction = \"HOLD\"\nemergency = true\n";
    let start = Timestamp::from_micros(1_000);
    let set = parse(text).since(start);
    let end = start.plus(EMERGENCY_TERM).micros();
    let casino = comment("a casino");
    let found = |set: &RuleSet, now| hits(set, &casino, None, Some(now)).len();
    assert_eq!((found(&set, end - 1), found(&set, end)), (1, 0));
    assert_eq!(set.rules().next().unwrap().expires, Some(Timestamp::from_micros(end)));
    // A stated expiry is the operator's own.
    let stated = parse(&format!("{text}expires = 2100-01-01T00:00:00Z\n")).since(start);
    assert_eq!(found(&stated, end), 1);
}
