//! The loaded library, in the helper: its slots, its sessions, and the keys that were listed.

use super::certificate;
use super::message::{MOST_KEYS, MOST_NOTES, TokenKey};
use super::public::{self, Public};
use super::sign::{self, Way};
use crate::secret::Secret;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::RawAuthPin;
use std::cell::RefCell;
use std::path::PathBuf;

/// A library and what it holds.
pub(super) struct Device {
    library: PathBuf,
    slots: Vec<OpenSlot>,
    keys: Vec<Key>,
    /// Kept only if one of the keys asks for it at each use, and until the token takes it no more.
    pin: RefCell<Option<Secret>>,
}

struct OpenSlot {
    context: Pkcs11,
    slot: Slot,
    session: Session,
    /// What the token can do; empty if it does not say.
    mechanisms: Vec<MechanismType>,
}

struct Key {
    public: Public,
    slot: usize,
    always_authenticate: bool,
}

impl Device {
    /// Loads the library, logs in to its tokens and lists their keys. A token that cannot be used is passed over; why
    /// is among the remarks.
    pub(super) fn load(library: &str, pin: &[u8]) -> Result<(Self, Vec<String>), String> {
        let context = Pkcs11::new(library).map_err(|error| format!("not a PKCS#11 library: {error}"))?;
        initialize(&context)?;
        let mut device = Self {
            library: library.into(),
            slots: Vec::new(),
            keys: Vec::new(),
            pin: RefCell::default(),
        };
        let mut notes = Vec::new();
        let slots = context.get_slots_with_token().map_err(said)?;
        if slots.is_empty() {
            return Err(String::from("no token is there; insert it and try again"));
        }
        for slot in slots {
            if let Err(reason) = device.add_slot(&context, slot, pin, &mut notes) {
                notes.push(reason);
            }
        }
        if device.keys.iter().any(|key| key.always_authenticate) && !pin.is_empty() {
            device.pin = RefCell::new(Some(Secret::copy_of(pin)));
        }
        notes.truncate(MOST_NOTES);
        Ok((device, notes))
    }

    /// The keys listed.
    pub(super) fn keys(&self) -> Vec<TokenKey> {
        let listed = |key: &Key| TokenKey {
            blob: key.public.half.blob.clone(),
            label: key.public.label.clone(),
        };
        self.keys.iter().map(listed).collect()
    }

    /// Signs `data` with a key that was listed.
    pub(super) fn sign(&self, blob: &[u8], data: &[u8], flags: u32) -> Result<Vec<u8>, String> {
        let key = self.keys.iter().find(|key| key.public.half.blob == blob);
        let key = key.ok_or("this key was not listed")?;
        let slot = self.slots.get(key.slot).ok_or("its slot was not opened")?;
        let private = private(&slot.session, &key.public.id)?
            .ok_or("the token does not hold its private half, or not any more")?;
        let way = Way::choose(&key.public.half, &slot.mechanisms, data, flags)?;
        let made = if key.always_authenticate {
            self.sign_authenticated(slot, private, &way)
        } else {
            slot.session
                .sign(&way.mechanism, private, &way.input)
                .map_err(said)
        }?;
        sign::encode(&key.public.half, &way, made)
    }

    /// As keys with CKA_ALWAYS_AUTHENTICATE want it: a login of its own between the two steps of a signature.
    /// In a session of its own, whose end is the end of a signature that was begun and refused.
    fn sign_authenticated(
        &self,
        slot: &OpenSlot,
        private: ObjectHandle,
        way: &Way<'_>,
    ) -> Result<Vec<u8>, String> {
        let pin = self.pin.borrow().as_ref().map(|pin| raw(pin)).ok_or(
            "this key wants its PIN at each use, and there is none that fits; load it again: ssh-add -e LIBRARY, ssh-add -s LIBRARY",
        )?;
        let session = slot.context.open_ro_session(slot.slot).map_err(said)?;
        session.sign_init(&way.mechanism, private).map_err(said)?;
        if let Err(error) = session.login_with_raw(UserType::ContextSpecific, &pin) {
            // It may have been changed. A few more attempts with it, one for each login of ssh, would lock it.
            self.pin.replace(None);
            return Err(format!(
                "the token does not take its PIN any more: {}",
                said(error)
            ));
        }
        claviger_platform::pkcs11::finish_signature(&self.library, session.handle(), &way.input)
    }

    fn add_slot(
        &mut self,
        context: &Pkcs11,
        slot: Slot,
        pin: &[u8],
        notes: &mut Vec<String>,
    ) -> Result<(), String> {
        let about = |error: Error| format!("slot {}: {}", slot.id(), said(error));
        let token = context.get_token_info(slot).map_err(about)?;
        if !token.token_initialized() {
            return Ok(());
        }
        let name = token.label().trim_end().to_owned();
        let named = |reason: String| format!("token {name:?} is passed over: {reason}");
        if token.user_pin_locked() {
            return Err(named(locked()));
        }
        if token.login_required() && pin.is_empty() {
            return Err(named(String::from("it wants a PIN and none was given")));
        }
        let session = context
            .open_ro_session(slot)
            .map_err(|error| named(said(error)))?;
        if token.login_required() {
            login(&session, pin).map_err(named)?;
        }
        let publics =
            public::list(&session, MOST_KEYS - self.keys.len(), notes).map_err(|error| named(said(error)))?;
        // An authority's certificate has no private half here.
        let certified = certificate::list(&session, MOST_KEYS).unwrap_or_default();
        let certified = certified
            .into_iter()
            .filter(|public| matches!(private(&session, &public.id), Ok(Some(_))));
        let position = self.slots.len();
        for public in publics.into_iter().chain(certified) {
            if self.keys.len() == MOST_KEYS {
                break;
            }
            if self.keys.iter().any(|known| known.public.half == public.half) {
                continue;
            }
            self.keys.push(Key {
                always_authenticate: always_authenticates(&session, &public.id),
                public,
                slot: position,
            });
        }
        self.slots.push(OpenSlot {
            context: context.clone(),
            slot,
            session,
            mechanisms: context.get_mechanism_list(slot).unwrap_or_default(),
        });
        Ok(())
    }
}

/// Some old libraries refuse to be told that they may lock, which one thread does not need.
fn initialize(context: &Pkcs11) -> Result<(), String> {
    let begin = |flags| context.initialize(CInitializeArgs::new(flags));
    match begin(CInitializeFlags::OS_LOCKING_OK) {
        Err(Error::Pkcs11(RvError::CantLock | RvError::ArgumentsBad, _)) => begin(CInitializeFlags::empty()),
        other => other,
    }
    .map_err(said)
}

fn login(session: &Session, pin: &[u8]) -> Result<(), String> {
    match session.login_with_raw(UserType::User, &raw(pin)) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(Error::Pkcs11(RvError::PinIncorrect, _)) => Err(String::from("the PIN is wrong")),
        Err(Error::Pkcs11(RvError::PinLocked, _)) => Err(locked()),
        Err(Error::Pkcs11(RvError::PinLenRange, _)) => {
            Err(String::from("the PIN is shorter or longer than its PINs are"))
        }
        Err(error) => Err(said(error)),
    }
}

fn locked() -> String {
    String::from("its PIN is locked; unlock it with its vendor's tool")
}

/// What the crate takes; wiped when dropped.
fn raw(pin: &[u8]) -> RawAuthPin {
    RawAuthPin::new(Box::new(pin.to_vec()))
}

/// The private half with this id; one that says it signs goes before one that does not say it.
fn private(session: &Session, id: &[u8]) -> Result<Option<ObjectHandle>, String> {
    let mut template = vec![
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::Id(id.to_vec()),
        Attribute::Sign(true),
    ];
    for _ in 0..2 {
        if let Some(&found) = session.find_objects(&template).map_err(said)?.first() {
            return Ok(Some(found));
        }
        template.truncate(2);
    }
    Ok(None)
}

/// Tokens without the attribute have no such keys.
fn always_authenticates(session: &Session, id: &[u8]) -> bool {
    let Ok(Some(private)) = private(session, id) else {
        return false;
    };
    let attributes = session.get_attributes(private, &[AttributeType::AlwaysAuthenticate]);
    attributes.is_ok_and(|all| all.contains(&Attribute::AlwaysAuthenticate(true)))
}

/// What the library said, for people.
pub(super) fn said(error: Error) -> String {
    match error {
        Error::Pkcs11(
            RvError::SessionHandleInvalid | RvError::DeviceRemoved | RvError::TokenNotPresent,
            _,
        ) => String::from("the token was removed; insert it, then: ssh-add -e LIBRARY, ssh-add -s LIBRARY"),
        // By its name: the crate explains each code with a paragraph.
        Error::Pkcs11(code, function) => format!("C_{function:?}: {code:?}"),
        other => other.to_string(),
    }
}
