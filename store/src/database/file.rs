//! The file of a SQLite database, while it is open.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::join;

use crate::task::spawn_blocking;

/// The file that a path led to when the database was opened.
///
/// SQLite keeps using the file that it has open when someone moves, deletes or replaces it. A second program
/// then opens another file. Each would report changes as done that the other never sees, revocations included.
/// So every statement and transaction checks that the file is still in its place.
///
/// The check only reads the directory. Opening and closing the file would release SQLite's own locks: POSIX
/// drops them when the process closes any of its handles to the file.
///
/// It runs on a thread for blocking work, as a slow disk must not hold up a worker that serves requests. Its
/// result is never reused: a read that passed on an old result could keep a revoked key alive in the cache.
#[derive(Clone, Debug)]
pub(crate) struct OpenFile(Arc<Known>);

#[derive(Debug)]
struct Known {
    path: PathBuf,
    identity: Identity,
}

/// The path no longer leads to the file that was opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} is no longer the file that was opened: it was moved, deleted or replaced while the program ran. Stop this server, put the file with its -wal beside it in its place (or restore a backup), and start it again",
    .0.display()
)]
struct Replaced(PathBuf);

impl OpenFile {
    /// The file that is at `path` now.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(Known {
            path: path.to_owned(),
            identity: Identity::of(path)?,
        })))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Checks that the file is in its place.
    ///
    /// # Errors
    /// An input/output error, which counts as an unreachable database.
    pub(crate) async fn check(&self) -> Result<(), sqlx::Error> {
        let known = Arc::clone(&self.0);
        let checked = spawn_blocking(move || known.check()).await;
        checked.map_err(io::Error::from)?
    }

    /// The result of `read`, if the file is in its place. Both run side by side: the check then costs the read
    /// no time.
    pub(super) async fn read<T>(
        &self,
        read: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let (checked, outcome) = join!(self.check(), read);
        checked.and(outcome)
    }
}

impl Known {
    fn check(&self) -> Result<(), sqlx::Error> {
        match Identity::of(&self.path) {
            Ok(found) if found == self.identity => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Err(io::Error::other(Replaced(self.path.clone())).into()),
        }
    }
}

/// The identity of a file: it differs for two files that had the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
}

impl Identity {
    /// The identity of the file that `path` leads to. On a system that does not let open files be removed, every file
    /// has the same identity.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::from_metadata(&path.metadata()?))
    }

    #[cfg(unix)]
    pub(crate) fn from_metadata(data: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device_and_inode: (data.dev(), data.ino()),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn from_metadata(_: &std::fs::Metadata) -> Self {
        Self {}
    }
}
