//! ssh's configuration: what ssh refuses, and what makes logins fail although the right key is there.

use super::codes::Code;
use super::finding::Finding;
use super::scene::Scene;
use claviger::client::Asked;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

const SUBJECT: &str = "~/.ssh/config";
/// sshd's MaxAuthTries is 6, of which one is left for a password.
const MANY: usize = 5;
/// Hosts that are asked about, and how long all of them may take.
const MOST_HOSTS: usize = 100;
const ENOUGH: Duration = Duration::from_secs(10);

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let Some(survey) = &scene.survey else {
        return Vec::new();
    };
    let mut found = Vec::new();
    // What permissions are wrong is told where they are looked at.
    if let Some(why) = survey
        .complaint
        .as_ref()
        .filter(|why| !why.contains("Bad owner or permissions"))
    {
        found.push(Finding::new(
            Code::SshConfigInvalid,
            SUBJECT,
            format!("ssh refuses it, and logs in nowhere: {why}"),
            "correct the line that ssh names; `ssh -G HOST` says when it is right",
        ));
    }
    if let Some(why) = &survey.silent {
        found.push(Finding::new(
            Code::SshMissing,
            "ssh",
            format!("it cannot be asked about its configuration: {why}"),
            "install OpenSSH's client, or put it into PATH",
        ));
    }
    if let Some(why) = survey.doubt {
        found.push(Finding::new(
            Code::SshConfigUnjudged,
            SUBJECT,
            format!("ssh is not asked what it says of hosts, as that could run a command: {why}"),
            "nothing; `claviger explain HOST` says what is known of a host",
        ));
        return found;
    }
    if let Some(asked) = &scene.unnamed {
        found.extend(too_many(asked));
        found.extend(without_file(asked, "every host"));
    }
    found.extend(of_hosts(scene, &survey.hosts));
    found
}

fn too_many(asked: &Asked) -> Option<Finding> {
    let count = asked.configured.len();
    (count > MANY).then(|| {
        Finding::new(
            Code::IdentityFilesMany,
            SUBJECT,
            format!("{count} IdentityFile lines hold for every host: ssh tries them all, and servers give up after six"),
            "put each under the Host that it is for; claviger chooses the rest",
        )
    })
}

/// IdentitiesOnly has ssh take no key from the agent that no file shows; then there is none at all.
fn without_file(asked: &Asked, host: &str) -> Option<Finding> {
    let there = asked
        .configured
        .iter()
        .chain(&asked.defaults)
        .chain(&asked.explicit);
    let mut there = there.filter(|file| file.blob.is_some() || file.path.exists());
    (asked.identities_only && !asked.unsure && there.next().is_none()).then(|| {
        let names: Vec<String> = asked.configured.iter().map(|file| file.path.display().to_string()).collect();
        let why = match names.is_empty() {
            true => "no IdentityFile".to_owned(),
            false => format!("an IdentityFile that is not there ({})", names.join(", ")),
        };
        Finding::new(
            Code::IdentitiesOnlyNoFile,
            format!("Host {host}"),
            format!("IdentitiesOnly yes with {why}: ssh takes no key of the agent's for it"),
            "name a file that is there (the .pub is enough, as `claviger pubkey KEY` writes it), or take IdentitiesOnly out",
        )
    })
}

fn of_hosts(scene: &Scene, hosts: &[String]) -> Vec<Finding> {
    // What holds for every host was told.
    let everywhere = scene
        .unnamed
        .as_ref()
        .is_some_and(|asked| without_file(asked, "").is_some());
    if everywhere || scene.unnamed.is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let asking = async {
        for host in hosts.iter().take(MOST_HOSTS) {
            let asked: Arc<Asked> = scene.clients.asked_for_host(host).await;
            found.extend(without_file(&asked, host));
        }
    };
    // Those that were reached in time are told.
    let _ = scene.runtime.block_on(async { timeout(ENOUGH, asking).await });
    found
}
