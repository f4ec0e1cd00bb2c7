//! The options for the storage of originals.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use rusty_s3::Credentials;
use store::Store;
use url::Url;

use crate::{
    error::Error,
    http::public_url::PublicUrl,
    originals::{
        Originals,
        bucket::{Bucket, read_secret},
    },
};

/// The default folder. It need not exist: not every installation has originals.
const FOLDER: &str = "originals";

/// The demo's folder, beside its database, so that all traces of a demo can be deleted together.
const DEMO_FOLDER: &str = "developer-zone-originals";

const DEFAULT_LINK_LIFETIME: &str = "1h";

/// How long links to originals may work after their tokens were deactivated, if servers have the settings that
/// `setting` returns. None if links end with their tokens.
pub(super) fn links_outlive_tokens(setting: impl Fn(&str) -> Option<String>) -> Option<Duration> {
    setting("s3-bucket")?;
    let lifetime = setting("link-lifetime");
    link_lifetime(lifetime.as_deref().unwrap_or(DEFAULT_LINK_LIFETIME)).ok()
}

#[derive(Args)]
pub(super) struct Storage {
    /// The folder of original photos; the demo has one beside its database [default: originals]
    #[arg(long, env = "DEVELOPER_ZONE_ORIGINALS_FOLDER", value_name = "FOLDER")]
    originals_folder: Option<PathBuf>,
    #[command(flatten)]
    s3: Option<S3>,
    /// How long a link to an original works, from 1m to 1day. In a folder it also ends with its token; object storage
    /// serves it until then
    #[arg(
        long,
        env = "DEVELOPER_ZONE_LINK_LIFETIME",
        value_name = "TIME",
        value_parser = link_lifetime,
        default_value = DEFAULT_LINK_LIFETIME
    )]
    link_lifetime: Duration,
}

fn link_lifetime(text: &str) -> Result<Duration, &'static str> {
    let lifetime = humantime::parse_duration(text).ok();
    lifetime
        .filter(|time| (Duration::from_mins(1)..=Duration::from_hours(24)).contains(time))
        .ok_or("use a time from 1m to 1day, for example 15m or 1h")
}

/// Object storage instead of a folder: all of these options, or none.
#[derive(Args)]
#[group(
    id = "s3",
    multiple = true,
    conflicts_with = "originals_folder",
    requires_all = [
        "s3_endpoint",
        "s3_region",
        "s3_bucket",
        "s3_access_key_id",
        "s3_secret_access_key_file",
    ]
)]
struct S3 {
    /// The address of an S3-compatible storage with the original photos, instead of a folder
    #[arg(
        long,
        env = "DEVELOPER_ZONE_S3_ENDPOINT",
        value_name = "URL",
        value_parser = endpoint,
        required = false
    )]
    s3_endpoint: Url,
    /// The storage's region, for example eu-central-1
    #[arg(
        long,
        env = "DEVELOPER_ZONE_S3_REGION",
        value_name = "REGION",
        value_parser = word,
        required = false
    )]
    s3_region: String,
    /// The bucket that holds the original photos
    #[arg(
        long,
        env = "DEVELOPER_ZONE_S3_BUCKET",
        value_name = "NAME",
        value_parser = bucket_name,
        required = false
    )]
    s3_bucket: String,
    /// The id of an access key that may read the bucket's objects
    #[arg(
        long,
        env = "DEVELOPER_ZONE_S3_ACCESS_KEY_ID",
        value_name = "ID",
        value_parser = word,
        required = false
    )]
    s3_access_key_id: String,
    /// A file that holds the secret of that access key, on a single line
    #[arg(
        long,
        env = "DEVELOPER_ZONE_S3_SECRET_ACCESS_KEY_FILE",
        value_name = "FILE",
        required = false
    )]
    s3_secret_access_key_file: PathBuf,
}

fn endpoint(text: &str) -> Result<Url, &'static str> {
    let url: Option<Url> = text.parse().ok();
    url.filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
    .ok_or("use an address with its scheme, for example https://s3.eu-central-1.amazonaws.com")
}

/// Amazon's rules, plus upper-case letters and underscores, which other storages allow.
fn bucket_name(text: &str) -> Result<String, &'static str> {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if (3..=63).contains(&text.len()) && text.chars().all(sound) {
        Ok(text.to_owned())
    } else {
        Err("use the bucket's name alone: 3 to 63 letters, digits, dots and hyphens")
    }
}

/// A word: neither empty nor with spaces.
fn word(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains(|c: char| !c.is_ascii_graphic()) {
        Err("use one word, without spaces")
    } else {
        Ok(text.to_owned())
    }
}

impl Storage {
    /// Opens the storage that the options name.
    ///
    /// # Errors
    /// [`Error::OriginalsFolder`] if a named folder does not exist, [`Error::Secret`], [`Error::Bucket`], and those of
    /// the store.
    pub(super) async fn open(
        self,
        store: &Store,
        api_url: &PublicUrl,
        demo: bool,
    ) -> Result<Originals, Error> {
        if let Some(s3) = self.s3 {
            return Ok(Originals::in_bucket(s3.bucket()?, self.link_lifetime));
        }
        let folder = match self.originals_folder {
            Some(missing) if !demo && !missing.is_dir() => {
                return Err(Error::OriginalsFolder(missing));
            }
            Some(named) => named,
            None if demo => demo_folder(store),
            None => FOLDER.into(),
        };
        let key = store.file_link_key().await?;
        Ok(Originals::in_folder(
            folder,
            api_url,
            &key,
            self.link_lifetime,
        ))
    }
}

impl S3 {
    fn bucket(self) -> Result<Bucket, Error> {
        let secret = read_secret(&self.s3_secret_access_key_file)?;
        let credentials = Credentials::new(self.s3_access_key_id, secret);
        Bucket::new(
            self.s3_endpoint,
            self.s3_region,
            self.s3_bucket,
            credentials,
        )
        .map_err(Error::Bucket)
    }
}

/// Beside SQLite's file. With PostgreSQL, in the working folder.
fn demo_folder(store: &Store) -> PathBuf {
    let beside = store.database_file().and_then(Path::parent);
    beside.unwrap_or(Path::new("")).join(DEMO_FOLDER)
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use store::clock::SystemClock;

    use super::*;

    #[test]
    fn links_outlive_their_tokens_in_object_storage_for_their_lifetime() {
        let outlive = |settings: &[(&str, &str)]| {
            links_outlive_tokens(|option| {
                let mut settings = settings.iter();
                let found = settings.find(|(name, _)| *name == option);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let bucket = ("s3-bucket", "photos");
        assert_eq!(outlive(&[("link-lifetime", "15m")]), None);
        assert_eq!(outlive(&[bucket]), Some(Duration::from_hours(1)));
        let quarter = outlive(&[bucket, ("link-lifetime", "15m")]);
        assert_eq!(quarter, Some(Duration::from_mins(15)));
    }

    #[tokio::test]
    async fn the_originals_of_a_demo_are_beside_its_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let beside = folder.path().join("a folder%3F");
        fs::create_dir(&beside).expect("created");
        let encoded = folder.path().join("a%20folder%253F").join("zone.db");
        for url in [
            format!("sqlite:{}", encoded.display()),
            format!("sqlite://{}?mode=rwc", encoded.display()),
        ] {
            let store = Store::open(&url, Arc::new(SystemClock)).await;
            let store = store.expect("opened");
            assert!(beside.join("zone.db").exists(), "{url}");
            assert_eq!(demo_folder(&store), beside.join(DEMO_FOLDER), "{url}");
            store.close().await;
        }
    }
}
