//! Errors that end the program, with messages for its caller.

mod store_failure;

use std::{error::Error as _, fmt::Write as _, io, net::SocketAddr, path::PathBuf};

use model::{organisation::OrganisationId, user::Email};
use store::error::{EventError, OpenError};

pub use self::store_failure::StoreFailure;
use self::store_failure::about_opening;
use crate::{assets::NotBuilt, originals::bucket::SecretError};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store refused or failed.
    #[error(transparent)]
    Store(StoreFailure),
    /// The front end was not built.
    #[error(transparent)]
    FrontEnd(#[from] NotBuilt),
    /// The database cannot be opened.
    #[error("cannot open the database")]
    OpenDatabase(#[source] OpenError),
    /// Other machines reach the server, and it does not know its address in browsers.
    #[error(
        "without --public-url, only this machine may reach the server, and {0} is for other machines, too"
    )]
    NoPublicUrl(SocketAddr),
    /// PostgreSQL does not wait for a standby, and `--require-synchronous-standby` is set.
    #[error(
        "PostgreSQL has no synchronous standby, so a failover could lose a revocation. With --require-synchronous-standby the server does not start then: set PostgreSQL's synchronous_standby_names, or start without this option"
    )]
    NoSynchronousStandby,
    /// The server cannot listen on the address.
    #[error("cannot listen on {address}, the address of {option}")]
    Listen {
        /// The option that names the address.
        option: &'static str,
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        #[source]
        cause: io::Error,
    },
    /// The signals that stop the server cannot be watched.
    #[error("cannot watch for SIGTERM and Ctrl-C")]
    Signals(#[source] io::Error),
    /// The file that `--config` names cannot be read.
    #[error("cannot read the configuration {}", .file.display())]
    ConfigurationFile {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        #[source]
        cause: io::Error,
    },
    /// An environment variable has an invalid value, or belongs to no option.
    #[error("{name}: {problem}")]
    Variable {
        /// The variable.
        name: String,
        /// The problem.
        problem: String,
    },
    /// The file that `--config` names is invalid.
    #[error("{}:{line}: {problem}", .file.display())]
    Configuration {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key, and the problem of its value.
        problem: String,
    },
    /// Standard output cannot be written.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// A token was created, could not be printed, and was deleted again.
    #[error("the new token could not be printed, so it was deleted again")]
    TokenNotShown(#[source] io::Error),
    /// The password cannot be read.
    #[error("cannot read the password from standard input")]
    PasswordInput(#[source] io::Error),
    /// Standard input has several lines.
    #[error("the password on standard input must be a single line")]
    PasswordLines,
    /// The command names neither a token nor all of them.
    #[error("name a token, or use --all")]
    NoTokenNamed,
    /// The creator of a token must be a member of the organisation.
    #[error("{email} is not a member of organisation {organisation}")]
    CreatorNotAMember {
        /// The intended creator.
        email: Email,
        /// The organisation.
        organisation: OrganisationId,
    },
    /// The folder of originals does not exist.
    #[error("there is no folder {}", .0.display())]
    OriginalsFolder(PathBuf),
    /// The demo's originals cannot be written.
    #[error("cannot write the demo's originals to {}", .folder.display())]
    DemoOriginals {
        /// The folder of originals.
        folder: PathBuf,
        /// The error of the operating system.
        #[source]
        cause: io::Error,
    },
    /// A file of photos cannot be read.
    #[error("cannot read {}", .file.display())]
    ImportFile {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        #[source]
        cause: io::Error,
    },
    /// The secret of the object storage cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The endpoint and the bucket's name make no valid address.
    #[error("--s3-endpoint and --s3-bucket make no valid address")]
    Bucket(#[source] rusty_s3::BucketError),
    /// The header of a file of photos is invalid.
    #[error("cannot load {}: {problem}", .file.display())]
    ImportHeader {
        /// The file.
        file: PathBuf,
        /// The problem of its first line.
        problem: String,
    },
    /// The store failed during an import.
    #[error("the import of {} was interrupted after {loaded} photos", .file.display())]
    ImportInterrupted {
        /// The file.
        file: PathBuf,
        /// The number of photos loaded so far.
        loaded: u64,
        /// The error of the store.
        #[source]
        cause: EventError,
    },
    /// Some lines of a file of photos are invalid.
    #[error("{refused} bad line{} in {}, all others are loaded", if *.refused == 1 { "" } else { "s" }, .file.display())]
    LinesRefused {
        /// The file.
        file: PathBuf,
        /// The number of invalid lines.
        refused: u64,
    },
    /// As [`Error::LinesRefused`], and so no photo was removed.
    #[error(
        "{refused} bad line{} in {}, all others are loaded and no photo is removed",
        if *.refused == 1 { "" } else { "s" }, .file.display()
    )]
    NothingReplaced {
        /// The file.
        file: PathBuf,
        /// The number of invalid lines.
        refused: u64,
    },
    /// A file that replaces the photos of an event names none.
    #[error("{} names no photo, so none is removed", .0.display())]
    NoPhotosToKeep(PathBuf),
    /// Some lines of a file of names are invalid.
    #[error(
        "{refused} bad line{} in {}, the photos of all others are removed",
        if *.refused == 1 { "" } else { "s" }, .file.display()
    )]
    IdsRefused {
        /// The file.
        file: PathBuf,
        /// The number of invalid lines.
        refused: u64,
    },
    /// A health check failed.
    #[error("the server at {address} is not {expected}: {problem}")]
    NotHealthy {
        /// The address of the server.
        address: String,
        /// The expected state: healthy or ready.
        expected: &'static str,
        /// What happened instead of a response with 200.
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
                    "stop the program that uses the port, or choose another port (0 takes any free one)"
                }
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 need privileges; choose another port"
                }
                _ => "choose an address of this machine, for example 127.0.0.1:3000",
            }),
            Self::NoPublicUrl(_) => Some(
                "name the dashboard's address in browsers, for example --public-url https://dashboard.example.com, or listen on 127.0.0.1",
            ),
            Self::CreatorNotAMember { .. } => Some(
                "`developer-zone user create` adds members, `developer-zone organisation list` shows the organisations",
            ),
            Self::NotHealthy { .. } => {
                Some("check that it runs, and that --url or --listen is where it listens")
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
            Self::ImportInterrupted { .. } => {
                Some("run the same command again: it loads the rest, and nothing twice")
            }
            Self::LinesRefused { .. } | Self::NothingReplaced { .. } => {
                Some("correct them and run the same command again: it loads nothing twice")
            }
            Self::IdsRefused { .. } => Some("correct them and run the same command again"),
            Self::NoPhotosToKeep(_) => {
                Some("`developer-zone event remove-photos` removes the photos that it is given")
            }
            Self::ConfigurationFile { .. } => {
                Some("use --config to name a file that this user may read")
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
    fn an_error_is_one_line_with_problem_cause_and_advice() {
        let error = Error::Listen {
            option: "--listen",
            address: ([127, 0, 0, 1], 80).into(),
            cause: io::Error::new(io::ErrorKind::PermissionDenied, "no\npermission"),
        };
        assert_eq!(
            error.on_one_line(),
            "cannot listen on 127.0.0.1:80, the address of --listen: no permission; ports below 1024 need privileges; choose another port"
        );
    }

    #[test]
    fn a_repeated_cause_is_printed_once() {
        let error = Error::from(DatabaseError::Unavailable("gone".into()));
        let expected = "the database cannot be reached: gone; ";
        assert!(error.on_one_line().starts_with(expected));
    }
}
