//! How many see a comment, guessed from how busy its article is.
//!
//! In memory and approximate on purpose: it orders a queue, nothing else. Knows no
//! store. May import: `types`.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::types::{ArticleId, SiteId, Timestamp};

/// Hours after which a comment under an article counts half.
const HALF_LIFE_HOURS: f64 = 2.0;
/// Articles remembered.
const MAX_ARTICLES: usize = 10_000;
const MICROS_PER_HOUR: f64 = 3_600e6;

/// Recent comments per article, decaying.
#[derive(Debug, Default)]
pub struct Heat {
    articles: Mutex<HashMap<(SiteId, ArticleId), Warmth>>,
}

#[derive(Clone, Copy, Debug)]
struct Warmth {
    count: f64,
    at: Timestamp,
}

impl Warmth {
    fn at(self, now: Timestamp) -> f64 {
        let hours = (now.micros() as f64 - self.at.micros() as f64).max(0.0) / MICROS_PER_HOUR;
        self.count * (-std::f64::consts::LN_2 * hours / HALF_LIFE_HOURS).exp()
    }
}

impl Heat {
    /// Notes one more comment under an article.
    pub(super) fn note(&self, site: &SiteId, article: Option<&ArticleId>, now: Timestamp) {
        let Some(article) = article else { return };
        let mut articles = self.articles.lock();
        if articles.len() >= MAX_ARTICLES {
            articles.retain(|_, warmth| warmth.at(now) >= 1.0);
            if articles.len() >= MAX_ARTICLES {
                articles.clear();
            }
        }
        let warmth =
            articles.entry((site.clone(), article.clone())).or_insert(Warmth { count: 0.0, at: now });
        *warmth = Warmth { count: warmth.at(now) + 1.0, at: now };
    }

    /// The exposure of a comment under an article: 1.0 where little happens, one more
    /// for each tenfold of recent comments.
    pub(super) fn exposure(&self, site: &SiteId, article: Option<&ArticleId>, now: Timestamp) -> f32 {
        let Some(article) = article else { return 1.0 };
        let articles = self.articles.lock();
        let count = articles.get(&(site.clone(), article.clone())).map_or(0.0, |warmth| warmth.at(now));
        (1.0 + (1.0 + count / 10.0).log10()) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_articles_are_seen_by_more_until_they_cool() {
        let (heat, site) = (Heat::default(), SiteId::new("news").expect("site"));
        let (busy, calm) = (ArticleId::new("busy").expect("id"), ArticleId::new("calm").expect("id"));
        let at = |hours: i64| Timestamp::from_micros(hours * 3_600_000_000);
        for _ in 0..90 {
            heat.note(&site, Some(&busy), at(1));
        }
        heat.note(&site, Some(&calm), at(1));
        let hot = heat.exposure(&site, Some(&busy), at(1));
        assert!((hot - 2.0).abs() < 1e-4, "{hot}");
        assert!(heat.exposure(&site, Some(&calm), at(1)) < 1.1);
        assert!(heat.exposure(&site, Some(&busy), at(9)) < 1.3, "it cools");
        assert!((heat.exposure(&site, None, at(1)) - 1.0).abs() < f32::EPSILON);
    }
}
