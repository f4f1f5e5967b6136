//! The page of metrics, in the two text formats that scrapers ask for.
//!
//! The client library writes OpenMetrics 1.0; the older Prometheus text format 0.0.4
//! differs in comments only: it names a counter with its `_total`, and knows neither
//! `# UNIT` nor `# EOF`. May import: nothing of ours.

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus text format 0.0.4.
    Text,
}

impl Format {
    /// The value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The format that an `Accept` header asks for: OpenMetrics where it is named, since
/// scrapers that know it name it first.
#[must_use]
pub fn format(accept: Option<&str>) -> Format {
    let named = accept.is_some_and(|accept| accept.contains("application/openmetrics-text"));
    if named { Format::OpenMetrics } else { Format::Text }
}

/// OpenMetrics as the older text format.
pub(super) fn as_text(page: &str) -> String {
    let mut counters = std::collections::BTreeSet::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ")
            && let Some(name) = rest.strip_suffix(" counter")
        {
            counters.insert(name);
        }
    }
    let mut out = String::with_capacity(page.len());
    for line in page.lines() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        let comment =
            ["# HELP ", "# TYPE "].into_iter().find_map(|kind| Some((kind, line.strip_prefix(kind)?)));
        match comment.and_then(|(kind, rest)| Some((kind, rest.split_once(' ')?))) {
            Some((kind, (name, rest))) if counters.contains(name) => {
                out.push_str(&format!("{kind}{name}_total {rest}\n"));
            }
            _ => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_become_those_of_the_older_format() {
        let page = "# HELP a_seconds Time.\n# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\n\
                    # HELP b Calls.\n# TYPE b counter\nb_total{x=\"y\"} 2\n# EOF\n";
        let want = "# HELP a_seconds Time.\n# TYPE a_seconds gauge\na_seconds 1\n\
                    # HELP b_total Calls.\n# TYPE b_total counter\nb_total{x=\"y\"} 2\n";
        assert_eq!(as_text(page), want);
    }

    #[test]
    fn the_accept_header_decides() {
        assert_eq!(
            format(Some("application/openmetrics-text;version=1.0.0,text/plain")),
            Format::OpenMetrics
        );
        assert_eq!(format(Some("text/plain")), Format::Text);
        assert_eq!(format(None), Format::Text);
    }
}
