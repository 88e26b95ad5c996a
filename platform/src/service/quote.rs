//! How a path stands in each format so that it is read back as it is. What a format cannot carry is refused.

use super::ServiceError;
use quick_xml::escape::escape;
use std::path::Path;

/// Replaces every `@NAME@` of a template, once: what was put in is not looked at again.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('@') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let found = values
            .iter()
            .find_map(|(name, value)| Some((value, rest.strip_prefix(name)?.strip_prefix('@')?)));
        match found {
            Some((value, behind)) => {
                text.push_str(value);
                rest = behind;
            }
            None => text.push('@'),
        }
    }
    text + rest
}

/// The path as text without control characters: none of the formats has a sound way to write those.
pub(super) fn text<'a>(what: &'static str, path: &'a Path) -> Result<&'a str, ServiceError> {
    let unfit = |why| ServiceError::Unfit {
        what,
        path: path.to_owned(),
        why,
    };
    let Some(text) = path.to_str() else {
        return Err(unfit(
            "a path that is not UTF-8 cannot stand in a service's file; choose another",
        ));
    };
    match text.chars().any(char::is_control) {
        true => Err(unfit(
            "a path with control characters cannot stand in a service's file; choose another",
        )),
        false => Ok(text),
    }
}

/// Specifiers of a unit's values, switched off (systemd.unit(5)).
pub(super) fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// A quoted word of a unit's command line or environment. The command line begins with `:`, so a dollar is a dollar.
pub(super) fn unit_word(text: &str) -> String {
    format!(
        "\"{}\"",
        specifiers(&text.replace('\\', "\\\\").replace('"', "\\\""))
    )
}

/// The program's place on a unit's command line. systemd starts nothing with quotes or backslashes in its path, so there a
/// shell does.
pub(super) fn unit_program(text: &str) -> String {
    match text.contains(['"', '\'', '\\']) {
        false => unit_word(text),
        true => format!("/bin/sh -c 'exec \"$0\" \"$@\"' {}", unit_word(text)),
    }
}

/// A value of environment.d(5): quotes are taken off first, then variables put in.
pub(super) fn environment_d(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "$$");
    format!("\"{text}\"")
}

/// A word of sh, and of zsh.
pub(super) fn sh(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A word of fish.
pub(super) fn fish(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Text of an XML element.
pub(super) fn xml(text: &str) -> String {
    escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_looked_at_again() {
        let values = [("A", "@B@"), ("B", "b")];
        assert_eq!(fill("x@y @A@@B@ @C@ @", &values), "x@y @B@b @C@ @");
    }

    #[test]
    fn control_characters_and_other_encodings_are_refused() {
        for bad in ["/a\nb", "/a\tb", "/a\u{7f}"] {
            let error = text("program", Path::new(bad)).unwrap_err().to_string();
            assert!(
                error.starts_with("program ") && error.contains("control"),
                "{error}"
            );
        }
    }
}
