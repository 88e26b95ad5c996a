//! One connection to a bus, and of what comes over it only signals from those who own the names that are listened to.
//!
//! Anybody on a bus can send a signal straight to this connection, past all match rules. So each one's sender is compared
//! with the name's owner, as the bus itself tells it, and what is from others is dropped where it is read: it neither counts
//! as a signal nor fills a queue that others would then wait for.

use super::super::ActivityError;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc;
use zbus::export::futures_core::Stream;
use zbus::export::serde::Serialize;
use zbus::export::serde::de::DeserializeOwned;
use zbus::message::{Header, Type};
use zbus::{Connection, Message, MessageStream, connection};

/// How long a connection or an answer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Between attempts to connect, the first and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(64);
/// Signals that wait; who owns a name sends few.
const QUEUE: usize = 64;

const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

#[derive(Clone, Copy)]
pub(super) enum Which {
    System,
    Session,
}

/// What is listened to: signals of services, each by its name and of its own interfaces.
pub(super) struct Wanted {
    pub(super) bus: Which,
    pub(super) names: &'static [&'static str],
    /// Match rules without `type` and `sender`, each for every name.
    pub(super) rules: &'static [&'static str],
}

pub(super) enum Heard {
    Signal(Message),
    /// A service is or is not on the bus: said of each at first, then at each change.
    Owner {
        name: &'static str,
        there: bool,
    },
}

/// The pauses between attempts, which grow.
pub(super) struct Pauses(Duration);

impl Pauses {
    pub(super) fn new() -> Self {
        Self(FIRST_PAUSE)
    }

    pub(super) fn next(&mut self) -> Duration {
        let next = (self.0 * 2).min(LONGEST_PAUSE);
        std::mem::replace(&mut self.0, next)
    }
}

impl Which {
    /// Connects to where the environment says that it is.
    pub(super) async fn connect(self) -> Result<Connection, ActivityError> {
        let connecting = async {
            let builder = match self {
                Self::System => connection::Builder::system(),
                Self::Session => connection::Builder::session(),
            };
            builder?.method_timeout(LIMIT).build().await
        };
        let reason = match tokio::time::timeout(LIMIT, connecting).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("silent for {} s", LIMIT.as_secs()),
        };
        Err(self.gone(reason))
    }

    pub(super) fn gone(self, reason: impl ToString) -> ActivityError {
        let bus = match self {
            Self::System => "system",
            Self::Session => "session",
        };
        ActivityError::NoBus {
            bus,
            reason: reason.to_string(),
        }
    }
}

/// A call whose answer is waited for no longer than [`LIMIT`].
pub(super) async fn call<B, R>(
    connection: &Connection,
    (service, path, interface, method): (&str, &str, &str, &str),
    body: &B,
) -> zbus::Result<R>
where
    B: Serialize + zbus::zvariant::DynamicType,
    R: DeserializeOwned + zbus::zvariant::Type,
{
    let answer = connection
        .call_method(Some(service), path, Some(interface), method, body)
        .await?;
    answer.body().deserialize()
}

/// Listens and tells, until the bus is gone or nobody is told any more.
pub(super) async fn listen(
    connection: &Connection,
    wanted: &Wanted,
    tell: mpsc::Sender<Heard>,
) -> zbus::Error {
    match hear(connection, wanted, tell).await {
        Ok(()) => zbus::Error::InputOutput(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()),
        Err(error) => error,
    }
}

pub(super) fn channel() -> (mpsc::Sender<Heard>, mpsc::Receiver<Heard>) {
    mpsc::channel(QUEUE)
}

async fn hear(connection: &Connection, wanted: &Wanted, tell: mpsc::Sender<Heard>) -> zbus::Result<()> {
    // Before the first rule, so that nothing is missed that comes behind its answer.
    let mut stream = MessageStream::from(connection);
    let mut owners = Vec::new();
    for &name in wanted.names {
        let owner = subscribe(connection, name, wanted.rules).await?;
        let there = owner.is_some();
        owners.push((name, owner));
        if tell.send(Heard::Owner { name, there }).await.is_err() {
            return Ok(());
        }
    }
    while let Some(message) = std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
        let message = message?;
        let heard = match judge(&message, &mut owners) {
            Judged::Foreign => continue,
            Judged::Signal => Heard::Signal(message),
            Judged::Owner { name, there } => Heard::Owner { name, there },
        };
        if tell.send(heard).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Asks for a name's signals and for its changes of owner; then, who owns it.
async fn subscribe(connection: &Connection, name: &str, rules: &[&str]) -> zbus::Result<Option<String>> {
    let bus = |method| (BUS, BUS_PATH, BUS, method);
    let owner = format!("type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{name}'");
    call::<_, ()>(connection, bus("AddMatch"), &owner).await?;
    for rule in rules {
        let rule = format!("type='signal',sender='{name}',{rule}");
        call::<_, ()>(connection, bus("AddMatch"), &rule).await?;
    }
    match call(connection, bus("GetNameOwner"), &name).await {
        Ok(owner) => Ok(Some(owner)),
        Err(zbus::Error::MethodError(error, ..)) if error.ends_with(".NameHasNoOwner") => Ok(None),
        Err(error) => Err(error),
    }
}

enum Judged {
    /// From somebody else, or of no interest.
    Foreign,
    Signal,
    Owner {
        name: &'static str,
        there: bool,
    },
}

type Owners = [(&'static str, Option<String>)];

/// The bus writes the sender into each message; nobody else can.
fn judge(message: &Message, owners: &mut Owners) -> Judged {
    let header = message.header();
    let (Type::Signal, Some(sender)) = (header.message_type(), header.sender()) else {
        return Judged::Foreign;
    };
    if sender.as_str() == BUS {
        return owner_changed(message, &header, owners).unwrap_or(Judged::Foreign);
    }
    let Some(interface) = header.interface() else {
        return Judged::Foreign;
    };
    let is_its = |name: &str| interface.starts_with(name) || interface.as_str() == PROPERTIES;
    let is_from = |owner: &Option<String>| owner.as_deref() == Some(sender.as_str());
    match owners.iter().any(|(name, owner)| is_from(owner) && is_its(name)) {
        true => Judged::Signal,
        false => Judged::Foreign,
    }
}

fn owner_changed(message: &Message, header: &Header<'_>, owners: &mut Owners) -> Option<Judged> {
    if header.member()?.as_str() != "NameOwnerChanged" {
        return None;
    }
    let (changed, _, new): (String, String, String) = message.body().deserialize().ok()?;
    let (name, owner) = owners.iter_mut().find(|(name, _)| *name == changed)?;
    *owner = (!new.is_empty()).then_some(new);
    Some(Judged::Owner {
        name,
        there: owner.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_no_further() {
        let mut pauses = Pauses::new();
        let taken: Vec<u64> = (0..9).map(|_| pauses.next().as_secs()).collect();
        assert_eq!(taken, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
    }
}
