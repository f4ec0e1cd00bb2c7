//! The file with PostgreSQL's password, which `PGPASSFILE` names.
//!
//! sqlx ignores a file that it may not use, without an error, as PostgreSQL's own programs do. PostgreSQL then refuses
//! the connection, and its message says nothing of the file.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::error::OpenError;

/// Adds that the password file was ignored to the error of a refused password, if that is so.
pub(super) fn explain_refused_password(error: sqlx::Error) -> OpenError {
    /// PostgreSQL's codes for refused credentials: `invalid_password`, `invalid_authorization_specification`.
    const REFUSED: [&str; 2] = ["28P01", "28000"];
    let refusal = error.as_database_error().and_then(|refusal| refusal.code());
    if refusal.is_some_and(|code| REFUSED.contains(&&*code))
        && env::var_os("PGPASSWORD").is_none()
        && let Some(file) = password_file()
        && let Some(problem) = problem(&file)
    {
        return OpenError::PasswordFile {
            file,
            problem,
            refusal: error.into(),
        };
    }
    error.into()
}

/// The file that sqlx reads: the one that the variable names, else `.pgpass` if it exists.
fn password_file() -> Option<PathBuf> {
    let named = env::var_os("PGPASSFILE").map(PathBuf::from);
    named.or_else(|| {
        let default = env::home_dir()?.join(".pgpass");
        default.exists().then_some(default)
    })
}

/// Why sqlx ignores the file, and what to do.
fn problem(file: &Path) -> Option<String> {
    if let Err(error) = fs::File::open(file) {
        return Some(format!("it cannot be read: {error}"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(file).ok()?.permissions().mode();
        if mode & 0o077 != 0 {
            return Some("other users may read or write it; use chmod 600".to_owned());
        }
    }
    None
}
