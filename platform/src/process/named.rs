//! How a process is named to people: by what it calls itself, where the OS knows by whose signature its program runs, and by
//! its number. Names are claims; they help a person decide and decide nothing themselves.

/// The most letters of a name or identity that are shown.
const LONGEST: usize = 64;

/// "ssh (pid 123)", "ssh (com.apple.openssh, pid 123)", or "pid 123" where it has no name.
pub(super) fn named(name: &str, identity: Option<&str>, pid: u32) -> String {
    let (name, identity) = (shown(name), identity.map(shown));
    let whose = identity.filter(|identity| !identity.is_empty());
    let whose = whose.map(|identity| format!("{identity}, ")).unwrap_or_default();
    match (name.as_str(), whose.as_str()) {
        ("", "") => format!("pid {pid}"),
        ("", whose) => format!("{whose}pid {pid}"),
        (name, whose) => format!("{name} ({whose}pid {pid})"),
    }
}

fn shown(text: &str) -> String {
    let letters = text.trim_end().chars().filter(|letter| !letter.is_control());
    letters.take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_and_without_an_identity() {
        let apple = Some("com.apple.openssh");
        assert_eq!(named("ssh\n", None, 7), "ssh (pid 7)");
        assert_eq!(named("ssh", apple, 7), "ssh (com.apple.openssh, pid 7)");
        assert_eq!(named("", apple, 7), "com.apple.openssh, pid 7");
        assert_eq!(named("\x07", Some("\n"), 7), "pid 7");
    }

    #[test]
    fn what_a_process_claims_neither_steers_a_terminal_nor_fills_it() {
        let shown = named(&"x\x1b".repeat(1000), Some(&"y".repeat(1000)), 7);
        assert_eq!(shown, format!("{} ({}, pid 7)", "x".repeat(64), "y".repeat(64)));
    }
}
