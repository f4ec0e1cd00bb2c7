//! SQLite serves one server: a lock says so to the next.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::error::StoreError;

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
    /// [`StoreError::AlreadyServed`] when another server has it, [`StoreError::Lock`] when it cannot be had.
    pub(super) fn of(database: &Path) -> Result<Self, StoreError> {
        let cannot = |cause| StoreError::Lock(database.to_owned(), cause);
        // One file may have many names, and one lock.
        let mut path = database.canonicalize().map_err(cannot)?.into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let lock = open(&path).map_err(cannot)?;
        lock.try_lock().map_err(|refusal| match refusal {
            TryLockError::WouldBlock => StoreError::AlreadyServed(database.to_owned()),
            TryLockError::Error(cause) => cannot(cause),
        })?;
        Ok(Self { lock, path })
    }

    /// Whether the lock is still the one that another server would ask for. Somebody may have removed its
    /// file, or have put another in its place.
    pub(super) fn stands(&self) -> bool {
        is_the_file_at(&self.lock, &self.path).unwrap_or(false)
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn is_the_file_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (held, found) = (file.metadata()?, path.metadata()?);
    Ok((held.dev(), held.ino()) == (found.dev(), found.ino()))
}

/// Elsewhere a file that is open is not removed.
#[cfg(not(unix))]
fn is_the_file_at(_: &File, path: &Path) -> io::Result<bool> {
    path.try_exists()
}
