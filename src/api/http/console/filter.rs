//! The filter in the address of a page, and the request it makes.
//!
//! What it makes is a message of the API, so that `convert` checks it as it checks any
//! client's. May import: `api::{convert, pb}`.

use serde::{Deserialize, Serialize};

use crate::api::pb;

/// Rows of a page of the list.
const PAGE: i32 = 100;

/// What a page shows; empty means anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FilterQuery {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) label: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) cause: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) action: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) article: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) section: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) language: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) author: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) rule: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) campaign: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) min: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) max: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) order: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) state: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) queue: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) page: String,
    /// One item, by its id: shown whatever the filter says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) item: String,
    /// How many items are wanted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) count: String,
}

/// The number of a constant by the end of its name; one that no enum has when unknown,
/// so that the check of the field refuses it.
fn number<E: TryFrom<i32> + Into<i32>>(prefix: &str, name: &str, of: fn(&str) -> Option<E>) -> i32 {
    match name {
        "" => 0,
        name => of(&format!("{prefix}_{}", name.to_uppercase())).map_or(-1, Into::into),
    }
}

fn share(text: &str) -> Option<f64> {
    (!text.is_empty()).then(|| text.parse().unwrap_or(-1.0))
}

impl FilterQuery {
    /// Whether anything is left out by it.
    pub(super) fn is_set(&self) -> bool {
        let Self {
            label, cause, action, article, section, language, author, rule, campaign, min, max, ..
        } = self;
        [label, cause, action, article, section, language, author, rule, campaign, min, max]
            .into_iter()
            .any(|field| !field.is_empty())
    }

    /// The filter of the API.
    pub(super) fn filter(&self, site: &str) -> pb::QueueItemFilter {
        let under = |collection: &str, id: &String| match id.as_str() {
            "" => String::new(),
            id => format!("sites/{site}/{collection}/{id}"),
        };
        pb::QueueItemFilter {
            label: number("LABEL", &self.label, pb::Label::from_str_name),
            cause: number("QUEUE_CAUSE", &self.cause, pb::QueueCause::from_str_name),
            action: number("ACTION", &self.action, pb::Action::from_str_name),
            article: under("articles", &self.article),
            section: self.section.clone(),
            language: self.language.clone(),
            author_id: self.author.clone(),
            rule: self.rule.clone(),
            campaign: under("campaigns", &self.campaign),
            min_probability: share(&self.min),
            max_probability: share(&self.max),
            min_wait: None,
            max_wait: None,
        }
    }

    fn parent(&self, site: &str) -> String {
        match self.queue.as_str() {
            "" => format!("sites/{site}"),
            queue => format!("sites/{site}/queues/{queue}"),
        }
    }

    fn order(&self) -> i32 {
        number("QUEUE_ORDER", &self.order, pb::QueueOrder::from_str_name)
    }

    /// The request of a page of the list.
    pub(super) fn list(&self, site: &str) -> pb::ListQueueItemsRequest {
        pb::ListQueueItemsRequest {
            parent: self.parent(site),
            filter: Some(self.filter(site)),
            order: self.order(),
            state: number("QUEUE_ITEM_STATE", &self.state, pb::QueueItemState::from_str_name),
            read_mask: None,
            page_size: PAGE,
            page_token: self.page.clone(),
        }
    }

    /// The request that claims the next `count` items.
    pub(super) fn claim(&self, site: &str, count: i32) -> pb::ClaimQueueItemsRequest {
        pb::ClaimQueueItemsRequest {
            parent: self.parent(site),
            filter: Some(self.filter(site)),
            order: self.order(),
            items: Vec::new(),
            max_items: count,
            lease_duration: None,
            request_id: String::new(),
        }
    }

    /// The request that claims one item.
    pub(super) fn claim_item(site: &str, item: &str) -> pb::ClaimQueueItemsRequest {
        pb::ClaimQueueItemsRequest {
            parent: format!("sites/{site}"),
            filter: None,
            items: vec![format!("sites/{site}/queueItems/{item}")],
            max_items: 0,
            ..pb::ClaimQueueItemsRequest::default()
        }
    }

    /// The filter as the query of an address, with another page.
    pub(super) fn address(&self, page: &str) -> String {
        let query = Self { page: page.to_owned(), item: String::new(), count: String::new(), ..self.clone() };
        let pairs = serde_json::to_value(&query).ok();
        let pairs = pairs.as_ref().and_then(|value| value.as_object()).into_iter().flatten();
        let pair = |(key, value): (&String, &serde_json::Value)| {
            format!("{key}={}", escaped(value.as_str().unwrap_or("")))
        };
        pairs.map(pair).collect::<Vec<_>>().join("&")
    }
}

/// Everything but letters and digits as `%XX`.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_constants_or_are_refused() {
        let query = FilterQuery {
            label: "spam".into(),
            order: "oldest".into(),
            min: "0.5".into(),
            ..Default::default()
        };
        let request = query.list("news");
        let filter = request.filter.unwrap();
        assert_eq!(filter.label, i32::from(pb::Label::Spam));
        assert_eq!(filter.min_probability, Some(0.5));
        assert_eq!(request.order, i32::from(pb::QueueOrder::Oldest));
        let wrong = FilterQuery { label: "nonsense".into(), max: "x".into(), ..Default::default() };
        let filter = wrong.filter("news");
        assert_eq!((filter.label, filter.max_probability), (-1, Some(-1.0)));
        assert!(wrong.is_set() && !FilterQuery::default().is_set());
    }

    #[test]
    fn addresses_are_escaped() {
        let query = FilterQuery { section: "a&b=\"<".into(), ..Default::default() };
        assert_eq!(query.address("t"), "page=t&section=a%26b%3D%22%3C");
    }
}
