//! What logind is to an agent: sessions with their lock, and the machine's sleep, which waits for inhibitors.
//!
//! The real one wants to be root and the only one; this one has its names, paths, types and order of events.

use super::bus::Bus;
use crate::support::LIMIT;
use std::collections::HashMap;
use std::io::Read;
use std::os::fd::OwnedFd as StdFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use zbus::blocking::Connection;
use zbus::fdo::Error::Failed;
use zbus::message::Header;
use zbus::zvariant::{OwnedFd, OwnedObjectPath, Value};
use zbus::{fdo, interface};

const MANAGER: &str = "org.freedesktop.login1.Manager";
const MANAGER_PATH: &str = "/org/freedesktop/login1";
const SESSION: &str = "org.freedesktop.login1.Session";

/// Holds off the sleep until its other end is closed.
pub(super) struct Inhibitor {
    end: UnixStream,
    /// The unique name of who asked for it.
    pub(super) of: String,
}

impl Inhibitor {
    /// Waits until it is given back.
    pub(super) fn wait_until_closed(&mut self) {
        self.end.set_read_timeout(Some(LIMIT)).expect("a time limit");
        let read = self.end.read(&mut [0; 1]);
        assert_eq!(read.expect("it is given back"), 0);
    }

    /// Whether it still holds off the sleep.
    pub(super) fn is_held(&mut self) -> bool {
        self.end.set_nonblocking(true).expect("its mode");
        let read = self.end.read(&mut [0; 1]);
        self.end.set_nonblocking(false).expect("its mode");
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// Which sessions there are, by id, and what class each has.
#[derive(Clone, Default)]
pub(super) struct Sessions {
    pub(super) classes: Vec<(&'static str, &'static str)>,
    /// The one that the agent's process is in.
    pub(super) of_process: Option<&'static str>,
    /// The one that the user's display is in; "" for none.
    pub(super) of_display: &'static str,
}

/// On the bus until it is dropped.
pub(super) struct Logind {
    connection: Connection,
    inhibitors: Receiver<Inhibitor>,
    sessions: Arc<Mutex<Sessions>>,
    locked: Arc<Mutex<bool>>,
    idle_since: Arc<Mutex<Option<SystemTime>>>,
}

impl Logind {
    /// With one session, of the user's display, as an agent sees it that systemd started.
    pub(super) fn start(bus: &Bus) -> Self {
        Self::with(
            bus,
            Sessions {
                classes: vec![("2", "user")],
                of_display: "2",
                ..Sessions::default()
            },
        )
    }

    pub(super) fn with(bus: &Bus, sessions: Sessions) -> Self {
        let (give, inhibitors) = channel();
        let locked = Arc::new(Mutex::new(false));
        let idle_since = Arc::new(Mutex::new(None));
        let classes = sessions.classes.clone();
        let sessions = Arc::new(Mutex::new(sessions));
        let manager = Manager {
            give: Mutex::new(give),
            sessions: sessions.clone(),
        };
        let user = User(sessions.clone());
        let connection = bus
            .builder()
            .serve_at(MANAGER_PATH, manager)
            .and_then(|builder| builder.serve_at("/org/freedesktop/login1/user/self", user))
            .and_then(|builder| builder.build())
            .expect("a connection");
        let logind = Self {
            connection,
            inhibitors,
            sessions,
            locked,
            idle_since,
        };
        for (id, class) in classes {
            logind.serve(id, class);
        }
        // Only now, as the real one does.
        logind
            .connection
            .request_name("org.freedesktop.login1")
            .expect("the name");
        logind
    }

    fn serve(&self, id: &'static str, class: &'static str) {
        let session = Session {
            id,
            class,
            locked: self.locked.clone(),
            idle_since: self.idle_since.clone(),
        };
        self.connection
            .object_server()
            .at(path(id), session)
            .expect("a session");
    }

    /// Another session begins, and is the user's display's.
    pub(super) fn begin(&self, id: &'static str) {
        self.serve(id, "user");
        self.sessions.lock().expect("sessions").of_display = id;
        self.emit(MANAGER_PATH, MANAGER, "SessionNew", &(id, path(id)));
    }

    /// Waits until the agent asks to be waited for, by which time it knows its session.
    pub(super) fn inhibitor(&self) -> Inhibitor {
        self.inhibitors.recv_timeout(LIMIT).expect("an inhibitor")
    }

    /// `loginctl lock-session` and `unlock-session`.
    pub(super) fn ask_to_lock(&self, id: &str, lock: bool) {
        let name = if lock { "Lock" } else { "Unlock" };
        self.emit(path(id).as_str(), SESSION, name, &());
    }

    /// The desktop says that the screen is or is no longer locked.
    pub(super) fn set_locked(&self, id: &str, locked: bool) {
        *self.locked.lock().expect("the lock") = locked;
        let changed = HashMap::from([("LockedHint", Value::from(locked))]);
        let body = (SESSION, changed, Vec::<&str>::new());
        let properties = "org.freedesktop.DBus.Properties";
        self.emit(path(id).as_str(), properties, "PropertiesChanged", &body);
    }

    /// The desktop says since when the person gives no input; none: there is some.
    pub(super) fn set_idle_since(&self, since: Option<SystemTime>) {
        *self.idle_since.lock().expect("the time") = since;
    }

    /// The machine is about to sleep, or woke.
    pub(super) fn prepare_for_sleep(&self, start: bool) {
        self.emit(MANAGER_PATH, MANAGER, "PrepareForSleep", &start);
    }

    fn emit<B>(&self, path: &str, interface: &str, name: &str, body: &B)
    where
        B: zbus::export::serde::Serialize + zbus::zvariant::DynamicType,
    {
        self.connection
            .emit_signal(None::<&str>, path, interface, name, body)
            .expect("a signal");
    }
}

/// The object of a session: its id, its first digit escaped as logind does.
pub(super) fn path(id: &str) -> OwnedObjectPath {
    let path = format!("/org/freedesktop/login1/session/_3{id}");
    path.try_into().expect("a path")
}

struct Manager {
    give: Mutex<Sender<Inhibitor>>,
    sessions: Arc<Mutex<Sessions>>,
}

#[interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    fn inhibit(
        &self,
        what: &str,
        who: &str,
        _why: &str,
        mode: &str,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<OwnedFd> {
        if (what, who, mode) != ("sleep", "claviger", "delay") {
            return Err(Failed(format!("{what} {who} {mode}: not what is wanted here")));
        }
        let (end, given) = UnixStream::pair().map_err(|error| Failed(error.to_string()))?;
        let of = header.sender().map(ToString::to_string).unwrap_or_default();
        let _ = self.give.lock().expect("the channel").send(Inhibitor { end, of });
        Ok(StdFd::from(given).into())
    }

    fn get_session(&self, id: &str) -> fdo::Result<OwnedObjectPath> {
        let sessions = self.sessions.lock().expect("sessions");
        match sessions.classes.iter().any(|(known, _)| *known == id) {
            true => Ok(path(id)),
            false => Err(Failed(format!("No session '{id}' known"))),
        }
    }

    #[zbus(name = "GetSessionByPID")]
    fn get_session_by_pid(&self, pid: u32) -> fdo::Result<OwnedObjectPath> {
        match self.sessions.lock().expect("sessions").of_process {
            Some(id) if pid == 0 => Ok(path(id)),
            _ => Err(Failed(String::from(
                "Caller does not belong to any known session",
            ))),
        }
    }

    #[zbus(property)]
    fn preparing_for_sleep(&self) -> bool {
        false
    }
}

struct User(Arc<Mutex<Sessions>>);

#[interface(name = "org.freedesktop.login1.User")]
impl User {
    #[zbus(property)]
    fn display(&self) -> (String, OwnedObjectPath) {
        let id = self.0.lock().expect("sessions").of_display;
        let none = || OwnedObjectPath::try_from("/").expect("a path");
        (id.to_owned(), if id.is_empty() { none() } else { path(id) })
    }
}

struct Session {
    id: &'static str,
    class: &'static str,
    locked: Arc<Mutex<bool>>,
    idle_since: Arc<Mutex<Option<SystemTime>>>,
}

#[interface(name = "org.freedesktop.login1.Session")]
impl Session {
    #[zbus(property)]
    fn id(&self) -> String {
        self.id.to_owned()
    }

    #[zbus(property)]
    fn class(&self) -> String {
        self.class.to_owned()
    }

    #[zbus(property)]
    fn user(&self) -> (u32, OwnedObjectPath) {
        let path = OwnedObjectPath::try_from("/org/freedesktop/login1/user/self").expect("a path");
        (own_uid(), path)
    }

    #[zbus(property)]
    fn locked_hint(&self) -> bool {
        *self.locked.lock().expect("the lock")
    }

    #[zbus(property)]
    fn idle_hint(&self) -> bool {
        self.idle_since.lock().expect("the time").is_some()
    }

    #[zbus(property)]
    fn idle_since_hint(&self) -> u64 {
        let since = *self.idle_since.lock().expect("the time");
        let time = since.map(|time| time.duration_since(UNIX_EPOCH).expect("a time after 1970"));
        u64::try_from(time.unwrap_or_default().as_micros()).expect("microseconds")
    }
}

/// This user's number, as its processes have it.
fn own_uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").expect("/proc").uid()
}
