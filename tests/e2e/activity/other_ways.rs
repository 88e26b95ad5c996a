//! Systems that tell in other ways, or not at all.

use super::logind::Sessions;
use super::*;
use zbus::blocking::Connection;

/// A screen saver on the session's bus.
struct Saver {
    connection: Connection,
    name: &'static str,
}

impl Saver {
    fn start(bus: &Bus, name: &'static str) -> Self {
        let builder = bus.builder().name(name).expect("a name");
        let connection = builder.build().expect("a connection");
        Self { connection, name }
    }

    fn set_active(&self, active: bool) {
        let path = format!("/{}", self.name.replace('.', "/"));
        self.connection
            .emit_signal(None::<&str>, path, self.name, "ActiveChanged", &active)
            .expect("a signal");
    }
}

#[test]
fn a_screen_saver_seals_where_there_is_no_logind() {
    let desk = Desk::new("");
    let bus = Bus::session(&desk.home);
    let gnome = Saver::start(&bus, "org.gnome.ScreenSaver");
    let _agent = desk.agent();
    let told_by = |names: &[&str]| {
        let told = status(&desk.home)["activity"]["screen_lock"]["detail"].to_string();
        names.iter().all(|name| told.contains(name))
    };
    wait_until("it is known", || told_by(&[gnome.name]));
    desk.sign();
    gnome.set_active(true);
    desk.wait_until_sealed();
    gnome.set_active(false);
    desk.sign();

    let other = Saver::start(&bus, "org.freedesktop.ScreenSaver");
    wait_until("one that came later is known", || {
        told_by(&[gnome.name, other.name])
    });
    other.set_active(true);
    desk.wait_until_sealed();
}

#[test]
fn without_a_bus_all_else_works_and_status_says_so() {
    let desk = Desk::new("");
    let agent = desk.agent();
    wait_until("it has looked", || {
        status(&desk.home)["activity"]["sleep"]["detail"] != "not asked yet"
    });
    desk.sign();
    let activity = &status(&desk.home)["activity"];
    for what in ["screen_lock", "sleep", "input"] {
        assert_eq!(activity[what]["state"], "unknown", "{activity}");
        let detail = activity[what]["detail"].to_string();
        assert!(detail.contains("no system bus answers"), "{detail}");
    }
    let said = succeed(&mut desk.home.claviger(&["status"]));
    assert!(said.contains("nobody tells"), "{said}");
    let lines = agent.log();
    assert_eq!(lines.matches("not told of sleep").count(), 1, "{lines}");
}

/// The state of an open key after `session` was locked.
fn after_the_lock_of(session: &str, sessions: Sessions, variable: Option<&str>) -> String {
    let home = Home::new();
    home.configure("lock.on_sleep = false\n");
    let key = Key::make_with(&home, "id_file", KeyKind::Quick, "");
    let bus = Bus::system(&home);
    let logind = Logind::with(&bus, sessions);
    let mut command = home.claviger(&["agent", "-d"]);
    command.envs(variable.map(|id| ("XDG_SESSION_ID", id)));
    let _agent = Agent::from_command(&home, &mut command);
    let inhibitor = logind.inhibitor();
    succeed(home.command("ssh-add").arg("-T").arg(key.beside(".pub")));
    assert_eq!(states(&home), ["open"]);
    logind.ask_to_lock(session, true);
    let_it_hear(&logind, inhibitor);
    states(&home).concat()
}

#[test]
fn the_session_is_the_agents_own_if_it_has_one_else_that_of_the_display() {
    let sessions = Sessions {
        classes: vec![("1", "user"), ("2", "user"), ("3", "manager")],
        of_process: Some("1"),
        of_display: "2",
    };
    let (sealed, open) = ("sealed", "open");
    assert_eq!(after_the_lock_of("1", sessions.clone(), None), sealed);
    assert_eq!(after_the_lock_of("2", sessions.clone(), None), open);
    assert_eq!(after_the_lock_of("2", sessions.clone(), Some("2")), sealed);
    assert_eq!(after_the_lock_of("1", sessions.clone(), Some("gone")), sealed);
    let managed = Sessions {
        of_process: Some("3"),
        ..sessions
    };
    assert_eq!(after_the_lock_of("2", managed.clone(), Some("3")), sealed);
    assert_eq!(after_the_lock_of("3", managed, Some("3")), open);
}

#[test]
fn a_session_that_begins_later_is_followed() {
    let desk = Desk::new("");
    let bus = Bus::system(&desk.home);
    let logind = Logind::with(&bus, Sessions::default());
    let _agent = desk.agent();
    let _inhibitor = logind.inhibitor();
    let screen = || status(&desk.home)["activity"]["screen_lock"].clone();
    wait_until("it is known that there is none", || {
        screen()["detail"].to_string().contains("logind has no session")
    });
    logind.begin("4");
    wait_until("the session is known", || {
        screen()["detail"] == "logind session 4"
    });
    desk.sign();
    logind.ask_to_lock("4", true);
    desk.wait_until_sealed();
}
