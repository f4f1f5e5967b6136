//! How near what a comment means comes to what its article means, by vectors of word
//! pieces: "Taiwan" is near an article on China that never names it.
//!
//! Absent without an article and for words without pieces. May import: `types`, `text`.

use crate::text::ViewKind;

use super::{
    super::{
        ArticleProfile, IdfTable, Meaning,
        article::{is_term, stem},
        meaning_of, term,
    },
    Signal, Subject, share,
};

pub(super) const SIGNALS: [Signal; 7] = [
    share("meaning/title", "Cosine of what comment and title mean, -1 to 1."),
    share("meaning/article", "Cosine of what comment and article mean, -1 to 1; absent with a title only."),
    share("meaning/unmatched", "Cosine of article and the words that do not stand in it, -1 to 1."),
    share("meaning/nearest", "How near the nearest telling word comes to a word of the article, -1 to 1."),
    share("meaning/three_nearest", "Mean nearness of the three nearest telling words, -1 to 1."),
    share("meaning/mean_nearness", "Mean nearness of all words, weighed by length of meaning, -1 to 1."),
    share("meaning/far", "What its words tell that is far from every word of the article, in nats a word."),
];

/// Words read.
const WORDS: usize = 200;
/// IDF in nats from which on a word counts fully.
const FULL: f32 = 5.0;

/// Sums over the words of a comment.
#[derive(Default)]
struct Sums {
    words: f32,
    all: Meaning,
    unmatched: Meaning,
    lengths: f32,
    nearness: f32,
    far: f32,
    /// The three greatest, descending.
    nearest: [f32; 3],
}

pub(super) fn measure(subject: &Subject<'_>, idf: &IdfTable) -> [f32; SIGNALS.len()] {
    let Some(article) = subject.context.article.filter(|a| a.meaning().length() > 0.0) else {
        return [f32::NAN; SIGNALS.len()];
    };
    let sums = sum(subject, idf, article);
    if sums.words == 0.0 {
        return [f32::NAN; SIGNALS.len()];
    }
    let cosine = |a: &Meaning, b: &Meaning| a.cosine(b).unwrap_or(f32::NAN);
    let only_title = article.read() == "title";
    let near = |value: f32| if sums.lengths > 0.0 { value } else { f32::NAN };
    [
        cosine(&sums.all, article.title_meaning()),
        if only_title { f32::NAN } else { cosine(&sums.all, article.meaning()) },
        cosine(&sums.unmatched, article.meaning()),
        near(sums.nearest.first().copied().unwrap_or(0.0)),
        near(sums.nearest.iter().sum::<f32>() / sums.words.clamp(1.0, 3.0)),
        near(sums.nearness / sums.lengths),
        near(sums.far / sums.words),
    ]
}

fn sum(subject: &Subject<'_>, idf: &IdfTable, article: &ArticleProfile) -> Sums {
    let mut sums = Sums::default();
    let Some(view) = subject.document.view(ViewKind::Folded) else { return sums };
    for &token in view.tokens().iter().filter(|t| is_term(t.kind)).take(WORDS) {
        let word = view.word(token);
        let Some(meaning) = meaning_of(word) else { continue };
        let number = term(word);
        let tells = idf.get(number);
        sums.words += 1.0;
        sums.all.add(&meaning);
        if article.meets(number, stem(word)).is_none() {
            sums.unmatched.add(&meaning);
        }
        let Some(near) = article.nearest(&meaning.unit()) else { continue };
        let length = meaning.length();
        sums.lengths += length;
        sums.nearness += length * near;
        sums.far += tells * (1.0 - near.max(0.0));
        let mut weighed = near * (tells / FULL).min(1.0);
        for place in &mut sums.nearest {
            if weighed > *place {
                std::mem::swap(place, &mut weighed);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::tests::signal;

    #[test]
    fn related_remarks_are_nearer_than_stray_ones() {
        let title = "Xi hosts Putin in Beijing";
        for code in ["meaning/title", "meaning/nearest"] {
            let near = signal("so what about Taiwan?", title, code);
            assert!(near > signal("Fix or repair daily", title, code), "{code}");
        }
        assert!(
            signal("Fix or repair daily", title, "meaning/far") > signal("Beijing", title, "meaning/far")
        );
        assert_eq!(signal("Taiwan", "", "meaning/title"), None, "absent without an article");
        assert_eq!(signal("Taiwan", title, "meaning/article"), None, "absent with a title only");
    }
}
