//! Originals in a folder of this machine, and signed links to them.
//!
//! A link is `{api_url}/files/{path}?expires={seconds}&token={id}&signature={hex}`. `expires` is Unix time, `token` is the
//! token that made the link: once that token is not accepted any more, the link is refused too. The signature is
//! HMAC-SHA256 (RFC 2104). Its key is stored in the database, so all servers on one database accept each other's links.
//! The signed text has four parts: a fixed prefix that no other use of the key has, the expiry and the token in eight
//! bytes each, and the path. So the signed texts of two links always differ.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hmac::{Hmac, Mac};
use model::{timestamp::Timestamp, token::TokenId};
use sha2::Sha256;
use store::clock::latest;
use subtle::ConstantTimeEq;

use super::{
    link::LinkError,
    object_name::{ObjectName, percent_encoded},
};

const PURPOSE: &[u8] = b"developer-zone link to a file, version 2\n";

/// The folder of originals.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    folder: Arc<Path>,
    origin: Arc<str>,
    key: Key,
    /// How long a link is valid, in seconds.
    lifetime: i64,
}

/// The key for signatures.
#[derive(Clone)]
struct Key([u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Why a link is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The signature is wrong.
    Invalid,
    /// The signature is right, but the link has expired.
    Expired,
}

impl Folder {
    pub(super) fn new(folder: PathBuf, origin: String, key: &[u8; 32], lifetime: Duration) -> Self {
        Self {
            folder: folder.into(),
            origin: origin.into(),
            key: Key(*key),
            lifetime: i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// # Errors
    /// [`LinkError`].
    pub(super) async fn link(
        &self,
        name: ObjectName<'_>,
        token: TokenId,
        now: Timestamp,
    ) -> Result<String, LinkError> {
        match self.find(name).await {
            Ok(Some(_)) => Ok(self.signed(name, token, now)),
            Ok(None) => Err(LinkError::NotStored),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    folder = %self.folder.display(),
                    "cannot read the folder of originals"
                );
                Err(LinkError::Unavailable)
            }
        }
    }

    fn signed(&self, name: ObjectName<'_>, token: TokenId, now: Timestamp) -> String {
        let expires = self.expiry(now);
        let parts = name.as_str().split('/').map(percent_encoded);
        let path = parts.collect::<Vec<_>>().join("/");
        let (origin, signature) = (&self.origin, self.signature(name.as_str(), expires, token));
        format!("{origin}/files/{path}?expires={expires}&token={token}&signature={signature}")
    }

    fn signature(&self, path: &str, expires: i64, token: TokenId) -> String {
        let (expires, token) = (expires.to_be_bytes(), token.0.to_be_bytes());
        let text = [PURPOSE, &expires, &token, path.as_bytes()].concat();
        let code = hmac_sha256(&self.key.0, &text);
        code.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// When a link that is made at `now` expires, in Unix time.
    const fn expiry(&self, now: Timestamp) -> i64 {
        let seconds = now.epoch_millis().div_euclid(1_000);
        seconds.saturating_add(self.lifetime)
    }

    /// Checks whether a link is valid at `now`. Reads no file, and does not check the token. A link that works for longer
    /// than a new one counts as expired: it was made while the clock was ahead, or while links had a longer lifetime.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) fn check(
        &self,
        path: &str,
        expires: i64,
        token: TokenId,
        signature: &str,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let ours = self.signature(path, expires, token);
        if !bool::from(ours.as_bytes().ct_eq(signature.as_bytes())) {
            return Err(Refused::Invalid);
        }
        let seconds = now.epoch_millis().div_euclid(1_000);
        if seconds >= expires || expires > self.expiry(latest(now)) {
            return Err(Refused::Expired);
        }
        Ok(())
    }

    /// The file of this name, if it is a regular file. Symbolic links must not lead out of the folder.
    ///
    /// # Errors
    /// Those of the file system, except that the file does not exist.
    pub(crate) async fn find(&self, name: ObjectName<'_>) -> io::Result<Option<PathBuf>> {
        match self.resolve(name).await {
            Err(error) if means_no_file(error.kind()) => Ok(None),
            found => found,
        }
    }

    async fn resolve(&self, name: ObjectName<'_>) -> io::Result<Option<PathBuf>> {
        let file = tokio::fs::canonicalize(self.folder.join(name.as_str())).await?;
        let folder = tokio::fs::canonicalize(&self.folder).await?;
        let within = file.starts_with(folder) && tokio::fs::metadata(&file).await?.is_file();
        Ok(within.then_some(file))
    }
}

fn means_no_file(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    matches!(kind, NotFound | NotADirectory | InvalidFilename)
}

/// HMAC-SHA256 (RFC 2104) of `text`.
fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(key);
    let mut mac = mac.expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use tempfile::TempDir;

    use super::*;

    const NOW: Timestamp = Timestamp(1_768_802_400_000);
    const HOUR: Duration = Duration::from_secs(3_600);
    const END: i64 = 1_768_806_000;
    const TOKEN: TokenId = TokenId(7);

    fn folder() -> (TempDir, Folder) {
        let root = tempfile::tempdir().expect("a folder");
        let inner = root.path().join("originals");
        fs::create_dir_all(inner.join("456")).expect("made");
        fs::write(inner.join("456/1.jpg"), "one").expect("written");
        fs::write(root.path().join("secret"), "secret").expect("written");
        let folder = Folder::new(inner, "https://api.example.com".into(), &[7; 32], HOUR);
        (root, folder)
    }

    fn name(path: &str) -> ObjectName<'_> {
        ObjectName::parse(path).expect("a name")
    }

    /// RFC 4231, 4.2 and 4.3.
    #[test]
    fn hmac_sha256_matches_the_published_vectors() {
        let hex = |code: [u8; 32]| code.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(
            hex(hmac_sha256(&[0x0b; 20], b"Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    /// Partners use a link for up to a day, even while servers of two versions run side by side.
    #[tokio::test]
    async fn the_format_of_a_link_never_changes() {
        let (_root, folder) = folder();
        let link = folder.link(name("456/1.jpg"), TOKEN, NOW).await;
        assert_eq!(
            link.as_deref(),
            Ok(
                "https://api.example.com/files/456/1.jpg?expires=1768806000&token=7&signature=550a4fd0422e4013e626ecca05ec8f144f476b0a59a53418905383c548f12563"
            )
        );
    }

    #[test]
    fn a_link_works_for_one_hour_to_the_second() {
        let (_root, folder) = folder();
        let signature = folder.signature("a", END, TOKEN);
        let check = |millis| folder.check("a", END, TOKEN, &signature, Timestamp(millis));
        assert_eq!(check(NOW.epoch_millis()), Ok(()));
        assert_eq!(check(END * 1_000 - 1), Ok(()));
        assert_eq!(check(END * 1_000), Err(Refused::Expired));
        assert_eq!(check(i64::MAX), Err(Refused::Expired));
    }

    #[test]
    fn a_link_from_the_future_is_expired_beyond_what_clocks_may_differ() {
        let (_root, folder) = folder();
        let signature = folder.signature("a", END, TOKEN);
        let check = |before: i64| {
            let now = NOW.plus_millis(-before);
            folder.check("a", END, TOKEN, &signature, now)
        };
        assert_eq!(check(5 * 60 * 1_000), Ok(()));
        for before in [5 * 60 * 1_000 + 1, 400 * 24 * 60 * 60 * 1_000] {
            assert_eq!(check(before), Err(Refused::Expired), "{before}");
        }
    }

    #[test]
    fn a_link_with_any_changed_character_is_refused() {
        let (_root, folder) = folder();
        let (path, expires) = ("456/IMG 1.jpg", END.to_string());
        let signature = folder.signature(path, END, TOKEN);
        let check = |path: &str, expires: &str, signature: &str| {
            let expires = expires.parse().map_err(|_| Refused::Invalid)?;
            folder.check(path, expires, TOKEN, signature, NOW)
        };
        assert_eq!(check(path, &expires, &signature), Ok(()));
        for changed in changes(path) {
            assert_eq!(
                check(&changed, &expires, &signature),
                Err(Refused::Invalid),
                "{changed}"
            );
        }
        for changed in changes(&expires) {
            assert_eq!(
                check(path, &changed, &signature),
                Err(Refused::Invalid),
                "{changed}"
            );
        }
        for changed in changes(&signature) {
            assert_eq!(
                check(path, &expires, &changed),
                Err(Refused::Invalid),
                "{changed}"
            );
        }
        assert_eq!(
            check(path, &expires, &signature.to_uppercase()),
            Err(Refused::Invalid)
        );
        assert_eq!(check(path, &expires, ""), Err(Refused::Invalid));
    }

    /// Copies of `text`, each with one character replaced, omitted or doubled.
    fn changes(text: &str) -> Vec<String> {
        let mut changed = vec![format!("{text}0")];
        for (at, old) in text.char_indices() {
            let (before, after) = (&text[..at], &text[at + 1..]);
            changed.push(format!("{before}{after}"));
            changed.push(format!("{before}{old}{old}{after}"));
            for new in "0123456789abcdef/.xA ".chars().filter(|&new| new != old) {
                changed.push(format!("{before}{new}{after}"));
            }
        }
        changed.retain(|other| other != text);
        changed
    }

    #[test]
    fn a_link_with_another_token_is_refused() {
        let (_root, folder) = folder();
        let signature = folder.signature("a", END, TOKEN);
        for other in [0, 6, 8, 70, -7, i64::MAX] {
            let checked = folder.check("a", END, TokenId(other), &signature, NOW);
            assert_eq!(checked, Err(Refused::Invalid), "{other}");
        }
    }

    #[test]
    fn a_signature_of_another_key_is_refused() {
        let (_root, folder) = folder();
        let other = Folder::new(PathBuf::new(), String::new(), &[8; 32], HOUR);
        let signature = other.signature("a", END, TOKEN);
        assert_eq!(
            folder.check("a", END, TOKEN, &signature, NOW),
            Err(Refused::Invalid)
        );
    }

    #[tokio::test]
    async fn a_file_is_found_only_within_the_folder() {
        let (root, folder) = folder();
        let inner = folder.path().to_owned();
        symlink(root.path().join("secret"), inner.join("escape")).expect("linked");
        symlink(root.path(), inner.join("up")).expect("linked");
        symlink(inner.join("456/1.jpg"), inner.join("within")).expect("linked");
        symlink("nowhere", inner.join("dangling")).expect("linked");
        let found = async |path| folder.find(name(path)).await.expect("checked").is_some();
        for path in ["456/1.jpg", "within"] {
            assert!(found(path).await, "{path}");
        }
        let long = "x".repeat(5_000);
        for path in [
            "escape",
            "up/secret",
            "dangling",
            "456",
            "456/2.jpg",
            "456/1.jpg/x",
            &long,
        ] {
            assert!(!found(path).await, "{path}");
            assert_eq!(
                folder.link(name(path), TOKEN, NOW).await,
                Err(LinkError::NotStored)
            );
        }
    }

    #[tokio::test]
    async fn a_missing_folder_has_no_files() {
        let folder = Folder::new("/no/such/folder".into(), String::new(), &[7; 32], HOUR);
        let link = folder.link(name("a"), TOKEN, NOW).await;
        assert_eq!(link, Err(LinkError::NotStored));
    }

    #[test]
    fn the_debug_output_of_a_folder_has_no_key() {
        let (_root, folder) = folder();
        let shown = format!("{folder:?}");
        assert!(shown.contains("Key(…)"), "{shown}");
    }
}
