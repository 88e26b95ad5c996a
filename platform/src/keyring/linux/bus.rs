//! What must be known of the Secret Service before it is asked for a secret: whether it runs, and what is locked.
//!
//! Every question has a limit of its own, so that a service which hangs is noticed here and not inside the store,
//! whose calls have none. Blocking, and for a plain thread only: zbus panics when this is called in an async task.
use super::{KeyringError, Trouble, timed_out};
use std::collections::HashMap;
use std::time::Duration;
use zbus::blocking::connection::Builder;
use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::{OwnedObjectPath, OwnedValue};

const SECRETS: &str = "org.freedesktop.secrets";

pub(super) struct Bus {
    connection: Connection,
    limit: Duration,
}

impl Bus {
    /// Connects to the session bus, wherever the environment says that it is.
    pub(super) fn connect(limit: Duration) -> Result<Self, KeyringError> {
        let connection = Builder::session()
            .and_then(|builder| builder.method_timeout(limit).build())
            .map_err(no_bus)?;
        Ok(Self { connection, limit })
    }

    /// Fine when the service runs (or could be started) and its default collection is open.
    pub(super) fn check_ready(&self) -> Result<(), Trouble> {
        self.ensure_running()?;
        let collection: OwnedObjectPath = self
            .service()
            .and_then(|service| service.call("ReadAlias", &"default"))
            .map_err(|error| self.trouble(error))?;
        if collection.as_str() == "/" {
            return Err(absent(
                "its service has no default collection yet; make one in its manager \
                 (Passwords and Keys, KeePassXC, KWalletManager)",
            ));
        }
        if self.property(&collection, "org.freedesktop.Secret.Collection", "Locked")? {
            return Err(Trouble::Final(KeyringError::Locked));
        }
        Ok(())
    }

    /// The items with these attributes: open ones, locked ones.
    pub(super) fn search(
        &self,
        attributes: &HashMap<&str, &str>,
    ) -> Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>), Trouble> {
        self.service()
            .and_then(|service| service.call("SearchItems", &(attributes,)))
            .map_err(|error| self.trouble(error))
    }

    /// When an item was last changed, in seconds since 1970.
    pub(super) fn modified(&self, item: &str) -> Result<u64, Trouble> {
        self.property(item, "org.freedesktop.Secret.Item", "Modified")
    }

    fn ensure_running(&self) -> Result<(), Trouble> {
        let bus = "org.freedesktop.DBus";
        let bus = Proxy::new(&self.connection, bus, "/org/freedesktop/DBus", bus)
            .map_err(|error| self.trouble(error))?;
        let running: bool = bus
            .call("NameHasOwner", &SECRETS)
            .map_err(|error| self.trouble(error))?;
        if running {
            return Ok(());
        }
        match bus.call_method("StartServiceByName", &(SECRETS, 0u32)) {
            Ok(_) => Ok(()),
            Err(zbus::Error::MethodError(error, detail, _)) => Err(match error.as_str() {
                "org.freedesktop.DBus.Error.TimedOut" => Trouble::Final(timed_out(self.limit)),
                "org.freedesktop.DBus.Error.ServiceUnknown" => absent(
                    "no Secret Service runs in this session; start gnome-keyring, KWallet, \
                     or KeePassXC with its Secret Service integration",
                ),
                other => absent(&format!(
                    "its service cannot be started: {}",
                    detail.as_deref().unwrap_or(other)
                )),
            }),
            Err(error) => Err(self.trouble(error)),
        }
    }

    fn service(&self) -> zbus::Result<Proxy<'static>> {
        let path = "/org/freedesktop/secrets";
        Proxy::new(&self.connection, SECRETS, path, "org.freedesktop.Secret.Service")
    }

    fn property<T: TryFrom<OwnedValue>>(
        &self,
        path: &str,
        interface: &str,
        name: &str,
    ) -> Result<T, Trouble> {
        let properties = "org.freedesktop.DBus.Properties";
        let value: OwnedValue = Proxy::new(&self.connection, SECRETS, path, properties)
            .and_then(|properties| properties.call("Get", &(interface, name)))
            .map_err(|error| self.trouble(error))?;
        value.try_into().map_err(|_| {
            let reason = format!("its property {name} has an unexpected type");
            Trouble::Final(KeyringError::Failed(reason))
        })
    }

    fn trouble(&self, error: zbus::Error) -> Trouble {
        match error {
            zbus::Error::InputOutput(io) if io.kind() == std::io::ErrorKind::TimedOut => {
                Trouble::Final(timed_out(self.limit))
            }
            other => Trouble::Stale(other.to_string()),
        }
    }
}

fn absent(reason: &str) -> Trouble {
    Trouble::Final(KeyringError::Absent(reason.to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "the bus is what the environment names")]
fn no_bus(error: zbus::Error) -> KeyringError {
    KeyringError::Absent(match std::env::var_os("DBUS_SESSION_BUS_ADDRESS") {
        Some(address) => format!(
            "no session bus answers at DBUS_SESSION_BUS_ADDRESS={} ({error})",
            address.display()
        ),
        None => format!(
            "no session bus: DBUS_SESSION_BUS_ADDRESS is not set and $XDG_RUNTIME_DIR/bus does not answer ({error})"
        ),
    })
}
