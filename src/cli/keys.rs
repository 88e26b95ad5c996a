//! The command lines of `claviger convert` and `claviger pubkey`.
use super::{ClientArgs, KeyPassphrase, VaultPassphrase};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The new file keeps the passphrase, unless one of the options below says otherwise.
#[derive(Args)]
pub(crate) struct ConvertArgs {
    /// Private key file, in any format that claviger reads
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Format of the new file
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) to: TargetFormat,
    /// The new file; one that exists is never overwritten
    #[arg(short = 'o', long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Comment of the new file, instead of the old one's
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// Rounds of the key derivation (openssh only) [default: 24]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rounds: Option<u32>,
    #[command(flatten)]
    pub(crate) new: NewPassphrase,
    #[command(flatten)]
    pub(crate) key: KeyPassphrase,
    #[command(flatten)]
    pub(crate) vault: VaultPassphrase,
}

/// Formats that keys are written in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetFormat {
    /// OpenSSH's own
    Openssh,
    /// PKCS#8 in PEM, for OpenSSL and most else
    Pkcs8,
    /// PuTTY's, version 3
    Ppk,
}

/// What protects the new file.
#[derive(Args)]
pub(crate) struct NewPassphrase {
    /// Ask for a new passphrase, twice
    #[arg(long, conflicts_with_all = ["new_passphrase_fd", "no_passphrase"])]
    pub(crate) new_passphrase: bool,
    /// Read the new passphrase from this descriptor (first line)
    #[arg(long, value_name = "N", conflicts_with = "no_passphrase", value_parser = clap::value_parser!(i32).range(0..))]
    pub(crate) new_passphrase_fd: Option<i32>,
    /// Write a file that everybody who has it can use; asks on the terminal, or wants --unprotected too
    #[arg(long)]
    pub(crate) no_passphrase: bool,
    /// Say again that the new file shall have no passphrase
    #[arg(long, requires = "no_passphrase")]
    pub(crate) unprotected: bool,
}

#[derive(Args)]
pub(crate) struct PubkeyArgs {
    /// A file (private key, .pub, RFC 4716), or a key as `claviger list` names it
    #[arg(value_name = "FILE|KEY")]
    pub(crate) name: String,
    /// Print the file form of RFC 4716, for ssh.com's and other servers
    #[arg(long, conflicts_with_all = ["fingerprint", "qr", "json"])]
    pub(crate) rfc4716: bool,
    /// Print the SHA-256 fingerprint and its picture
    #[arg(long, conflicts_with_all = ["qr", "json"])]
    pub(crate) fingerprint: bool,
    /// With --fingerprint: of MD5, for old servers and control panels
    #[arg(long, requires = "fingerprint")]
    pub(crate) md5: bool,
    /// Draw the line as a QR code
    #[arg(long, conflicts_with = "json")]
    pub(crate) qr: bool,
    /// Also put the line on the clipboard: over ssh that of your terminal, else that of the desktop
    #[arg(long)]
    pub(crate) copy: bool,
    /// Comment of the line, instead of the key's
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) key: KeyPassphrase,
    #[command(flatten)]
    pub(crate) vault: VaultPassphrase,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
