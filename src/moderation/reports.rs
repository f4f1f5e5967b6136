//! Readers' reports: each weighs as much as its reader was right before.
//!
//! May import: `types`, `store`.

use crate::{
    store::{NewReport, ReportOutcome, StoreError},
    types::{KeyId, Label, ReasonCode, Report, SiteId, VerdictId},
};

use super::{Articles, Desk, ModerationError, PseudonymKey, heat::Heat};

/// Keeps digests of readers apart from those of other facts.
const READER: u8 = b'R';

/// Readers' reports of every site.
pub struct Reports {
    desk: Desk,
    secret: PseudonymKey,
    articles: std::sync::Arc<Articles>,
    heat: std::sync::Arc<Heat>,
}

impl Reports {
    /// Reports kept at a desk.
    #[must_use]
    pub const fn new(
        desk: Desk,
        secret: PseudonymKey,
        articles: std::sync::Arc<Articles>,
        heat: std::sync::Arc<Heat>,
    ) -> Self {
        Self { desk, secret, articles, heat }
    }

    /// Files a report. One reader counts once per comment; readers that the CMS does
    /// not tell apart count as one.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], `VERDICT_NOT_FOUND`.
    pub async fn file(
        &self,
        site: &SiteId,
        sent_by: &KeyId,
        verdict: VerdictId,
        (reporter, reason, note): (Option<&str>, Option<ReasonCode>, String),
    ) -> Result<ReportOutcome, ModerationError> {
        let found = self.desk.store.site(site).await?;
        let rules = found.ok_or_else(|| ModerationError::UnknownSite(site.clone()))?.queue;
        let about = self.desk.store.verdict(site, verdict).await?;
        let about = about.ok_or(StoreError::UnknownVerdict(verdict))?;
        let now = self.desk.clock.now();
        let section = match &about.article {
            Some(article) => self.articles.section(site, article).await?,
            None => None,
        };
        let exposure = self.heat.exposure(site, about.article.as_ref(), now);
        let reporter = self.secret.digest(site, READER, reporter.unwrap_or_default().as_bytes());
        let report = Report { verdict, reporter, reason, note, sent_by: sent_by.clone(), created_at: now };
        let report = NewReport { report, threshold: rules.report_threshold, section, exposure };
        Ok(self.desk.store.report(site, report, now).await?)
    }
}

/// The reason code that a label stands for.
#[must_use]
pub const fn reason_of(label: Label) -> ReasonCode {
    match label {
        Label::Spam => ReasonCode::Spam,
        Label::LowContent => ReasonCode::LowContent,
        Label::OffTopic => ReasonCode::OffTopic,
        Label::Abuse => ReasonCode::Harassment,
    }
}
