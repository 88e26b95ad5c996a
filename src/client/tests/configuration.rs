//! Real ssh processes with configurations, and what is told of them.
#![cfg(unix)]

use super::{Place, paths};
use crate::client::IdentityAgent;
use std::path::Path;

const CONFIG: &str = "\
Include @/included
Host work !play*
  HostName work.example
  Port 2222
  User worker
  IdentityFile @/keys_%h_%p_%r_%n
Host *.example !not.example
  IdentityFile ${KEYS}/wild
Match host strict user root
  IdentitiesOnly yes
  IdentityFile strict
  CertificateFile ~/strict-cert.pub
Host aliased
  HostKeyAlias known
";

fn place() -> Place {
    let place = Place::new();
    place.write("config", CONFIG);
    place.write("included", "Host inc\n  IdentityFile @/included_key\n");
    place
}

#[tokio::test]
async fn hosts_patterns_negations_tokens_and_includes() {
    let place = place();
    let asked = place.asked("-F config work").await;
    let key = place.path("keys_work.example_2222_worker_work");
    assert_eq!(paths(&asked.configured), [&key]);
    assert_eq!(
        (asked.hostname.as_deref(), asked.port),
        (Some("work.example"), Some(2222))
    );
    assert_eq!(
        (asked.host.as_deref(), asked.user.as_deref()),
        (Some("work"), Some("worker"))
    );
    assert!(
        !asked.unsure && !asked.identities_only && asked.explicit.is_empty() && asked.defaults.is_empty()
    );
    let asked = place.asked("-F config a.example").await;
    assert_eq!(paths(&asked.configured), [place.path("wild")]);
    assert!(!asked.unsure);
    assert!(place.asked("-F config not.example").await.configured.is_empty());
    let asked = place.asked("-F config inc").await;
    assert_eq!(paths(&asked.configured), [place.path("included_key")]);
    let asked = place.asked("-F config aliased").await;
    assert_eq!(asked.host_key_alias.as_deref(), Some("known"));
}

#[tokio::test]
async fn the_agent_that_is_configured_by_path_variable_or_not_at_all() {
    let place = place();
    let at = |path: &str| Some(IdentityAgent::At(path.into()));
    for (text, expected) in [
        ("User me", None),
        ("IdentityAgent none", Some(IdentityAgent::Nobody)),
        ("IdentityAgent SSH_AUTH_SOCK", Some(IdentityAgent::Environment)),
        ("IdentityAgent /run/%r/sock\nUser me", at("/run/me/sock")),
        ("IdentityAgent $UNSET", at("$UNSET")),
    ] {
        place.write("config", text);
        assert_eq!(place.typed("-F config host").await.agent, expected, "{text}");
    }
}

#[tokio::test]
async fn match_by_user_and_identities_only() {
    let place = place();
    let asked = place.asked("-F config root@strict").await;
    let expected = [place.path("strict"), place.path("strict-cert.pub")];
    assert_eq!(paths(&asked.configured), expected);
    assert!(asked.identities_only && !asked.unsure);
    let asked = place.asked("-F config -l other strict").await;
    assert!(asked.configured.is_empty() && !asked.identities_only);
}

#[tokio::test]
async fn an_ssh_that_shows_no_key_is_told_from_others() {
    let place = place();
    let runs = place.path("runs");
    std::fs::write(&runs, "Match exec true\n").unwrap();
    let runs = runs.to_str().unwrap();
    for (options, keyless) in [
        ("", false),
        ("-oPreferredAuthentications=password", true),
        ("-oPreferredAuthentications=hostbased,publickey,password", false),
        ("-oPubkeyAuthentication=no", true),
        ("-oPubkeyAuthentication=host-bound", false),
    ] {
        // Asked of ssh, and where ssh may not be asked.
        for config in ["none", runs] {
            let asked = place.typed(&format!("-F {config} {options} any")).await;
            assert_eq!(asked.keyless, keyless, "{options} {config}");
        }
    }
}

#[tokio::test]
async fn arguments_come_first_and_take_the_place_of_defaults() {
    let place = place();
    let named = place.key("named");
    place.key(".ssh/id_ed25519");
    let asked = place
        .asked("-F config -i named -o IdentityFile=~/typed -oIdentitiesOnly=yes work")
        .await;
    assert_eq!(paths(&asked.explicit), [&named, &place.path("typed")]);
    assert!(asked.explicit[0].blob.is_some() && asked.explicit[1].blob.is_none());
    assert!(asked.identities_only && asked.configured.len() == 1);
    let asked = place.asked("-F config -i named other").await;
    assert!(asked.defaults.is_empty() && asked.configured.is_empty());
    let asked = place.asked("-F config other").await;
    assert_eq!(paths(&asked.defaults), [place.path(".ssh/id_ed25519")]);
    assert!(asked.defaults[0].blob.is_some() && !asked.unsure);
}

#[tokio::test]
async fn built_in_files_that_a_configuration_repeats_are_still_told_from_its_own() {
    let place = Place::new();
    place.key(".ssh/id_rsa");
    place.write("config", "Host one\n  IdentityFile ~/.ssh/id_rsa\n");
    let asked = place.asked("-F config one").await;
    assert_eq!((asked.configured.len(), asked.defaults.len()), (1, 0));
    let asked = place.asked("-F config two").await;
    assert_eq!((asked.configured.len(), asked.defaults.len()), (0, 1));
}

#[tokio::test]
async fn a_match_that_runs_a_command_is_not_run_and_all_its_files_are_there() {
    let place = Place::new();
    let config = "\
Match host work exec \"echo ran >> @/marker\"
  IdentityFile @/secret
Host other
  IdentityFile @/other
";
    place.write("config", config);
    let asked = place.asked("-F config -p 7 me@elsewhere").await;
    assert!(asked.unsure);
    assert_eq!(
        paths(&asked.configured),
        [place.path("secret"), place.path("other")]
    );
    assert_eq!(
        (asked.host.as_deref(), asked.user.as_deref(), asked.port),
        (Some("elsewhere"), Some("me"), Some(7))
    );
    // ssh itself got no further than the host.
    assert!(!place.path("marker").exists());
}

#[tokio::test]
async fn a_command_that_ssh_ran_is_not_run_again() {
    let place = Place::new();
    let config = "Match exec \"echo ran >> @/marker\"\n  IdentityFile @/secret\n";
    place.write("config", config);
    let ssh = place.ssh("-F config work");
    let asked = place.clients().asked(Some(ssh.0.id())).await;
    assert!(asked.unsure);
    let ran = std::fs::read_to_string(place.path("marker")).unwrap();
    let before = ran.lines().count();
    let asked = place.clients().asked(Some(ssh.0.id())).await;
    assert_eq!(paths(&asked.configured), [place.path("secret")]);
    assert_eq!(
        std::fs::read_to_string(place.path("marker"))
            .unwrap()
            .lines()
            .count(),
        before
    );
}

#[tokio::test]
async fn nothing_that_ssh_would_run_later_is_run_and_no_log_is_written() {
    let place = Place::new();
    let config = "\
Host *
  ProxyCommand echo >> @/ran
  KnownHostsCommand /bin/sh -c 'echo >> @/ran'
  LocalCommand echo >> @/ran
  PermitLocalCommand yes
  IdentityFile @/one
";
    place.write("config", config);
    let asked = place.asked("-F config -E log -f -v host true").await;
    assert_eq!(paths(&asked.configured), [place.path("one")]);
    assert!(!asked.unsure && !place.path("ran").exists());
}

#[tokio::test]
async fn circles_and_unreadable_files_leave_the_files_that_are_known() {
    let place = Place::new();
    place.write("config", "IdentityFile @/a\nInclude @/config\n");
    let asked = place.typed("-F config host").await;
    assert!(asked.unsure);
    assert_eq!(paths(&asked.configured), [place.path("a")]);
    place.write("other", "IdentityFile @/b\nInclude @/socket\n");
    let _socket = std::os::unix::net::UnixListener::bind(place.path("socket")).unwrap();
    let asked = place.typed("-F other host").await;
    assert!(asked.unsure);
    assert_eq!(paths(&asked.configured), [place.path("b")]);
    let asked = place.typed("-F /nonexistent host").await;
    assert!(asked.unsure && asked.configured.is_empty());
}

#[tokio::test]
async fn names_that_may_be_replaced_keep_all_files() {
    let place = Place::new();
    place.write("config", "CanonicalizeHostname yes\nCanonicalDomains example\nHost a\n IdentityFile @/a\nHost *.example\n IdentityFile @/b\n");
    let asked = place.asked("-F config a").await;
    assert!(asked.unsure);
    assert_eq!(paths(&asked.configured), [place.path("a"), place.path("b")]);
}

#[tokio::test]
async fn explain_asks_as_ssh_typed_at_home_would() {
    let place = place();
    let clients = place.clients();
    let asked = clients.asked_for_host("me@certainly-not-configured").await;
    assert_eq!(asked.host.as_deref(), Some("certainly-not-configured"));
    assert_eq!(asked.user.as_deref(), Some("me"));
    assert!(!paths(&asked.defaults).contains(&Path::new("")));
    assert!(clients.asked_for_host("-oProxyCommand=true").await.unsure);
}

#[tokio::test]
async fn stubs_that_claviger_wrote_are_no_choice_of_the_persons() {
    let place = Place::new();
    std::fs::create_dir_all(place.path(crate::client::STUBS)).unwrap();
    place.key("mine");
    place.write(
        "config",
        "Host synced\n  IdentityFile @/.ssh/claviger/keys/x.pub\n  CertificateFile @/.ssh/claviger/keys/x-cert.pub\n  \
         IdentitiesOnly yes\nHost both\n  IdentityFile @/mine\n  IdentityFile @/.ssh/claviger/keys/x.pub\n",
    );
    let asked = place.asked("-F config synced").await;
    assert!(asked.identities_only && asked.configured.is_empty() && asked.defaults.is_empty());
    let asked = place.asked("-F config both").await;
    assert_eq!(paths(&asked.configured), [place.path("mine")]);
}

#[tokio::test]
async fn the_library_that_asks_security_keys() {
    let place = place();
    place.write(
        "tokens",
        "Host var\n  SecurityKeyProvider $LIBRARY\nHost own\n  SecurityKeyProvider internal\n",
    );
    let library = async |arguments: &str| place.asked(arguments).await.token_library.clone();
    let named = Some("/lib/other.so".to_owned());
    assert_eq!(library("-F config work").await, None);
    assert_eq!(
        library("-F config -o SecurityKeyProvider=/lib/other.so work").await,
        named
    );
    assert_eq!(library("-F tokens own").await, None);
    assert_eq!(library("-F tokens var").await, None);
    let mut ssh = std::process::Command::new("ssh");
    ssh.arg(super::PROXY).args(super::words("-F tokens var"));
    let ssh = place.started(ssh.env("LIBRARY", "/lib/other.so"));
    let asked = place.clients().asked(Some(ssh.0.id())).await;
    assert_eq!(asked.token_library, named);
}
