//! Whether a key may sign what it is asked to sign, on the connection on which it is asked.

use super::pattern;
use super::route::Route;
use crate::wire::{Destination, Signed};
use thiserror::Error;

/// Applications of security keys that may sign anything unless configured otherwise: those made for ssh.
pub const WEBSAFE: &str = "ssh:*";

/// Why a restricted key did not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Denied {
    /// Nothing is known of where the request comes from.
    #[error("a session bind failed on this connection, so its origin is unknown")]
    BindFailed,
    /// The restriction can only be checked against a bound session.
    #[error("the key is restricted to destinations and the connection is not bound to a session")]
    Unbound,
    /// A restricted key signs logins only.
    #[error("the key is restricted to destinations and the data is not a login")]
    NotLogin,
    /// The login would present another key to the server.
    #[error("the login is with another key than the one that should sign")]
    OtherKey,
    /// On the host to which the agent is forwarded, nobody has said yet where to log in.
    #[error("the connection is bound for forwarding, not for a login")]
    Forwarding,
    /// No destination allows this step, counted from 0.
    #[error("no destination of the key allows step {hop} of the connection's way")]
    Hop {
        /// Index of the binding.
        hop: usize,
    },
    /// The host is allowed, the user there is not.
    #[error("no destination of the key allows this user on this host")]
    User,
    /// The login is not to the session that was bound last.
    #[error("the login is to another session than the connection is bound to")]
    OtherSession,
    /// Behind another host, a login must name its server, or that host could choose it.
    #[error("a login behind another host must be bound to the server's host key")]
    NotHostBound,
    /// The login names another server than the one that was bound last.
    #[error("the login is to another host key than the connection is bound to")]
    OtherHostKey,
}

impl Route {
    /// Whether a key with these destinations may sign `signed` here. A key without any may sign everything.
    ///
    /// `is_key` tells whether a blob names the key that signs: its own blob, or a certificate over the same public
    /// key, since older clients let the plain key sign for a certificate that they have as a file. `now` is in
    /// seconds since the epoch.
    pub fn may_sign(
        &self,
        destinations: &[Destination],
        signed: &Signed<'_>,
        is_key: impl Fn(&[u8]) -> bool,
        now: u64,
    ) -> Result<(), Denied> {
        if destinations.is_empty() {
            return Ok(());
        }
        let Some(last) = self.bindings().last() else {
            return Err(if self.is_remote() {
                Denied::BindFailed
            } else {
                Denied::Unbound
            });
        };
        let &Signed::UserAuth {
            session_id,
            user,
            key,
            host_key,
            ..
        } = signed
        else {
            return Err(Denied::NotLogin);
        };
        if !is_key(key) {
            return Err(Denied::OtherKey);
        }
        if last.forwarding {
            return Err(Denied::Forwarding);
        }
        self.walk(destinations, Some(user), now)?;
        if session_id != last.session_id {
            return Err(Denied::OtherSession);
        }
        match host_key {
            None if self.bindings().len() > 1 => Err(Denied::NotHostBound),
            Some(named) if named != last.host.blob => Err(Denied::OtherHostKey),
            _ => Ok(()),
        }
    }
}

/// Whether a security key may sign `signed`: anything, if its `application` is one of `patterns` (a list with commas,
/// `!` excludes), else only logins with that very key (`is_key`, as for [`Route::may_sign`]) and signatures of files.
///
/// A key made for a web site signs the site's challenges; an agent that signed any data would let a client (or a
/// host to which it is forwarded) log in to that site.
pub fn websafe(
    application: &[u8],
    patterns: &str,
    signed: &Signed<'_>,
    is_key: impl Fn(&[u8]) -> bool,
) -> bool {
    pattern::list_matches(patterns.as_bytes(), application)
        || match signed {
            Signed::UserAuth { key, .. } => is_key(key),
            Signed::SshSig { .. } => true,
            Signed::Other => false,
        }
}
