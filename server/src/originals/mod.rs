//! Where originals lie, and the links by which they are downloaded (contract, section 6, original-photos).
//!
//! A link is the leave itself: whoever has it can fetch one file for [`LIFETIME`], without a key. There are
//! two kinds of storage. Object storage that speaks S3 hands its files out itself; we only sign
//! ([`bucket`]), which is arithmetic and needs no network. A folder of this machine is for those without
//! one: this server signs and hands out ([`folder`], `api::files`).
//!
//! For a folder a link is given only to a file that is there. For object storage that is not looked at: it
//! would be a call over the network for each photo, and the storage itself answers 404 to whoever follows
//! a link to nothing.

pub(crate) mod bucket;
mod demo;
pub(crate) mod folder;

use std::{fmt::Write as _, path::PathBuf, sync::Arc, time::Duration};

use model::timestamp::Timestamp;

pub use self::bucket::SecretError;
use self::{bucket::Bucket, folder::Folder};
use crate::{config::PublicUrl, error::Error};

/// How long a link works.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The storage of originals. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Originals(Arc<Storage>);

#[derive(Debug)]
enum Storage {
    Bucket(Bucket),
    Folder(Folder),
}

/// A link to one original.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) url: String,
    /// The name under which a browser saves the file.
    pub(crate) filename: String,
}

/// Why there is no link; the text is for the caller of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    /// There is no such file, or its name is none that we take.
    #[error("The original is not in storage.")]
    NotStored,
    /// The storage could not be asked, or the link not made; the log says why.
    #[error("The storage of originals is unavailable. Try again in a moment.")]
    Unavailable,
}

impl Originals {
    /// The files in `folder`, which need not be there yet. Links start with `api_url`, under which this
    /// server must be reached, and are signed with `key`, the same for all servers of one database.
    pub fn in_folder(folder: PathBuf, api_url: &PublicUrl, key: &[u8; 32]) -> Self {
        Self(Arc::new(Storage::Folder(Folder::new(
            folder,
            api_url.origin(),
            key,
        ))))
    }

    pub(crate) fn in_bucket(bucket: Bucket) -> Self {
        Self(Arc::new(Storage::Bucket(bucket)))
    }

    /// A link to the object of this name, valid for one hour from `now`.
    ///
    /// # Errors
    /// [`LinkError`].
    pub(crate) async fn link(&self, path: &str, now: Timestamp) -> Result<Link, LinkError> {
        let name = ObjectName::parse(path).ok_or(LinkError::NotStored)?;
        let url = match &*self.0 {
            Storage::Bucket(bucket) => bucket.link(name, now)?,
            Storage::Folder(folder) => folder.link(name, now).await?,
        };
        Ok(Link {
            url,
            filename: name.filename().to_owned(),
        })
    }

    /// Puts a picture into the folder under each of these names under which there is nothing yet, so that a
    /// download can be tried. Object storage, which we only read, is left as it is.
    ///
    /// # Errors
    /// [`Error::DemoOriginals`].
    pub fn add_demo_pictures(
        &self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), Error> {
        let Some(folder) = self.folder() else {
            return Ok(());
        };
        demo::create(folder.path(), names).map_err(|cause| Error::DemoOriginals {
            folder: folder.path().to_owned(),
            cause,
        })
    }

    /// The folder, if that is where the files are.
    pub(crate) fn folder(&self) -> Option<&Folder> {
        match &*self.0 {
            Storage::Folder(folder) => Some(folder),
            Storage::Bucket(_) => None,
        }
    }
}

/// The name of an object: parts with slashes between them. No part is empty, `.` or `..`, none holds a
/// control character. So a name cannot lead out of a folder, nor, when a URL is made of it, into another
/// bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectName<'a>(&'a str);

impl<'a> ObjectName<'a> {
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        let sound =
            |part: &str| !matches!(part, "" | "." | "..") && !part.contains(char::is_control);
        path.split('/').all(sound).then_some(Self(path))
    }

    pub(crate) fn as_str(self) -> &'a str {
        self.0
    }

    /// Its last part.
    pub(crate) fn filename(self) -> &'a str {
        self.0.rsplit('/').next().unwrap_or(self.0)
    }

    /// `Content-Disposition` (RFC 6266) by which a browser saves the file under its name and shows it in
    /// no case: once in ASCII for simple clients, once exactly (RFC 8187). Whatever the name holds, neither
    /// can be broken out of.
    pub(crate) fn disposition(self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
        let ascii: String = self
            .filename()
            .chars()
            .map(|c| if plain(c) { c } else { '_' })
            .collect();
        let exact = percent_encoded(self.filename());
        format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{exact}")
    }
}

/// `text` with all but RFC 3986's unreserved characters percent-encoded: that is safe in a path, a query and
/// RFC 8187's extended values alike.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_lead_elsewhere_is_none() {
        for path in [
            "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "./a", "a\0", "a\nb",
            "a\r\nb/c", "\u{85}",
        ] {
            assert_eq!(ObjectName::parse(path), None, "{path:?}");
        }
        for path in [
            "a",
            "a/b.jpg",
            "...",
            "a..b",
            ".hidden",
            "ä b/#?%.jpg",
            "a\\b",
            "%2e%2e/a",
        ] {
            assert!(ObjectName::parse(path).is_some(), "{path:?}");
        }
    }

    #[test]
    fn a_file_is_saved_under_its_name_and_a_header_cannot_be_broken_out_of() {
        let disposition = |path| ObjectName::parse(path).expect("a name").disposition();
        assert_eq!(
            disposition("event/IMG_1.jpg"),
            "attachment; filename=\"IMG_1.jpg\"; filename*=UTF-8''IMG_1.jpg"
        );
        assert_eq!(
            disposition("Zoë \"1\"; x='y'\\%41.jpg"),
            "attachment; filename=\"Zo_ _1__ x__y___41.jpg\"; \
             filename*=UTF-8''Zo%C3%AB%20%221%22%3B%20x%3D%27y%27%5C%2541.jpg"
        );
    }
}
