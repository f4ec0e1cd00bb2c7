//! Links to originals.

/// A link to one original.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) url: String,
    /// The name under which a browser saves the file.
    pub(crate) filename: String,
}

/// The reason for a missing link. Its text is shown to the API's caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    /// The file does not exist, or its name is invalid.
    #[error("The original is not in storage.")]
    NotStored,
    /// The storage or the signing failed. The log has the cause.
    #[error("The storage of originals is unavailable. Try again in a moment.")]
    Unavailable,
}
