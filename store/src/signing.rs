//! Keys by which all servers of one database sign alike.

use rand::{RngCore, TryRngCore, rngs::OsRng};

use crate::{Store, database::on_engine, error::StoreError};

/// Links to files.
const FILE_LINKS: &str = "file-links";
/// Browsers in which an account has signed in before.
const KNOWN_BROWSERS: &str = "known-browsers";

const FIND: &str = "SELECT key FROM signing_keys WHERE purpose = $1";

/// Of many that write at once the first counts.
const WRITE: &str =
    "INSERT INTO signing_keys (purpose, key) VALUES ($1, $2) ON CONFLICT (purpose) DO NOTHING";

impl Store {
    /// The key by which this database's servers sign links to files, the same for all of them: 32 random
    /// bytes, made when it is first asked for.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn file_link_key(&self) -> Result<[u8; 32], StoreError> {
        self.signing_key(FILE_LINKS).await
    }

    pub(crate) async fn known_browser_key(&self) -> Result<[u8; 32], StoreError> {
        self.signing_key(KNOWN_BROWSERS).await
    }

    async fn signing_key(&self, purpose: &str) -> Result<[u8; 32], StoreError> {
        if let Some(key) = self.find_signing_key(purpose).await? {
            return Ok(key);
        }
        let mut key = [0; 32];
        OsRng.unwrap_err().fill_bytes(&mut key);
        on_engine!(self.database().writer(), |pool| {
            sqlx::query(WRITE)
                .bind(purpose)
                .bind(&key[..])
                .execute(pool)
                .await
                .map(drop)
        })?;
        let kept = self.find_signing_key(purpose).await?;
        kept.ok_or_else(|| StoreError::Corrupt("a signing key was not kept".to_owned()))
    }

    async fn find_signing_key(&self, purpose: &str) -> Result<Option<[u8; 32]>, StoreError> {
        let key: Option<Vec<u8>> = on_engine!(self.database().reader(), |pool| {
            sqlx::query_scalar(FIND)
                .bind(purpose)
                .fetch_optional(pool)
                .await
        })?;
        key.map(|key| {
            key.try_into().map_err(|_| {
                StoreError::Corrupt("a signing key that is not 32 bytes long".to_owned())
            })
        })
        .transpose()
    }
}
