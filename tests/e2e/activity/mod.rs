//! "Gone when you are": what the person does seals keys, as the desktop and logind tell it on buses of the tests' own.
//!
//! That something is ignored is seen from what comes after it on the same connection: the agent takes signals in order.

mod bus;
mod logind;
mod other_ways;

use crate::support::{Agent, Home, Key, KeyKind, Person, list, status, succeed, text, wait_until};
use bus::Bus;
use logind::{Inhibitor, Logind};
use std::io::Write;

/// The states of all keys, in order.
fn states(home: &Home) -> Vec<String> {
    let state = |key: &serde_json::Value| key["state"].as_str().map(str::to_owned);
    list(home).iter().filter_map(state).collect()
}

fn embedded_vault(home: &Home) -> String {
    let status = status(home);
    let sources = status["sources"].as_array().expect("sources");
    let vault = sources.iter().find(|source| source["source"] == "embedded");
    vault.expect("the vault")["state"].to_string()
}

/// A home whose vault has the passphrase of one key file, and another key to be added.
struct Desk {
    home: Home,
    file: Key,
    added: Key,
}

impl Desk {
    fn new(config: &str) -> Self {
        let home = Home::new();
        home.configure(config);
        let added = Key::make_with(&home, "added", KeyKind::Quick, "").moved(&home, "elsewhere");
        let file = Key::make(&home, "id_file", KeyKind::Quick);
        let person = Person::new(&home)
            .knows("passphrase for key", &file.passphrase)
            .knows_master();
        succeed(person.sits_at(&mut home.claviger(&["add", file.arg()])));
        Self { home, file, added }
    }

    /// Starts the agent and adds the key.
    fn agent(&self) -> Agent {
        let agent = Agent::start_with(&self.home, &Person::new(&self.home).knows_master());
        succeed(self.home.command("ssh-add").args(["-q", self.added.arg()]));
        agent
    }

    /// Signs with both keys, which opens them and the vault.
    fn sign(&self) {
        for key in [&self.file, &self.added] {
            succeed(self.home.command("ssh-add").arg("-T").arg(key.beside(".pub")));
        }
        assert_eq!(states(&self.home), ["open", "open"]);
    }

    fn wait_until_sealed(&self) {
        wait_until("both keys are sealed", || {
            states(&self.home) == ["sealed", "sealed"]
        });
    }
}

/// Has the agent take in all that was sent to it on the system's bus; it must be configured not to seal before sleep.
fn let_it_hear(logind: &Logind, mut inhibitor: Inhibitor) {
    logind.prepare_for_sleep(true);
    inhibitor.wait_until_closed();
}

#[test]
fn locking_the_screen_seals_keys_and_closes_the_vault() {
    let desk = Desk::new("");
    let bus = Bus::system(&desk.home);
    let logind = Logind::start(&bus);
    let agent = desk.agent();
    let _inhibitor = logind.inhibitor();
    desk.sign();
    assert_ne!(embedded_vault(&desk.home), "\"closed\"");
    logind.ask_to_lock("2", true);
    desk.wait_until_sealed();
    assert_eq!(embedded_vault(&desk.home), "\"closed\"");
    assert!(
        agent.log().contains("sealed at the screen's lock"),
        "{}",
        agent.log()
    );

    logind.ask_to_lock("2", false);
    desk.sign();
    logind.set_locked("2", true);
    desk.wait_until_sealed();
    logind.set_locked("2", false);
    desk.sign();
    logind.set_locked("2", true);
    desk.wait_until_sealed();
}

#[test]
fn the_machine_does_not_sleep_before_all_is_sealed() {
    let desk = Desk::new("");
    let bus = Bus::system(&desk.home);
    let logind = Logind::start(&bus);
    let agent = desk.agent();
    let mut inhibitor = logind.inhibitor();
    for times in 1..=2 {
        desk.sign();
        assert!(inhibitor.is_held());
        logind.prepare_for_sleep(true);
        inhibitor.wait_until_closed();
        // Written before the inhibitor was given back.
        assert_eq!(
            agent.log().matches("sealed before sleep").count(),
            times,
            "{}",
            agent.log()
        );
        assert_eq!(states(&desk.home), ["sealed", "sealed"]);
        logind.prepare_for_sleep(false);
        inhibitor = logind.inhibitor();
    }
}

#[test]
fn how_long_the_person_gave_no_input_is_known() {
    let home = Home::new();
    let bus = Bus::system(&home);
    let logind = Logind::start(&bus);
    let _agent = Agent::start(&home);
    let _inhibitor = logind.inhibitor();
    let seconds = || status(&home)["activity"]["no_input_seconds"].as_u64();
    assert_eq!(seconds(), Some(0));
    let hour = std::time::Duration::from_secs(3600);
    logind.set_idle_since(Some(std::time::SystemTime::now() - hour));
    assert!(seconds() >= Some(3600), "{:?}", seconds());
    logind.set_idle_since(Some(std::time::SystemTime::now() + hour));
    assert_eq!(seconds(), Some(0), "a clock that was set back");
    logind.set_idle_since(None);
    assert_eq!(seconds(), Some(0));
}

#[test]
fn what_is_switched_off_seals_nothing() {
    let desk = Desk::new("[lock]\non_screen_lock = false\non_sleep = false\n");
    let bus = Bus::system(&desk.home);
    let logind = Logind::start(&bus);
    let _agent = desk.agent();
    let inhibitor = logind.inhibitor();
    desk.sign();
    logind.ask_to_lock("2", true);
    logind.set_locked("2", true);
    let_it_hear(&logind, inhibitor);
    assert_eq!(states(&desk.home), ["open", "open"]);
    let activity = &status(&desk.home)["activity"];
    assert_eq!(activity["screen_lock"]["state"], "off", "{activity}");
    assert_eq!(activity["sleep"]["state"], "off", "{activity}");
    assert_eq!(activity["input"]["state"], "watched", "{activity}");
}

#[test]
fn only_logind_itself_is_believed_and_only_of_the_agents_own_session() {
    let desk = Desk::new("[lock]\non_sleep = false\n");
    let bus = Bus::system(&desk.home);
    let logind = Logind::start(&bus);
    let _agent = desk.agent();
    let inhibitor = logind.inhibitor();
    desk.sign();
    let liar = bus.builder().build().expect("a connection");
    let interface = "org.freedesktop.login1.Session";
    // To everybody, and past all rules straight to the agent: more than any queue on the way holds.
    for to in std::iter::once(None).chain([Some(inhibitor.of.as_str()); 500]) {
        liar.emit_signal(to, logind::path("2"), interface, "Lock", &())
            .expect("a signal");
    }
    // Its answer says that the bus has passed on all before it.
    liar.call_method(
        Some("org.freedesktop.DBus"),
        "/org/freedesktop/DBus",
        Some("org.freedesktop.DBus"),
        "GetId",
        &(),
    )
    .expect("an answer");
    logind.ask_to_lock("7", true);
    let_it_hear(&logind, inhibitor);
    assert_eq!(states(&desk.home), ["open", "open"]);
    logind.ask_to_lock("2", true);
    desk.wait_until_sealed();
}

#[test]
fn a_bus_that_went_away_is_found_again() {
    let desk = Desk::new("");
    let bus = Bus::system(&desk.home);
    let logind = Logind::start(&bus);
    let agent = desk.agent();
    drop(logind.inhibitor());
    drop((logind, bus));
    let sleep = || status(&desk.home)["activity"]["sleep"]["state"].clone();
    wait_until("it is noticed", || sleep() == "unknown");
    desk.sign();

    let bus = Bus::system(&desk.home);
    let logind = Logind::start(&bus);
    let _inhibitor = logind.inhibitor();
    wait_until("it is known", || sleep() == "watched");
    logind.ask_to_lock("2", true);
    desk.wait_until_sealed();

    // logind alone, while the bus stays.
    drop(logind);
    let logind = Logind::start(&bus);
    let mut inhibitor = logind.inhibitor();
    desk.sign();
    logind.prepare_for_sleep(true);
    inhibitor.wait_until_closed();
    assert_eq!(states(&desk.home), ["sealed", "sealed"], "{}", agent.log());
}

#[test]
fn a_key_that_is_being_opened_when_the_screen_is_locked_does_not_stay_open() {
    let home = Home::new();
    home.configure("lock.on_sleep = false\n");
    let key = Key::make(&home, "id_file", KeyKind::Quick);
    let bus = Bus::system(&home);
    let logind = Logind::start(&bus);
    let (person, answers) = Person::new(&home).ponders("passphrase for key");
    let _agent = Agent::start_with(&home, &person);
    let inhibitor = logind.inhibitor();
    let signing = home
        .command("ssh-add")
        .arg("-T")
        .arg(key.beside(".pub"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("ssh-add");
    // Opens when the question is asked.
    let mut answer = std::fs::File::options()
        .write(true)
        .open(answers)
        .expect("a question");
    logind.ask_to_lock("2", true);
    let_it_hear(&logind, inhibitor);
    writeln!(answer, "{}", key.passphrase).expect("an answer");
    drop(answer);
    let signed = signing.wait_with_output().expect("its end");
    assert!(!signed.status.success(), "{}", text(&signed));
    assert_eq!(states(&home), ["sealed"]);
}
