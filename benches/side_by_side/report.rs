//! Prints what was measured: a table for people, JSON for programs, and the goals with what came of each.

use crate::Result;
use crate::cases::{Row, divide, limit, p50};
use crate::goals::{self, Goal};
use crate::measure::{Figures, Plan, Who};
use crate::memory::Memory;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// Everything of one run.
pub(crate) struct Report {
    rows: Vec<Row>,
    /// claviger's, `ssh-agent`'s.
    memory: [Option<Memory>; 2],
    machine: BTreeMap<&'static str, String>,
}

impl Report {
    /// Adds a description of the machine.
    pub(crate) fn new(rows: Vec<Row>, memory: [Option<Memory>; 2], plan: Plan) -> Result<Self> {
        let openssh = Command::new("ssh").arg("-V").output()?;
        let machine = BTreeMap::from([
            ("cpu", field("/proc/cpuinfo", "model name")),
            ("cpus_used", field("/proc/self/status", "Cpus_allowed_list")),
            (
                "kernel",
                fs::read_to_string("/proc/sys/kernel/osrelease")?
                    .trim()
                    .to_owned(),
            ),
            (
                "load_at_end",
                fs::read_to_string("/proc/loadavg")?.trim().to_owned(),
            ),
            (
                "openssh",
                String::from_utf8_lossy(&openssh.stderr).trim().to_owned(),
            ),
            (
                "turns",
                format!("{} of {:?} per peer and case", plan.rounds, plan.turn),
            ),
        ]);
        Ok(Self {
            rows,
            memory,
            machine,
        })
    }

    /// The table.
    pub(crate) fn table(&self) -> String {
        let mut out = String::new();
        for (name, value) in &self.machine {
            line(&mut out, format_args!("{name}: {value}"));
        }
        let head = [
            "p50",
            "claviger",
            "ssh-agent",
            "ratio",
            "limit",
            "x limit",
            "x limit",
        ];
        out.push('\n');
        row(&mut out, &head.map(str::to_owned));
        row(
            &mut out,
            &["", "", "", "", "", "claviger", "ssh-agent"].map(str::to_owned),
        );
        for Row { what, figures } in &self.rows {
            let (ours, theirs, limit) = (
                p50(figures, Who::Claviger),
                p50(figures, Who::SshAgent),
                limit(figures),
            );
            let times = |a: Option<f64>, b: Option<f64>| {
                divide(a, b).map_or("-".into(), |ratio| format!("{ratio:.2}"))
            };
            row(
                &mut out,
                &[
                    what.clone(),
                    time(ours),
                    time(theirs),
                    times(ours, theirs),
                    time(limit),
                    times(ours, limit),
                    times(theirs, limit),
                ],
            );
        }
        self.memory_lines(&mut out);
        out.push('\n');
        for goal in goals::of(&self.rows, self.memory[0]) {
            line(&mut out, format_args!("{}", goal.sentence()));
        }
        let checked: u64 = self
            .rows
            .iter()
            .flat_map(|row| row.figures.values())
            .map(Figures::checked)
            .sum();
        line(&mut out, format_args!("{checked} answers checked, none wrong"));
        out
    }

    fn memory_lines(&self, out: &mut String) {
        type Part = (&'static str, fn(Memory) -> f64);
        let parts: [Part; 5] = [
            ("PSS, no key, kB", |memory| memory.empty as f64),
            ("PSS, 1000 keys listed, kB", |memory| {
                memory.thousand.listed as f64
            }),
            ("PSS, 1000 keys used, kB", |memory| memory.thousand.used as f64),
            ("per further key listed, kB", Memory::per_listed),
            ("per further key used, kB", Memory::per_used),
        ];
        for (what, part) in parts {
            let [ours, theirs] = self.memory.map(|memory| memory.map(part));
            let show = |value: Option<f64>| value.map_or("needs root".into(), |value| format!("{value:.1}"));
            let ratio = divide(ours, theirs).map_or("-".into(), |ratio| format!("{ratio:.2}"));
            row(
                out,
                &[
                    what.into(),
                    show(ours),
                    show(theirs),
                    ratio,
                    String::new(),
                    String::new(),
                    String::new(),
                ],
            );
        }
    }

    /// The same as JSON; times in microseconds, memory in kB.
    pub(crate) fn json(&self) -> Result<String> {
        let rows: Vec<Value> = self.rows.iter().map(row_json).collect();
        let goals: Vec<Value> = goals::of(&self.rows, self.memory[0])
            .iter()
            .map(Goal::json)
            .collect();
        let [ours, theirs] = self.memory.map(|memory| memory.map(Memory::json));
        let memory = json!({"claviger": ours, "ssh_agent": theirs});
        let all = json!({"machine": self.machine, "cases": rows, "pss_kb": memory, "goals": goals});
        Ok(serde_json::to_string_pretty(&all)?)
    }
}

fn row_json(row: &Row) -> Value {
    let figures = &row.figures;
    let mut object = json!({
        "what": row.what,
        "limit_us": limit(figures),
        "claviger_to_ssh_agent": divide(p50(figures, Who::Claviger), p50(figures, Who::SshAgent)),
        "claviger_to_limit": divide(p50(figures, Who::Claviger), limit(figures)),
        "ssh_agent_to_limit": divide(p50(figures, Who::SshAgent), limit(figures)),
    });
    for (who, figures) in figures {
        let name = match who {
            Who::Claviger => "claviger",
            Who::SshAgent => "ssh_agent",
            Who::Echo => "echo",
            Who::Raw => "raw",
        };
        let (low, high) = figures.spread();
        object[name] = json!({
            "p50_us": figures.p50(), "p99_us": figures.p99(), "turn_p50_us": [low, high],
            "cpu_us": figures.cpu(), "checked": figures.checked(),
        });
    }
    object
}

fn time(micros: Option<f64>) -> String {
    match micros {
        None => "-".into(),
        Some(micros) if micros >= 10_000.0 => format!("{:.1} ms", micros / 1000.0),
        Some(micros) if micros >= 1000.0 => format!("{:.2} ms", micros / 1000.0),
        Some(micros) => format!("{micros:.1} us"),
    }
}

fn row(out: &mut String, cells: &[String; 7]) {
    let [what, rest @ ..] = cells;
    let mut text = format!("{what:<42}");
    for cell in rest {
        text.push_str(&format!("{cell:>11}"));
    }
    out.push_str(text.trim_end());
    out.push('\n');
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let found = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    found.unwrap_or("unknown").trim().to_owned()
}
