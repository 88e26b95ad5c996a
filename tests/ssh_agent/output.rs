//! What it prints, to the byte: beside the ssh-agent of this machine where all releases agree, else as 10.6 does.
use crate::drop_in::{DropIn, answers, kill};
use crate::ran::Ran;
use std::path::Path;

/// Process ids replaced, so that two runs compare.
fn without_pids(text: &str) -> String {
    let mut out = String::new();
    let mut number = false;
    for letter in text.chars() {
        if !letter.is_ascii_digit() {
            out.push(letter);
        } else if !number {
            out.push('N');
        }
        number = letter.is_ascii_digit();
    }
    out
}

/// Runs both with the same words; agents that they start are ended.
fn both(args: &[&str], env: &[(&str, &str)]) -> [Ran; 2] {
    [true, false].map(|ours| {
        let home = DropIn::new();
        let mut command = match ours {
            true => home.command(args),
            false => home.program("ssh-agent", args),
        };
        let ran: Ran = command.envs(env.iter().copied()).output().unwrap().into();
        if let Some(pid) = ran
            .out
            .lines()
            .find_map(|line| line.strip_prefix("echo Agent pid "))
            && let Ok(pid) = pid.trim_end_matches(';').parse()
        {
            kill(pid, "TERM");
        }
        // The usage has grown with the releases; what stands before it has not.
        let err = ran.err.split("usage: ").next().unwrap_or_default().to_owned();
        Ran {
            out: without_pids(&ran.out),
            err,
            ..ran
        }
    })
}

#[test]
fn it_prints_and_ends_as_openssh_does() {
    let nobody = ("SSH_AGENT_PID", "999999999");
    for (args, env) in [
        (&["-a", "sock"][..], &[][..]),
        (&["-s", "-a", "sock", "-P/*", "-t", "1h30m"], &[]),
        (&["-cEmd5", "-asock"], &[]),
        (&["-a", "sock"], &[("SHELL", "/bin/tcsh")]),
        (&["-s", "-a", "sock"], &[("SHELL", "/bin/tcsh")]),
        (&["-h"], &[]),
        (&["-a"], &[]),
        (&["-t", "5x"], &[]),
        (&["-E", "xx"], &[]),
        (&["-O", "xx"], &[]),
        (&["-Pa", "-P", "b"], &[]),
        (&["-c", "-s"], &[]),
        (&["-d", "-D"], &[]),
        (&["-s", "true"], &[]),
        (&["-k", "true"], &[]),
        (&["-a", "missing/sock"], &[]),
        (&["-a", "."], &[]),
        (&["-k"], &[]),
        (&["-k"], &[nobody]),
        (&["-k"], &[("SSH_AGENT_PID", "12x")]),
        (&["-k"], &[("SSH_AGENT_PID", "")]),
        (&["-k"], &[("SSH_AGENT_PID", "1")]),
        (&["-k"], &[("SSH_AGENT_PID", "-5")]),
        (&["-k"], &[("SSH_AGENT_PID", "99999999999")]),
        (&["-a", "sock", "/nonexistent/command"], &[]),
        (&["-a", "sock", "sh", "-c", "exit 7"], &[]),
        (
            &["-a", "sock", "sh", "-c", "echo $SSH_AUTH_SOCK; kill -TERM $$"],
            &[],
        ),
        (&["-a", "sock", "--", "echo", "-k"], &[]),
    ] {
        let [ours, theirs] = both(args, env);
        assert_eq!(ours, theirs, "{args:?} {env:?}");
    }
}

#[test]
fn usage_is_that_of_the_newest_release() {
    let ran = DropIn::new().run(&["-x"]);
    let usage = "\
unknown option -- x\r
usage: ssh-agent [-c | -s] [-DdU] [-T | -A directory | -a bind_address]
                 [-E fingerprint_hash] [-O option]
                 [-P allowed_providers] [-t life]
       ssh-agent [-U] [-T | -A directory | -a bind_address]
                 [-E fingerprint_hash] [-O option]
                 [-P allowed_providers] [-t life] command [arg ...]
       ssh-agent [-c | -s] -k
       ssh-agent -u
       ssh-agent -V
";
    assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (1, usage, ""));
}

#[test]
fn a_path_that_a_shell_would_take_apart_is_quoted() {
    let home = DropIn::new();
    let agent = home.front(&["-D", "-a", "a b'\"\\c"], 2);
    assert_eq!(
        agent.lines[0],
        "SSH_AUTH_SOCK=\"a b\\'\\\"\\\\c\"; export SSH_AUTH_SOCK;\n"
    );
    assert_eq!(agent.lines[1], format!("echo Agent pid {};\n", agent.child.id()));
}

#[test]
fn the_lines_start_and_end_an_agent_in_a_shell() {
    let home = DropIn::new();
    let script = "
        eval \"$(./ssh-agent)\" >&2 && ssh-add -l; echo $?
        sock=$SSH_AUTH_SOCK; stat -c %a \"$sock\" \"${sock%/*}\"
        eval \"$(./ssh-agent -k)\"; echo \"[$SSH_AUTH_SOCK$SSH_AGENT_PID]\"
        i=0; while [ -e \"$sock\" ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i+1)); done; [ -e \"$sock\" ] || echo gone";
    let ran: Ran = home.program("sh", &["-c", script]).output().unwrap().into();
    let expected = "The agent has no identities.\n1\n600\n700\nAgent pid N killed\n[]\ngone\n";
    let pid = without_pids(ran.out.lines().nth(4).unwrap());
    assert_eq!(pid, "Agent pid N killed");
    let killed = ran.out.lines().nth(4).unwrap().to_owned();
    assert_eq!(ran.out.replace(&killed, &pid), expected, "{}", ran.err);
}

#[test]
fn keys_come_only_from_clients() {
    let home = DropIn::new();
    let key = home.path(".ssh/id_ed25519");
    std::fs::create_dir(home.path(".ssh")).unwrap();
    let made = home
        .program("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    let agent = home.front(&["-D"], 2);
    assert!(answers(&home, &agent.socket()));
    let names: Vec<_> = std::fs::read_dir(home.home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| Path::new(name) != Path::new("ssh-agent") && Path::new(name) != Path::new(".ssh"))
        .collect();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn a_configuration_that_is_named_is_obeyed() {
    let home = DropIn::new();
    std::fs::write(home.path("c.toml"), "[keys]\nwrong = 1\n").unwrap();
    let mut command = home.command(&["-D"]);
    let ran: Ran = command
        .env("CLAVIGER_CONFIG", home.path("c.toml"))
        .output()
        .unwrap()
        .into();
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("c.toml:2:1"), "{}", ran.err);
}
