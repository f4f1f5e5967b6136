//! Cases of [`crate::store::LessonStore`]: what rulings teach comes and goes with them.
//!
//! May import: `types`, `store`.

use super::samples::{at, comment, feedback, recorded, site, verdict};
use crate::{
    store::{LessonNews, NewDecision, NewVerdict, Outcome, SharedStore, UndoRequest},
    types::{
        Body, Causes, Decision, DecisionId, FeedbackSource, KeyId, Label, LabelScore, Lessons, LogOdds,
        PerLabel, ReasonCode, Ruling, Verdict,
    },
};

fn said(body: &str) -> Verdict {
    let labels = PerLabel::from_fn(|_| LabelScore { log_odds: LogOdds::new(-1.5), ..LabelScore::default() });
    let mut verdict = verdict("daily");
    verdict.body = Body::new(body.into()).unwrap();
    verdict.assessment.labels = labels;
    verdict
}

async fn queued(store: &SharedStore, body: &str) -> Verdict {
    let verdict = said(body);
    let queue =
        crate::store::Enqueue { causes: Causes::of(crate::types::Cause::Held), section: None, exposure: 1.0 };
    let new = NewVerdict { verdict: verdict.clone(), request: None, queue: Some(queue), campaign: None };
    store.record(vec![new]).await.pop().unwrap().unwrap();
    verdict
}

async fn decided(store: &SharedStore, on: &Verdict, outcome: Outcome) -> Decision {
    let new = NewDecision {
        id: DecisionId::generate(),
        item: on.id.into(),
        adopt: None,
        token: None,
        actor: KeyId::new("mod1").unwrap(),
        outcome,
        policy_clause: String::new(),
        note: String::new(),
        author: None,
        batch: None,
        request: None,
    };
    store.decide(&site("daily"), vec![new], at(10)).await.pop().unwrap().unwrap()
}

async fn undone(store: &SharedStore, decision: &Decision) {
    let undo = UndoRequest {
        id: DecisionId::generate(),
        reverses: decision.id,
        actor: KeyId::new("mod2").unwrap(),
        note: String::new(),
        batch: None,
        request: None,
    };
    store.undo(&site("daily"), vec![undo], at(20)).await.pop().unwrap().unwrap();
}

/// A node that follows the lessons of a site.
#[derive(Default)]
struct Node {
    number: u64,
    lessons: Lessons,
}

impl Node {
    async fn follow(&mut self, store: &SharedStore) -> &Lessons {
        if let Some(news) = store.lessons(&site("daily"), self.number).await.unwrap() {
            let LessonNews { number, anew, learnt, gone } = news;
            if anew {
                self.lessons = Lessons::default();
            }
            learnt.iter().for_each(|lesson| self.lessons.learn(lesson));
            gone.iter().for_each(|lesson| self.lessons.unlearn(lesson));
            self.number = number;
        }
        &self.lessons
    }
}

/// What a node that starts now knows.
async fn fresh(store: &SharedStore) -> Lessons {
    Node::default().follow(store).await.clone()
}

pub(crate) async fn a_lesson_comes_and_goes_with_its_decision(store: SharedStore) {
    let mut node = Node::default();
    assert!(node.follow(&store).await.is_empty());
    assert_eq!(store.lessons(&site("daily"), 0).await.unwrap(), None, "nothing new is a point read");
    let first = queued(&store, "cheap watches in my profile").await;
    let second = queued(&store, "the ferry was late again").await;
    decided(&store, &first, Outcome::Reject(ReasonCode::Spam)).await;
    let before = node.follow(&store).await.clone();
    assert!(!before.is_empty());
    let approval = decided(&store, &second, Outcome::Approve).await;
    assert_ne!(node.follow(&store).await, &before);
    undone(&store, &approval).await;
    assert_eq!(node.follow(&store).await, &before, "to the bit");
    assert_eq!(fresh(&store).await, before);
    assert!(store.lessons(&site("weekly"), 0).await.unwrap().is_none(), "of its site alone");
}

pub(crate) async fn what_came_and_went_unseen_is_no_lesson(store: SharedStore) {
    let mut node = Node::default();
    let first = queued(&store, "cheap watches in my profile").await;
    decided(&store, &first, Outcome::Reject(ReasonCode::Spam)).await;
    node.follow(&store).await;
    let second = queued(&store, "the ferry was late again").await;
    for _ in 0..3 {
        let approval = decided(&store, &second, Outcome::Approve).await;
        undone(&store, &approval).await;
    }
    let approval = decided(&store, &second, Outcome::Approve).await;
    assert_eq!(node.follow(&store).await, &fresh(&store).await);
    undone(&store, &approval).await;
    assert_eq!(node.follow(&store).await, &fresh(&store).await);
}

pub(crate) async fn one_comment_teaches_once(store: SharedStore) {
    let mut one = said("cheap watches in my profile");
    one.comment = Some(comment("c1"));
    let one = recorded(&store, one).await;
    let rule = async |on: &Verdict, ruling: Ruling| {
        let report = feedback(on.id, FeedbackSource::Moderator, ruling);
        store.add_feedback(&site("daily"), report, None).await.unwrap();
    };
    let spam = || Ruling::Reject(vec![Label::Spam]);
    rule(&one, spam()).await;
    let once = fresh(&store).await;
    assert!(!once.is_empty());
    let mut again = said("cheap watches in my profile");
    again.comment = Some(comment("c1"));
    let again = recorded(&store, again).await;
    rule(&again, spam()).await;
    assert_eq!(fresh(&store).await, once, "the newer ruling takes the place of the one before");
    rule(&again, Ruling::Approve).await;
    assert_ne!(fresh(&store).await, once);
    rule(&again, spam()).await;
    assert_eq!(fresh(&store).await, once);
}
