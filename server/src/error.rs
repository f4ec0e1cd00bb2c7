//! What can end the program, in words for the person who called it.

mod store_failure;

use std::{error::Error as _, fmt::Write as _, io, net::SocketAddr, path::PathBuf};

use model::{organisation::OrganisationId, user::Email};
use store::error::{EventError, OpenError};

pub use self::store_failure::StoreFailure;
use self::store_failure::about_opening;
use crate::{assets::NotBuilt, originals::bucket::SecretError};

/// Why the program did not do what it was called for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store refused or failed.
    #[error(transparent)]
    Store(StoreFailure),
    /// There are no pages to serve.
    #[error(transparent)]
    FrontEnd(#[from] NotBuilt),
    /// There is no database where it was looked for.
    #[error("cannot open the database")]
    OpenDatabase(#[source] OpenError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The system does not tell us when to stop.
    #[error("cannot watch for SIGTERM and Ctrl-C")]
    Signals(#[source] io::Error),
    /// The file that `--config` names cannot be read.
    #[error("cannot read the configuration {}", .file.display())]
    ConfigurationFile {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The file that `--config` names says what cannot be.
    #[error("{}:{line}: {problem}", .file.display())]
    Configuration {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key and what is wrong with its value.
        problem: String,
    },
    /// Nobody takes what is printed.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// A token was made and could not be shown; it exists no more.
    #[error("the new token could not be printed, so it was deleted again")]
    TokenNotShown(#[source] io::Error),
    /// No password came.
    #[error("cannot read the password from standard input")]
    PasswordInput(#[source] io::Error),
    /// More than a password came.
    #[error("the password on standard input must be a single line")]
    PasswordLines,
    /// Only members of an organisation make its tokens.
    #[error("{email} is not a member of organisation {organisation}")]
    CreatorNotAMember {
        /// Who was to make the token.
        email: Email,
        /// For which organisation.
        organisation: OrganisationId,
    },
    /// The folder of originals is not there.
    #[error("there is no folder {}", .0.display())]
    OriginalsFolder(PathBuf),
    /// The demo's pictures cannot be put where originals are.
    #[error("cannot write the demo's originals to {}", .folder.display())]
    DemoOriginals {
        /// Where they were to be.
        folder: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file of photos cannot be read.
    #[error("cannot read {}", .file.display())]
    ImportFile {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The secret of the object storage cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The object storage's address and the bucket's name make no address.
    #[error("the bucket cannot be addressed at --s3-endpoint")]
    Bucket(#[source] rusty_s3::BucketError),
    /// A file of photos does not name its columns as it should.
    #[error("cannot load {}: {problem}", .file.display())]
    ImportHeader {
        /// The file.
        file: PathBuf,
        /// What is wrong with its first line.
        problem: String,
    },
    /// The store refused or failed while photos were being loaded.
    #[error("loading {} broke off, with {loaded} photos loaded", .file.display())]
    ImportBrokeOff {
        /// The file.
        file: PathBuf,
        /// How many photos of it are in the event.
        loaded: u64,
        /// What the store said.
        #[source]
        cause: EventError,
    },
    /// Some lines of a file of photos hold no photo that could be loaded.
    #[error("{refused} bad line{} in {}, all others are loaded", if *.refused == 1 { "" } else { "s" }, .file.display())]
    LinesRefused {
        /// The file.
        file: PathBuf,
        /// How many.
        refused: u64,
    },
    /// A server was asked how it is, and is not well.
    #[error("the server at {address} is not {well}: {problem}")]
    NotHealthy {
        /// Where it was asked.
        address: String,
        /// What it was to be: healthy, or ready.
        well: &'static str,
        /// What it did instead of answering 200.
        problem: String,
    },
}

impl Error {
    /// The error on one line: what went wrong, each cause, then what to do about it.
    pub(crate) fn on_one_line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Some libraries repeat their cause in their own text.
            if !line.ends_with(&text) {
                let _ = write!(line, ": {text}");
            }
            cause = error.source();
        }
        if let Some(advice) = self.advice() {
            let _ = write!(line, "; {advice}");
        }
        line.replace('\n', " ")
    }

    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::OpenDatabase(error) => about_opening(error),
            Self::Store(error) => error.advice(),
            Self::Listen { cause, .. } => Some(match cause.kind() {
                io::ErrorKind::AddrInUse => {
                    "stop the program that uses the port, or choose another one with --listen (port 0 takes any free one)"
                }
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 need privileges; choose another one with --listen"
                }
                _ => "choose an address of this machine with --listen, for example 127.0.0.1:3000",
            }),
            Self::CreatorNotAMember { .. } => Some(
                "`developer-zone user create` adds members, `developer-zone organisation list` shows the organisations",
            ),
            Self::NotHealthy { .. } => {
                Some("check that it runs, and that --url is where it listens")
            }
            Self::OriginalsFolder(_) => {
                Some("make it, or name the folder of original photos with --originals-folder")
            }
            Self::DemoOriginals { .. } => {
                Some("name a folder that this user may write to with --originals-folder")
            }
            Self::Secret(_) => Some(
                "write the secret into the file that --s3-secret-access-key-file names, and let this user read it",
            ),
            Self::ImportBrokeOff { .. } => {
                Some("run the same command again: it loads the rest, and nothing twice")
            }
            Self::LinesRefused { .. } => {
                Some("correct them and run the same command again: it loads nothing twice")
            }
            Self::ConfigurationFile { .. } => {
                Some("name a file that this user may read with --config")
            }
            _ => None,
        }
    }
}

impl<E> From<E> for Error
where
    StoreFailure: From<E>,
{
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests {
    use store::error::DatabaseError;

    use super::*;

    #[test]
    fn an_error_says_on_one_line_what_went_wrong_why_and_what_to_do() {
        let error = Error::Listen {
            address: ([127, 0, 0, 1], 80).into(),
            cause: io::Error::new(io::ErrorKind::PermissionDenied, "no\nleave"),
        };
        assert_eq!(
            error.on_one_line(),
            "cannot listen on 127.0.0.1:80: no leave; ports below 1024 need privileges; choose another one with --listen"
        );
    }

    #[test]
    fn a_cause_that_was_told_already_is_not_told_again() {
        let error = Error::from(DatabaseError::Unavailable("gone".into()));
        let told = "the database cannot be reached: gone; ";
        assert!(error.on_one_line().starts_with(told));
    }
}
