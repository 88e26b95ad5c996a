//! May it? What the connection has proven is asked of `policy`, and the person where a key's terms say so.

use super::{Answer, SESSION_BIND, Session, identities::done};
use crate::key;
use crate::keyset::Held;
use crate::policy::{Binding, HostCertificate, HostKey};
use crate::wire::{self, Destination, Signed};
use claviger_platform::process;
use std::time::{SystemTime, UNIX_EPOCH};

/// Signatures with SHA-1 certify nothing any more.
const SHA1_RSA: &str = "ssh-rsa";

impl Session {
    /// session-bind@openssh.com: verifies what the server's key signed, and notes where the connection leads. Whatever
    /// comes of it, the connection counts as remote from here on.
    pub(super) fn bind(&mut self, body: &[u8]) -> Answer {
        self.route.attempt();
        let bound = verified(body)
            .and_then(|binding| self.route.bind(binding).map_err(|refused| refused.to_string()));
        match bound {
            Ok(()) => {
                self.look_at_client();
                done(true)
            }
            Err(reason) => {
                tracing::info!(pid = self.peer.pid, "{SESSION_BIND} refused: {reason}");
                Answer::Fixed(&wire::EXTENSION_FAILURE)
            }
        }
    }

    /// Whether the connection may know of the key.
    pub(super) fn sees(&self, held: &Held) -> bool {
        self.route.shows(&held.terms.destinations, now())
    }

    /// Whether the key may sign `data` for this connection, which names it as `blob`, and for which a rule has said `ruled`.
    pub(super) async fn may_sign(&self, held: &Held, blob: &[u8], data: &[u8], ruled: Ruled) -> bool {
        let signed = wire::signed(data);
        let same_key = |named: &[u8]| {
            named == blob || key::plain_of(named).is_some_and(|plain| plain == held.public.blob)
        };
        if let Err(denied) = self
            .route
            .may_sign(&held.terms.destinations, &signed, same_key, now())
        {
            tracing::warn!(key = %held.public.fingerprint, pid = self.peer.pid, "not signed: {denied}");
            return false;
        }
        if !self.is_websafe(held, &signed, same_key) {
            tracing::warn!(
                key = %held.public.fingerprint, pid = self.peer.pid,
                "not signed: the security key is a web site's, and the data is neither a login with it nor a file; \
                 -O websafe-allow lifts that"
            );
            return false;
        }
        let asks = held.terms.confirm || ruled == Ruled::Confirm;
        !asks || self.confirmed(held, &signed).await
    }

    /// A key's fingerprint as a question shows it (`-E`).
    pub(super) fn shown_fingerprint(&self, held: &Held) -> String {
        key::fingerprint(&held.public.blob, self.agent.options().hash)
    }

    async fn confirmed(&self, held: &Held, signed: &Signed<'_>) -> bool {
        let shown = self.shown_fingerprint(held);
        self.confirmed_by_name(&held.name(), &shown, purpose(held, signed))
            .await
    }

    /// In OpenSSH's words, so that askpass programs that look for them find them; behind them, which program asks.
    pub(super) async fn confirmed_by_name(&self, name: &str, shown: &str, purpose: Option<String>) -> bool {
        let purpose = purpose.map(|purpose| format!("\n{purpose}")).unwrap_or_default();
        let asker = self.asker().await;
        let question =
            format!("Allow use of key {name}?\nKey fingerprint {shown}.{purpose}\nAsked for by {asker}.");
        match self.agent.means.confirm(&question).await {
            Ok(allowed) => {
                tracing::info!(key = %shown, %asker, allowed, "asked");
                allowed
            }
            Err(error) => {
                tracing::warn!(key = %shown, %asker, "use not confirmed: {error}");
                false
            }
        }
    }

    /// The client's program, as far as the system tells: a name for the person, by which nothing is decided.
    async fn asker(&self) -> String {
        let Some(pid) = self.peer.pid else {
            return "an unknown program".to_owned();
        };
        // Some systems look at the program's file for it.
        let named = tokio::task::spawn_blocking(move || process::describe(pid)).await;
        named.unwrap_or_else(|_| format!("pid {pid}"))
    }
}

/// What the person's rules say of a key at a host, beyond that it may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ruled {
    /// Nothing more.
    Free,
    /// The person is asked first.
    Confirm,
}

/// What a key that is for certain destinations is used for, as OpenSSH tells it behind its questions.
pub(super) fn purpose(held: &Held, signed: &Signed<'_>) -> Option<String> {
    let Signed::UserAuth { user, .. } = signed else {
        return None;
    };
    let user = String::from_utf8_lossy(user);
    (!held.terms.destinations.is_empty())
        .then(|| format!("public key authentication request for user \"{user}\" to listed host"))
}

/// Whether each host of a restriction is named by keys that exist: as OpenSSH, which refuses a key otherwise.
pub(super) fn names_hosts(destinations: &[Destination]) -> bool {
    let hops = destinations.iter().flat_map(|step| [&step.from, &step.to]);
    hops.flat_map(|hop| &hop.keys)
        .all(|(blob, _)| key::is_whole(blob))
}

/// What the client claims, once the server's signature has been verified. A host certificate must be signed by its
/// authority too; whether that authority counts is `policy`'s to say.
fn verified(body: &[u8]) -> Result<Binding, String> {
    let bind = wire::session_bind(body).ok_or("it does not parse")?;
    key::verify(bind.host_key, bind.session_id, bind.signature).map_err(|error| error.to_string())?;
    let certificate = key::host_certificate(bind.host_key);
    if key::plain_of(bind.host_key).is_some() && !certificate.as_ref().is_some_and(|it| it.verifies) {
        return Err(String::from(
            "the host certificate is not signed by its authority",
        ));
    }
    Ok(Binding {
        host: HostKey {
            blob: bind.host_key.to_vec(),
            certificate: certificate.map(|certificate| HostCertificate {
                ca: certificate.authority,
                principals: certificate.principals,
                is_host: certificate.is_host,
                valid_after: certificate.valid_after,
                valid_before: certificate.valid_before,
                has_critical_options: certificate.has_critical_options,
                signed_with_allowed_algorithm: certificate.signature_algorithm != SHA1_RSA,
            }),
        },
        session_id: bind.session_id.to_vec(),
        forwarding: bind.forwarding,
    })
}

/// Seconds since the epoch, for the dates of certificates. A clock before it makes them all not yet valid.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
