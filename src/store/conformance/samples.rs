//! Values to store in tests: small, distinct, valid.
//!
//! Knows no backend. May import: `types`, `store`.

use std::time::Duration;

use crate::{
    store::{NewVerdict, Recorded, RequestMark, SharedStore},
    types::{
        Action, ApiKey, Article, ArticleFields, ArticleId, Assessment, Body, CommentId, Feedback, FeedbackId,
        FeedbackSource, KeyId, LogOdds, Markup, PerLabel, Policy, Probability, Pseudonyms, QueueRules,
        RequestId, Role, Ruling, Site, SiteId, TallyKey, TallyKind, Timestamp, Verdict, VerdictId, Versions,
    },
};

pub(crate) fn site(name: &str) -> SiteId {
    SiteId::new(name).unwrap()
}

pub(crate) fn comment(name: &str) -> CommentId {
    CommentId::new(name).unwrap()
}

pub(crate) fn article_id(name: &str) -> ArticleId {
    ArticleId::new(name).unwrap()
}

/// `seconds` after a fixed day.
pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000).plus(Duration::from_secs(seconds))
}

pub(crate) fn tally(kind: TallyKind, value: u8) -> TallyKey {
    TallyKey { kind, digest: [value; 16] }
}

pub(crate) fn verdict(site_name: &str) -> Verdict {
    Verdict {
        id: VerdictId::generate(),
        site: site(site_name),
        action: Action::Hold,
        assessment: Assessment {
            labels: PerLabel::default(),
            overall: LogOdds::new(1.25),
            probability: Probability::new(0.5).unwrap(),
            reasons: Vec::new(),
            article_read: "none".into(),
            language: Some("en".into()),
            counterfactual: None,
        },
        versions: Versions { model: "m".into(), rules: "r".into(), policy: 1, normalizer: 1 },
        comment: None,
        body: Body::new("Fix or repair daily".into()).unwrap(),
        markup: Markup::Plain,
        author_id: None,
        author_name: Some("Ann".into()),
        author_url: None,
        pseudonyms: Pseudonyms { ip: Some([7; 16]), email: None },
        article: None,
        parent: None,
        parent_text: None,
        posted_at: None,
        created_at: at(0),
        requested_by: KeyId::new("cms1").unwrap(),
        tallies: vec![tally(TallyKind::Author, 1), tally(TallyKind::Text, 2)],
        shadow_hits: Vec::new(),
        trace: None,
    }
}

pub(crate) fn mark(id: u8, payload: u8) -> RequestMark {
    RequestMark {
        actor: KeyId::new("cms1").unwrap(),
        id: RequestId::from_bytes([id; 16]),
        payload: [payload; 32],
    }
}

pub(crate) fn plain(verdict: Verdict) -> NewVerdict {
    NewVerdict { verdict, request: None, queue: None, campaign: None }
}

pub(crate) fn marked(verdict: Verdict, mark: RequestMark) -> NewVerdict {
    NewVerdict { verdict, request: Some(mark), queue: None, campaign: None }
}

/// Records one verdict that must be new.
pub(crate) async fn recorded(store: &SharedStore, verdict: Verdict) -> Verdict {
    let mut results = store.record(vec![plain(verdict.clone())]).await;
    assert_eq!(results.pop().unwrap().unwrap(), Recorded::New);
    verdict
}

pub(crate) fn feedback(verdict: VerdictId, source: FeedbackSource, ruling: Ruling) -> Feedback {
    Feedback {
        id: FeedbackId::generate(),
        verdict,
        ruling,
        source,
        reporter: KeyId::new("mod1").unwrap(),
        note: "seen before".into(),
        created_at: at(60),
    }
}

pub(crate) fn article(name: &str, text: &str) -> Article {
    Article {
        id: article_id(name),
        fields: ArticleFields { title: "Summit".into(), text: text.into(), ..ArticleFields::default() },
        updated_at: at(0),
    }
}

pub(crate) fn site_row(name: &str) -> Site {
    Site {
        id: site(name),
        display_name: name.to_uppercase(),
        languages: vec!["en".into()],
        policy: Policy::default(),
        policy_version: 1,
        queue: QueueRules::default(),
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn key(id: &str) -> ApiKey {
    ApiKey {
        id: KeyId::new(id).unwrap(),
        digest: [9; 32],
        role: Role::Moderator,
        site: Some(site("daily")),
        note: "desk".into(),
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
        person: None,
    }
}
