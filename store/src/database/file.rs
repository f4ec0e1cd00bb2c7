//! The file of a SQLite database, while it is open.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Which file a path led to when the database was opened.
///
/// SQLite goes on with the file that it has open when somebody moves, deletes or replaces it, and a second
/// program then opens another one. Each would report as done what the other never learns, a revocation among
/// it. So every statement and transaction first looks whether the file is still in its place.
///
/// Only the directory is asked. To open the file and close it again would take SQLite's own locks away
/// (POSIX: they go with the first handle of the process that is closed).
#[derive(Clone, Debug)]
pub(crate) struct OpenFile(Arc<Known>);

#[derive(Debug)]
struct Known {
    path: PathBuf,
    identity: Identity,
}

/// What was at the path is not there any more.
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

    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    /// # Errors
    /// An input/output error, which counts as a database out of reach, when another file is there or none.
    pub(crate) fn in_place(&self) -> Result<(), sqlx::Error> {
        let Known { path, identity } = &*self.0;
        match Identity::of(path) {
            Ok(found) if found == *identity => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Err(io::Error::other(Replaced(path.clone())).into()),
        }
    }
}

/// What tells a file from another at the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    #[cfg(unix)]
    device_and_number: (u64, u64),
}

impl Identity {
    /// Of the file that `path` leads to. Where the system lets nobody remove a file that is open, that there is one
    /// is enough.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::from_metadata(&path.metadata()?))
    }

    #[cfg(unix)]
    pub(crate) fn from_metadata(data: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device_and_number: (data.dev(), data.ino()),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn from_metadata(_: &std::fs::Metadata) -> Self {
        Self {}
    }
}
