//! Asks for a client: its process, its arguments, ssh's configuration.

use super::arguments::Arguments;
use super::cache::{Answer, Cache, Entry, Question};
use super::compose::{Parts, library};
use super::effective::{Effective, built_in, may_pass};
use super::named::Blobs;
use super::scan::Search;
use super::tokens::Local;
use super::{Asked, Program, Survey, plink};
use claviger_platform::dirs;
use claviger_platform::process::{Seen, SeenError, see};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// Finds out what clients were asked to do. One for an agent: answers of ssh are kept.
#[derive(Clone)]
pub struct Clients {
    inner: Arc<Inner>,
}

struct Inner {
    /// A name searched in PATH, or a path. The agent's own, never the file that a peer claims to be; but where several are
    /// installed for all users, the one of these that the peer is.
    ssh: PathBuf,
    local: Option<Local>,
    cache: Cache,
    blobs: Blobs,
    /// The built-in files of each ssh that was asked, once they are needed.
    defaults: Mutex<HashMap<PathBuf, Vec<String>>>,
}

/// Where variables and relative names are to be looked up.
enum Origin {
    Process(Seen),
    /// This process, in its user's home.
    Own,
}

impl Origin {
    /// Values of `names`; what cannot be read is missing.
    fn variables(&self, names: &[String]) -> Vec<Option<OsString>> {
        match self {
            _ if names.is_empty() => Vec::new(),
            Self::Process(seen) => seen.variables(names).unwrap_or_else(|_| vec![None; names.len()]),
            Self::Own => names.iter().map(|name| dirs::variable(name)).collect(),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables(&[name.to_owned()]).pop()??.into_string().ok()
    }
}

/// One login, as far as it is known before ssh's configuration is.
struct Login {
    program: Program,
    /// Which ssh knows what holds for it.
    ssh: PathBuf,
    arguments: Arguments,
    origin: Origin,
    cwd: PathBuf,
}

impl Default for Clients {
    fn default() -> Self {
        Self::new()
    }
}

impl Clients {
    /// For this process's user.
    pub fn new() -> Self {
        Self::with(dirs::ssh_program(), Local::new())
    }

    pub(super) fn with(ssh: PathBuf, local: Option<Local>) -> Self {
        let inner = Inner {
            ssh,
            local,
            cache: Cache::default(),
            blobs: Blobs::default(),
            defaults: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// What the process `pid` was asked to do. Takes well under a millisecond where the answer is known already, and
    /// about the time that ssh needs to start where not; at most two seconds.
    pub async fn asked(&self, pid: Option<u32>) -> Arc<Asked> {
        let Some(pid) = pid else {
            return Arc::new(Asked::unknown(Program::default()));
        };
        let looked = blocking(move || see(pid)).await;
        match looked.unwrap_or(Err(SeenError::Gone(pid))) {
            Ok(seen) => self.of_process(seen).await,
            Err(error) => {
                tracing::debug!("what the client was asked to do is not known: {error}");
                Arc::new(Asked::unknown(Program::default()))
            }
        }
    }

    /// What `ssh NAME`, typed by this process's user at home, would be asked to do.
    pub async fn asked_for_host(&self, name: &str) -> Arc<Asked> {
        let home = self.inner.local.as_ref().map(|local| local.home.clone());
        let home = home.unwrap_or_else(|| "/".into());
        self.typed(&["--".into(), name.into()], home).await
    }

    /// What stands in ssh's configuration of this process's user, and what ssh says to it.
    pub async fn survey(&self) -> Option<Survey> {
        let inner = self.inner.clone();
        let scan = blocking(move || {
            let local = inner.local.as_ref()?;
            let variable = |name: &str| Origin::Own.variable(name);
            let search = Search {
                local,
                variable: &variable,
            };
            Some(search.run(None))
        });
        Some(Survey::of(&self.inner.ssh, scan.await??).await)
    }

    /// What `ssh`, typed with these words in `cwd`, would be asked to do.
    pub(super) async fn typed(&self, words: &[OsString], cwd: PathBuf) -> Arc<Asked> {
        let login = Login {
            program: Program::Ssh,
            ssh: self.inner.ssh.clone(),
            arguments: Arguments::parse(words),
            origin: Origin::Own,
            cwd,
        };
        self.of_login(login).await
    }

    async fn of_process(&self, seen: Seen) -> Arc<Asked> {
        let called = seen.argv.first().and_then(|name| name.to_str());
        let program = Program::recognise(&seen.exe, called);
        let words = seen.argv.get(1..).unwrap_or_default();
        let mut arguments = match &program {
            Program::Ssh => Arguments::parse(words),
            Program::Plink(tool) => plink::parse(tool, words),
            // They name no host, and need to see everything.
            Program::SshAdd => {
                return Arc::new(Asked {
                    program,
                    ..Asked::default()
                });
            }
            Program::SshKeygen => return Arc::new(of_keygen(seen).await),
            Program::Other(_) => return Arc::new(Asked::unknown(program)),
        };
        arguments.unsure |= !seen.same_files || seen.argv.is_empty();
        self.of_login(Login {
            program,
            ssh: dirs::ssh_installed(&seen.exe).unwrap_or_else(|| self.inner.ssh.clone()),
            arguments,
            cwd: seen.cwd.clone(),
            origin: Origin::Process(seen),
        })
        .await
    }

    async fn of_login(&self, login: Login) -> Arc<Asked> {
        let program = login.program.clone();
        let answer = match (&program, login.question()) {
            (Program::Ssh, Some(question)) => self.inner.clone().answer(question, login).await,
            _ => Some((login, Arc::default())),
        };
        let inner = self.inner.clone();
        let asked = match answer {
            Some((login, answer)) => blocking(move || inner.asked(login, &answer)).await.flatten(),
            None => None,
        };
        Arc::new(asked.unwrap_or_else(|| Asked::unknown(program)))
    }
}

impl Login {
    /// What ssh is to be asked; none where there is no host, or where something in the arguments is no text.
    fn question(&self) -> Option<Question> {
        let target = self.arguments.target.clone()?;
        let mut question = Vec::new();
        if let Some(config) = self.config() {
            question.extend(["-F".to_owned(), config.to_str()?.to_owned()]);
        }
        question.extend(self.arguments.deciding.iter().cloned());
        question.push(target);
        question
            .iter()
            .all(|word| !word.contains(['\0', char::REPLACEMENT_CHARACTER]))
            .then_some(question)
    }

    /// `-F`, absolute unless it is "none".
    fn config(&self) -> Option<PathBuf> {
        let config = self.arguments.config.as_ref()?;
        Some(match config.as_str() {
            "none" => "none".into(),
            path => self.cwd.join(path),
        })
    }
}

impl Inner {
    fn asked(&self, login: Login, answer: &Answer) -> Option<Asked> {
        let parts = Parts {
            program: login.program,
            arguments: login.arguments,
            cwd: &login.cwd,
            variable: &|name| login.origin.variable(name),
            local: self.local.as_ref()?,
            blobs: &self.blobs,
            answer,
        };
        Some(parts.asked())
    }

    /// The answer for a login, from what is known or from ssh.
    async fn answer(self: Arc<Self>, question: Question, login: Login) -> Option<(Login, Arc<Answer>)> {
        let local = self.local.clone()?;
        let mut slot = self.cache.slot(&login.ssh, &question).lock_owned().await;
        let looked = blocking(move || {
            if let Some(answer) = known(&mut slot, &login.origin) {
                return (slot, login, Ok(answer));
            }
            let search = Search {
                local: &local,
                variable: &|name| login.origin.variable(name),
            };
            let scan = search.run(login.config().as_deref());
            let names: Vec<String> = scan.variables.iter().cloned().collect();
            let values = login.origin.variables(&names);
            (slot, login, Err((scan, names, values)))
        });
        let (mut slot, login, found) = looked.await?;
        let (scan, names, values) = match found {
            Ok(answer) => return Some((login, answer)),
            Err(missing) => missing,
        };
        let env = names.iter().zip(&values).filter(|(name, _)| may_pass(name));
        let env = env.map(|(name, value)| (name.into(), value.clone())).collect();
        let session = scan.session;
        let effective = match scan.doubt {
            Some(doubt) => {
                tracing::debug!("ssh is not asked about the client's host: {doubt}");
                None
            }
            None => ask(&login, &question, session, env).await,
        };
        let mut answer = Answer {
            effective,
            scan,
            defaults: false,
        };
        answer.defaults = self.are_defaults(&login.ssh, &answer).await;
        let stamps = std::mem::take(&mut answer.scan.stamps);
        let fleeting = answer.scan.fleeting || session;
        let answer = Arc::new(answer);
        let entry = Entry {
            stamps,
            names,
            values,
            answer: answer.clone(),
        };
        *slot = (!fleeting).then_some(entry);
        Some((login, answer))
    }

    /// `ssh -G` shows its own defaults as if they were configured.
    async fn are_defaults(&self, ssh: &Path, answer: &Answer) -> bool {
        let Some(effective) = &answer.effective else {
            return false;
        };
        if answer.scan.identities.is_empty() {
            return true;
        }
        let known = || self.defaults.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(defaults) = known().get(ssh) {
            return *defaults == effective.identities;
        }
        let Ok(defaults) = built_in(ssh).await else {
            return false;
        };
        let same = defaults == effective.identities;
        known().insert(ssh.to_owned(), defaults);
        same
    }
}

async fn ask(
    login: &Login,
    question: &[String],
    session: bool,
    env: Vec<(OsString, Option<OsString>)>,
) -> Option<Effective> {
    let (target, options) = question.split_last()?;
    let (mut options, mut command) = (options.to_vec(), &[][..]);
    if session {
        options.extend(login.arguments.session.iter().cloned());
        command = &login.arguments.command;
    }
    let asked = Effective::ask(&login.ssh, &options, target, command, env).await;
    asked
        .inspect_err(|error| tracing::debug!("the client's configuration is not known: {error}"))
        .ok()
}

/// It asks a token by itself where the agent has no key, as the library in its environment does.
async fn of_keygen(seen: Seen) -> Asked {
    let origin = Origin::Process(seen);
    let named = blocking(move || origin.variable("SSH_SK_PROVIDER")).await;
    Asked {
        program: Program::SshKeygen,
        token_library: named.flatten().and_then(library),
        ..Asked::default()
    }
}

/// The answer that is kept, if it still holds. Blocking.
fn known(slot: &mut OwnedMutexGuard<Option<Entry>>, origin: &Origin) -> Option<Arc<Answer>> {
    let entry = slot.as_ref()?;
    (entry.is_current() && entry.values == origin.variables(&entry.names)).then(|| entry.answer.clone())
}

/// Runs `work` where it may block; none if it panicked.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
