//! Links in the way to a key or a configuration: to nothing, or to a place where others decide what stands there.

use super::codes::Code;
use super::finding::Finding;
use super::scene::Scene;
use claviger_platform::files::access;
use std::path::Path;

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let ssh = scene.ssh_dir();
    let mut paths = vec![
        ssh.clone(),
        ssh.join("config"),
        scene.context.places.config.clone(),
    ];
    paths.extend(scene.config.key_dirs.iter().filter(|dir| **dir != ssh).cloned());
    paths.extend(scene.keys.iter().chain(&scene.odd).cloned());
    paths.iter().filter_map(|path| judge(path)).collect()
}

fn judge(path: &Path) -> Option<Finding> {
    let leads_to = std::fs::read_link(path).ok()?;
    let subject = path.display().to_string();
    let Ok(target) = path.canonicalize() else {
        return Some(Finding::new(
            Code::LinkDangling,
            subject,
            format!("a link to {}, where nothing is", leads_to.display()),
            "remove the link, or bring back what it led to",
        ));
    };
    let dir = target.parent()?;
    let found = access(dir).ok()?;
    found.others_replace.then(|| {
        Finding::new(
            Code::LinkReplaceable,
            subject,
            format!(
                "a link to {}; {} of that directory let others put another file there",
                target.display(),
                found.shown
            ),
            "move what it leads to into a directory of your own, and link there",
        )
    })
}
