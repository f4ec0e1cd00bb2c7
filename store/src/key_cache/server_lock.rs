//! The lock file of a SQLite database, which allows one server.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::{database::Identity, error::ServerLockError};

/// The lock that makes a server the only one of a SQLite file. Dropping it releases the lock. When a process ends,
/// the system releases its locks, however it ends.
#[derive(Debug)]
pub(super) struct ServerLock {
    lock: File,
    path: PathBuf,
}

impl ServerLock {
    /// Takes the lock of `database`, an existing file. The lock file beside it is never removed: a server that
    /// removed it could remove the file of a server that has just started.
    ///
    /// # Errors
    /// [`ServerLockError::AlreadyServed`] and [`ServerLockError::Lock`].
    pub(super) fn acquire(database: &Path) -> Result<Self, ServerLockError> {
        let cannot = |cause| ServerLockError::Lock(database.to_owned(), cause);
        let path = lock_path(database).map_err(cannot)?;
        let lock = open(&path).map_err(cannot)?;
        lock.try_lock().map_err(|refusal| match refusal {
            TryLockError::WouldBlock => ServerLockError::AlreadyServed(database.to_owned()),
            TryLockError::Error(cause) => cannot(cause),
        })?;
        Ok(Self { lock, path })
    }

    /// Holds the place of the server of `database` while there is none. None if there is one, or if it is unknown.
    pub(super) fn unless_served(database: &Path) -> Option<File> {
        let lock = open(&lock_path(database).ok()?).ok()?;
        lock.try_lock_shared().ok()?;
        Some(lock)
    }

    /// Whether another server would find this lock. It would not if the lock file was removed or replaced.
    pub(super) fn is_held(&self) -> bool {
        let held = self.lock.metadata();
        let held = held.map(|data| Identity::from_metadata(&data));
        matches!((held, Identity::of(&self.path)), (Ok(held), Ok(found)) if held == found)
    }
}

/// A file can have many names, and must have one lock.
fn lock_path(database: &Path) -> io::Result<PathBuf> {
    let mut path = database.canonicalize()?.into_os_string();
    path.push(".lock");
    Ok(PathBuf::from(path))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
