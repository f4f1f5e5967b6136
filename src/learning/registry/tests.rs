//! Parts of the registry on their own: what is capped, where rulings are split, which
//! gates fail, and what may be promoted.

use super::{
    compare::Comparison,
    stored::{StoredSample, cap, sets_of},
    training::split,
    *,
};
use crate::{
    learning::Sample,
    types::{Body, Comment, Label, PerLabel, SiteId, VerdictId},
};

fn ruling(n: usize, text: &str, author: u8, reviewer: &str, at: i64) -> StoredSample {
    let labels = PerLabel::from_fn(|label| (label == Label::Spam).then_some(true));
    StoredSample {
        site: SiteId::new("news").unwrap(),
        verdict: VerdictId::generate(),
        at: Timestamp::from_micros(at),
        reviewer: KeyId::new(reviewer).unwrap(),
        author: Some([author; 16]),
        sample: Sample {
            id: format!("c{n}"),
            comment: Comment::of(Body::new(text.to_owned()).unwrap()),
            article: None,
            labels,
            group: n as u64,
            under: String::new(),
            lang: String::new(),
            section: String::new(),
            kind: String::new(),
            posted: String::new(),
        },
    }
}

#[test]
fn one_text_author_or_reviewer_teaches_so_much() {
    let copies: Vec<_> = (0..50).map(|n| ruling(n, "Buy it", n as u8, "m1", n as i64)).collect();
    let (kept, capped) = cap(copies);
    assert_eq!((kept.len(), capped.copies), (20, 30));
    let one_author: Vec<_> = (0..80).map(|n| ruling(n, &format!("text {n}"), 7, "m1", n as i64)).collect();
    let (kept, capped) = cap(one_author);
    assert_eq!((kept.len(), capped.author), (50, 30));
    let of = |n: usize| match n {
        0..900 => "m1",
        900..950 => "m2",
        _ => "m3",
    };
    let many: Vec<_> =
        (0..1_000).map(|n| ruling(n, &format!("text {n}"), (n % 250) as u8, of(n), n as i64)).collect();
    let (kept, capped) = cap(many.clone());
    assert_eq!((kept.len(), capped.reviewer), (600, 400));
    let mut turned = many;
    turned.reverse();
    let names = |samples: Vec<StoredSample>| {
        let mut names: Vec<String> = samples.into_iter().map(|one| one.sample.id).collect();
        names.sort();
        names
    };
    assert_eq!(names(cap(turned).0), names(kept), "no order matters");
}

#[test]
fn rulings_are_split_by_time_and_moments_stay_whole() {
    let at = |moments: &[i64]| -> Vec<StoredSample> {
        moments.iter().enumerate().map(|(n, &at)| ruling(n, &format!("text {n}"), 1, "m1", at)).collect()
    };
    let hundred: Vec<i64> = (0..100).collect();
    assert_eq!(split(&at(&hundred), 20, None), (80, false));
    let tied: Vec<i64> = (0..100).map(|n| if n < 70 { n } else { 70 + i64::from(n > 90) }).collect();
    assert_eq!(split(&at(&tied), 20, None), (91, false), "rulings of one moment stay on one side");
    let active = |n: i64| Some(Timestamp::from_micros(n));
    assert_eq!(split(&at(&hundred), 20, active(50)), (80, false));
    assert_eq!(split(&at(&hundred), 20, active(95)), (80, true), "too few are left that it did not see");
    let thousand: Vec<i64> = (0..2_000).collect();
    assert_eq!(split(&at(&thousand), 20, active(1_750)), (1_751, false));
}

#[test]
fn sets_tell_of_their_samples_only() {
    let rulings = |turn: bool| {
        let mut all: Vec<_> = (0..9).map(|n| ruling(n, &format!("text {n}"), 1, "m1", n as i64)).collect();
        if turn {
            all.reverse();
            all.iter_mut().for_each(|one| one.at = Timestamp::from_micros(5));
        }
        all
    };
    let (a, b) = (sets_of(&rulings(false)), sets_of(&rulings(true)));
    assert_eq!((&a[0].name, &a[0].sha256), (&b[0].name, &b[0].sha256));
    assert_eq!(a[0].name, "site-news");
}

fn row(by: &'static str, part: &str, better: f64, interval: [f64; 2]) -> Comparison {
    Comparison {
        by,
        part: part.to_owned(),
        target: "overall",
        figure: "wrong",
        comments: 100,
        candidate: 0.1 - better,
        active: 0.1,
        better,
        interval,
    }
}

fn failed(report: &TrainingReport) -> Vec<String> {
    report.judge().into_iter().filter(|gate| !gate.passed).map(|gate| gate.name).collect()
}

fn fine() -> TrainingReport {
    TrainingReport {
        data: DataReport { stored: 1_000, held_out: 200, held_out_bad: 80, ..DataReport::default() },
        comparisons: vec![row("all", "", 0.01, [0.0, 0.02]), row("language", "en", -0.05, [-0.12, 0.01])],
        evasion: Some(EvasionReport { active: Some(0.7), candidate: Some(0.68) }),
        ..TrainingReport::default()
    }
}

#[test]
fn a_gate_fails_for_what_is_worse_and_not_by_chance() {
    assert!(failed(&fine()).is_empty(), "chance could say so: {:?}", failed(&fine()));
    let mut worse = fine();
    worse.comparisons.push(row("section", "sport", -0.05, [-0.09, -0.01]));
    assert_eq!(failed(&worse), ["slices/section"]);
    let gates = worse.judge();
    let gate = gates.iter().find(|gate| gate.name == "slices/section").unwrap();
    assert!(gate.message.contains("sport"), "{}", gate.message);
    let mut few = fine();
    few.data.held_out_bad = 195;
    assert_eq!(failed(&few), ["data/enough"]);
    let mut torn = fine();
    torn.data.conflicting = 80;
    assert_eq!(failed(&torn), ["data/conflicts"]);
    let mut easy = fine();
    easy.evasion = Some(EvasionReport { active: Some(0.7), candidate: Some(0.5) });
    assert_eq!(failed(&easy), ["evasion/recall"]);
    let effect = |recall, good_kept| Effect { log_loss: 0.2, recall, good_kept };
    let mut poisoned = fine();
    poisoned.poison = Some(PoisonReport {
        batch: 50,
        stored: 1_000,
        judged: 400,
        without: effect(0.9, 0.97),
        with: effect(0.91, 0.95),
        recall_interval: [-0.01, 0.03],
        good_kept_interval: [-0.03, -0.01],
        reviewers: vec![ReviewerEffect {
            reviewer: "m7".into(),
            rulings: 40,
            contradicting: 12,
            without_them: effect(0.9, 0.97),
        }],
        ..PoisonReport::default()
    });
    assert_eq!(failed(&poisoned), ["poison/newest_batch"]);
    let gates = poisoned.judge();
    let gate = gates.iter().find(|gate| gate.name == "poison/newest_batch").unwrap();
    assert!(gate.message.ends_with("without the rulings of m7 they would not"));
    let mut by_chance = poisoned.clone();
    by_chance.poison.as_mut().unwrap().good_kept_interval = [-0.05, 0.01];
    assert!(failed(&by_chance).is_empty());
    let contradicted = |batch, contradicting| {
        let mut report = fine();
        let (stored, old, contradicting_old) = (3_000, 400, 4);
        let poison =
            PoisonReport { batch, stored, contradicting, old, contradicting_old, ..PoisonReport::default() };
        report.poison = Some(poison);
        failed(&report)
    };
    assert!(contradicted(30, 30).is_empty(), "1 %");
    assert_eq!(contradicted(150, 150), ["poison/contradictions"], "5 %");
    assert!(contradicted(1_500, 70).is_empty(), "as many as old rulings show");
}

#[test]
fn an_override_names_a_gate_that_fails_and_says_why() {
    let gate = |name: &str, passed| Gate {
        name: name.into(),
        passed,
        value: None,
        limit: None,
        message: "x".into(),
    };
    let now = Timestamp::from_micros(1);
    let model = ModelRecord {
        id: ModelId::new("abc").unwrap(),
        stage: Stage::Candidate,
        staged_at: now,
        origin: Origin::Imported,
        created_at: now,
        created_by: None,
        bytes: 1,
        compared_with: None,
        gates: vec![gate("a/a", true), gate("b/b", false), gate("c/c", false)],
        learnt_until: None,
    };
    let wish = |gates: &[&str], reason: &str| Wish {
        reason: reason.into(),
        overridden: gates.iter().map(|gate| (*gate).to_owned()).collect(),
        expected: None,
    };
    let check = |wish: &Wish| Models::admit(&model, wish).map_err(|error| error.to_string());
    assert_eq!(check(&wish(&["b/b", "c/c"], "known")), Ok(()));
    assert!(check(&wish(&["b/b"], "known")).unwrap_err().contains("c/c: x"));
    assert!(check(&wish(&["b/b", "c/c"], " ")).unwrap_err().contains("must say why"));
    assert!(check(&wish(&["a/a"], "known")).unwrap_err().contains("\"a/a\" is none of them"));
}
