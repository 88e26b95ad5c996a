//! First use of a sealed key. `ssh-agent` has no such thing: the nearest work is `ssh-add` of the same file, with an
//! askpass program that answers at once. The limit is the key's own derivation, done in the load process.

use crate::agents::{Agent, Program};
use crate::cases::Row;
use crate::home::{Home, Room};
use crate::measure::{Figures, Plan, Who};
use crate::turns::{Order, Sign};
use crate::{Result, keys};
use ssh_key::PrivateKey;
use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Protected keys; the first one used opens the vault too.
const KEYS: usize = 5;

/// Opens every key once per round, by claviger from its embedded vault and by `ssh-add`.
pub(crate) fn measure(room: &Room, plan: Plan) -> Result<Vec<Row>> {
    let (ours, theirs) = (room.home()?, room.home()?);
    let keys = keys::protected(&ours.keys(), KEYS)?;
    store(&ours, &keys)?;
    let mut first: BTreeMap<Who, Figures> = BTreeMap::new();
    let mut further: BTreeMap<Who, Figures> = BTreeMap::new();
    for _ in 0..plan.sealed_rounds {
        let mut claviger = ours.spawn_command(
            ours.claviger_with_passphrases("agent --vault-passphrase-fd 4 -D -a \"$CLAVIGER_SOCKET\""),
        )?;
        claviger.listening()?;
        claviger.listing(keys.len())?;
        let ssh_agent = theirs.start(Program::SshAgent, &[])?;
        for (number, key) in keys.iter().enumerate() {
            let figures = if number == 0 { &mut first } else { &mut further };
            figures
                .entry(Who::Claviger)
                .or_default()
                .add(&[first_signature(&claviger, key)?]);
            let start = Instant::now();
            theirs.ssh_add(std::slice::from_ref(key))?;
            first_signature(&ssh_agent, key)?;
            figures.entry(Who::SshAgent).or_default().add(&[start.elapsed()]);
            figures.entry(Who::Raw).or_default().add(&[derivation(key)?]);
        }
    }
    Ok(vec![
        Row {
            what: "first use of a sealed key, vault closed".into(),
            figures: first,
        },
        Row {
            what: "first use of a sealed key, vault open".into(),
            figures: further,
        },
    ])
}

fn store(home: &Home, keys: &[keys::Key]) -> Result<()> {
    let mut command = home.claviger_with_passphrases("add --passphrase-fd 3 --vault-passphrase-fd 4 \"$@\"");
    let output = command
        .args(keys.iter().map(|key| &key.path))
        .stderr(Stdio::piped())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("claviger add ended with {}: {said}", output.status).into())
}

fn first_signature(agent: &Agent, key: &keys::Key) -> Result<Duration> {
    let order = Order::new(&key.blob, "ssh-ed25519", 0)?;
    let client = agent.connect()?;
    let start = Instant::now();
    Sign::new(client, order)?;
    Ok(start.elapsed())
}

fn derivation(key: &keys::Key) -> Result<Duration> {
    let sealed = PrivateKey::read_openssh_file(&key.path)?;
    let start = Instant::now();
    sealed.decrypt(keys::PASSPHRASE)?;
    Ok(start.elapsed())
}
