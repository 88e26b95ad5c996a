//! Screen savers on the session bus, for desktops that tell logind nothing: `ActiveChanged`, of whatever path.
//!
//! Each is taken at its word that it is active; it may show a blank screen without a lock, and then the person is gone
//! all the same.

use super::super::Event;
use super::bus::{Heard, Wanted, Which};
use super::{Shared, send};
use tokio::sync::mpsc;

/// KDE and others by the common name; the others have their own, with the same signal.
const SAVERS: [&str; 5] = [
    "org.freedesktop.ScreenSaver",
    "org.gnome.ScreenSaver",
    "org.cinnamon.ScreenSaver",
    "org.mate.ScreenSaver",
    "org.xfce.ScreenSaver",
];

pub(super) const WANTED: Wanted = Wanted {
    bus: Which::Session,
    names: &SAVERS,
    rules: &["member='ActiveChanged'"],
};

pub(super) async fn follow(shared: &Shared, mut heard: mpsc::Receiver<Heard>, tell: &mpsc::Sender<Event>) {
    while let Some(heard) = heard.recv().await {
        match heard {
            Heard::Owner { name, there } => shared.change(|state| {
                let mut savers = state.savers.clone().unwrap_or_default();
                savers.retain(|known| *known != name);
                if there {
                    savers.push(name);
                }
                state.savers = Ok(savers);
            }),
            Heard::Signal(message) => {
                let header = message.header();
                if header
                    .member()
                    .is_none_or(|member| member.as_str() != "ActiveChanged")
                {
                    continue;
                }
                match message.body().deserialize() {
                    Ok(true) => send(tell, Event::Locked).await,
                    Ok(false) => send(tell, Event::Unlocked).await,
                    Err(error) => tracing::debug!("a screen saver's signal was not understood: {error}"),
                }
            }
        }
    }
}
