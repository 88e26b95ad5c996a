//! Names of hosts, as `~/.ssh/known_hosts` has them in clear.
use claviger_platform::files;
use ssh_key::{HashAlg, KnownHosts};
use std::collections::HashMap;
use std::path::Path;

/// Larger files are not read.
const MAX_BYTES: u64 = 64 << 20;

/// Fingerprint of a host key to who has it.
pub(crate) type Names = HashMap<String, Host>;

/// The names of one host key, line by line: those of one line are one machine's.
#[derive(Default)]
pub(crate) struct Host(Vec<Vec<String>>);

impl Host {
    /// All of them, each once.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for name in self.0.iter().flatten() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// One name for each machine.
    pub(crate) fn machines(&self) -> Vec<String> {
        let mut names = Vec::new();
        for name in self.0.iter().filter_map(|line| line.first()) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }
}

/// Reads them. Lines with hashed names, patterns or markers name nobody; what does not parse is passed over, as ssh does.
pub(crate) fn names(home: &Path) -> Names {
    let mut names = Names::new();
    let file = files::read_public(&home.join(".ssh/known_hosts"), MAX_BYTES).unwrap_or_default();
    for line in String::from_utf8_lossy(&file).lines() {
        // Line by line: the reader ends at the first line that it does not understand.
        let Some(Ok(entry)) = KnownHosts::new(line).next() else {
            continue;
        };
        if entry.marker().is_some() {
            continue;
        }
        let fingerprint = entry.public_key().fingerprint(HashAlg::Sha256).to_string();
        let patterns = entry.host_patterns().to_string();
        let clear = patterns
            .split(',')
            .filter(|name| !name.starts_with(['|', '!']) && !name.contains(['*', '?']));
        let line: Vec<String> = clear.map(str::to_owned).collect();
        if !line.is_empty() {
            names.entry(fingerprint).or_default().0.push(line);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const FINGERPRINT: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";

    #[test]
    fn names_in_clear_are_found_and_others_passed_over() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".ssh")).unwrap();
        let text = format!(
            "# mine\nhost.example.net,192.0.2.1 {KEY} a comment\nnonsense\n\n[host.example.net]:2222 {KEY}\n\
             |1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {KEY}\n@cert-authority *.example.org {KEY}\n\
             *.example.com {KEY}\nlast {KEY}"
        );
        std::fs::write(home.path().join(".ssh/known_hosts"), text).unwrap();
        let names = names(home.path());
        assert_eq!(names.len(), 1);
        assert_eq!(
            names[FINGERPRINT].names(),
            ["host.example.net", "192.0.2.1", "[host.example.net]:2222", "last"]
        );
        assert_eq!(
            names[FINGERPRINT].machines(),
            ["host.example.net", "[host.example.net]:2222", "last"]
        );
        assert!(super::names(Path::new("/nonexistent")).is_empty());
    }
}
