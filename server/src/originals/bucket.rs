//! Originals in S3-compatible object storage. Links are presigned (AWS Signature Version 4 in query parameters).

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use model::timestamp::Timestamp;
use rusty_s3::{Credentials, S3Action, UrlStyle, actions::GetObject};
use url::{Host, Url};

use super::{link::LinkError, object_name::ObjectName};

/// A bucket, with the credentials to read it.
#[derive(Debug)]
pub(crate) struct Bucket {
    bucket: rusty_s3::Bucket,
    credentials: Credentials,
}

/// Why a secret cannot be read from its file.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret access key from {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        #[source]
        cause: io::Error,
    },
    /// The file does not contain a secret.
    #[error("{} does not hold a secret access key on a single line and nothing else", .0.display())]
    NoSecret(PathBuf),
}

impl Bucket {
    /// The bucket `name` at `endpoint`.
    ///
    /// The bucket's name is part of the path, which every S3-compatible storage supports. On AWS it is part of the host
    /// instead, because AWS no longer guarantees paths for new buckets. A name with a dot stays in the path even there:
    /// AWS's certificates would not match the host.
    ///
    /// # Errors
    /// If the endpoint and the name make no valid address.
    pub(crate) fn new(
        endpoint: Url,
        region: String,
        name: String,
        credentials: Credentials,
    ) -> Result<Self, rusty_s3::BucketError> {
        let aws =
            matches!(endpoint.host(), Some(Host::Domain(host)) if host.ends_with(".amazonaws.com"));
        let style = if aws && !name.contains('.') {
            UrlStyle::VirtualHost
        } else {
            UrlStyle::Path
        };
        Ok(Self {
            bucket: rusty_s3::Bucket::new(endpoint, style, name, region)?,
            credentials,
        })
    }

    /// # Errors
    /// [`LinkError::Unavailable`] for a time outside the supported range.
    pub(super) fn link(
        &self,
        name: ObjectName<'_>,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<String, LinkError> {
        let mut action = self.get(name);
        action
            .query_mut()
            .insert("response-content-disposition", name.disposition());
        presign(&action, lifetime, now)
    }

    fn get<'a>(&'a self, name: ObjectName<'a>) -> GetObject<'a> {
        GetObject::new(&self.bucket, Some(&self.credentials), name.as_str())
    }
}

fn presign<'a>(
    action: &impl S3Action<'a>,
    lifetime: Duration,
    now: Timestamp,
) -> Result<String, LinkError> {
    let since_epoch = u64::try_from(now.epoch_millis()).map_err(|_| LinkError::Unavailable)?;
    let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(since_epoch));
    let now = now
        .and_then(|now| now.try_into().ok())
        .ok_or(LinkError::Unavailable)?;
    Ok(action.sign_with_time(lifetime, &now).into())
}

/// Reads a secret from a file: secrets are never arguments. The file's permissions are not checked, because container
/// platforms mount secrets readable for everyone.
///
/// # Errors
/// [`SecretError`].
pub(crate) fn read_secret(file: &Path) -> Result<String, SecretError> {
    let text = fs::read_to_string(file).map_err(|cause| SecretError::Unreadable {
        file: file.to_owned(),
        cause,
    })?;
    // A byte order mark is no part of the secret.
    let secret = text.strip_prefix('\u{feff}').unwrap_or(&text).trim();
    if secret.is_empty() || secret.contains(char::is_whitespace) {
        return Err(SecretError::NoSecret(file.to_owned()));
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(endpoint: &str, name: &str) -> Bucket {
        let endpoint = endpoint.parse().expect("an address");
        let credentials = Credentials::new(
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        );
        Bucket::new(endpoint, "us-east-1".into(), name.into(), credentials).expect("a bucket")
    }

    fn name(path: &str) -> ObjectName<'_> {
        ObjectName::parse(path).expect("a name")
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    /// 2013-05-24T00:00:00Z.
    const THEN: Timestamp = Timestamp(1_369_353_600_000);

    /// AWS, Signature Version 4, "Authenticating Requests: Using Query Parameters", the example in that document.
    #[test]
    fn the_presigned_link_matches_the_example_of_aws() {
        let bucket = bucket("https://s3.amazonaws.com", "examplebucket");
        let day = Duration::from_secs(86_400);
        let url = presign(&bucket.get(name("test.txt")), day, THEN).expect("a link");
        assert_eq!(
            url,
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    #[test]
    fn a_link_is_valid_for_its_lifetime_and_saves_the_file_under_its_name() {
        let bucket = bucket("http://127.0.0.1:9000", "photos");
        let url = bucket
            .link(name("456/IMG 1.jpg"), HOUR, THEN)
            .expect("a link");
        let start = "http://127.0.0.1:9000/photos/456/IMG%201.jpg?X-Amz-Algorithm=";
        assert!(url.starts_with(start), "{url}");
        let url: Url = url.parse().expect("an address");
        let query = |wanted: &str| {
            let found = url.query_pairs().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.into_owned())
        };
        assert_eq!(query("X-Amz-Expires").as_deref(), Some("3600"));
        assert_eq!(query("X-Amz-Date").as_deref(), Some("20130524T000000Z"));
        assert_eq!(
            query("response-content-disposition").as_deref(),
            Some("attachment; filename=\"IMG 1.jpg\"; filename*=UTF-8''IMG%201.jpg")
        );
        assert!(!url.as_str().contains("EXAMPLEKEY"), "{url}");
    }

    #[test]
    fn the_bucket_is_in_the_path_or_in_the_host_for_aws() {
        for (endpoint, bucket_name, start) in [
            (
                "https://s3.eu-central-1.amazonaws.com",
                "photos",
                "https://photos.s3.eu-central-1.amazonaws.com/a",
            ),
            (
                "https://s3.eu-central-1.amazonaws.com",
                "my.photos",
                "https://s3.eu-central-1.amazonaws.com/my.photos/a",
            ),
            (
                "https://minio.example:9000",
                "photos",
                "https://minio.example:9000/photos/a",
            ),
            (
                "https://notamazonaws.com/s3/",
                "photos",
                "https://notamazonaws.com/s3/photos/a",
            ),
        ] {
            let url = bucket(endpoint, bucket_name)
                .link(name("a"), HOUR, THEN)
                .expect("a link");
            assert_eq!(url.split('?').next(), Some(start));
        }
    }

    #[test]
    fn an_objects_name_stays_within_its_bucket() {
        let bucket = bucket("https://minio.example", "photos");
        for path in ["%2e%2e/x", "a\\..\\b", "...", "?x", "#x", "a%2F..", "ä"] {
            let url: Url = bucket
                .link(name(path), HOUR, THEN)
                .and_then(|url| url.parse().map_err(|_| LinkError::Unavailable))
                .expect("a link");
            assert!(url.path().starts_with("/photos/"), "{url}");
            assert_eq!(
                url.path().trim_start_matches("/photos/"),
                path.split('/')
                    .map(crate::originals::object_name::percent_encoded)
                    .collect::<Vec<_>>()
                    .join("/")
            );
        }
    }

    #[test]
    fn a_time_out_of_range_makes_no_link() {
        let bucket = bucket("https://minio.example", "photos");
        for now in [Timestamp(i64::MAX), Timestamp(-1)] {
            assert_eq!(
                bucket.link(name("a"), HOUR, now),
                Err(LinkError::Unavailable)
            );
        }
    }

    #[test]
    fn a_secret_is_a_single_word_in_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        fs::write(&file, "s3cr3t/+\n").expect("written");
        assert_eq!(read_secret(&file).ok().as_deref(), Some("s3cr3t/+"));
        for text in ["", " \n", "one two", "one\ntwo"] {
            fs::write(&file, text).expect("written");
            let error = read_secret(&file).expect_err(text);
            assert!(matches!(error, SecretError::NoSecret(_)), "{error}");
        }
        let error = read_secret(&folder.path().join("none")).expect_err("no file");
        assert!(matches!(error, SecretError::Unreadable { .. }), "{error}");
    }

    #[test]
    fn the_debug_output_of_a_bucket_has_no_secret() {
        let shown = format!("{:?}", bucket("https://minio.example", "photos"));
        assert!(!shown.contains("wJalrXUtnFEMI"), "{shown}");
    }
}
