//! `claviger hosts --graph` and `--dot`: which keys open which hosts, so that a person sees where a lost key reaches.
use super::time;
use crate::cli::HostsArgs;
use crate::commands::client::Client;
use crate::commands::context::Context;
use crate::commands::names;
use crate::commands::output::{self, Failure, visible};
use crate::commands::table;
use claviger::history::Use;
use claviger::known_hosts::KnownHosts;
use claviger::unlock::Wanted;
use std::fmt::Write as _;
use std::process::ExitCode;

const HEAD: [&str; 6] = ["KEY", "FINGERPRINT", "FILE", "OPENS", "AS", "LAST"];
/// Letters of a fingerprint that are shown: enough for `claviger` to know the key by.
const SHORT: usize = 7 + 12;

/// A key, and what it opens.
struct Reach {
    fingerprint: String,
    comment: String,
    /// Where it is, if that is known.
    file: String,
    opens: Vec<Opens>,
}

/// A host that a key opens.
struct Opens {
    host: String,
    users: Vec<String>,
    last: u64,
}

pub(super) fn run(
    args: &HostsArgs,
    uses: &[Use],
    known: &KnownHosts,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let client = Client::find(context, args.client.socket.as_deref()).ok();
    let keys = names::everywhere(client.as_ref(), &context.config()?, &context.notes())?;
    let reaches = reaches(keys, uses, known);
    match (args.dot, reaches.is_empty()) {
        (true, _) => output::line(dot(&reaches))?,
        (false, true) => output::line("no keys, and nothing was learnt yet")?,
        (false, false) => output::line(table::lines(HEAD, reaches.iter().flat_map(rows)))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The keys in the order of the listing, then those that are known only from where they worked.
fn reaches(keys: Vec<Wanted>, uses: &[Use], known: &KnownHosts) -> Vec<Reach> {
    let mut reaches: Vec<Reach> = Vec::new();
    for key in keys {
        if !reaches.iter().any(|reach| reach.fingerprint == key.fingerprint) {
            reaches.push(Reach {
                fingerprint: key.fingerprint,
                comment: visible(&key.comment),
                file: visible(&key.path.to_string_lossy()),
                opens: Vec::new(),
            });
        }
    }
    for one in uses {
        let at = reaches.iter().position(|reach| reach.fingerprint == one.key);
        let at = at.unwrap_or_else(|| {
            reaches.push(Reach {
                fingerprint: one.key.clone(),
                comment: String::from("(not here)"),
                file: String::new(),
                opens: Vec::new(),
            });
            reaches.len() - 1
        });
        if let Some(reach) = reaches.get_mut(at) {
            reach.take(host(&one.host, known), one);
        }
    }
    reaches
}

/// Every machine behind a host key, by the name that it has first; several may share one.
fn host(key: &str, known: &KnownHosts) -> String {
    match known.machines(key) {
        names if names.is_empty() => key.to_owned(),
        names => visible(&names.join(", ")),
    }
}

impl Reach {
    /// A host with several host keys has one line: they have the same names.
    fn take(&mut self, host: String, one: &Use) {
        let user = visible(&one.user);
        match self.opens.iter_mut().find(|opens| opens.host == host) {
            Some(opens) => {
                opens.last = opens.last.max(one.last);
                if !opens.users.contains(&user) {
                    opens.users.push(user);
                }
            }
            None => self.opens.push(Opens {
                host,
                users: vec![user],
                last: one.last,
            }),
        }
    }
}

/// The key stands in the first of its rows only.
fn rows(reach: &Reach) -> Vec<[String; 6]> {
    let short = reach.fingerprint.chars().take(SHORT).collect::<String>();
    let key = [reach.comment.clone(), short, reach.file.clone()].map(|cell| match cell.is_empty() {
        true => String::from("-"),
        false => cell,
    });
    let nothing = || [const { String::new() }; 3];
    let mut opens = reach
        .opens
        .iter()
        .map(|opens| [opens.host.clone(), opens.users.join(", "), time(opens.last)]);
    let first = opens
        .next()
        .unwrap_or_else(|| [String::from("-"), String::new(), String::new()]);
    let join = |[a, b, c]: [String; 3], [d, e, f]: [String; 3]| [a, b, c, d, e, f];
    std::iter::once(join(key, first))
        .chain(opens.map(|row| join(nothing(), row)))
        .collect()
}

/// For Graphviz: keys at the left, hosts at the right, and on each line who logs in.
fn dot(reaches: &[Reach]) -> String {
    let mut hosts: Vec<&str> = reaches
        .iter()
        .flat_map(|reach| &reach.opens)
        .map(|opens| opens.host.as_str())
        .collect();
    hosts.sort_unstable();
    hosts.dedup();
    let mut graph = String::from("digraph claviger {\n  rankdir=LR;\n");
    for (number, reach) in reaches.iter().enumerate() {
        let texts = [&reach.comment, &reach.file, &reach.fingerprint];
        let label: Vec<String> = texts
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| escaped(text))
            .collect();
        // Writing into a String cannot fail.
        let _ = writeln!(graph, "  k{number} [shape=box, label=\"{}\"];", label.join("\\n"));
    }
    for (number, host) in hosts.iter().enumerate() {
        let _ = writeln!(graph, "  h{number} [label=\"{}\"];", escaped(host));
    }
    for (number, reach) in reaches.iter().enumerate() {
        for opens in &reach.opens {
            if let Ok(host) = hosts.binary_search(&opens.host.as_str()) {
                let users = escaped(&opens.users.join(", "));
                let _ = writeln!(graph, "  k{number} -> h{host} [label=\"{users}\"];");
            }
        }
    }
    graph + "}"
}

/// In a quoted string of Graphviz, a backslash begins an escape.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const A_IS: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";

    fn key(fingerprint: &str, comment: &str) -> Wanted {
        Wanted {
            fingerprint: fingerprint.into(),
            path: format!("/k/{comment}").into(),
            comment: comment.into(),
        }
    }

    fn used(host: &str, key: &str, user: &str, last: u64) -> Use {
        Use {
            host: host.into(),
            key: key.into(),
            user: user.into(),
            first: 1,
            last,
            times: 1,
            ..Use::default()
        }
    }

    fn example() -> Vec<Reach> {
        let known = KnownHosts::parse([format!("one,192.0.2.1 {A}\ntwo {A}\n").as_bytes()]);
        let keys = vec![key("SHA256:work", "w\"o\\rk"), key("SHA256:idle", "idle")];
        let uses = [
            used(A_IS, "SHA256:work", "me", 3),
            used(A_IS, "SHA256:work", "you", 2),
            used("SHA256:nameless", "SHA256:work", "me", 1),
            used(A_IS, "SHA256:lost", "me", 1),
        ];
        reaches(keys, &uses, &known)
    }

    #[test]
    fn each_key_shows_what_it_opens() {
        let text = table::lines(HEAD, example().iter().flat_map(rows));
        let cells: Vec<Vec<&str>> = text
            .lines()
            .map(|line| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|cell| !cell.is_empty())
                    .collect()
            })
            .collect();
        let first = "1970-01-01T00:00:03Z";
        assert_eq!(cells[1][3..], ["one, two", "me, you", first], "{text}");
        assert_eq!(cells[2][..2], ["SHA256:nameless", "me"], "{text}");
        assert_eq!(cells[3], ["idle", "SHA256:idle", "/k/idle", "-"], "{text}");
        assert_eq!(
            cells[4][..4],
            ["(not here)", "SHA256:lost", "-", "one, two"],
            "{text}"
        );
    }

    #[test]
    fn graphviz_gets_quoted_labels_and_one_line_for_each_pair() {
        let text = dot(&example());
        assert!(
            text.contains(r#"label="w\"o\\rk\n/k/w\"o\\rk\nSHA256:work""#),
            "{text}"
        );
        assert!(text.contains("k0 -> h1 [label=\"me, you\"]"), "{text}");
        assert_eq!(text.matches("->").count(), 3, "{text}");
    }
}
