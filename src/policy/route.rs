//! The way of one connection: the hosts it was bound to, in order, and where a restricted key may go along it.

use super::host::HostKey;
use super::pattern;
use super::sign::Denied;
use crate::wire::{Destination, Signed};
use thiserror::Error;

/// Most bindings of a connection (AGENT_MAX_SESSION_IDS).
pub const MAX_BINDINGS: usize = 16;

/// One verified session bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The server.
    pub host: HostKey,
    /// The session with it.
    pub session_id: Vec<u8>,
    /// The agent is forwarded there, rather than used to log in there.
    pub forwarding: bool,
}

/// Why a bind was refused, though its signature was good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BindRefused {
    /// Nothing can follow a login.
    #[error("the connection is bound for a login already")]
    AfterLogin,
    /// A session has one server.
    #[error("the session is bound to another host key already")]
    OtherHostKey,
    /// More than [`MAX_BINDINGS`].
    #[error("the connection has {MAX_BINDINGS} bindings already")]
    TooMany,
}

/// What a connection has proven. Of its bindings, all but the last are for forwarding: [`Route::bind`] sees to it.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// A bind that failed says that the connection is not local, and nothing of where it comes from.
    attempted: bool,
    bindings: Vec<Binding>,
}

impl Route {
    /// A bind was asked for. To be called before anything of it is looked at, and also while the agent is locked:
    /// else a connection of another host would count as local afterwards (CVE-2026-73281).
    pub fn attempt(&mut self) {
        self.attempted = true;
    }

    /// Adds a bind whose signature was verified. The same one again is fine, and changes nothing.
    pub fn bind(&mut self, binding: Binding) -> Result<(), BindRefused> {
        self.attempt();
        for earlier in &self.bindings {
            if !earlier.forwarding {
                return Err(BindRefused::AfterLogin);
            }
            if earlier.session_id == binding.session_id {
                let same = earlier.host.blob == binding.host.blob;
                return if same {
                    Ok(())
                } else {
                    Err(BindRefused::OtherHostKey)
                };
            }
        }
        if self.bindings.len() >= MAX_BINDINGS {
            return Err(BindRefused::TooMany);
        }
        self.bindings.push(binding);
        Ok(())
    }

    /// Whether this may be another host's connection: each that tried to bind counts as such.
    pub fn is_remote(&self) -> bool {
        self.attempted
    }

    /// The bindings, the agent's own ssh first.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// The login that `signed` is for: the server and the user, if it is a login to the very session that this
    /// connection was bound to, straight from the agent's own host. A login behind another host is none: that host
    /// could have made it up.
    pub fn login<'a>(&'a self, signed: &Signed<'a>) -> Option<(&'a HostKey, &'a [u8])> {
        self.destination(signed).filter(|_| self.bindings.len() == 1)
    }

    /// The same, also behind other hosts: good for an order among keys, and for nothing that lasts.
    pub fn destination<'a>(&'a self, signed: &Signed<'a>) -> Option<(&'a HostKey, &'a [u8])> {
        let last = self.bindings.last()?;
        let &Signed::UserAuth {
            session_id,
            user,
            host_key,
            ..
        } = signed
        else {
            return None;
        };
        let same_host = host_key.is_none_or(|named| named == last.host.blob);
        (!last.forwarding && session_id == last.session_id && same_host).then_some((&last.host, user))
    }

    /// Whether a key with these destinations is to be seen here, and so may be removed or overwritten.
    ///
    /// `now` is in seconds since the epoch.
    pub fn shows(&self, destinations: &[Destination], now: u64) -> bool {
        if destinations.is_empty() {
            return true;
        }
        let Some(last) = self.bindings.last() else {
            return !self.attempted;
        };
        // Who asks from a host to which the agent is forwarded could only want to go on from there. A key that is
        // good for logging in to that host, and no further, is none of its business.
        let goes_on = || !last.forwarding || permits(destinations, Some(&last.host), None, None, now);
        self.walk(destinations, None, now).is_ok() && goes_on()
    }

    /// Follows the bindings from the agent's own host: each must be a step that some destination allows, the last
    /// one to this `user` there, if it is known.
    pub(super) fn walk(
        &self,
        destinations: &[Destination],
        user: Option<&[u8]>,
        now: u64,
    ) -> Result<(), Denied> {
        let mut from = None;
        for (hop, binding) in self.bindings.iter().enumerate() {
            let to = Some(&binding.host);
            let user = user.filter(|_| hop + 1 == self.bindings.len());
            if !permits(destinations, from, to, user, now) {
                let another_user_may = user.is_some() && permits(destinations, from, to, None, now);
                return Err(if another_user_may {
                    Denied::User
                } else {
                    Denied::Hop { hop }
                });
            }
            from = to;
        }
        Ok(())
    }
}

/// Whether some destination is for this step: `from` none is the agent's own host, `to` none is any host.
fn permits(
    destinations: &[Destination],
    from: Option<&HostKey>,
    to: Option<&HostKey>,
    user: Option<&[u8]>,
    now: u64,
) -> bool {
    destinations.iter().any(|destination| {
        let starts = match from {
            None => destination.from.host.is_empty() && destination.from.keys.is_empty(),
            Some(host) => host.is_at(&destination.from, now),
        };
        let any_user = destination.to.user.is_empty();
        starts
            && to.is_none_or(|host| host.is_at(&destination.to, now))
            && user.is_none_or(|user| any_user || pattern::matches(&destination.to.user, user))
    })
}
