//! The desktop's clipboard: what is put there stays when claviger has ended.
//!
//! macOS and Windows keep what they were given, so there one library call does it. Wayland and X11 have somebody stay and
//! serve it, which is what wl-copy, xclip and xsel are for; they are asked, and found by whoever knows that desktop.

#[cfg(any(target_os = "macos", windows))]
#[path = "native.rs"]
mod imp;
#[cfg(not(any(target_os = "macos", windows)))]
#[path = "programs.rs"]
mod imp;

pub use imp::set;

/// Why the clipboard was not set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClipboardError {
    /// There is a display, and nothing that serves its clipboard.
    #[error("no clipboard: install {0}")]
    Missing(&'static str),
    /// Nobody sits here.
    #[error("no clipboard here: there is no display (WAYLAND_DISPLAY, DISPLAY) and no ssh session")]
    NoDisplay,
    /// It was tried.
    #[error("the clipboard was not set: {0}")]
    Failed(String),
}
