//! Whether attributes or CSS declarations make an element invisible.
//!
//! Reads the tricks that evaders use, not CSS: no cascade, no style sheets.
//!
//! May import: nothing of ours.

/// Whether an inline style hides what it applies to: not displayed, no size,
/// fully transparent, moved off the page, or coloured like its background.
pub(super) fn style_hides(style: &str) -> bool {
    let mut color = None;
    let mut background = None;
    for declaration in style.split(';').take(32) {
        let Some((name, value)) = declaration.split_once(':') else { continue };
        let value = value.trim().trim_end_matches("!important").trim().to_ascii_lowercase();
        match name.trim().to_ascii_lowercase().as_str() {
            "display" if value == "none" => return true,
            "visibility" if value == "hidden" || value == "collapse" => return true,
            "opacity" | "font-size" | "line-height" | "max-height" | "max-width" | "height" | "width"
                if is_next_to_zero(&value) =>
            {
                return true;
            }
            "text-indent" | "left" | "top" | "margin-left" | "margin-top" | "right" if is_far_off(&value) => {
                return true;
            }
            "color" => color = Some(value),
            "background" | "background-color" => background = Some(value),
            "clip" | "clip-path" if value.contains("rect(0") || value.contains("inset(100%") => return true,
            _ => {}
        }
    }
    color.is_some_and(|color| color_hides(&color, background.as_deref()))
}

/// Whether text of this colour cannot be read; pages are taken to be white.
pub(super) fn color_hides(color: &str, background: Option<&str>) -> bool {
    let Some(color) = rgb(color) else { return color.trim() == "transparent" };
    let background = background.and_then(rgb).unwrap_or([255; 3]);
    color.iter().zip(background).all(|(a, b)| a.abs_diff(b) <= 8)
}

/// Whether a font size of an old-fashioned attribute is no size.
pub(super) fn size_hides(size: &str) -> bool {
    is_next_to_zero(&size.trim().to_ascii_lowercase())
}

/// "0", "0px", "0.1em", "1px": too small to be read.
fn is_next_to_zero(value: &str) -> bool {
    let digits = value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (number, unit) = value.split_at(digits);
    let small = match unit.trim() {
        "px" | "pt" => 1.0,
        "%" => 5.0,
        _ => 0.1,
    };
    number.parse::<f32>().is_ok_and(|n| n <= small)
}

fn is_far_off(value: &str) -> bool {
    let number: String = value.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '-' | '.')).collect();
    number.parse::<f32>().is_ok_and(|n| n <= -500.0)
}

/// The names and notations in which text is made white, black or grey.
fn rgb(color: &str) -> Option<[u8; 3]> {
    let color = color.trim().to_ascii_lowercase();
    if let Some(hex) = color.strip_prefix('#') {
        let digits: Vec<u8> = hex.chars().map_while(|c| c.to_digit(16)).map(|d| d as u8).collect();
        return match digits.as_slice() {
            [r, g, b] | [r, g, b, _] => Some([r * 17, g * 17, b * 17]),
            [r, r2, g, g2, b, b2, ..] => Some([r * 16 + r2, g * 16 + g2, b * 16 + b2]),
            _ => None,
        };
    }
    if let Some(list) = color.strip_prefix("rgb(").or_else(|| color.strip_prefix("rgba(")) {
        let mut parts = list.trim_end_matches(')').split([',', ' ', '/']).filter(|p| !p.is_empty());
        let mut next = || parts.next()?.trim().parse::<u8>().ok();
        return Some([next()?, next()?, next()?]);
    }
    match color.as_str() {
        "white" | "snow" | "ivory" | "ghostwhite" | "floralwhite" => Some([255; 3]),
        "whitesmoke" => Some([248; 3]),
        "black" => Some([0; 3]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_hide_and_honest_styles_do_not() {
        #[rustfmt::skip]
        let cases: &[(&str, bool)] = &[
            ("font-size:0", true),
            ("font-size: 0.01em", true),
            ("FONT-SIZE: 1px !important", true),
            ("display : none", true),
            ("visibility:hidden", true),
            ("color:#fff", true),
            ("color: white; background: black", false),
            ("background:#000; color:#000000", true),
            ("color:rgb(254, 255, 255)", true),
            ("position:absolute; left:-9999px", true),
            ("opacity:0", true),
            ("opacity:1", false),
            ("font-size:12px; color:#333", false),
            ("margin-left:-2px", false),
            ("", false),
        ];
        for (style, want) in cases {
            assert_eq!(style_hides(style), *want, "{style}");
        }
    }
}
