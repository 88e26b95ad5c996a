//! launchd: an agent of the user's, whose socket launchd makes at a place of its own and puts into SSH_AUTH_SOCK of
//! everything that it starts (launchd.plist(5), SecureSocketWithKey).

use super::quote::{self, fill};
use super::{Call, Part, Plan, ServiceError, Setup, mark};

const PLIST: &str = include_str!("../../units/org.claviger.agent.plist");
const LABEL: &str = "org.claviger.agent";

pub(super) fn plan(setup: &Setup) -> Result<Plan, ServiceError> {
    let path = setup
        .home
        .join("Library/LaunchAgents")
        .join(format!("{LABEL}.plist"));
    let mut environment = String::new();
    for (name, value) in &setup.environment {
        let value = quote::xml(quote::text(name, value)?);
        environment += &format!("\n\t\t<key>{name}</key>\n\t\t<string>{value}</string>");
    }
    let program = quote::xml(quote::text("program", &setup.program)?);
    let text = fill(
        PLIST,
        &[
            ("MARK", &mark::open()),
            ("PROGRAM", &program),
            ("ENVIRONMENT", &environment),
        ],
    );
    let domain = format!("gui/{}", setup.uid);
    let service = format!("{domain}/{LABEL}");
    let bootout = Call::new("launchctl", ["bootout", &service]);
    Ok(Plan {
        start: vec![Call::new(
            "launchctl",
            ["bootstrap".into(), domain.into(), path.clone().into_os_string()],
        )],
        parts: vec![Part::file(path, &text)],
        elsewhere: Vec::new(),
        reload: None,
        renew: vec![bootout.clone()],
        stop: vec![bootout],
        probe: Call::new("launchctl", ["print", &service]),
        socket: "(launchd chooses the path)".into(),
        advice: vec![
            "programs that run already keep their SSH_AUTH_SOCK: open a new terminal, or log in again".into(),
        ],
    })
}
