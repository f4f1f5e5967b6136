//! Punycode labels ("xn--..."), decoded only if encoding gives them back.
//!
//! Source: RFC 3492, with the parameters of section 5.
//!
//! May import: nothing of ours.

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const FIRST_BIAS: u32 = 72;
const FIRST_CODE: u32 = 128;
/// Longest label of the DNS.
const MAX_LABEL: usize = 63;

/// Decodes what follows `xn--`; nothing if it is malformed or not what
/// encoding its result gives.
pub(super) fn decode_label(label: &str) -> Option<String> {
    if label.len() > MAX_LABEL || !label.is_ascii() {
        return None;
    }
    let decoded: Vec<char> = decode(&label.to_ascii_lowercase())?;
    let encoded = encode(&decoded)?;
    encoded.eq_ignore_ascii_case(label).then(|| decoded.into_iter().collect())
}

/// What stands after `xn--` for a label; nothing for one that needs no encoding or
/// would not come back.
#[must_use]
pub fn punycode_label(label: &str) -> Option<String> {
    if label.is_ascii() {
        return None;
    }
    let encoded = encode(&label.chars().collect::<Vec<char>>())?;
    (decode_label(&encoded)? == label).then_some(encoded)
}

const fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / DAMP } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

fn threshold(k: u32, bias: u32) -> u32 {
    k.saturating_sub(bias).clamp(T_MIN, T_MAX)
}

fn decode(text: &str) -> Option<Vec<char>> {
    let (basic, extended) = text.rsplit_once('-').unwrap_or(("", text));
    let mut out: Vec<char> = basic.chars().collect();
    let (mut code, mut at, mut bias) = (FIRST_CODE, 0_u32, FIRST_BIAS);
    let mut digits = extended.bytes();
    while digits.len() > 0 {
        let (before, mut weight, mut k) = (at, 1_u32, BASE);
        loop {
            let digit = match digits.next()? {
                b @ b'a'..=b'z' => u32::from(b - b'a'),
                b @ b'0'..=b'9' => u32::from(b - b'0') + 26,
                _ => return None,
            };
            at = at.checked_add(digit.checked_mul(weight)?)?;
            let threshold = threshold(k, bias);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE - threshold)?;
            k += BASE;
        }
        let points = out.len() as u32 + 1;
        bias = adapt(at - before, points, before == 0);
        code = code.checked_add(at / points)?;
        at %= points;
        out.insert(at as usize, char::from_u32(code)?);
        at += 1;
    }
    Some(out)
}

fn encode(text: &[char]) -> Option<String> {
    let mut out: String = text.iter().filter(|c| c.is_ascii()).collect();
    let basic = out.len() as u32;
    if basic > 0 {
        out.push('-');
    }
    let (mut code, mut delta, mut bias, mut done) = (FIRST_CODE, 0_u32, FIRST_BIAS, basic);
    while (done as usize) < text.len() {
        let next = text.iter().map(|c| *c as u32).filter(|c| *c >= code).min()?;
        delta = delta.checked_add((next - code).checked_mul(done + 1)?)?;
        code = next;
        for c in text.iter().map(|c| *c as u32) {
            if c < code {
                delta = delta.checked_add(1)?;
            } else if c == code {
                push_number(delta, bias, &mut out);
                bias = adapt(delta, done + 1, done == basic);
                delta = 0;
                done += 1;
            }
        }
        delta = delta.checked_add(1)?;
        code += 1;
    }
    Some(out)
}

fn push_number(number: u32, bias: u32, out: &mut String) {
    let (mut left, mut k) = (number, BASE);
    loop {
        let threshold = threshold(k, bias);
        if left < threshold {
            return out.push(digit(left));
        }
        let span = BASE - threshold;
        out.push(digit(threshold + (left - threshold) % span));
        left = (left - threshold) / span;
        k += BASE;
    }
}

fn digit(value: u32) -> char {
    char::from_digit(if value < 26 { value + 10 } else { value - 26 }, BASE).unwrap_or('?')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_decode_when_they_round_trip() {
        #[rustfmt::skip]
        let cases: &[(&str, Option<&str>)] = &[
            ("exmple-cua",   Some("exämple")),
            ("mnchen-3ya",   Some("münchen")),
            ("e1afmkfd",     Some("пример")),
            ("",             Some("")),
            ("99999999",     None),
            ("a b",          None),
            ("ä",            None),
        ];
        for (label, want) in cases {
            assert_eq!(decode_label(label).as_deref(), *want, "{label}");
        }
    }
}
