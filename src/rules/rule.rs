//! One rule as read from a file: whose, when, on what text, with what effect.
//!
//! Knows neither how files are written nor how rules are matched.
//! May import: `types`, `text`, `features`.

use crate::{
    features::{Context, Subject, signals::Signals},
    text::{Document, ViewKind},
    types::{Comment, SiteId, Span, Timestamp},
};

use super::{Effect, Hit, diagnostic::At, expression::Expression, facts::Facts, patterns::Pattern};

/// Whether and how a rule takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Being written: checked, never evaluated.
    Draft,
    /// Evaluated and reported, without effect.
    Shadow,
    /// In force.
    Live,
    /// Over: checked, never evaluated.
    Expired,
}

impl State {
    pub(super) const NAMES: [(&'static str, Self); 4] =
        [("DRAFT", Self::Draft), ("SHADOW", Self::Shadow), ("LIVE", Self::Live), ("EXPIRED", Self::Expired)];

    /// The name in files.
    pub(super) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, state)| *state == self).map_or("", |(name, _)| name)
    }

    /// Whether rules in this state are evaluated.
    pub(super) const fn evaluated(self) -> bool {
        match self {
            Self::Shadow | Self::Live => true,
            Self::Draft | Self::Expired => false,
        }
    }
}

/// The text that a list or a pattern looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// The comment itself, by views.
    Body,
    /// The author's name, by views.
    AuthorName,
    /// The author's link, lower case.
    AuthorUrl,
    /// The author's e-mail address, lower case.
    AuthorEmail,
    /// Each link of the body, lower case.
    LinkUrl,
    /// The host of each link of the body and of the author's link. Lists match
    /// it whole or by its parent domains.
    LinkDomain,
    /// Each contact found in the body: digits, address or handle.
    Contact,
    /// The client's user agent, lower case.
    UserAgent,
}

impl Field {
    pub(super) const NAMES: [(&'static str, Self); 8] = [
        ("body", Self::Body),
        ("author_name", Self::AuthorName),
        ("author_url", Self::AuthorUrl),
        ("author_email", Self::AuthorEmail),
        ("link_url", Self::LinkUrl),
        ("link_domain", Self::LinkDomain),
        ("contact", Self::Contact),
        ("user_agent", Self::UserAgent),
    ];

    /// Whether it is read in several views.
    pub(super) const fn has_views(self) -> bool {
        match self {
            Self::Body | Self::AuthorName => true,
            Self::AuthorUrl
            | Self::AuthorEmail
            | Self::LinkUrl
            | Self::LinkDomain
            | Self::Contact
            | Self::UserAgent => false,
        }
    }
}

/// The views that a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Views {
    /// One.
    One(ViewKind),
    /// Folded, and every view that differs from it.
    Any,
}

impl Views {
    pub(super) const NAMES: [(&'static str, Self); 7] = [
        ("original", Self::One(ViewKind::Original)),
        ("folded", Self::One(ViewKind::Folded)),
        ("skeleton", Self::One(ViewKind::Skeleton)),
        ("leet", Self::One(ViewKind::Leet)),
        ("joined", Self::One(ViewKind::Joined)),
        ("squeezed", Self::One(ViewKind::Squeezed)),
        ("any", Self::Any),
    ];
}

/// A set of texts: pairs of a field and, where it has views, a view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Targets(u32);

impl Targets {
    /// The text of a field, in a view if it has views.
    pub(super) const fn of(field: Field, view: ViewKind) -> Self {
        let bit = match field {
            Field::Body => view as u32,
            Field::AuthorName => 6 + view as u32,
            Field::AuthorUrl => 12,
            Field::AuthorEmail => 13,
            Field::LinkUrl => 14,
            Field::LinkDomain => 15,
            Field::Contact => 16,
            Field::UserAgent => 17,
        };
        Self(1 << bit)
    }

    /// The texts that a rule on `field` in `views` looks at.
    pub(super) fn new(field: Field, views: Views) -> Self {
        match views {
            Views::One(view) => Self::of(field, view),
            Views::Any => ViewKind::ALL
                .into_iter()
                .filter(|view| *view != ViewKind::Original)
                .fold(Self::default(), |all, view| all.with(Self::of(field, view))),
        }
    }

    /// Both together.
    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether they share a text.
    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// Where a term may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boundary {
    /// As whole words.
    Word,
    /// At the beginning of a word.
    Prefix,
    /// Anywhere, inside words too.
    Anywhere,
}

impl Boundary {
    pub(super) const NAMES: [(&'static str, Self); 3] =
        [("word", Self::Word), ("prefix", Self::Prefix), ("anywhere", Self::Anywhere)];
}

/// How a rule decides.
#[derive(Debug)]
pub(super) enum Test {
    /// One of the terms stands in the text. Terms are read like the text.
    List { field: Field, targets: Targets, boundary: Boundary, terms: Vec<String> },
    /// The regular expression matches the text.
    Pattern { targets: Targets, pattern: Pattern },
    /// The expression is true.
    Expression(Expression),
}

/// A comment that a rule must match, or must let pass.
#[derive(Debug)]
pub(super) struct Example {
    /// Where it is written.
    pub(super) at: At,
    /// Whether the rule must match it.
    pub(super) matches: bool,
    /// The comment.
    pub(super) comment: Comment,
    /// The signals stated; others are absent.
    pub(super) signals: Signals,
    /// Its language, when stated.
    pub(super) language: Option<String>,
    /// How much of the article was read, when stated.
    pub(super) article_read: Option<String>,
}

impl Example {
    /// Shows the comment to `look`.
    pub(super) fn run<R>(&self, look: impl FnOnce(&Facts<'_>) -> R) -> R {
        let mut document = Document::default();
        document.read(self.comment.body.as_str(), self.comment.markup);
        let context = Context::default();
        let subject = Subject { comment: &self.comment, document: &document, context: &context };
        let read = Facts::new(&subject, &self.signals);
        look(&Facts {
            language: self.language.as_deref().or(read.language),
            article_read: self.article_read.as_deref().unwrap_or(read.article_read),
            ..read
        })
    }
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its name, unique in the set.
    pub(super) name: String,
    /// What moderators read.
    pub(super) message: String,
    /// What it does.
    pub(super) effect: Effect,
    /// Whether it takes part.
    pub(super) state: State,
    /// The site it is for; all when absent.
    pub(super) site: Option<SiteId>,
    /// Who answers for it.
    pub(super) owner: Option<String>,
    /// Why it is there.
    pub(super) note: Option<String>,
    /// From this moment on it is silent.
    pub(super) expires: Option<Timestamp>,
    /// Whether it ends by itself when no expiry is stated.
    pub(super) emergency: bool,
    /// How it decides.
    pub(super) test: Test,
    /// What its author expects of it.
    pub(super) examples: Vec<Example>,
}

impl Rule {
    /// The rule as one that matched. `of_site`: it stands in the set of a site.
    pub(super) fn hit(&self, of_site: bool, span: Option<Span>) -> Hit<'_> {
        Hit {
            name: &self.name,
            effect: &self.effect,
            message: &self.message,
            shadow: self.state == State::Shadow,
            site_rule: of_site || self.site.is_some(),
            span,
        }
    }
}

impl Test {
    /// The table it is written in.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::List { .. } => "list",
            Self::Pattern { .. } => "pattern",
            Self::Expression(_) => "expression",
        }
    }

    /// Whether it looks at what is not kept with verdicts.
    pub(super) fn looks_at_unkept(&self) -> bool {
        let unkept = Targets::of(Field::AuthorEmail, ViewKind::Folded)
            .with(Targets::of(Field::UserAgent, ViewKind::Folded));
        match self {
            Self::List { targets, .. } | Self::Pattern { targets, .. } => targets.meets(unkept),
            Self::Expression(expression) => expression.looks_at_unkept(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_its_own_bit() {
        let mut all = Targets::default();
        for (_, field) in Field::NAMES {
            let views: &[ViewKind] = if field.has_views() { &ViewKind::ALL } else { &[ViewKind::Folded] };
            for view in views {
                let one = Targets::of(field, *view);
                assert!(!all.meets(one), "{field:?} {view:?}");
                all = all.with(one);
            }
        }
    }

    #[test]
    fn any_view_leaves_out_the_original() {
        let any = Targets::new(Field::Body, Views::Any);
        assert!(!any.meets(Targets::of(Field::Body, ViewKind::Original)));
        assert!(any.meets(Targets::of(Field::Body, ViewKind::Squeezed)));
        assert!(!any.meets(Targets::of(Field::AuthorName, ViewKind::Folded)));
    }
}
