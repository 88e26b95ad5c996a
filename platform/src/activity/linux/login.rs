//! logind: the session's lock, the machine's sleep, and the session's idle time.
//!
//! The session is the agent's own (XDG_SESSION_ID, else the one its process is in) if it is a person's, else the one that its
//! user's display is in: an agent that systemd starts is in no session, or in one of the class "manager", which is
//! never locked. It is sought anew whenever a session comes or goes.

use super::super::{ActivityError, Event, Hold};
use super::bus::{self, Heard, PROPERTIES, Wanted, Which};
use super::{Shared, send};
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use zbus::export::serde::Serialize;
use zbus::zvariant::{OwnedFd, OwnedObjectPath, OwnedValue};
use zbus::{Connection, Message};

const LOGIN: &str = "org.freedesktop.login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const MANAGER_PATH: &str = "/org/freedesktop/login1";
const SESSION: &str = "org.freedesktop.login1.Session";
const USER: &str = "org.freedesktop.login1.User";
const USER_PATH: &str = "/org/freedesktop/login1/user/self";

pub(super) const WANTED: Wanted = Wanted {
    bus: Which::System,
    names: &[LOGIN],
    rules: &[
        "interface='org.freedesktop.login1.Manager'",
        "interface='org.freedesktop.login1.Session'",
        "interface='org.freedesktop.DBus.Properties',path_namespace='/org/freedesktop/login1/session'",
    ],
};

/// How long those wait who want to know of the last input: without an answer, only use counts.
const PATIENCE: Duration = Duration::from_secs(1);

type Values = HashMap<String, OwnedValue>;

/// A session of this user's, as it was found.
#[derive(Clone)]
pub(super) struct Session {
    connection: Connection,
    path: OwnedObjectPath,
    id: String,
}

impl Session {
    pub(super) fn name(&self) -> String {
        format!("logind session {}", self.id)
    }

    /// Time since the last input; zero while logind does not call the session idle.
    pub(super) async fn idle_for(&self) -> Option<Duration> {
        let asking = properties(&self.connection, self.path.as_str(), SESSION);
        let values = tokio::time::timeout(PATIENCE, asking).await.ok()?.ok()?;
        if !value::<bool>(&values, "IdleHint")? {
            return Some(Duration::ZERO);
        }
        let since = UNIX_EPOCH + Duration::from_micros(value(&values, "IdleSinceHint")?);
        // A clock that was set back: as if there had just been some.
        Some(SystemTime::now().duration_since(since).unwrap_or_default())
    }
}

struct Login<'a> {
    connection: &'a Connection,
    shared: &'a Shared,
    tell: &'a mpsc::Sender<Event>,
    session: Option<OwnedObjectPath>,
    /// As the session last said.
    locked: bool,
    /// What logind waits for before the machine sleeps.
    inhibitor: Option<OwnedFd>,
}

pub(super) async fn follow(
    connection: &Connection,
    shared: &Shared,
    mut heard: mpsc::Receiver<Heard>,
    tell: &mpsc::Sender<Event>,
) {
    let mut login = Login {
        connection,
        shared,
        tell,
        session: None,
        locked: false,
        inhibitor: None,
    };
    while let Some(heard) = heard.recv().await {
        match heard {
            // Also where it is not there: calling it may start it.
            Heard::Owner { .. } => login.begin().await,
            Heard::Signal(message) => login.signal(&message).await,
        }
    }
}

impl Login<'_> {
    /// logind is new to us, or came again.
    async fn begin(&mut self) {
        self.find_session().await;
        self.inhibit().await;
        let sleeping = properties(self.connection, MANAGER_PATH, MANAGER).await.ok();
        if sleeping.and_then(|values| value(&values, "PreparingForSleep")) == Some(true) {
            self.sleep().await;
        }
    }

    async fn signal(&mut self, message: &Message) {
        let header = message.header();
        let (Some(interface), Some(member), Some(path)) =
            (header.interface(), header.member(), header.path())
        else {
            return;
        };
        let is_ours = self
            .session
            .as_ref()
            .is_some_and(|session| session.as_str() == path.as_str());
        match (interface.as_str(), member.as_str()) {
            (MANAGER, "PrepareForSleep") => match message.body().deserialize() {
                Ok(true) => self.sleep().await,
                Ok(false) => {
                    send(self.tell, Event::Woken).await;
                    self.inhibit().await;
                }
                Err(_) => {}
            },
            (MANAGER, "SessionNew" | "SessionRemoved") => self.find_session().await,
            (SESSION, "Lock") if is_ours => send(self.tell, Event::Locked).await,
            (SESSION, "Unlock") if is_ours => send(self.tell, Event::Unlocked).await,
            // What changed is asked for and not read from the signal, which need not have the new values.
            (PROPERTIES, "PropertiesChanged") if is_ours => self.look_at_lock(path.as_str()).await,
            _ => {}
        }
    }

    async fn sleep(&mut self) {
        send(self.tell, Event::Sleeping(Hold::new(self.inhibitor.take()))).await;
    }

    async fn inhibit(&mut self) {
        let asked = ("sleep", "claviger", "seals SSH keys", "delay");
        let method = (LOGIN, MANAGER_PATH, MANAGER, "Inhibit");
        let inhibitor = bus::call::<_, OwnedFd>(self.connection, method, &asked).await;
        let result = inhibitor.map(|inhibitor| self.inhibitor = Some(inhibitor));
        self.shared
            .change(|state| state.inhibitor = result.map_err(no_logind));
    }

    async fn find_session(&mut self) {
        let found = self.session().await;
        match &found {
            Ok((session, values)) => {
                self.session = Some(session.path.clone());
                self.lock_hint(value(values, "LockedHint")).await;
            }
            Err(_) => self.session = None,
        }
        self.shared
            .change(|state| state.session = found.map(|(session, _)| session));
    }

    async fn look_at_lock(&mut self, path: &str) {
        if let Ok(values) = properties(self.connection, path, SESSION).await {
            self.lock_hint(value(&values, "LockedHint")).await;
        }
    }

    async fn lock_hint(&mut self, locked: Option<bool>) {
        let locked = locked.unwrap_or_default();
        if std::mem::replace(&mut self.locked, locked) != locked {
            let event = if locked { Event::Locked } else { Event::Unlocked };
            send(self.tell, event).await;
        }
    }

    async fn session(&self) -> Result<(Session, Values), ActivityError> {
        if let Some(id) = own_session_id()
            && let Some(session) = self.own("GetSession", &id).await
        {
            return Ok(session);
        }
        // 0 is the caller, whatever its pid looks like from where logind runs.
        if let Some(session) = self.own("GetSessionByPID", &0u32).await {
            return Ok(session);
        }
        let user = properties(self.connection, USER_PATH, USER)
            .await
            .map_err(no_logind)?;
        let display = value::<(String, OwnedObjectPath)>(&user, "Display");
        let Some((_, path)) = display.filter(|(id, _)| !id.is_empty()) else {
            return Err(ActivityError::NoSession);
        };
        self.described(path).await.ok_or(ActivityError::NoSession)
    }

    /// The session that `method` gives, if it is one that a person sits at.
    async fn own<B>(&self, method: &str, body: &B) -> Option<(Session, Values)>
    where
        B: Serialize + zbus::zvariant::DynamicType,
    {
        let method = (LOGIN, MANAGER_PATH, MANAGER, method);
        let path = bus::call(self.connection, method, body).await.ok()?;
        self.described(path).await
    }

    /// What logind says of a session, if it is this user's own.
    async fn described(&self, path: OwnedObjectPath) -> Option<(Session, Values)> {
        let values = properties(self.connection, path.as_str(), SESSION).await.ok()?;
        let (uid, _) = value::<(u32, OwnedObjectPath)>(&values, "User")?;
        let class = value::<String>(&values, "Class")?;
        if uid != rustix::process::geteuid().as_raw() || !class.starts_with("user") {
            return None;
        }
        let session = Session {
            connection: self.connection.clone(),
            path,
            id: value(&values, "Id")?,
        };
        Some((session, values))
    }
}

async fn properties(connection: &Connection, path: &str, interface: &str) -> zbus::Result<Values> {
    bus::call(connection, (LOGIN, path, PROPERTIES, "GetAll"), &interface).await
}

fn value<T: TryFrom<OwnedValue>>(values: &Values, name: &str) -> Option<T> {
    values.get(name)?.try_clone().ok()?.try_into().ok()
}

fn no_logind(error: zbus::Error) -> ActivityError {
    ActivityError::NoService {
        service: "logind",
        reason: error.to_string(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the session is what the environment names"
)]
fn own_session_id() -> Option<String> {
    std::env::var("XDG_SESSION_ID").ok()
}
