//! Texts to measure with, made from word lists of our own and a fixed seed.
//!
//! What matters for speed is kept close to real comments: lengths, case,
//! punctuation, numbers, and a long tail of rare words, so that look-ups of
//! weights miss the cache as they do in service.

/// A kind of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Short messages in ASCII, 80 bytes on average.
    Short,
    /// The same length in Latin letters with accents and in Cyrillic.
    Accented,
    /// Short messages of which every word is disguised in some way.
    Disguised,
    /// Paragraphs of 640 bytes on average, ASCII.
    Long,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 4] = [Self::Short, Self::Accented, Self::Disguised, Self::Long];

    /// Its name in the figures.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Accented => "accented",
            Self::Disguised => "disguised",
            Self::Long => "long",
        }
    }

    const fn mean_bytes(self) -> usize {
        match self {
            Self::Short | Self::Disguised => 80,
            // Two bytes a letter for half of them.
            Self::Accented => 120,
            Self::Long => 640,
        }
    }
}

const COMMON: &str = "the a to you i and it is in of for on that my me have at be are so but not we do just what \
    your with can if go now get this will up time no when out like was know all good how come there day home they \
    from going love want need see one call about dont later today think tell work ok as then he she im its got been \
    more him her where back here some them night much send still make hope did who say take well please too right \
    tomorrow hey thanks money way really last give start morning next again great happy before should free off \
    people never new over yes something after our let sure wait week place always into any phone message";

const ACCENTED: &str = "é à où déjà être même après très là façon garçon über für mögen größer könnte später schön \
    niño mañana también está aquí qué año corazón não você então também amanhã coração só это что как так уже его \
    если время сегодня очень можно будет только когда меня тебя человек ничего хорошо почему";

const FIRST: [&str; 20] =
    ["b", "br", "c", "ch", "d", "dr", "f", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v"];
const MIDDLE: [&str; 12] = ["a", "e", "i", "o", "u", "ai", "ea", "ou", "er", "an", "en", "or"];
const LAST: [&str; 14] = ["", "n", "r", "s", "t", "l", "m", "ng", "nd", "st", "ck", "y", "ing", "ed"];

/// A small generator of even numbers (xorshift; Marsaglia, 2003): the same on
/// every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 33) as usize) % sides.max(1)
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list.get(self.roll(list.len())).copied().unwrap_or("")
    }
}

/// `count` texts of a kind; the same each time.
pub(crate) fn texts(kind: Kind, count: usize) -> Vec<String> {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    (0..count).map(|_| text(kind, &mut dice)).collect()
}

fn text(kind: Kind, dice: &mut Dice) -> String {
    let mean = kind.mean_bytes();
    let length = mean / 3 + dice.roll(mean * 4 / 3);
    let common: Vec<&str> = COMMON.split_whitespace().collect();
    let accented: Vec<&str> = ACCENTED.split_whitespace().collect();
    let mut text = String::new();
    while text.len() < length {
        let foreign = kind == Kind::Accented && dice.roll(2) == 0;
        let word = if foreign { dice.pick(&accented).to_owned() } else { word(&common, dice) };
        let word = if kind == Kind::Disguised { disguise(&word, dice) } else { word };
        if !text.is_empty() {
            text.push_str(gap(dice));
        }
        text.push_str(&cased(&word, dice));
    }
    text.push_str(dice.pick(&["", "", ".", "!", "?", "..", " :)"]));
    text
}

/// A common word in three of five, a number now and then, else a rare word.
fn word(common: &[&str], dice: &mut Dice) -> String {
    match dice.roll(40) {
        0 => (10 + dice.roll(90_000)).to_string(),
        // Squared, so that the first words of the list are the commonest.
        1..=24 => {
            let at = dice.roll(common.len()) * dice.roll(common.len()) / common.len();
            common.get(at).copied().unwrap_or("the").to_owned()
        }
        _ => {
            let syllables = 1 + dice.roll(3);
            let mut word = String::new();
            for _ in 0..syllables {
                word.push_str(dice.pick(&FIRST));
                word.push_str(dice.pick(&MIDDLE));
            }
            word.push_str(dice.pick(&LAST));
            word
        }
    }
}

fn gap(dice: &mut Dice) -> &'static str {
    dice.pick(&[" ", " ", " ", " ", " ", " ", " ", " ", ", ", ". ", "... ", "! "])
}

fn cased(word: &str, dice: &mut Dice) -> String {
    let mut letters = word.chars();
    match dice.roll(20) {
        0 => word.to_uppercase(),
        1..=3 => letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect(),
        _ => word.to_owned(),
    }
}

/// One of the tricks that readers of spam know.
fn disguise(word: &str, dice: &mut Dice) -> String {
    let between = |mark: &str| word.chars().map(String::from).collect::<Vec<_>>().join(mark);
    match dice.roll(5) {
        0 => between(" "),
        1 => between("\u{200b}"),
        2 => word.replace('a', "\u{430}").replace('o', "\u{43e}").replace('e', "\u{435}"),
        3 => word.replace('o', "0").replace('e', "3").replace('i', "1"),
        _ => word.chars().map(|c| if c.is_ascii_lowercase() { styled(c) } else { c }).collect(),
    }
}

/// The mathematical bold letter.
fn styled(c: char) -> char {
    char::from_u32(0x1_d41a + (c as u32 - 'a' as u32)).unwrap_or(c)
}
