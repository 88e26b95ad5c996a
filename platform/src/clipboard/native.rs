//! macOS and Windows: the system's own clipboard.

use super::ClipboardError;
use arboard::Clipboard;

/// Puts `text` there; says whose clipboard it is.
///
/// # Errors
/// When another program holds the clipboard open, or there is none (a service without a desktop).
pub async fn set(text: &str) -> Result<&'static str, ClipboardError> {
    let set = Clipboard::new().and_then(|mut clipboard| clipboard.set_text(text));
    set.map(|()| "the system's")
        .map_err(|error| ClipboardError::Failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_set_is_there_after_its_setter_is_gone() {
        let line = "ssh-ed25519 AAAAC3Nz… schlüssel@höst";
        set("something else").await.unwrap();
        set(line).await.unwrap();
        assert_eq!(Clipboard::new().unwrap().get_text().unwrap(), line);
    }
}
