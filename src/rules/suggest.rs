//! "Did you mean": the known name nearest to a mistyped one.
//!
//! May import: nothing of ours.

/// The nearest of `known` to `name`, when it is near enough to be meant: at
/// most a third of its letters differ, by optimal string alignment (edits and
/// swaps of neighbours). `O(n · |name| · |known|)`; names beyond 64 bytes are
/// not compared.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > 64 {
        return None;
    }
    let allowed = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|&(distance, _)| distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance, ASCII case ignored.
#[expect(clippy::indexing_slicing, reason = "rows are one longer than the text they count")]
fn distance(a: &str, b: &str) -> usize {
    let fold = |s: &str| s.chars().map(|c| c.to_ascii_lowercase()).collect::<Vec<_>>();
    let (a, b) = (fold(a), fold(b));
    let mut older = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(older[j - 2] + 1);
            }
        }
        older = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let known = ["links_count", "links_shortener", "weight", "when"];
        for (name, want) in [
            ("link_count", Some("links_count")),
            ("links_shortner", Some("links_shortener")),
            ("wieght", Some("weight")),
            ("Weight", Some("weight")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), want, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(10_000), known), None);
    }
}
