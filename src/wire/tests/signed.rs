//! What sign requests carry: logins and file signatures as they are written, with one field changed, and damaged.

use super::{KEY, cut_and_lied, strings};
use crate::wire::{Signed, signed};
use proptest::prelude::*;
use ssh_agent_lib::ssh_key::{HashAlg, SshSig};

struct Login<'a> {
    session_id: &'a [u8],
    kind: u8,
    user: &'a [u8],
    service: &'a [u8],
    method: &'a [u8],
    has_signature: u8,
    algorithm: &'a [u8],
    key: &'a [u8],
    host_key: Option<&'a [u8]>,
}

const LOGIN: Login<'_> = Login {
    session_id: &[5; 32],
    kind: 50,
    user: b"alice",
    service: b"ssh-connection",
    method: b"publickey",
    has_signature: 1,
    algorithm: b"ssh-ed25519",
    key: KEY,
    host_key: None,
};
const BOUND: Login<'_> = Login {
    method: b"publickey-hostbound-v00@openssh.com",
    host_key: Some(KEY),
    ..LOGIN
};

impl Login<'_> {
    fn data(&self) -> Vec<u8> {
        let mut data = strings(&[self.session_id]);
        data.push(self.kind);
        data.extend(strings(&[self.user, self.service, self.method]));
        data.push(self.has_signature);
        data.extend(strings(&[self.algorithm, self.key]));
        data.extend(self.host_key.map(|key| strings(&[key])).unwrap_or_default());
        data
    }
}

#[test]
fn reads_logins_bound_to_a_host_or_not() {
    for login in [LOGIN, BOUND] {
        let read = Signed::UserAuth {
            session_id: &[5; 32],
            user: b"alice",
            algorithm: b"ssh-ed25519",
            key: KEY,
            host_key: login.host_key,
        };
        assert_eq!(signed(&login.data()), read);
    }
}

#[test]
fn a_login_with_any_other_field_is_not_one() {
    let of_type = |name: &[u8]| strings(&[name, b"key"]);
    let (rsa, certificate) = (of_type(b"ssh-rsa"), of_type(b"ssh-rsa-cert-v01@openssh.com"));
    let cases: [(&str, Login<'_>); 14] = [
        (
            "session id",
            Login {
                session_id: b"",
                ..LOGIN
            },
        ),
        ("message", Login { kind: 51, ..LOGIN }),
        (
            "user",
            Login {
                user: b"al\0ice",
                ..LOGIN
            },
        ),
        (
            "user's end",
            Login {
                user: b"alice\0",
                ..LOGIN
            },
        ),
        (
            "service",
            Login {
                service: b"ssh-userauth",
                ..LOGIN
            },
        ),
        (
            "method",
            Login {
                method: b"hostbased",
                ..LOGIN
            },
        ),
        (
            "query",
            Login {
                has_signature: 0,
                ..LOGIN
            },
        ),
        (
            "truth",
            Login {
                has_signature: 2,
                ..LOGIN
            },
        ),
        (
            "type",
            Login {
                algorithm: b"rsa-sha2-512",
                ..LOGIN
            },
        ),
        (
            "plain",
            Login {
                algorithm: b"rsa-sha2-512",
                key: &certificate,
                ..LOGIN
            },
        ),
        (
            "certificate",
            Login {
                algorithm: b"ssh-rsa-cert-v01@openssh.com",
                key: &rsa,
                ..LOGIN
            },
        ),
        (
            "no blob",
            Login {
                key: b"",
                algorithm: b"",
                ..LOGIN
            },
        ),
        (
            "bound without host key",
            Login {
                host_key: None,
                ..BOUND
            },
        ),
        (
            "unbound with host key",
            Login {
                host_key: Some(KEY),
                ..LOGIN
            },
        ),
    ];
    for (what, login) in cases {
        assert_eq!(signed(&login.data()), Signed::Other, "{what}");
    }
}

#[test]
fn algorithms_that_fit_their_keys() {
    for (algorithm, kind) in [
        (&b"ssh-rsa"[..], &b"ssh-rsa"[..]),
        (b"rsa-sha2-256", b"ssh-rsa"),
        (
            b"rsa-sha2-512-cert-v01@openssh.com",
            b"ssh-rsa-cert-v01@openssh.com",
        ),
        (
            b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
            b"sk-ecdsa-sha2-nistp256@openssh.com",
        ),
        (b"ssh-mldsa44-ed25519-cert", b"ssh-mldsa44-ed25519-cert"),
        (b"new@example.com", b"new@example.com"),
    ] {
        let key = strings(&[kind, b"key"]);
        let login = Login {
            algorithm,
            key: &key,
            ..LOGIN
        };
        assert!(
            matches!(signed(&login.data()), Signed::UserAuth { .. }),
            "{kind:?}"
        );
    }
}

#[test]
fn reads_signatures_of_files_as_another_implementation_writes_them() {
    let data = SshSig::signed_data("git", HashAlg::Sha512, b"tree 1234").unwrap();
    assert_eq!(signed(&data), Signed::SshSig { namespace: b"git" });
    let mut longer = data.clone();
    longer.push(0);
    assert_eq!(signed(&longer), Signed::Other, "a byte behind it");
}

#[test]
fn data_cut_anywhere_or_with_a_byte_behind_is_something_else() {
    let sshsig = SshSig::signed_data("git", HashAlg::Sha512, b"tree 1234").unwrap();
    for whole in [LOGIN.data(), BOUND.data(), sshsig] {
        for end in 0..whole.len() {
            assert_eq!(signed(&whole[..end]), Signed::Other, "cut at {end}");
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert_eq!(signed(&longer), Signed::Other);
        for data in cut_and_lied(&whole) {
            let _ = signed(&data);
        }
    }
}

proptest! {
    #[test]
    fn never_panics(data in prop::collection::vec(prop_oneof![Just(0_u8), Just(50), any::<u8>()], 0..200)) {
        let _ = signed(&data);
    }
}
