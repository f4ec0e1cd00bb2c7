//! Whether a failover can lose changes that were reported as done.
//!
//! A promoted standby has every reported change only if PostgreSQL waited for it before it confirmed a commit.
//! `synchronous_standby_names` says for which standbys it waits. Our sessions set `synchronous_commit` themselves.

use std::sync::{Mutex, PoisonError};

use crate::{
    database::{Database, Engine, row},
    error::DatabaseError,
};

row! {
    struct StandbysRow {
        are_synchronous: bool,
        attached: i64,
    }
}

/// Any user may read this. Logical subscribers do not count. Base backups do not count either if the user may see
/// `state`: superusers and monitors may.
const STANDBYS: &str =
    "SELECT current_setting('synchronous_standby_names') <> '' AS are_synchronous,
        (SELECT COUNT(*) FROM pg_stat_replication
            WHERE state IS DISTINCT FROM 'backup' AND pid NOT IN (
                SELECT active_pid FROM pg_replication_slots
                WHERE slot_type = 'logical' AND active_pid IS NOT NULL
            )) AS attached";

/// What PostgreSQL says about its standbys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standbys {
    /// How many are attached.
    pub attached: u64,
    /// Whether PostgreSQL confirms a commit only after a standby has it.
    pub are_synchronous: bool,
}

impl Standbys {
    /// Whether every attached standby may lack a revocation that was reported as done. It does not find an asynchronous
    /// standby beside a synchronous one: only privileged roles of PostgreSQL can tell them apart.
    pub const fn may_lack_changes(self) -> bool {
        self.attached > 0 && !self.are_synchronous
    }
}

/// What the last look has found.
#[derive(Debug, Default)]
pub(crate) struct SeenStandbys(Mutex<Option<Standbys>>);

impl SeenStandbys {
    pub(crate) fn get(&self) -> Option<Standbys> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at them, and logs when a failover to one of them could lose changes. Does nothing on SQLite.
    pub(crate) async fn look(&self, database: &Database) -> Result<(), DatabaseError> {
        let Engine::Postgres(_) = database.engine() else {
            return Ok(());
        };
        let row: StandbysRow = database.fetch_one(STANDBYS, &[]).await?;
        let standbys = Standbys {
            attached: u64::try_from(row.attached).unwrap_or_default(),
            are_synchronous: row.are_synchronous,
        };
        let before = self.replace(standbys).unwrap_or_default();
        match (before.may_lack_changes(), standbys.may_lack_changes()) {
            (false, true) => tracing::warn!(
                standbys = standbys.attached,
                "revocations may be lost by a failover: PostgreSQL has standbys, and its synchronous_standby_names is empty"
            ),
            (true, false) => tracing::info!("a failover can no longer lose revocations"),
            _ => {}
        }
        Ok(())
    }

    fn replace(&self, standbys: Standbys) -> Option<Standbys> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.replace(standbys)
    }
}
