//! Links to originals.

use std::time::Duration;

/// How long a link works.
pub(super) const LIFETIME: Duration = Duration::from_secs(60 * 60);

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
