//! Site names as label values, capped: the first sites seen have series of their own,
//! the rest share one.
//!
//! May import: `types`.

use std::collections::BTreeSet;

use parking_lot::RwLock;

use crate::types::SiteId;

/// Sites with series of their own.
pub const MAX_SITES: usize = 200;
/// The value that all further sites share. No site has this name.
pub const OTHER_SITES: &str = "_other";

/// The sites that have series of their own.
#[derive(Debug, Default)]
pub(super) struct SiteNames(RwLock<BTreeSet<SiteId>>);

impl SiteNames {
    /// The label value of a site.
    pub(super) fn of(&self, site: &SiteId) -> String {
        let known = self.0.read();
        if known.contains(site) {
            return site.as_str().to_owned();
        }
        let full = known.len() >= MAX_SITES;
        drop(known);
        if full {
            return OTHER_SITES.to_owned();
        }
        let mut known = self.0.write();
        if known.len() < MAX_SITES {
            known.insert(site.clone());
            return site.as_str().to_owned();
        }
        OTHER_SITES.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_beyond_the_cap_share_a_series() {
        let names = SiteNames::default();
        let site = |n: usize| SiteId::new(&format!("site-{n}")).unwrap();
        for n in 0..MAX_SITES {
            assert_eq!(names.of(&site(n)), format!("site-{n}"));
        }
        assert_eq!(names.of(&site(MAX_SITES)), OTHER_SITES);
        assert_eq!(names.of(&site(3)), "site-3");
    }
}
