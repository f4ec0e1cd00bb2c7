//! The storage of original photos, and links for downloading them (contract, section 6, original-photos).
//!
//! A link is a permission: anyone who has it can download one file for some time, without a key. There are two kinds of
//! storage:
//!
//! - S3-compatible object storage serves its files itself. We only sign links ([`bucket`]), which needs no network. A
//!   link is made whether the file exists or not: a check would cost a network call for each photo, and the storage
//!   responds with 404 anyway. A link works until it expires.
//! - A folder of this machine. This server signs links and serves the files ([`folder`], `api::files`). A link is made
//!   only if the file exists, and ends with the token that made it.

pub(crate) mod bucket;
mod demo;
pub(crate) mod folder;
pub(crate) mod link;
pub(crate) mod object_name;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use model::{timestamp::Timestamp, token::TokenId};

use self::{
    bucket::Bucket,
    folder::Folder,
    link::{Link, LinkError},
    object_name::ObjectName,
};
use crate::http::public_url::PublicUrl;

/// The storage of originals. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Originals(Arc<Storage>);

#[derive(Debug)]
enum Storage {
    /// With the lifetime of links.
    Bucket(Bucket, Duration),
    Folder(Folder),
}

impl Originals {
    /// The files in `folder`, which need not exist yet. Links start with `api_url`, which must lead to this server, are
    /// valid for this `lifetime`, and are signed with `key`, which is the same for all servers on one database.
    pub fn in_folder(
        folder: PathBuf,
        api_url: &PublicUrl,
        key: &[u8; 32],
        lifetime: Duration,
    ) -> Self {
        let folder = Folder::new(folder, api_url.origin(), key, lifetime);
        Self(Arc::new(Storage::Folder(folder)))
    }

    pub(crate) fn in_bucket(bucket: Bucket, lifetime: Duration) -> Self {
        Self(Arc::new(Storage::Bucket(bucket, lifetime)))
    }

    /// A link to the object of this name, made with a call by `token`. It is valid for the lifetime of links, from `now`.
    ///
    /// # Errors
    /// [`LinkError`].
    pub(crate) async fn link(
        &self,
        path: &str,
        token: TokenId,
        now: Timestamp,
    ) -> Result<Link, LinkError> {
        let name = ObjectName::parse(path).ok_or(LinkError::NotStored)?;
        let url = match &*self.0 {
            Storage::Bucket(bucket, lifetime) => bucket.link(name, *lifetime, now)?,
            Storage::Folder(folder) => folder.link(name, token, now).await?,
        };
        Ok(Link {
            url,
            filename: name.filename().to_owned(),
        })
    }

    /// Writes a picture to the folder under each of these names that does not exist yet, so that users can try
    /// downloads. Does nothing for object storage, which is read-only for us.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn add_demo_pictures(
        &self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> io::Result<()> {
        match self.folder() {
            Some(folder) => demo::create(folder.path(), names),
            None => Ok(()),
        }
    }

    /// The folder, if the files are in one.
    pub(crate) fn folder(&self) -> Option<&Folder> {
        match &*self.0 {
            Storage::Folder(folder) => Some(folder),
            Storage::Bucket(..) => None,
        }
    }

    /// How long a link can work after its token was deactivated. None if this server checks the token at each download.
    pub(crate) fn lifetime_without_token(&self) -> Option<Duration> {
        match &*self.0 {
            Storage::Bucket(_, lifetime) => Some(*lifetime),
            Storage::Folder(_) => None,
        }
    }
}
