//! A SQLite database on a full disk. Even then a leaked token can be deactivated. Two mechanisms
//! ensure that (docs/decisions/0038):
//!
//! - Below a mark of free space ([`Store::keep_free`]) the database no longer grows: only revocations, sign-ins and work
//!   that frees space may write.
//! - The write-ahead log has its size in advance. A commit that fits into it needs no space on the disk. So it succeeds
//!   even after another program has filled the disk to the last byte.

use crate::{
    Store,
    database::{Database, Engine, Purpose, values},
    error::DatabaseError,
};

/// The size of the write-ahead log that a server keeps, in bytes: room for some hundred revocations and sign-ins. While
/// the disk is full, SQLite cannot move them into the database file and begin the log again.
const LOG_SIZE: u64 = 32 * 1024 * 1024;

/// What is written to make the log that large: in parts, because a long statement is logged as slow. The first two MiB
/// stay in SQLite's cache.
const PARTS: usize = 9;
const PART: i64 = 4 * 1024 * 1024;

impl Store {
    /// Keeps this many bytes of SQLite's disk free for work that ends access. Does nothing on PostgreSQL.
    pub fn keep_free(&self, bytes: u64) {
        if let Engine::Sqlite(sqlite) = self.database().engine() {
            sqlite.space.keep(bytes);
        }
    }

    /// The free bytes on SQLite's disk. None on PostgreSQL, and if they cannot be read.
    pub fn free_space(&self) -> Option<u64> {
        match self.database().engine() {
            Engine::Sqlite(sqlite) => sqlite.space.free().ok(),
            Engine::Postgres(_) => None,
        }
    }

    /// Logs when space becomes short, and when it no longer is. Otherwise makes sure that SQLite's write-ahead log has
    /// its size. For a server, which calls it at its start and from time to time.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn watch_space(&self) -> Result<(), DatabaseError> {
        let Engine::Sqlite(sqlite) = self.database().engine() else {
            return Ok(());
        };
        if sqlite.space.watch().await? {
            return Ok(());
        }
        let mut log = sqlite.file.path().as_os_str().to_owned();
        log.push("-wal");
        let size = tokio::fs::metadata(&log).await.map(|data| data.len());
        if size.is_ok_and(|size| size >= LOG_SIZE) {
            return Ok(());
        }
        grow_log(self.database_for(Purpose::Upkeep)).await
    }
}

/// Makes the write-ahead log large, by a transaction that is rolled back. SQLite writes to the log what does not fit into
/// its cache, and does not make the log smaller while the database is open.
async fn grow_log(database: &Database) -> Result<(), DatabaseError> {
    let mut transaction = database.begin().await?;
    transaction
        .execute("CREATE TABLE log_reserve (bytes BLOB)", &[])
        .await?;
    let fill = "INSERT INTO log_reserve VALUES (zeroblob($1))";
    for _ in 0..PARTS {
        transaction.execute(fill, values![PART]).await?;
    }
    Ok(())
}
