//! Signing keys, shared by all servers of one database.

use rand::{RngCore, TryRngCore, rngs::OsRng};

use crate::{
    Store,
    database::{Purpose, values},
    error::DatabaseError,
};

/// For links to files.
const FILE_LINKS: &str = "file-links";
/// For device cookies.
const DEVICE_COOKIES: &str = "known-browsers";
/// For the keys of sessions.
const SESSION_KEYS: &str = "session-keys";
/// For cursors.
const CURSORS: &str = "cursors";

/// Cursors that were handed out are refused afterwards.
pub(crate) const FORGET_CURSOR_KEY: &str = "DELETE FROM signing_keys WHERE purpose = 'cursors'";

const FIND: &str = "SELECT key FROM signing_keys WHERE purpose = $1";

/// If several servers write a key at the same time, the first one wins.
const WRITE: &str =
    "INSERT INTO signing_keys (purpose, key) VALUES ($1, $2) ON CONFLICT (purpose) DO NOTHING";

impl Store {
    /// The key with which all servers of this database sign links to files: 32 random bytes, created at the first
    /// call.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn file_link_key(&self) -> Result<[u8; 32], DatabaseError> {
        self.signing_key(FILE_LINKS).await
    }

    /// The key with which all servers sign device cookies. It is read once, so a made-up cookie costs no further read.
    pub(crate) async fn device_cookie_key(&self) -> Result<&[u8; 32], DatabaseError> {
        let read = || self.signing_key(DEVICE_COOKIES);
        self.device_cookie_key_cell().get_or_try_init(read).await
    }

    /// The key with which all servers sign session keys. It is read once, so a made-up session key costs no further
    /// read.
    pub(crate) async fn session_signing_key(&self) -> Result<&[u8; 32], DatabaseError> {
        let read = || self.signing_key(SESSION_KEYS);
        self.session_signing_key_cell().get_or_try_init(read).await
    }

    /// The key with which all servers sign cursors. It is read once, so a made-up cursor costs no further read.
    pub(crate) async fn cursor_key(&self) -> Result<&[u8; 32], DatabaseError> {
        let read = || self.signing_key(CURSORS);
        self.cursor_key_cell().get_or_try_init(read).await
    }

    async fn signing_key(&self, purpose: &str) -> Result<[u8; 32], DatabaseError> {
        if let Some(key) = self.find_signing_key(purpose).await? {
            return Ok(key);
        }
        let mut key = [0; 32];
        OsRng.unwrap_err().fill_bytes(&mut key);
        self.database_for(Purpose::Upkeep)
            .execute(WRITE, values![purpose, &key[..]])
            .await?;
        let stored = self.find_signing_key(purpose).await?;
        stored.ok_or_else(|| DatabaseError::Corrupt("a signing key was not stored".to_owned()))
    }

    async fn find_signing_key(&self, purpose: &str) -> Result<Option<[u8; 32]>, DatabaseError> {
        let key: Option<(Vec<u8>,)> = self
            .database()
            .fetch_optional(FIND, values![purpose])
            .await?;
        key.map(|(key,)| {
            key.try_into().map_err(|_| {
                DatabaseError::Corrupt("a signing key that is not 32 bytes long".to_owned())
            })
        })
        .transpose()
    }
}
