//! A message bus of a test's own, at the place where the agent looks for one.

use crate::support::{Home, LIMIT};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use zbus::blocking::connection::Builder;

const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// Killed when dropped.
pub(super) struct Bus {
    daemon: Child,
    socket: PathBuf,
}

impl Bus {
    /// Where the agent of this home looks for the system's.
    pub(super) fn system(home: &Home) -> Self {
        Self::start(home.path("run/system_bus"))
    }

    /// Where it looks for the session's.
    pub(super) fn session(home: &Home) -> Self {
        Self::start(home.path("run/bus"))
    }

    fn start(socket: PathBuf) -> Self {
        let config = socket.with_extension("conf");
        let text = CONFIG.replace("SOCKET", socket.to_str().expect("a UTF-8 path"));
        std::fs::write(&config, text).expect("a configuration");
        let mut daemon = Command::new("dbus-daemon")
            .arg("--config-file")
            .arg(&config)
            .args(["--nofork", "--nopidfile", "--nosyslog", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon");
        // It prints its address once it listens.
        let mut address = String::new();
        let output = daemon.stdout.take().expect("its output");
        BufReader::new(output)
            .read_line(&mut address)
            .expect("its address");
        assert!(address.starts_with("unix:path="), "dbus-daemon did not start");
        Self { daemon, socket }
    }

    /// How to connect to it.
    pub(super) fn builder(&self) -> Builder<'static> {
        let address = format!("unix:path={}", self.socket.display());
        let builder = Builder::address(address.as_str()).expect("an address");
        builder.method_timeout(LIMIT)
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // Both fail only for one that has ended.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        let _ = std::fs::remove_file::<&Path>(&self.socket);
    }
}
