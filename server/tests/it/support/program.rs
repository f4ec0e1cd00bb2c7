//! The real program, called for one command.

use std::{
    env,
    io::{Write, pipe},
    process::{Command, Output, Stdio},
};

use super::MEMBER;

/// The program on the database at `url`.
pub(crate) fn program(url: &str, arguments: &[&str]) -> Command {
    let mut command = bare_program();
    command.args(["--database-url", url]).args(arguments);
    command
}

/// The program without arguments, and without the settings in the environment of the test run.
pub(crate) fn bare_program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_developer-zone"));
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("DEVELOPER_ZONE_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// The same command, run by `sh` after these shell commands. They set limits that the program inherits.
pub(crate) fn in_shell(words: &str, program: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{words}; exec \"$0\" \"$@\"")]);
    shell.arg(program.get_program()).args(program.get_args());
    shell.stdin(Stdio::null());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// The result of a call: exit code and output.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    /// Without the lines of a command that waits, or whose statement is slow: on a busy machine, that may be any.
    pub(crate) stderr: String,
    /// Whether the program said that it waits for the database.
    pub(crate) has_waited: bool,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let stdout = String::from_utf8(output.stdout).expect("a text");
        let stderr = String::from_utf8(output.stderr).expect("a text");
        let is_wait = |line: &&str| line.starts_with("waiting for ");
        let is_about_database = |line: &str| line.starts_with("waiting for the database ");
        let is_slow = |line: &&str| line.contains(" WARN sqlx::query: slow statement");
        Self {
            code: output.status.code(),
            stdout,
            has_waited: stderr.lines().any(is_about_database),
            stderr: stderr
                .split_inclusive('\n')
                .filter(|line| !is_wait(line) && !is_slow(line))
                .collect(),
        }
    }
}

impl Outcome {
    pub(crate) fn of(command: &mut Command) -> Self {
        command.output().expect("started").into()
    }

    #[track_caller]
    pub(crate) fn assert_done(&self) {
        assert_eq!(self.code, Some(0), "{self:?}");
    }

    /// The program failed, and gives the reason on one line of standard error that contains `words`.
    #[track_caller]
    pub(crate) fn assert_failed(&self, words: &str) {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        assert_eq!(self.stderr.trim_end().lines().count(), 1, "{self:?}");
        assert!(self.stderr.contains(words), "{words}: {self:?}");
    }

    /// The program did not understand its arguments, and names the mistake on standard error.
    #[track_caller]
    pub(crate) fn assert_misunderstood(&self, words: &str) {
        assert_eq!(self.code, Some(2), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert!(self.stderr.contains(words), "{words}: {self:?}");
    }
}

/// Calls the program and waits for its end.
pub(crate) fn run(url: &str, arguments: &[&str]) -> Outcome {
    Outcome::of(&mut program(url, arguments))
}

/// Calls the program with this text on its standard input.
pub(crate) fn run_with_input(url: &str, arguments: &[&str], input: &str) -> Outcome {
    let mut command = program(url, arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("started");
    let mut stdin = child.stdin.take().expect("piped");
    // This fails if the program ends without reading its input. The outcome then shows why.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("ended").into()
}

/// Calls the program with a closed pipe as standard output: every write to it fails.
pub(crate) fn run_without_reader(url: &str, arguments: &[&str]) -> Outcome {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    Outcome::of(program(url, arguments).stdout(writer))
}

/// Calls the program, which must succeed, and returns its standard output.
#[track_caller]
pub(crate) fn done(url: &str, arguments: &[&str]) -> String {
    let outcome = run(url, arguments);
    outcome.assert_done();
    outcome.stdout
}

/// Creates a token of organisation 903 in the demo data, and returns its secret.
#[track_caller]
pub(crate) fn create_token(url: &str) -> String {
    let create = ["token", "create", "--organisation", "903"];
    let created = done(url, &[&create[..], &["--created-by", MEMBER]].concat());
    created.trim_end().to_owned()
}

/// The number of organisation 903's newest token.
#[track_caller]
pub(crate) fn newest_token_id(url: &str) -> String {
    let list = ["token", "list", "--organisation", "903", "--json"];
    let list: serde_json::Value = serde_json::from_str(&done(url, &list)).expect("JSON");
    list[0]["id"].to_string()
}
