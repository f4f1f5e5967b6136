//! A model bundle: everything that training made, immutable, named by its content.
//!
//! Stored as safetensors plus a JSON card; read with every size checked, so a bad
//! file is refused with a sentence and never panics. Loading does no I/O: callers
//! bring the bytes.
//!
//! May import: `types`, `features`.

use std::{borrow::Cow, collections::HashMap};

use safetensors::{Dtype, SafeTensors, View};
use sha2::{Digest, Sha256};

use crate::{
    features::{
        IDF_SLOTS, IdfTable,
        signals::{COUNT, SIGNALS},
    },
    types::{Label, PerLabel},
};

use super::{card::Card, weights::TextWeights};

/// File name of the model in a bundle's folder.
pub const MODEL_FILE: &str = "model.safetensors";
/// Version of the layout below; another is refused.
const FORMAT: &str = "tamis-bundle-2";
/// Largest file read: far above any bundle, far below memory.
const MAX_BYTES: usize = 128 << 20;

/// Why bytes are not a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// More bytes than any bundle has.
    #[error("is {0} bytes long; a bundle has at most {MAX_BYTES}")]
    TooLarge(usize),
    /// Not a safetensors file.
    #[error("is not a safetensors file: {0}")]
    Malformed(#[from] safetensors::SafeTensorError),
    /// Made by another version.
    #[error("has format {found:?}; this version reads {FORMAT:?}")]
    Format {
        /// The format it names.
        found: String,
    },
    /// Trained with signals this version does not have.
    #[error("was trained with other signals than this version measures; train it again")]
    OtherSignals,
    /// A tensor is missing or has the wrong type or size.
    #[error("has no fitting tensor {0:?}")]
    Tensor(&'static str),
    /// A number is not finite.
    #[error("holds numbers that are not finite in tensor {0:?}")]
    NotFinite(&'static str),
    /// The card does not belong to the model.
    #[error("does not match its card: the card names {card}, the content is {content}")]
    OtherCard {
        /// Hash on the card.
        card: String,
        /// Hash of the bytes.
        content: String,
    },
}

/// What one label makes of signals and rules; text has its own table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// Log-odds before anything is known of a comment, in nats.
    pub base: f64,
    /// Nats per scaled unit of each signal, in catalogue order.
    pub signals: Vec<f64>,
    /// What a stated rule weight of one nat is worth, in nats.
    pub rules: f64,
    /// Nats that the guessed language adds, in the order of [`Bundle::languages`]: how
    /// common the label is there in what was learnt from, beyond what the words say.
    pub languages: Vec<f64>,
}

/// A model bundle.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Content hash, 16 hexadecimal digits.
    pub id: String,
    /// What it says of itself.
    pub card: Card,
    /// Weights of text.
    pub text: TextWeights,
    /// Per label, all else.
    pub heads: PerLabel<Head>,
    /// Mean of each scaled signal in training: a value at its mean moves nothing.
    pub means: Vec<f64>,
    /// Languages with an offset of their own, BCP 47; the first is "", for no guess.
    pub languages: Vec<String>,
    /// Scaling `(a, b)` of the overall log-odds.
    pub overall: (f64, f64),
    /// What words tell.
    pub idf: IdfTable,
}

/// A tensor to be written.
struct Tensor(Dtype, Vec<usize>, Vec<u8>);

impl View for Tensor {
    fn dtype(&self) -> Dtype {
        self.0
    }
    fn shape(&self) -> &[usize] {
        &self.1
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.2)
    }
    fn data_len(&self) -> usize {
        self.2.len()
    }
}

fn doubles(shape: Vec<usize>, values: impl Iterator<Item = f64>) -> Tensor {
    Tensor(Dtype::F64, shape, values.flat_map(f64::to_le_bytes).collect())
}

/// The signals a bundle is about, as one string.
fn signal_codes() -> String {
    SIGNALS.iter().map(|s| s.code).collect::<Vec<_>>().join(",")
}

impl Bundle {
    /// The bytes of the model file. The same bundle always gives the same bytes.
    ///
    /// # Errors
    ///
    /// What the writer says; none is known to occur.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BundleError> {
        let slots = self.text.slots().len();
        let steps = self.text.slots().iter().flat_map(|s| s.to_le_bytes()).collect();
        let scale = self.text.scale().into_iter().map(f64::from);
        let heads = &self.heads.0;
        let languages = self.languages.join(",").into_bytes();
        let offsets = heads.iter().flat_map(|h| h.languages.iter().copied());
        let tensors = [
            ("text.steps", Tensor(Dtype::I16, vec![slots, Label::COUNT], steps)),
            ("text.scale", doubles(vec![Label::COUNT], scale)),
            ("head.base", doubles(vec![Label::COUNT], heads.iter().map(|h| h.base))),
            ("head.rules", doubles(vec![Label::COUNT], heads.iter().map(|h| h.rules))),
            (
                "head.signals",
                doubles(vec![Label::COUNT, COUNT], heads.iter().flat_map(|h| h.signals.iter().copied())),
            ),
            ("languages", Tensor(Dtype::U8, vec![languages.len()], languages)),
            ("head.languages", doubles(vec![Label::COUNT, self.languages.len()], offsets)),
            ("signals.means", doubles(vec![COUNT], self.means.iter().copied())),
            ("overall", doubles(vec![2], [self.overall.0, self.overall.1].into_iter())),
            ("idf", Tensor(Dtype::U8, vec![IDF_SLOTS], self.idf.as_bytes().to_vec())),
        ];
        // One key only: the writer keeps metadata in a hash map, whose order is random.
        let about = format!("{FORMAT};{}", signal_codes());
        let metadata = HashMap::from([("tamis".to_owned(), about)]);
        Ok(safetensors::serialize(tensors, Some(metadata))?)
    }

    /// Which of [`Bundle::languages`] a guess is; the first when it is none of them.
    #[must_use]
    pub fn language(&self, guess: Option<&str>) -> usize {
        self.languages.iter().position(|lang| Some(lang.as_str()) == guess).unwrap_or(0)
    }

    /// The name of a bundle with these bytes.
    #[must_use]
    pub fn id_of(model: &[u8]) -> String {
        Sha256::digest(model).iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    /// Reads a bundle from the bytes of its model file and its card.
    ///
    /// # Errors
    ///
    /// [`BundleError`] says what is wrong with the bytes.
    pub fn from_bytes(model: &[u8], card: Card) -> Result<Self, BundleError> {
        if model.len() > MAX_BYTES {
            return Err(BundleError::TooLarge(model.len()));
        }
        let (_, metadata) = SafeTensors::read_metadata(model)?;
        let about = metadata.metadata().as_ref().and_then(|m| m.get("tamis")).map_or("", String::as_str);
        match about.split_once(';') {
            Some((FORMAT, codes)) if codes == signal_codes() => {}
            Some((FORMAT, _)) => return Err(BundleError::OtherSignals),
            other => {
                let found = other.map_or(about, |(format, _)| format).chars().take(40).collect();
                return Err(BundleError::Format { found });
            }
        }
        let id = Self::id_of(model);
        if card.id != id {
            return Err(BundleError::OtherCard { card: card.id, content: id });
        }
        let file = SafeTensors::deserialize(model)?;
        let means = read_doubles(&file, "signals.means", COUNT)?;
        let scale = read_doubles(&file, "text.scale", Label::COUNT)?;
        let base = read_doubles(&file, "head.base", Label::COUNT)?;
        let rules = read_doubles(&file, "head.rules", Label::COUNT)?;
        let signals = read_doubles(&file, "head.signals", Label::COUNT * COUNT)?;
        let overall = read_doubles(&file, "overall", 2)?;
        let languages = raw(&file, "languages", Dtype::U8)?;
        let languages = str::from_utf8(&languages).map_err(|_| BundleError::Tensor("languages"))?;
        let languages: Vec<String> = languages.split(',').map(str::to_owned).collect();
        let spoken = languages.len();
        let offsets = read_doubles(&file, "head.languages", Label::COUNT * spoken)?;
        let per = |values: &[f64], label: Label| values.get(label.index()).copied().unwrap_or(0.0);
        let heads = PerLabel::from_fn(|label| Head {
            base: per(&base, label),
            rules: per(&rules, label),
            signals: signals.iter().skip(label.index() * COUNT).take(COUNT).copied().collect(),
            languages: offsets.iter().skip(label.index() * spoken).take(spoken).copied().collect(),
        });
        let steps = raw(&file, "text.steps", Dtype::I16)?;
        let slots = steps.as_chunks::<8>().0.iter().map(|slot| u64::from_le_bytes(*slot)).collect();
        let scale = std::array::from_fn(|l| scale.get(l).copied().unwrap_or(0.0) as f32);
        let text = TextWeights::from_parts(slots, scale).ok_or(BundleError::Tensor("text.steps"))?;
        let idf = raw(&file, "idf", Dtype::U8)?;
        let idf = IdfTable::from_bytes(&idf).ok_or(BundleError::Tensor("idf"))?;
        let overall = (overall.first().copied().unwrap_or(1.0), overall.get(1).copied().unwrap_or(0.0));
        Ok(Self { id, card, text, heads, means, languages, overall, idf })
    }
}

fn raw<'a>(file: &SafeTensors<'a>, name: &'static str, dtype: Dtype) -> Result<Cow<'a, [u8]>, BundleError> {
    match file.tensor(name) {
        Ok(tensor) if tensor.dtype() == dtype => Ok(Cow::Borrowed(tensor.data())),
        _ => Err(BundleError::Tensor(name)),
    }
}

fn read_doubles(file: &SafeTensors<'_>, name: &'static str, count: usize) -> Result<Vec<f64>, BundleError> {
    let bytes = raw(file, name, Dtype::F64)?;
    let values: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
    match () {
        () if values.len() != count => Err(BundleError::Tensor(name)),
        () if values.iter().any(|v| !v.is_finite()) => Err(BundleError::NotFinite(name)),
        () => Ok(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::Feature;

    fn small() -> Bundle {
        let known = Feature { number: 3 << 24, comments: 2, weights: [0.0, 0.0, 0.0, 1.5] };
        let languages = vec![0.0, 0.5];
        let head =
            |_| Head { base: -2.0, signals: vec![0.25; COUNT], rules: 1.0, languages: languages.clone() };
        Bundle {
            id: String::new(),
            card: Card::default(),
            text: TextWeights::quantised(8, &[known]),
            heads: PerLabel::from_fn(head),
            means: vec![0.5; COUNT],
            languages: vec![String::new(), "vi".to_owned()],
            overall: (1.0, -0.5),
            idf: IdfTable::default(),
        }
    }

    #[test]
    fn a_bundle_comes_back_as_it_was() {
        let bundle = small();
        let bytes = bundle.to_bytes().expect("writes");
        assert_eq!(bytes, bundle.to_bytes().expect("writes"), "the same bytes each time");
        let card = Card { id: Bundle::id_of(&bytes), ..Card::default() };
        let back = Bundle::from_bytes(&bytes, card).expect("reads");
        assert_eq!((&back.text, &back.heads, &back.idf), (&bundle.text, &bundle.heads, &bundle.idf));
        for (guess, at) in [(Some("vi"), 1), (Some("ru"), 0), (None, 0)] {
            assert_eq!(back.language(guess), at, "{guess:?}");
        }
    }

    #[test]
    fn damage_is_refused_not_fatal() {
        let bytes = small().to_bytes().expect("writes");
        let card = Card { id: Bundle::id_of(&bytes), ..Card::default() };
        assert!(Bundle::from_bytes(&[], card.clone()).is_err());
        for at in (0..bytes.len()).step_by(bytes.len() / 400) {
            let mut bad = bytes.clone();
            bad[at] ^= 0x41;
            assert!(Bundle::from_bytes(&bad, card.clone()).is_err(), "byte {at}");
            assert!(Bundle::from_bytes(&bytes[..at], card.clone()).is_err(), "cut at {at}");
        }
    }
}
