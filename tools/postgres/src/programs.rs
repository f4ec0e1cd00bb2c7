//! PostgreSQL's programs: where they are, which user runs them, and how they failed.

use std::{
    cmp::Reverse,
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

/// Debian installs the programs of each version here, outside of `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The user that runs the server if this program runs as root: PostgreSQL refuses to run as root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

impl Owner {
    pub(crate) fn needed() -> Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        Ok(Some(Self {
            user: id_of_postgres("-u")?,
            group: id_of_postgres("-g")?,
        }))
    }
}

fn id_of_postgres(which: &str) -> Result<u32> {
    let output = Command::new("id").args([which, "postgres"]).output()?;
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .ok()
        .context(
            "PostgreSQL does not run as root, and there is no user `postgres` to run it as: \
             install PostgreSQL from your system's packages, or run this as another user",
        )
}

/// The folder of PostgreSQL's programs: in `PATH`, or the newest version that Debian installed.
pub(crate) fn folder() -> Result<PathBuf> {
    const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "pg_basebackup"];
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        // `PATH` may lead to only some of them, by links.
        .filter_map(|folder| Some(folder.join("initdb").canonicalize().ok()?.parent()?.into()))
        .chain(versions(Path::new(DEBIAN)))
        .find(|folder: &PathBuf| NEEDED.iter().all(|name| folder.join(name).is_file()))
        .context(
            "PostgreSQL's `initdb`, `pg_ctl` and `pg_basebackup` were not found: install PostgreSQL \
             (on Debian: apt-get install postgresql)",
        )
}

/// The folders of programs in `/usr/lib/postgresql`, newest version first.
fn versions(below: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let number = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let mut folders: Vec<_> = fs::read_dir(below)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| number(folder).is_some())
        .collect();
    folders.sort_by_key(|folder| Reverse(number(folder)));
    folders.into_iter().map(|folder| folder.join("bin"))
}

/// Runs a program, and shows its output only if it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words: Vec<_> = [name]
        .into_iter()
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    let shown = words.join(" ");
    let output = command
        .output()
        .with_context(|| format!("`{shown}` could not be started"))?;
    if !output.status.success() {
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        bail!(
            "`{shown}` failed ({})\n{}",
            output.status,
            printed.trim_end()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_command_and_its_output() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such luck >&2; exit 3"]);
        let error = run_quietly(&mut command).unwrap_err().to_string();
        assert!(error.contains("sh -c"), "{error}");
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.contains("no such luck"), "{error}");
    }
}
