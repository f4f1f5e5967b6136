//! Verdicts and labels on the wire.
//!
//! May import: `types`.

use std::borrow::Cow;

use super::{comment::write_markup, names, time};
use crate::{
    api::pb::{self, comment::ArticleSource},
    types::{
        Action, Assessment, Counterfactual, Label, LabelScore, Reason, ReasonSource, Span, Verdict, Versions,
    },
};

/// How much of a verdict an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Shape {
    /// The answer to a scoring call: reasons, but of the comment only the ids.
    Scored,
    /// The same for a preview, which has no name.
    Previewed,
    /// Without reasons, body and text of the parent.
    Basic,
    /// Everything that is kept.
    Full,
}

/// Writes a verdict.
pub(in crate::api) fn write(verdict: Verdict, shape: Shape) -> pb::Verdict {
    let (name, comment) = comment_of(&verdict, shape);
    let Verdict { action, assessment, versions, created_at, requested_by, shadow_hits, .. } = verdict;
    let Assessment { labels, overall, probability, reasons, article_read, language, counterfactual } =
        assessment;
    let Versions { model, rules, policy, normalizer } = versions;
    let (reasons, counterfactual) =
        if shape == Shape::Basic { (Vec::new(), None) } else { (reasons, counterfactual) };
    pb::Verdict {
        name,
        action: write_action(action).into(),
        probability: probability.get(),
        log_odds: overall.get(),
        labels: labels.iter().map(|(label, score)| write_score(label, *score)).collect(),
        reasons: reasons.into_iter().map(write_reason).collect(),
        article_read: write_article_read(&article_read).into(),
        language: language.map(Cow::into_owned).unwrap_or_default(),
        versions: Some(pb::Versions { model, rules, policy, normalizer }),
        comment: Some(comment),
        create_time: Some(time::write(created_at)),
        key_id: requested_by.into(),
        shadow_hits,
        counterfactual: counterfactual.map(|Counterfactual { code, message }| pb::Counterfactual {
            code: code.into_owned(),
            message: message.into_owned(),
        }),
    }
}

/// The name of a verdict and the part of its comment that is shown.
fn comment_of(verdict: &Verdict, shape: Shape) -> (String, pb::Comment) {
    let Verdict {
        id,
        site,
        action: _,
        assessment: _,
        versions: _,
        comment,
        body,
        markup,
        author_id,
        author_name,
        author_url,
        pseudonyms: _,
        article,
        parent,
        parent_text,
        posted_at,
        created_at: _,
        requested_by: _,
        tallies: _,
        shadow_hits: _,
        trace: _,
    } = verdict;
    let name = if shape == Shape::Previewed { String::new() } else { names::of_a_verdict(site, *id) };
    let article = article.as_ref().map(|id| ArticleSource::Article(names::of_an_article(site, id)));
    let ids = pb::Comment {
        comment_id: comment.as_ref().map(ToString::to_string).unwrap_or_default(),
        article_source: article,
        parent_comment_id: parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        ..pb::Comment::default()
    };
    if matches!(shape, Shape::Scored | Shape::Previewed) {
        return (name, ids);
    }
    let full = shape == Shape::Full;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let author = pb::Author {
        id: text(author_id),
        name: text(author_name),
        url: text(author_url),
        ..Default::default()
    };
    let comment = pb::Comment {
        body: if full { body.as_str().to_owned() } else { String::new() },
        markup: write_markup(*markup).into(),
        author: (author != pb::Author::default()).then_some(author),
        parent_text: if full { text(parent_text) } else { String::new() },
        post_time: posted_at.map(time::write),
        ..ids
    };
    (name, comment)
}

fn write_score(label: Label, score: LabelScore) -> pb::LabelScore {
    let LabelScore { log_odds, probability, base, rest, decisions: _ } = score;
    pb::LabelScore {
        label: write_label(label).into(),
        probability: probability.get(),
        log_odds: log_odds.get(),
        base: base.get(),
        rest: rest.get(),
    }
}

fn write_reason(reason: Reason) -> pb::Reason {
    let Reason { code, source, label, log_odds, message, value, span } = reason;
    let source = match source {
        ReasonSource::Signal => pb::ReasonSource::Signal,
        ReasonSource::Rule => pb::ReasonSource::Rule,
        ReasonSource::Text => pb::ReasonSource::Text,
    };
    pb::Reason {
        code: code.into_owned(),
        source: source.into(),
        label: write_label(label).into(),
        log_odds: log_odds.get(),
        message: message.into_owned(),
        value,
        span: span.map(|Span { start, end }| pb::TextSpan { start, end }),
    }
}

/// Scoring names what it read by a word; a word unknown here is not told.
fn write_article_read(word: &str) -> pb::ArticleRead {
    match word {
        "none" => pb::ArticleRead::None,
        "title" => pb::ArticleRead::Title,
        "summary" => pb::ArticleRead::Summary,
        "text" => pb::ArticleRead::Text,
        _ => pb::ArticleRead::Unspecified,
    }
}

/// Writes an action.
pub(super) const fn write_action(action: Action) -> pb::Action {
    match action {
        Action::Allow => pb::Action::Allow,
        Action::Hold => pb::Action::Hold,
        Action::Reject => pb::Action::Reject,
        Action::Discard => pb::Action::Discard,
    }
}

/// Reads an action; unspecified is none.
pub(super) const fn read_action(action: pb::Action) -> Option<Action> {
    match action {
        pb::Action::Unspecified => None,
        pb::Action::Allow => Some(Action::Allow),
        pb::Action::Hold => Some(Action::Hold),
        pb::Action::Reject => Some(Action::Reject),
        pb::Action::Discard => Some(Action::Discard),
    }
}

/// Writes a label.
pub(super) const fn write_label(label: Label) -> pb::Label {
    match label {
        Label::Spam => pb::Label::Spam,
        Label::LowContent => pb::Label::LowContent,
        Label::OffTopic => pb::Label::OffTopic,
        Label::Abuse => pb::Label::Abuse,
    }
}

/// Reads a label.
///
/// # Errors
///
/// What the field must be.
pub(super) fn read_label(number: i32) -> Result<Label, &'static str> {
    match pb::Label::try_from(number) {
        Ok(pb::Label::Spam) => Ok(Label::Spam),
        Ok(pb::Label::LowContent) => Ok(Label::LowContent),
        Ok(pb::Label::OffTopic) => Ok(Label::OffTopic),
        Ok(pb::Label::Abuse) => Ok(Label::Abuse),
        Ok(pb::Label::Unspecified) | Err(_) => Err("must be a known label"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::types::{
        ArticleId, Body, CommentId, KeyId, LogOdds, Markup, PerLabel, Pseudonyms, SiteId, Timestamp,
        VerdictId,
    };

    /// A verdict with every field set.
    fn verdict() -> Verdict {
        let two = LogOdds::new(2.0);
        let score = LabelScore { log_odds: two, probability: two.probability(), ..LabelScore::default() };
        let reason = Reason {
            code: "relevance/article_overlap".into(),
            source: ReasonSource::Signal,
            label: Label::OffTopic,
            log_odds: two,
            message: "0 of 4 words relate to the article".into(),
            value: Some(0.0),
            span: Some(Span::new(0, 3)),
        };
        Verdict {
            id: VerdictId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
            site: SiteId::new("news").unwrap(),
            action: Action::Hold,
            assessment: Assessment {
                labels: PerLabel::from_fn(|_| score),
                overall: two,
                probability: two.probability(),
                reasons: vec![reason],
                article_read: "text".into(),
                language: Some("en".into()),
                counterfactual: Some(Counterfactual {
                    code: "relevance/article".into(),
                    message: "It would be allowed if it related to the article.".into(),
                }),
            },
            versions: Versions { model: "aa".into(), rules: "bb".into(), policy: 3, normalizer: 1 },
            comment: CommentId::new("c-1").ok(),
            body: Body::new("Fix or repair daily".to_owned()).unwrap(),
            markup: Markup::Plain,
            author_id: None,
            author_name: Some("Ann".to_owned()),
            author_url: None,
            pseudonyms: Pseudonyms { ip: Some([7; 16]), email: None },
            article: ArticleId::new("42").ok(),
            parent: CommentId::new("c-0").ok(),
            parent_text: Some("What do you think?".to_owned()),
            posted_at: Some(Timestamp::from_micros(1)),
            created_at: Timestamp::from_micros(1_000_000),
            requested_by: KeyId::new("k1").unwrap(),
            tallies: Vec::new(),
            shadow_hits: vec!["rule/loud".into()],
            trace: None,
        }
    }

    #[test]
    fn each_shape_carries_what_it_says() {
        #[rustfmt::skip]
        let cases = [
            // shape, name, reasons, body, author
            (Shape::Scored,    true,  1, "",                    false),
            (Shape::Previewed, false, 1, "",                    false),
            (Shape::Basic,     true,  0, "",                    true),
            (Shape::Full,      true,  1, "Fix or repair daily", true),
        ];
        for (shape, named, reasons, body, author) in cases {
            let written = write(verdict(), shape);
            assert_eq!(written.name.is_empty(), !named, "{shape:?}");
            assert_eq!(written.reasons.len(), reasons, "{shape:?}");
            assert_eq!(written.counterfactual.is_some(), reasons > 0, "{shape:?}");
            assert_eq!(written.labels.len(), Label::COUNT, "{shape:?}");
            let comment = written.comment.unwrap();
            assert_eq!(comment.body, body, "{shape:?}");
            assert_eq!(comment.author.is_some(), author, "{shape:?}");
            assert_eq!(comment.comment_id, "c-1", "{shape:?}");
            assert_eq!((comment.ip.as_str(), comment.user_agent.as_str()), ("", ""), "{shape:?}");
        }
    }

    #[test]
    fn values_keep_their_meaning() {
        let written = write(verdict(), Shape::Full);
        assert_eq!(written.name, "sites/news/verdicts/01890a5d-ac96-774b-bcce-b302099a8057");
        assert_eq!(written.action(), pb::Action::Hold);
        assert_eq!(written.article_read(), pb::ArticleRead::Text);
        assert_eq!(written.labels[2].label(), pb::Label::OffTopic);
        assert_eq!(written.log_odds, 2.0);
        assert_eq!(written.shadow_hits, ["rule/loud"]);
        assert_eq!(written.reasons[0].span, Some(pb::TextSpan { start: 0, end: 3 }));
        for label in Label::ALL {
            assert_eq!(read_label(write_label(label).into()), Ok(label));
        }
        for action in Action::ALL {
            assert_eq!(read_action(write_action(action)), Some(action));
        }
        assert!(read_label(0).is_err() && read_label(77).is_err());
        assert_eq!(write_article_read("photograph"), pb::ArticleRead::Unspecified);
    }
}
