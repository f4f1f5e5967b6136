//! Rules about the source itself. Fast, no network, no server.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Each module and what it may import, bottom layer first. A module may only
/// name modules above its own row, so the table cannot describe a cycle.
const LAYERS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("text", &["types"]),
    ("features", &["types", "text"]),
    ("classifier", &["types", "features"]),
    ("rules", &["types", "text", "features"]),
    ("scoring", &["types", "text", "features", "classifier", "rules"]),
    ("store", &["types"]),
    ("observe", &["types", "store"]),
    ("learning", &["types", "text", "features", "classifier", "rules", "scoring", "store", "observe"]),
    ("moderation", &["types", "text", "features", "scoring", "store", "observe"]),
    ("api", &["types", "store", "observe", "moderation", "learning"]),
    ("app", &["types", "rules", "scoring", "store", "observe", "moderation", "learning", "api"]),
    (
        "cli",
        &["types", "text", "features", "rules", "scoring", "store", "moderation", "learning", "api", "app"],
    ),
];

const MAX_LINES: usize = 600;
const MAX_FUNCTION_LINES: usize = 60;

/// A library's name and the only places that may name it.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sled::Db", &["store/sled"]),
    ("tonic::", &["api", "app", "cli/remote.rs"]),
    // A stream owns its tasks and aborts them when it is dropped.
    ("tokio::spawn", &["app/tasks.rs", "api/grpc/stream.rs"]),
    ("SystemTime::now", &["types/time.rs"]),
];

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("readable").map(|e| e.expect("entry").path()) {
        if entry.is_dir() {
            sources(&entry, out);
        } else if entry.extension().is_some_and(|e| e == "rs") {
            out.push(entry);
        }
    }
}

/// Every source file: path below `src` and text.
fn files() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&src, &mut paths);
    paths.sort();
    let read = |path: &PathBuf| {
        let relative = path.strip_prefix(&src).expect("inside src").to_string_lossy().into_owned();
        (relative, fs::read_to_string(path).expect("readable"))
    };
    paths.iter().map(read).collect()
}

/// Top-level modules that `text` names as `crate::module`.
fn imports(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(rest.split(|c| !is_name(c)).next().unwrap_or(""));
            continue;
        };
        let (mut depth, mut start) = (0, true);
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && depth == 0 && is_name(c) => {
                    found.insert(group[i..].split(|c| !is_name(c)).next().unwrap_or(""));
                    start = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// The part of a file that is not a test module.
fn shipped(text: &str) -> &str {
    text.split("\n#[cfg(test)]").next().unwrap_or(text)
}

fn fails(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn layers_point_one_way() {
    for (row, (_, allowed)) in LAYERS.iter().enumerate() {
        for name in *allowed {
            assert!(LAYERS[..row].iter().any(|(lower, _)| lower == name), "{name} is not below row {row}");
        }
    }
    let mut problems = Vec::new();
    for (file, text) in files() {
        let module = file.split(['/', '.']).next().unwrap_or("");
        if matches!(module, "lib" | "main") {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            problems.push(format!("{file}: module {module} has no row in LAYERS"));
            continue;
        };
        // Tests may look further down and across.
        if file.contains("/tests") || file.ends_with("tests.rs") || file.contains("conformance") {
            continue;
        }
        for import in imports(shipped(&text)) {
            if import != module && !allowed.contains(&import) {
                problems.push(format!("{file}: {module} may not import {import}"));
            }
        }
    }
    fails(&problems);
}

#[test]
fn every_file_says_what_it_is_and_fits_in_the_head() {
    let mut problems = Vec::new();
    for (file, text) in files() {
        if !text.starts_with("//!") {
            problems.push(format!("{file}: starts without a `//!` header"));
        }
        let lines = text.lines().count();
        if lines > MAX_LINES {
            problems.push(format!("{file}: {lines} lines, the cap is {MAX_LINES}"));
        }
    }
    fails(&problems);
}

#[test]
fn functions_fit_on_a_screen() {
    let mut problems = Vec::new();
    for (file, text) in files() {
        let mut open: Option<(usize, usize, &str)> = None;
        for (number, line) in shipped(&text).lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let code = line.trim_start();
            let begins = ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn ", "async fn ", "pub async fn "];
            if open.is_none() && begins.iter().any(|b| code.starts_with(b)) && !line.trim_end().ends_with(';')
            {
                open = Some((number, indent, code));
            } else if let Some((first, at, name)) = open
                && indent == at
                && code.starts_with('}')
            {
                let lines = number - first + 1;
                if lines > MAX_FUNCTION_LINES {
                    let name = name.split('(').next().unwrap_or("");
                    problems.push(format!("{file}:{}: {name} has {lines} lines", first + 1));
                }
                open = None;
            }
        }
    }
    fails(&problems);
}

#[test]
fn libraries_stay_where_they_belong() {
    let mut problems = Vec::new();
    for (file, text) in files() {
        for (name, places) in ONLY_IN {
            let used = shipped(&text).lines().any(|l| !l.trim_start().starts_with("//") && l.contains(name));
            if used && !places.iter().any(|place| file.starts_with(place)) {
                problems.push(format!("{file}: names {name}, which belongs to {places:?}"));
            }
        }
    }
    fails(&problems);
}

#[test]
fn nothing_is_left_for_later() {
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("unimplemented", "!("), concat!("todo", "!(")];
    let mut problems = Vec::new();
    for (file, text) in files() {
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                problems.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    fails(&problems);
}

#[test]
fn the_architecture_names_every_layer_in_order() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ARCHITECTURE.md"))
        .expect("docs/ARCHITECTURE.md");
    let places: Vec<Option<usize>> =
        LAYERS.iter().map(|(name, _)| text.find(&format!("**{name}**"))).collect();
    assert!(places.iter().all(Option::is_some), "a layer is missing: {places:?}");
    assert!(places.is_sorted(), "layers stand in another order than in LAYERS: {places:?}");
}
