//! Holds the house's rules that no compiler checks: which room may lean on which (`rooms/map.rs`), what a room must not
//! touch, and the form of its files.

#![expect(clippy::expect_used, reason = "a check of the source tree fails by panicking")]

#[path = "rooms/map.rs"]
mod map;

use map::{ARROWS, IMPURE_WORDS, PURE};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const MAX_LINES: usize = 400;

struct Source {
    path: PathBuf,
    /// The file's room: the folder, or the file itself, directly under `src/`.
    room: String,
    text: String,
    /// Without comments, and without the tests at its end; nothing of a file that is all tests.
    code: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the tree") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn sources(folder: &str) -> Vec<Source> {
    let base = root().join(folder);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source file");
        let inside = path.strip_prefix(&base).expect("inside").to_path_buf();
        let first = inside
            .components()
            .next()
            .expect("a name")
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        let is_test = inside.iter().any(|part| part == "tests" || part == "tests.rs");
        let lasting = text
            .split("\n#[cfg(test)]\nmod tests {")
            .next()
            .filter(|_| !is_test)
            .unwrap_or_default();
        let code = lasting
            .lines()
            .map(|l| l.split("//").next().unwrap_or_default())
            .collect::<Vec<_>>()
            .join("\n");
        Source {
            path,
            room: first.trim_end_matches(".rs").to_owned(),
            text,
            code,
        }
    };
    rust_files(&base).into_iter().map(read).collect()
}

fn allowed(from: &str) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from.to_owned()];
    while let Some(room) = next.pop() {
        for (_, targets, _) in ARROWS.iter().filter(|(name, ..)| *name == room) {
            next.extend(
                targets
                    .iter()
                    .filter(|t| reached.insert(**t))
                    .map(|t| (*t).to_owned()),
            );
        }
    }
    reached
}

/// The names directly behind every `prefix::`, through one level of braces: `crate::{key, wire::Frame}` has two.
fn names_behind(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let needle = format!("{prefix}::");
    for (at, _) in code.match_indices(&needle) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + needle.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group_heads(group)),
            None => names.extend(head(rest)),
        }
    }
    names
}

fn head(text: &str) -> Option<String> {
    let name: String = text
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

/// The first name of each element of a brace group whose opening brace is already behind us.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut heads) = (1, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                heads.extend(head(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            heads.extend(head(&group[start..at]));
            break;
        }
    }
    heads
}

fn is_room(name: &str) -> bool {
    ARROWS.iter().any(|(room, ..)| *room == name)
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_'))
}

fn none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn no_room_leans_on_itself_through_others() {
    let circles = ARROWS
        .iter()
        .map(|(room, ..)| *room)
        .filter(|room| allowed(room).contains(room));
    none(
        circles.map(str::to_owned).collect(),
        "the allowed arrows go in a circle",
    );
}

#[test]
fn rooms_lean_only_on_what_the_map_allows() {
    let mut wrong = Vec::new();
    for source in sources("src").iter().filter(|s| s.room != "lib") {
        assert!(
            is_room(&source.room),
            "{}: a room that the map does not have",
            source.path.display()
        );
        let mut used = names_behind(&source.code, "crate");
        used.extend(names_behind(&source.code, "claviger"));
        used.retain(|name| is_room(name));
        if source.code.contains("claviger_platform") {
            used.insert("platform".into());
        }
        let allowed = allowed(&source.room);
        let bad = used
            .iter()
            .filter(|name| **name != source.room && !allowed.contains(name.as_str()));
        wrong.extend(bad.map(|name| format!("{}: {} > {name}", source.path.display(), source.room)));
    }
    none(wrong, "arrows that the map does not have");
}

#[test]
fn the_search_for_arrows_finds_them() {
    let code =
        "use crate::{key::{self, open}, wire::report};\nfn f() { crate::unlock::x(); mycrate::not(); }";
    let found = names_behind(code, "crate");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["key", "unlock", "wire"]);
    assert!(allowed("keyset").contains("platform"), "by way of unlock");
    assert!(!allowed("unlock").contains("keyset"));
}

#[test]
fn pure_rooms_do_no_io_and_read_no_clock() {
    let mut wrong = Vec::new();
    for source in sources("src").iter().filter(|s| PURE.contains(&s.room.as_str())) {
        let bad = IMPURE_WORDS.iter().filter(|word| source.code.contains(**word));
        wrong.extend(bad.map(|word| format!("{}: {word}", source.path.display())));
    }
    none(wrong, "these rooms take bytes and times as arguments");
}

#[test]
fn the_operating_system_stays_in_platform() {
    let patterns = [
        "cfg(unix",
        "cfg(windows",
        "cfg(not(unix",
        "cfg(not(windows",
        "target_os",
        "target_family",
        "std::os::",
    ];
    let mut wrong = Vec::new();
    for source in sources("src") {
        let bad = patterns
            .iter()
            .filter(|p| source.code.contains(**p))
            .map(|p| (*p).to_owned());
        let mut bad: Vec<String> = bad.collect();
        bad.extend(words(&source.code).find(|w| *w == "unsafe").map(str::to_owned));
        wrong.extend(
            bad.into_iter()
                .map(|what| format!("{}: {what}", source.path.display())),
        );
    }
    none(wrong, "belongs in platform/");
}

#[test]
fn unsafe_blocks_say_why_they_are_sound() {
    let mut wrong = Vec::new();
    for source in sources("platform/src") {
        let lines: Vec<&str> = source.text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let is_block = code.contains("unsafe {") || code.contains("unsafe impl");
            if is_block
                && !lines[at.saturating_sub(8)..at]
                    .iter()
                    .any(|l| l.contains("// SAFETY:"))
            {
                wrong.push(format!("{}:{}", source.path.display(), at + 1));
            }
        }
    }
    none(wrong, "an unsafe block without a SAFETY comment above it");
}

#[test]
fn platform_knows_nothing_upward() {
    let manifest = fs::read_to_string(root().join("platform/Cargo.toml")).expect("platform/Cargo.toml");
    let upward = manifest
        .lines()
        .filter(|l| l.starts_with("claviger ") || l.starts_with("claviger="));
    none(
        upward.map(str::to_owned).collect(),
        "platform must not depend on the root package",
    );
}

#[test]
fn only_commands_print_and_read_the_environment() {
    let patterns = [
        "println!",
        "eprintln!",
        "print!(",
        "eprint!(",
        "std::env",
        "env::var",
        "env::args",
    ];
    let mut wrong = Vec::new();
    for source in sources("src").iter().filter(|s| s.room != "commands") {
        let bad = patterns.iter().filter(|p| source.code.contains(**p));
        wrong.extend(bad.map(|what| format!("{}: {what}", source.path.display())));
    }
    none(wrong, "belongs in src/commands/");
}

#[test]
fn files_open_with_their_promise_and_stay_short() {
    let mut wrong = Vec::new();
    for folder in ["src", "platform/src", "tests", "benches", "platform/tests"] {
        if !root().join(folder).is_dir() {
            continue;
        }
        for source in sources(folder) {
            if !source.text.starts_with("//!") {
                wrong.push(format!("{}: does not begin with //!", source.path.display()));
            }
            let lines = source.text.lines().count();
            if lines > MAX_LINES {
                wrong.push(format!(
                    "{}: {lines} lines, more than {MAX_LINES}",
                    source.path.display()
                ));
            }
        }
    }
    none(wrong, "the form of a file");
}

#[test]
fn every_folder_has_a_front_door() {
    let mut wrong = Vec::new();
    for folder in ["src", "platform/src"] {
        let base = root().join(folder);
        for file in rust_files(&base) {
            let parent = file.parent().expect("a parent");
            if parent != base && !parent.join("mod.rs").is_file() {
                wrong.push(format!("{}: no mod.rs", parent.display()));
            }
            if file.with_extension("").is_dir() {
                wrong.push(format!("{}: its folder has the front door", file.display()));
            }
        }
    }
    none(wrong, "a room's front door is its mod.rs");
}
