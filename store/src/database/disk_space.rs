//! The free space on the disk of a SQLite database (docs/decisions/0038).

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::{error::DatabaseError, task::spawn_blocking};

const MIB: u64 = 1024 * 1024;

/// How much of the disk is kept free for work that ends access. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct DiskSpace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    /// In bytes; 0 keeps nothing.
    kept: AtomicU64,
    /// Whether the log says that space is short.
    is_short: AtomicBool,
}

/// Less space is free than is kept.
#[derive(Debug, thiserror::Error)]
#[error("{} MiB are free, and {} MiB are kept for deactivating, deleting and signing in", .free / MIB, .kept / MIB)]
struct Short {
    free: u64,
    kept: u64,
}

impl DiskSpace {
    pub(super) fn of(file: &Path) -> Self {
        Self(Arc::new(Inner {
            file: file.to_owned(),
            kept: AtomicU64::new(0),
            is_short: AtomicBool::new(false),
        }))
    }

    /// Keeps this many bytes from now on.
    pub(crate) fn keep(&self, bytes: u64) {
        self.0.kept.store(bytes, Ordering::Relaxed);
    }

    /// The free bytes.
    pub(crate) fn free(&self) -> io::Result<u64> {
        free_beside(&self.0.file)
    }

    /// Checks that the database may grow.
    ///
    /// # Errors
    /// [`DatabaseError::StorageFull`] if less is free than is kept.
    pub(super) async fn require(&self) -> Result<(), DatabaseError> {
        let kept = self.0.kept.load(Ordering::Relaxed);
        if kept == 0 {
            return Ok(());
        }
        let free = self.read().await?;
        if free < kept {
            return Err(DatabaseError::StorageFull(Short { free, kept }.into()));
        }
        Ok(())
    }

    /// Logs when space becomes short, and when it no longer is. Returns whether it is short.
    ///
    /// # Errors
    /// Those of the disk.
    pub(crate) async fn watch(&self) -> Result<bool, DatabaseError> {
        let (free, kept) = (self.read().await?, self.0.kept.load(Ordering::Relaxed));
        let is_short = free < kept;
        let was_short = self.0.is_short.swap(is_short, Ordering::Relaxed);
        let (free_mib, kept_mib) = (free / MIB, kept / MIB);
        match (was_short, is_short) {
            (false, true) => tracing::error!(
                free_mib,
                kept_mib,
                "the disk of the database is nearly full: until there is space, only sign-ins and changes that end access are possible"
            ),
            (true, false) => tracing::info!(free_mib, "the disk of the database has space again"),
            _ => {}
        }
        Ok(is_short)
    }

    /// Reads the free space on a thread for blocking work, because a slow disk must not hold up a worker.
    async fn read(&self) -> Result<u64, sqlx::Error> {
        let space = self.clone();
        let free = spawn_blocking(move || space.free()).await;
        Ok(free.map_err(io::Error::from)??)
    }
}

/// The free bytes on the disk that has the folder of `file`.
pub(crate) fn free_beside(file: &Path) -> io::Result<u64> {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let disk = rustix::fs::statvfs(folder.unwrap_or(Path::new(".")))?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
