//! What a person sees of entries; scripts get all of it with `--json`.
use crate::commands::output::{self, Failure, visible};
use claviger::key::short_name;
use claviger::unlock::EntryView;
use std::process::ExitCode;

pub(super) fn entries(entries: &[EntryView], json: bool) -> Result<ExitCode, Failure> {
    if json {
        output::json(&entries)?;
        return Ok(ExitCode::SUCCESS);
    }
    for entry in entries {
        let mut line = name(entry);
        for (what, value) in [("user", &entry.user), ("url", &entry.url)] {
            if !value.is_empty() {
                line += &format!("  {what} {}", visible(value));
            }
        }
        if let Some(key) = &entry.key {
            let kind = short_name(&key.kind);
            line += &format!("  key {} {kind} ({})", key.fingerprint, terms(entry));
        }
        if let Some(problem) = &entry.problem {
            line += &format!("  problem: {}", visible(problem));
        }
        output::line(line)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn entry(entry: &EntryView, json: bool) -> Result<ExitCode, Failure> {
    if json {
        output::json(entry)?;
        return Ok(ExitCode::SUCCESS);
    }
    let has = |yes| if yes { "yes" } else { "no" };
    let mut lines = vec![
        ("title", entry.title.clone()),
        ("group", entry.group.clone()),
        ("uuid", entry.uuid.clone()),
        ("user", entry.user.clone()),
        ("url", entry.url.clone()),
        ("password", has(entry.password).to_owned()),
        ("expired", has(entry.expired).to_owned()),
        ("attachments", entry.attachments.join(", ")),
        ("fields", entry.fields.join(", ")),
        ("older versions", entry.history.to_string()),
    ];
    if let Some(key) = &entry.key {
        lines.extend([
            ("key", format!("{} {} {}", key.fingerprint, key.kind, key.bits)),
            ("comment", key.comment.clone()),
            (
                match key.in_file {
                    true => "key file",
                    false => "attachment",
                },
                key.name.clone(),
            ),
            ("settings", terms(entry)),
        ]);
    }
    if let Some(problem) = &entry.problem {
        lines.push(("problem", problem.clone()));
    }
    for (what, value) in lines {
        if !value.is_empty() {
            output::line(format!("{what}: {}", visible(&value)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn public(entry: &EntryView) -> Result<ExitCode, Failure> {
    match &entry.key {
        Some(key) => output::line(visible(&key.public))?,
        None => {
            let why = entry
                .problem
                .as_deref()
                .unwrap_or("neither an attachment nor its settings have one");
            let text = format!(
                "the entry {} has no key that can be read: {}",
                name(entry),
                visible(why)
            );
            return Err(Failure::new(text));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Groups and title.
fn name(entry: &EntryView) -> String {
    match entry.group.as_str() {
        "" => visible(&entry.title),
        group => visible(&format!("{group}/{}", entry.title)),
    }
}

/// KeeAgent's settings in words.
fn terms(entry: &EntryView) -> String {
    let Some(settings) = &entry.settings else {
        return match entry.problem {
            Some(_) => "its settings are not read",
            None => "no settings for an agent",
        }
        .to_owned();
    };
    let mut words = vec![match (settings.allowed, settings.at_opening) {
        (false, _) => "not for an agent".to_owned(),
        (true, false) => "for an agent, not at opening".to_owned(),
        (true, true) => "for an agent".to_owned(),
    }];
    if settings.confirm {
        words.push("each use confirmed".to_owned());
    }
    if let Some(seconds) = settings.lifetime {
        words.push(format!("for {seconds} s"));
    }
    if settings.destinations > 0 {
        words.push(format!("{} destinations", settings.destinations));
    }
    words.join(", ")
}
