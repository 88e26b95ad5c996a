//! Who else serves the pipe where ssh for Windows looks by itself: the agent that is part of Windows (a service, of its own
//! account and for all users), or another program that took the name.

use super::{Conflict, Setup};
use crate::endpoint::{Holder, holder};
use crate::windows::services::{self, Service, Start};
use std::path::Path;

/// The name of the service "OpenSSH Authentication Agent".
const SERVICE: &str = "ssh-agent";
/// Where it listens, and where ssh for Windows looks unless SSH_AUTH_SOCK or IdentityAgent says otherwise.
const PIPE: &str = r"\\.\pipe\openssh-ssh-agent";
/// In PowerShell `sc` means something else; `sc.exe` is right in both shells.
const DISABLE: &str = "as administrator: sc.exe config ssh-agent start= disabled, then sc.exe stop ssh-agent";

const SERVES: &str = r"serves \\.\pipe\openssh-ssh-agent, where ssh.exe looks unless SSH_AUTH_SOCK or IdentityAgent says otherwise";
const IN_THE_WAY: &str =
    r"has \\.\pipe\openssh-ssh-agent, where claviger is to listen, so that claviger cannot start";
const WILL: &str = r"starts with Windows, before you log in, and takes \\.\pipe\openssh-ssh-agent then";

pub(super) fn conflicts(setup: &Setup) -> Vec<Conflict> {
    // What cannot be asked cannot be named either; the agent's own start says what it meets.
    let service = services::find(SERVICE).ok().flatten();
    let holder = holder(Path::new(PIPE)).ok().flatten();
    found(setup, service, holder.as_ref())
}

fn found(setup: &Setup, service: Option<Service>, holder: Option<&Holder>) -> Vec<Conflict> {
    let wanted = setup.socket.as_deref().is_some_and(|socket| {
        socket
            .to_string_lossy()
            .replace('/', r"\")
            .eq_ignore_ascii_case(PIPE)
    });
    let effect = if wanted { IN_THE_WAY } else { SERVES };
    let mut conflicts = Vec::new();
    if let Some(service) = service.filter(|service| service.runs || service.start == Start::Automatic) {
        let when = match service.start {
            Start::Automatic => "starts with Windows",
            Start::OnDemand => "started by hand",
            Start::Disabled => "disabled, but still running",
        };
        let now = match (service.runs, service.pid) {
            (true, Some(pid)) => format!("running as pid {pid}"),
            (true, None) => "running".into(),
            (false, _) => "not running now".into(),
        };
        conflicts.push(Conflict {
            name: format!("service {SERVICE} (OpenSSH Authentication Agent; {now}, {when})"),
            effect: if service.runs { effect } else { WILL },
            takes: wanted,
            remedy: DISABLE.into(),
        });
    }
    let service_pid = service.and_then(|service| service.pid);
    match holder {
        // claviger itself, where it was told to listen.
        Some(holder @ Holder::Process(_))
            if wanted && holder.program().as_deref() == setup.program.file_name() => {}
        Some(Holder::Process(pid)) if Some(*pid) == service_pid => {}
        // Whoever it is, the service is the likely one while it runs.
        Some(Holder::Stranger | Holder::Unknown) if service.is_some_and(|service| service.runs) => {}
        Some(holder) => conflicts.push(Conflict {
            name: holder.to_string(),
            effect,
            takes: wanted,
            remedy: "end it, or turn its SSH agent off in its settings".into(),
        }),
        None => {}
    }
    conflicts
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn setup(socket: &str) -> Setup {
        Setup {
            program: std::env::current_exe().unwrap(),
            home: PathBuf::new(),
            config_home: PathBuf::new(),
            state: PathBuf::new(),
            socket: Some(socket.into()),
            environment: Vec::new(),
            uid: 0,
            account: String::new(),
            zdotdir: None,
            root: PathBuf::new(),
        }
    }

    fn service(runs: bool, start: Start) -> Option<Service> {
        Some(Service {
            runs,
            pid: runs.then_some(7),
            start,
        })
    }

    #[test]
    fn the_service_is_a_conflict_where_it_runs_or_will() {
        let own = setup(r"\\.\pipe\claviger.1");
        for (service, effect) in [
            (service(true, Start::Automatic), Some(SERVES)),
            (service(true, Start::Disabled), Some(SERVES)),
            (service(false, Start::Automatic), Some(WILL)),
            (service(false, Start::OnDemand), None),
            (service(false, Start::Disabled), None),
            (None, None),
        ] {
            let found = found(&own, service, None);
            assert_eq!(found.first().map(|it| it.effect), effect, "{service:?}");
            assert!(
                found
                    .iter()
                    .all(|it| !it.takes && it.remedy.contains("sc.exe config ssh-agent start= disabled"))
            );
        }
        let running = found(&own, service(true, Start::OnDemand), Some(&Holder::Process(7)));
        assert_eq!(
            running.len(),
            1,
            "the service and its process are one: {running:?}"
        );
        assert!(running[0].name.contains("running as pid 7, started by hand"));
    }

    #[test]
    fn whoever_has_the_pipe_that_claviger_is_to_have_is_in_the_way() {
        let wanted = setup("//./pipe/OPENSSH-ssh-agent");
        let stranger = found(&wanted, None, Some(&Holder::Stranger));
        assert!(
            stranger[0].takes && stranger[0].effect == IN_THE_WAY,
            "{stranger:?}"
        );
        // This process is the program that is to listen there.
        let own = Holder::Process(std::process::id());
        assert_eq!(found(&wanted, None, Some(&own)), []);
        let beside = found(&setup(r"\\.\pipe\claviger.1"), None, Some(&own));
        assert!(!beside[0].takes && beside[0].effect == SERVES, "{beside:?}");
    }
}
