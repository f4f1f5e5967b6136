//! Tests of the protocols. May import: what `plan` may.

use super::*;
use crate::types::{Body, Comment, PerLabel};

fn set(name: &str, n: usize) -> DataSet {
    let samples = (0..n).map(|i| {
        let mut labels = PerLabel::default();
        labels[Label::Spam] = Some(i % 4 == 0);
        Sample {
            id: format!("{name}/{i}"),
            comment: Comment::of(Body::new(format!("comment {i}")).expect("a body")),
            article: None,
            labels,
            group: i as u64 % 3,
            under: format!("article {}", i % 3),
            lang: "en".into(),
            section: String::new(),
            kind: String::new(),
            posted: if i % 10 == 9 { String::new() } else { format!("2024-01-{:02}", 28 - i % 28) },
        }
    });
    DataSet { name: name.into(), samples: samples.collect(), sha256: String::new() }
}

fn plan(protocol: Protocol) -> Plan {
    let plan = Plan::new(&protocol, vec![set("a", 40), set("b", 20)], Vec::new()).expect("a plan");
    for fold in &plan.folds {
        assert!(fold.test.iter().all(|p| !fold.train.contains(p)), "{protocol:?}: a comment judges itself");
    }
    plan
}

fn judged_of<'a>(plan: &'a Plan, set: &str) -> Vec<&'a str> {
    let folds = plan.folds.iter().filter(|f| f.set == set);
    let mut ids: Vec<&str> = folds.flat_map(|f| &f.test).map(|&p| plan.pool[p].1.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn folds_judge_each_comment_once_with_the_same_share_of_labels() {
    let plan = plan(Protocol::Folds { folds: 5, repeat: 1, seed: 1 });
    assert_eq!(plan.folds.len(), 10);
    let judged = judged_of(&plan, "a");
    let mut once = judged.clone();
    once.dedup();
    assert_eq!((judged.len(), once.len()), (40, 40));
    for fold in plan.folds.iter().filter(|f| f.set == "a") {
        let spam = fold.test.iter().filter(|&&p| plan.pool[p].1.labels[Label::Spam] == Some(true)).count();
        assert_eq!((fold.test.len(), spam, fold.train.len()), (8, 2, 32));
    }
}

#[test]
fn splits_differ_by_seed_and_only_by_seed() {
    let splits = |seed| plan(Protocol::Splits { splits: 2, share: 0.2, seed }).folds;
    let (one, two) = (splits(1), splits(2));
    assert_eq!(one, splits(1));
    assert_eq!(one[1].test, two[0].test, "seeds count up");
    assert_ne!(one[0].test, one[1].test);
    assert_eq!(one[0].test.len(), 8);
}

#[test]
fn a_group_is_judged_by_the_others() {
    let plan = plan(Protocol::LeaveOneGroupOut);
    assert_eq!(plan.folds.len(), 6);
    for fold in &plan.folds {
        assert!(fold.test.iter().all(|&p| plan.pool[p].1.under == fold.name));
        assert!(fold.train.iter().all(|&p| plan.pool[p].1.under != fold.name));
    }
}

#[test]
fn the_past_judges_the_present() {
    let plan = plan(Protocol::ByTime { share: 0.25 });
    let fold = &plan.folds[0];
    let time = |p: &usize| plan.pool[*p].1.posted.as_str();
    assert!(fold.train.iter().map(time).max() <= fold.test.iter().map(time).min());
    assert_eq!(fold.train.len() + fold.test.len(), 36, "those without a time are left out");
}

#[test]
fn a_set_is_judged_by_the_other_sets() {
    let plan = plan(Protocol::LeaveOneSetOut);
    assert!(plan.folds[0].train.iter().all(|&p| plan.pool[p].0 == "b"));
    assert_eq!(plan.folds[0].test.len(), 40);
}

#[test]
fn alone_learns_from_the_set_of_its_name() {
    let sets = vec![set("a", 8), set("b", 8)];
    let plan = Plan::new(&Protocol::Alone, sets, vec![set("b", 12), set("a", 16)]).expect("a plan");
    assert_eq!(plan.folds.iter().map(|f| f.train.len()).collect::<Vec<_>>(), [16, 12]);
    let missing = Plan::new(&Protocol::Alone, vec![set("c", 8)], vec![set("b", 12)]);
    assert!(matches!(missing, Err(LearningError::Configuration(text)) if text.contains("set c")));
}

#[test]
fn what_cannot_be_split_is_said() {
    let one = Plan::new(&Protocol::LeaveOneSetOut, vec![set("a", 8)], Vec::new());
    assert!(matches!(one, Err(LearningError::Configuration(_))));
    assert!(matches!(
        Plan::new(&Protocol::ByTime { share: 0.2 }, Vec::new(), Vec::new()),
        Err(LearningError::Configuration(_))
    ));
}

#[test]
fn a_runners_splits_are_read_and_filled_up() {
    let dir = tempfile::tempdir().expect("a folder");
    let fold = dir.path().join("sms/random");
    fs::create_dir_all(&fold).expect("made");
    let line =
        |id: &str, label: &str| format!("{{\"id\":\"{id}\",\"text\":\"free cash\",\"label\":\"{label}\"}}\n");
    fs::write(fold.join("train.jsonl"), line("a/1", "spam") + &line("x", "ham")).expect("written");
    fs::write(fold.join("test.jsonl"), line("a/2", "spam")).expect("written");
    let plan = Plan::from_folder(dir.path(), &[set("a", 4)], &mut Articles::default()).expect("a plan");
    let Fold { set, name, train, test } = &plan.folds[0];
    assert_eq!((set.as_str(), name.as_str(), train.len(), test.len()), ("sms", "random", 2, 1));
    let filled = &plan.pool[test[0]].1;
    assert_eq!((filled.under.as_str(), filled.labels[Label::Spam]), ("article 2", Some(true)));
    assert!(plan.pool[train[1]].1.under.is_empty(), "an unknown id stays as it was");
}
