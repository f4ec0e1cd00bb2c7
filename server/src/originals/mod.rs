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
pub(crate) mod link;
pub(crate) mod object_name;

use std::{io, path::PathBuf, sync::Arc};

use model::timestamp::Timestamp;

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
    Bucket(Bucket),
    Folder(Folder),
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

    /// Writes a picture to the folder under each of these names that does not exist yet, so that downloads can be
    /// tried. Object storage, which we only read, is not changed.
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

    /// The folder, if that is where the files are.
    pub(crate) fn folder(&self) -> Option<&Folder> {
        match &*self.0 {
            Storage::Folder(folder) => Some(folder),
            Storage::Bucket(_) => None,
        }
    }
}
