//! A person behind askpass: answers questions by what they are for, and remembers which were asked.

use super::{Home, succeed};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the embedded vault's master passphrase is in these tests: words that the program itself does not have.
pub(crate) const MASTER: &str = "seven brass keys on an iron ring";

/// Answers through the checked-in script `askpass.sh`, which is never written while another test starts a program.
pub(crate) struct Person {
    folder: PathBuf,
}

impl Person {
    /// Someone who knows no answer, and was asked nothing yet.
    pub(crate) fn new(home: &Home) -> Self {
        let free = (0..)
            .map(|number| home.path(&format!("person{number}")))
            .find(|folder| !folder.exists());
        let folder = free.expect("a free name");
        fs::create_dir(&folder).expect("a directory");
        Self { folder }
    }

    /// Knows what to answer to a question that contains `question`.
    pub(crate) fn knows(self, question: &str, answer: &str) -> Self {
        let number = fs::read_dir(&self.folder).expect("the folder").count();
        fs::write(self.folder.join(format!("{number}.question")), question).expect("a question");
        fs::write(
            self.folder.join(format!("{number}.answer")),
            format!("{answer}\n"),
        )
        .expect("an answer");
        self
    }

    /// Answers such a question when a line is written into the pipe whose name comes with it, which opens when it is asked.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "asked where idleness is seen")
    )]
    pub(crate) fn ponders(self, question: &str) -> (Self, PathBuf) {
        let number = fs::read_dir(&self.folder).expect("the folder").count();
        let person = self.knows(question, "");
        let pipe = person.folder.join(format!("{number}.answer"));
        fs::remove_file(&pipe).expect("removed");
        succeed(Command::new("mkfifo").arg(&pipe));
        (person, pipe)
    }

    /// Knows the vault's master passphrase.
    pub(crate) fn knows_master(self) -> Self {
        self.knows("master passphrase", MASTER)
    }

    /// Sits at this command's askpass, where no terminal and no display is.
    pub(crate) fn sits_at<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/askpass.sh");
        command
            .env("SSH_ASKPASS", script)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("CLAVIGER_TEST_PERSON", &self.folder)
    }

    /// The questions asked so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.folder.join("asked")).unwrap_or_default();
        asked.lines().map(str::to_owned).collect()
    }
}
