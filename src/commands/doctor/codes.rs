//! Every code that a finding can have, with its severity. Codes are for scripts and for `docs/doctor.md`: one that was
//! published keeps its meaning.

use super::finding::Severity;

/// One table gives the names, the severities and the whole list, so that none of them can lack one.
macro_rules! codes {
    ($($name:ident $text:literal $severity:ident)*) => {
        /// What was found, as a word that does not change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Code {
            $($name,)*
        }

        impl Code {
            /// As scripts and people see it.
            pub(super) fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// How bad it is.
            pub(super) fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)*
                }
            }

            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

codes! {
    AgentUnreachable "agent-unreachable" Warning
    AgentSilent "agent-silent" Error
    AgentOther "agent-other" Error
    AgentVersion "agent-version" Warning
    AuthSockUnset "auth-sock-unset" Warning
    AuthSockDead "auth-sock-dead" Warning
    AuthSockOther "auth-sock-other" Warning
    AuthSockForwarded "auth-sock-forwarded" Info
    IdentityAgentOther "identity-agent-other" Warning
    OwnerOther "owner-other" Error
    HomeWritable "home-writable" Error
    SshDirWritable "ssh-dir-writable" Error
    SshDirReadable "ssh-dir-readable" Info
    SshConfigWritable "ssh-config-writable" Error
    AuthorizedKeysWritable "authorized-keys-writable" Error
    KeyDirWritable "key-dir-writable" Error
    KeyExposed "key-exposed" Error
    ConfigWritable "config-writable" Error
    StateExposed "state-exposed" Warning
    VaultExposed "vault-exposed" Error
    DatabaseKeyExposed "database-key-exposed" Info
    SocketDirWritable "socket-dir-writable" Error
    LinkDangling "link-dangling" Warning
    LinkReplaceable "link-replaceable" Error
    KeyDamaged "key-damaged" Error
    KeyUnsupported "key-unsupported" Error
    KeyUnreadable "key-unreadable" Error
    KeyCostly "key-costly" Warning
    KeyNotAKey "key-not-a-key" Warning
    KeyWeak "key-weak" Warning
    KeyUnprotected "key-unprotected" Info
    KeyTwice "key-twice" Info
    PassphraseNotStored "passphrase-not-stored" Info
    PublicHalfMissing "public-half-missing" Warning
    PublicHalfWrong "public-half-wrong" Warning
    CertificateWrong "certificate-wrong" Warning
    CertificateExpired "certificate-expired" Warning
    CertificateEarly "certificate-early" Warning
    ConfigInvalid "config-invalid" Error
    RuleIdle "rule-idle" Warning
    VaultUnreadable "vault-unreadable" Error
    DatabaseMissing "database-missing" Error
    DatabaseUnreadable "database-unreadable" Error
    KeyringAbsent "keyring-absent" Info
    KeyringUnreachable "keyring-unreachable" Warning
    UpstreamUnreachable "upstream-unreachable" Warning
    PromptUnavailable "prompt-unavailable" Info
    AbsenceUnknown "absence-unknown" Info
    SshConfigInvalid "ssh-config-invalid" Error
    SshConfigUnjudged "ssh-config-unjudged" Info
    SshMissing "ssh-missing" Warning
    IdentityFilesMany "identity-files-many" Warning
    IdentitiesOnlyNoFile "identities-only-no-file" Warning
    ServiceMissing "service-missing" Info
    ServiceOutdated "service-outdated" Warning
    ServiceInactive "service-inactive" Warning
    LoginAgentTakes "login-agent-takes" Warning
    LoginAgentBeside "login-agent-beside" Info
    MemorySwappable "memory-swappable" Warning
    MemoryVisible "memory-visible" Info
    HardeningWeak "hardening-weak" Warning
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_documented_with_its_severity_and_every_documented_code_exists() {
        let text = include_str!("../../../docs/doctor.md");
        let titles = text.lines().filter_map(|line| line.strip_prefix("### `"));
        let documented: Vec<String> = titles.map(|title| title.replace('`', "")).collect();
        let known = Code::ALL
            .iter()
            .map(|code| format!("{} ({})", code.text(), code.severity().text()));
        let known: BTreeSet<String> = known.collect();
        assert_eq!(known.len(), Code::ALL.len(), "a code stands for one thing");
        assert_eq!(documented.iter().cloned().collect::<BTreeSet<_>>(), known);
        assert_eq!(documented.len(), known.len(), "documented once");
        for section in text.split("\n### ").skip(1) {
            assert!(section.contains("\nRemedy: "), "{section}");
        }
    }

    #[test]
    fn codes_are_kebab_case() {
        let plain = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        assert!(Code::ALL.iter().all(|code| code.text().chars().all(plain)));
    }
}
