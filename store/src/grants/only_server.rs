//! SQLite serves one server: a lock says so to the next.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::{database::Identity, error::ServerLockError};

/// The leave to be the only server of a SQLite file. The system takes it back when this is dropped, and from
/// a process that ends, however it ends.
#[derive(Debug)]
pub(super) struct OnlyServer {
    lock: File,
    path: PathBuf,
}

impl OnlyServer {
    /// Takes the lock of `database`, an existing file. The file of the lock, beside it, is left behind: who
    /// removed it could remove that of a server which has just started.
    ///
    /// # Errors
    /// [`ServerLockError::AlreadyServed`] when another server has it, [`ServerLockError::Lock`] when it cannot be had.
    pub(super) fn of(database: &Path) -> Result<Self, ServerLockError> {
        let cannot = |cause| ServerLockError::Lock(database.to_owned(), cause);
        // One file may have many names, and one lock.
        let mut path = database.canonicalize().map_err(cannot)?.into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let lock = open(&path).map_err(cannot)?;
        lock.try_lock().map_err(|refusal| match refusal {
            TryLockError::WouldBlock => ServerLockError::AlreadyServed(database.to_owned()),
            TryLockError::Error(cause) => cannot(cause),
        })?;
        Ok(Self { lock, path })
    }

    /// Whether the lock is still the one that another server would ask for. Somebody may have removed its
    /// file, or have put another in its place.
    pub(super) fn stands(&self) -> bool {
        let held = self.lock.metadata();
        let held = held.map(|data| Identity::from_metadata(&data));
        matches!((held, Identity::of(&self.path)), (Ok(held), Ok(found)) if held == found)
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
