//! Options from the configuration file, the environment and flags.

use std::{fs, path::PathBuf, process::Command};

use tempfile::TempDir;

use crate::support::{
    loopback::{free_port, own_address},
    process::ServerProcess,
    program::{Outcome, bare_program},
};

/// For each option the values in the file, in the environment and as a flag, written in TOML.
const EXAMPLES: &[(&str, [&str; 3])] = &[
    ("log", [r#""warn""#, r#""error""#, r#""off""#]),
    ("log-format", [r#""json""#, r#""human""#, r#""json""#]),
    (
        "database-url",
        [r#""sqlite:a.db""#, r#""sqlite:b.db""#, r#""sqlite:c.db""#],
    ),
    (
        "listen",
        [r#""127.0.0.1:1""#, r#""127.0.0.1:2""#, r#""[::1]:3""#],
    ),
    (
        "api-hosts",
        [
            r#"["a.example", "b.example"]"#,
            r#"["c.example"]"#,
            r#"["d.example", "e.example"]"#,
        ],
    ),
    (
        "contact-url",
        [
            r#""mailto:a@example.com""#,
            r#""mailto:b@example.com""#,
            r#""mailto:c@example.com""#,
        ],
    ),
    (
        "public-url",
        [
            r#""https://a.example""#,
            r#""https://b.example""#,
            r#""https://c.example""#,
        ],
    ),
    (
        "api-url",
        [
            r#""https://a.example""#,
            r#""https://b.example""#,
            r#""https://c.example""#,
        ],
    ),
    ("rate-limit", ["10", "20", "30"]),
    ("rate-burst", ["10", "20", "30"]),
    ("lease-ms", ["10", "20", "30"]),
    ("link-lifetime", [r#""10m""#, r#""20m""#, r#""30m""#]),
    ("reserve-mib", ["10", "20", "30"]),
    (
        "dashboard-hosts",
        [
            r#"["a.example", "b.example"]"#,
            r#"["c.example"]"#,
            r#"["d.example", "e.example"]"#,
        ],
    ),
    (
        "trusted-proxies",
        [
            r#"["10.0.0.1", "10.1.0.0/16"]"#,
            r#"["10.0.0.2"]"#,
            r#"["10.0.0.3", "10.2.0.0/16"]"#,
        ],
    ),
    ("confirm-password-after", [r#""1m""#, r#""2m""#, r#""1h""#]),
    (
        "metrics-listen",
        [r#""127.0.0.1:1""#, r#""127.0.0.1:2""#, r#""[::1]:3""#],
    ),
    ("originals-folder", [r#""a""#, r#""b c""#, r#""d""#]),
    (
        "s3-endpoint",
        [
            r#""https://a.example""#,
            r#""https://b.example""#,
            r#""https://c.example""#,
        ],
    ),
    ("s3-region", [r#""a""#, r#""b""#, r#""c""#]),
    (
        "s3-bucket",
        [r#""bucket-a""#, r#""bucket-b""#, r#""bucket-c""#],
    ),
    ("s3-access-key-id", [r#""A""#, r#""B""#, r#""C""#]),
    ("s3-secret-access-key-file", [r#""a""#, r#""b""#, r#""c""#]),
    ("require-synchronous-standby", ["true", "false", "true"]),
    ("demo", ["true", "false", "true"]),
    ("shutdown-delay", [r#""1s""#, r#""2s""#, r#""3m""#]),
    ("shutdown-grace", [r#""11s""#, r#""12s""#, r#""1h""#]),
];

fn example(key: &str, place: usize) -> &'static str {
    let found = EXAMPLES.iter().find(|(known, _)| *known == key);
    found
        .unwrap_or_else(|| panic!("give `{key}` an example here"))
        .1[place]
}

/// A TOML value, written as an argument or a variable.
fn plain(value: &str) -> String {
    let list = value
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    list.unwrap_or(value).replace('"', "").replace(", ", ",")
}

struct Configured {
    folder: TempDir,
}

impl Configured {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let configured = Self { folder };
        fs::write(configured.file(), text).expect("written");
        configured
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare_program();
        command.arg("--config").arg(self.file()).args(arguments);
        command.current_dir(self.folder.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        self.command(arguments).output().expect("started").into()
    }

    /// The program refuses this file, and names the line and these words.
    #[track_caller]
    fn assert_refused(text: &str, line: usize, words: &str) {
        let configured = Self::with(text);
        for arguments in [&["serve", "--check-config"][..], &["organisation", "list"]] {
            let outcome = configured.run(arguments);
            outcome.assert_misunderstood(words);
            let place = format!("config.toml:{line}: ");
            assert!(outcome.stderr.contains(&place), "{text}: {outcome:?}");
        }
    }
}

/// Every option of `serve`, in the order of `--check-config`.
fn keys() -> Vec<String> {
    let outcome = Configured::with("").run(&["serve", "--check-config"]);
    outcome.assert_done();
    let lines = outcome.stdout.lines().filter_map(|line| {
        let key = line.split(" = ").next()?;
        let unset = line
            .strip_prefix("# ")
            .and_then(|rest| rest.strip_suffix(" is not set"));
        match unset {
            Some(key) => Some(key.to_owned()),
            None => (!line.starts_with('#')).then(|| key.to_owned()),
        }
    });
    lines.collect()
}

#[track_caller]
fn assert_printed(outcome: &Outcome, key: &str, value: &str, source: &str) {
    outcome.assert_done();
    let line = format!("{key} = {value}  # {source}");
    let printed = outcome.stdout.lines().any(|printed| printed == line);
    assert!(printed, "{line}: {}", outcome.stdout);
}

#[test]
fn a_variable_overrides_the_file_and_a_flag_overrides_the_variable() {
    let all = keys();
    for (known, _) in EXAMPLES {
        assert!(all.iter().any(|key| key == known), "no option {known}");
    }
    let (in_bucket, others): (Vec<String>, Vec<_>) =
        all.into_iter().partition(|key| key.starts_with("s3-"));
    assert_eq!(in_bucket.len(), 5);
    for keys in [in_bucket, others] {
        let line = |key: &String| format!("{key} = {}\n", example(key, 0));
        let configured = Configured::with(&keys.iter().map(line).collect::<String>());
        let mut command = configured.command(&["serve", "--check-config"]);
        let mut run = || Outcome::of(&mut command);
        let outcome = run();
        for key in &keys {
            assert_printed(&outcome, key, example(key, 0), "file");
        }
        let variable = |key: &String| {
            let name = key.to_uppercase().replace('-', "_");
            format!("DEVELOPER_ZONE_{name}")
        };
        let variables = keys
            .iter()
            .map(|key| (variable(key), plain(example(key, 1))));
        command.envs(variables);
        let mut run = || Outcome::of(&mut command);
        let outcome = run();
        for key in &keys {
            assert_printed(&outcome, key, example(key, 1), &variable(key));
        }
        for key in &keys {
            match example(key, 2) {
                "true" => command.arg(format!("--{key}")),
                value => command.arg(format!("--{key}={}", plain(value))),
            };
        }
        let outcome = Outcome::of(&mut command);
        for key in &keys {
            assert_printed(&outcome, key, example(key, 2), "flag");
        }
    }
}

#[test]
fn the_output_of_check_config_is_a_valid_file_with_the_same_values() {
    let first = Configured::with("rate-limit = 7\napi-hosts = [\"a.example\", \"b.example\"]\n")
        .run(&[
            "serve",
            "--check-config",
            "--public-url",
            "https://a.example",
        ]);
    first.assert_done();
    let again = Configured::with(&first.stdout).run(&["serve", "--check-config"]);
    again.assert_done();
    let values = |outcome: &Outcome| -> Vec<String> {
        let lines = outcome.stdout.lines().filter(|line| line.contains(" = "));
        let values = lines.map(|line| line.split("  # ").next().unwrap_or_default());
        values.map(str::to_owned).collect()
    };
    assert_eq!(values(&first), values(&again));
}

#[test]
fn an_unknown_key_is_refused_with_the_most_similar_known_one() {
    Configured::assert_refused(
        "# a\nlisten = \"127.0.0.1:0\"\nrate-limits = 5\n",
        3,
        "`rate-limit`",
    );
    Configured::assert_refused("api_hosts = [\"a\"]", 1, "`api-hosts`");
    for key in [
        "config",
        "check-config",
        "help",
        "password-stdin",
        "organisation",
    ] {
        Configured::assert_refused(&format!("{key} = true"), 1, "there is no such option");
    }
    Configured::assert_refused(
        "\n[serve]\nlisten = \"127.0.0.1:0\"",
        2,
        "sections are not supported",
    );
}

#[test]
fn a_variable_that_is_no_option_is_refused_by_name_with_the_most_similar_one() {
    let with = |name: &str, value: &str| {
        let configured = Configured::with("");
        let mut command = configured.command(&["serve", "--check-config"]);
        Outcome::of(command.env(name, value))
    };
    for (name, nearest) in [
        ("DEVELOPER_ZONE_LISTN", "DEVELOPER_ZONE_LISTEN"),
        ("DEVELOPER_ZONE_DATABASE", "DEVELOPER_ZONE_DATABASE_URL"),
        ("DEVELOPER_ZONE_Log", "DEVELOPER_ZONE_LOG"),
        ("DEVELOPER_ZONE_PORT", "DEVELOPER_ZONE_"),
        ("DEVELOPER_ZONE_", "DEVELOPER_ZONE_"),
    ] {
        let outcome = with(name, "hunter2");
        outcome.assert_misunderstood(&format!(
            "{name}: there is no such option; the nearest is {nearest}"
        ));
        assert!(!outcome.stderr.contains("hunter2"), "{outcome:?}");
    }
    // An option of another command, a service in Kubernetes, a variable of another program.
    for (name, value) in [
        ("DEVELOPER_ZONE_ORGANISATION", "903"),
        ("DEVELOPER_ZONE_PORT", "tcp://10.0.0.1:3000"),
        ("developer_zone_listen", "127.0.0.1:1"),
        ("DEVELOPER_ZONES", "1"),
    ] {
        with(name, value).assert_done();
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_line() {
    for (line, words) in [
        ("listen = 3000", "a text in quotes"),
        ("listen = [\"127.0.0.1:0\"]", "a text in quotes"),
        ("rate-limit = \"7\"", "without quotes"),
        ("rate-limit = 7.5", "without quotes"),
        ("lease-ms = true", "without quotes"),
        ("shutdown-delay = 10", "a text in quotes"),
        ("demo = \"yes\"", "true or false"),
        ("demo = 1", "true or false"),
        ("api-hosts = \"a.example\"", "a list"),
        ("api-hosts = []", "a list"),
        ("api-hosts = [1]", "texts in quotes"),
        ("listen = ", "string"),
        ("rate-limit = 1\nrate-limit = 2", "duplicate key"),
    ] {
        let number = line.lines().count() + 1;
        Configured::assert_refused(&format!("\n{line}"), number, words);
    }
}

#[test]
fn an_invalid_value_is_refused_with_its_line() {
    let text = "\n\nlisten = \"nonsense\"";
    let outcome = Configured::with(text).run(&["serve", "--check-config"]);
    outcome.assert_misunderstood("config.toml:3: listen: use an IP address and a port");
    let outcome = Configured::with("log = \"a=loud\"").run(&["organisation", "list"]);
    outcome.assert_misunderstood("config.toml:1: log: ");
}

/// An empty variable is a slip of a script or of a service manager. An empty filter would turn off the whole log.
#[test]
fn an_empty_or_invalid_variable_is_refused_by_its_name() {
    let configured = Configured::with("rate-limit = 7");
    let refused = |variable: &str, value: &str, call: &[&str], words: &str| {
        let mut command = configured.command(call);
        let outcome = Outcome::of(command.env(variable, value));
        outcome.assert_misunderstood(&format!("error: {variable}: "));
        assert!(outcome.stderr.contains(words), "{outcome:?}");
    };
    let serve = ["serve", "--check-config"];
    for key in keys() {
        let variable = format!("DEVELOPER_ZONE_{}", key.to_uppercase().replace('-', "_"));
        refused(&variable, "", &serve, "it is empty");
    }
    let mut without_file = bare_program();
    without_file
        .args(["organisation", "list"])
        .env("DEVELOPER_ZONE_CONFIG", "");
    Outcome::of(&mut without_file).assert_misunderstood("error: DEVELOPER_ZONE_CONFIG: ");
    refused(
        "DEVELOPER_ZONE_LOG",
        "",
        &["organisation", "list"],
        "it is empty",
    );
    refused(
        "DEVELOPER_ZONE_PLAN",
        "",
        &["organisation", "create"],
        "it is empty",
    );
    for (variable, value, words) in [
        ("DEVELOPER_ZONE_LISTEN", "3000", "an IP address and a port"),
        ("DEVELOPER_ZONE_LOG_FORMAT", "xml", "use human or json"),
        ("DEVELOPER_ZONE_LOG", " ", "warn,server=debug"),
        ("DEVELOPER_ZONE_LOG", "inof", "`inof` is no level"),
        (
            "DEVELOPER_ZONE_LOG",
            "info,,server=debug",
            "warn,server=debug",
        ),
        ("DEVELOPER_ZONE_LOG", "server=loud", "warn,server=debug"),
        ("DEVELOPER_ZONE_DEMO", "maybe", "boolean"),
        ("DEVELOPER_ZONE_RESERVE_MIB", "x", "invalid digit"),
    ] {
        refused(variable, value, &serve, words);
    }
    // A flag replaces the variable, and other commands do not have the option.
    let mut flag = configured.command(&["serve", "--check-config", "--listen=127.0.0.1:0"]);
    Outcome::of(flag.env("DEVELOPER_ZONE_LISTEN", "")).assert_done();
    let mut other = configured.command(&["organisation", "--help"]);
    Outcome::of(other.env("DEVELOPER_ZONE_LISTEN", "")).assert_done();
    for (text, words) in [
        ("log = \"\"", "log: "),
        ("log-format = \"xml\"", "use human or json"),
    ] {
        Configured::assert_refused(text, 1, words);
    }
}

#[test]
fn a_password_in_the_file_is_refused_and_no_password_is_printed() {
    for url in [
        "postgres://zone:hunter2@db/zone",
        "postgres://zone@db/zone?password=hunter2",
        "postgres://zone:12#hunter2@db/zone",
        "postgres://zone:12/hunter2@db/zone",
        "postgres://zone:12?hunter2@db/zone",
        "postgres://zone:12?host=hunter2@db/zone",
    ] {
        let text = format!("database-url = \"{url}\"");
        Configured::assert_refused(&text, 1, "PGPASSFILE");
        let outcome = Configured::with(&text).run(&["organisation", "list"]);
        assert!(!outcome.stderr.contains("hunter2"), "{outcome:?}");
        let outcome = Configured::with("").run(&["serve", "--check-config", "--database-url", url]);
        assert!(
            outcome.stdout.contains("database-url = \"postgres://"),
            "{outcome:?}"
        );
        assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
    }
    let broken = "database-url = \"postgres://zone:hunter2@db/zone";
    let outcome = Configured::with(broken).run(&["organisation", "list"]);
    assert!(!outcome.stderr.contains("hunter2"), "{outcome:?}");
}

/// It names a parameter only if that is a slip of one that exists.
#[test]
fn an_unknown_parameter_of_the_database_is_refused_and_its_value_is_neither_printed_nor_logged() {
    let url = "postgres://zone@127.0.0.1:1/zone?sslmode=require&pasword=hunter2";
    let list = ["--database-url", url, "--log=trace", "organisation", "list"];
    let outcome = Configured::with("").run(&list);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let problem = "there is no parameter `pasword`; the nearest is `password`";
    assert!(outcome.stderr.contains(problem), "{outcome:?}");
    assert!(!outcome.stderr.contains("hunter2"), "{outcome:?}");
}

#[test]
fn an_unreadable_file_is_named_in_the_error() {
    let configured = Configured::with("");
    fs::remove_file(configured.file()).expect("removed");
    let outcome = configured.run(&["serve", "--check-config"]);
    outcome.assert_misunderstood("config.toml");
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn every_command_reads_the_file_which_a_variable_may_name() {
    let text = "database-url = \"sqlite:here.db\"\nlisten = \"127.0.0.1:0\"\ndemo = false\n";
    let configured = Configured::with(text);
    configured.run(&["migrate"]).assert_done();
    assert!(configured.folder.path().join("here.db").exists());
    let mut command = bare_program();
    command
        .arg("serve")
        .env("DEVELOPER_ZONE_CONFIG", configured.file())
        .current_dir(configured.folder.path());
    let server = ServerProcess::start_with(command);
    assert_ne!(server.address.port(), 3000);
    server.stop().assert_done();
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn healthcheck_asks_the_server_of_its_configuration() {
    let address = own_address();
    let port = free_port(address);
    let listen = format!("{address}:{port}");
    let configured = Configured::with(&format!("listen = \"{listen}\"\nlease-ms = 10\n"));
    let server = ServerProcess::start_with(configured.command(&["serve"]));
    let healthcheck = |command: &mut Command| Outcome::of(command.arg("healthcheck"));
    healthcheck(&mut configured.command(&[])).assert_done();
    let other = Configured::with("listen = \"127.0.0.1:1\"");
    let outcome = healthcheck(&mut other.command(&[]));
    outcome.assert_failed("http://127.0.0.1:1 is not healthy");
    healthcheck(other.command(&[]).env("DEVELOPER_ZONE_LISTEN", &listen)).assert_done();
    other
        .run(&["healthcheck", "--listen", &listen])
        .assert_done();
    other
        .run(&["healthcheck", "--url", &server.url()])
        .assert_done();
    server.stop().assert_done();
}
