//! Which items a queue shows, and queues that a site gave a name.
//!
//! Knows nothing of stores. May import: nothing of ours.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Action, ArticleId, CampaignId, Cause, KeyId, Label, Probability, QueueItem, QueueName, QueueOrder, Role,
    Timestamp,
};

/// Which items are wanted. Fields that are set must all hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueFilter {
    /// Whose most probable label is this.
    pub label: Option<Label>,
    /// Under articles of this section.
    pub section: Option<String>,
    /// In this language, as the verdict guessed it: a BCP 47 tag.
    pub language: Option<String>,
    /// Whose overall probability is at least this.
    pub score_from: Option<Probability>,
    /// Whose overall probability is below this; 1 lets everything through.
    pub score_below: Option<Probability>,
    /// On which the rule with this code spoke.
    pub rule: Option<String>,
    /// That have waited at least this long.
    pub waited_at_least: Option<Duration>,
    /// That have waited less than this.
    pub waited_less_than: Option<Duration>,
    /// By the author with this digest.
    pub author: Option<[u8; 16]>,
    /// Under this article.
    pub article: Option<ArticleId>,
    /// Of this campaign.
    pub campaign: Option<CampaignId>,
    /// Waiting for this cause, perhaps among others.
    pub cause: Option<Cause>,
    /// Whose verdict did this.
    pub action: Option<Action>,
}

impl QueueFilter {
    /// Whether the filter lets an item through at `now`.
    #[must_use]
    pub fn admits(&self, item: &QueueItem, now: Timestamp) -> bool {
        let Self {
            label,
            section,
            language,
            score_from,
            score_below,
            rule,
            waited_at_least,
            waited_less_than,
            author,
            article,
            campaign,
            cause,
            action,
        } = self;
        let waited = now.since(item.waiting_since);
        let below = |limit: Probability| limit.get() >= 1.0 || item.overall < limit;
        label.is_none_or(|label| item.label() == label)
            && section.as_ref().is_none_or(|section| item.section.as_ref() == Some(section))
            && language.as_ref().is_none_or(|language| item.language.as_ref() == Some(language))
            && score_from.is_none_or(|from| item.overall >= from)
            && score_below.is_none_or(below)
            && rule.as_ref().is_none_or(|rule| item.rules.contains(rule))
            && waited_at_least.is_none_or(|least| waited >= least)
            && waited_less_than.is_none_or(|most| waited < most)
            && author.is_none_or(|author| item.author == Some(author))
            && article.as_ref().is_none_or(|article| item.article.as_ref() == Some(article))
            && campaign.is_none_or(|campaign| item.campaign == Some(campaign))
            && cause.is_none_or(|cause| item.causes.has(cause))
            && action.is_none_or(|action| item.action == action)
    }
}

/// Who may do something with a queue: any of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audience {
    /// Keys with one of these roles.
    pub roles: Vec<Role>,
    /// These keys.
    pub keys: Vec<KeyId>,
}

impl Audience {
    /// Whether a key with this role belongs to it. Leads and admins always do, and
    /// so does everybody when nobody is named.
    #[must_use]
    pub fn admits(&self, key: &KeyId, role: Role) -> bool {
        matches!(role, Role::Lead | Role::Admin)
            || (self.roles.is_empty() && self.keys.is_empty())
            || self.roles.contains(&role)
            || self.keys.contains(key)
    }
}

/// A queue with a name: a saved filter, an order and a promise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedQueue {
    /// Its name within the site.
    pub name: QueueName,
    /// Name shown to people; at most 200 bytes.
    pub display_name: String,
    /// What it shows.
    pub filter: QueueFilter,
    /// In which order.
    pub order: QueueOrder,
    /// The age that no item should reach: the service level. `None` promises nothing.
    pub target_age: Option<Duration>,
    /// Who may look.
    pub viewers: Audience,
    /// Who may claim and decide.
    pub actors: Audience,
    /// Grows by one with every change.
    pub version: u64,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_of_nobody_is_everybody() {
        let key = KeyId::new("m1").unwrap();
        assert!(Audience::default().admits(&key, Role::Moderator));
        let legal = Audience { roles: vec![], keys: vec![KeyId::new("legal").unwrap()] };
        assert!(!legal.admits(&key, Role::Moderator));
        assert!(legal.admits(&key, Role::Lead));
        assert!(legal.admits(&KeyId::new("legal").unwrap(), Role::Moderator));
    }
}
