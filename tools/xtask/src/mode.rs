//! How much work a build of the front end takes.

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// For users: optimised, minified, compressed.
    Release,
    /// For `make dev`: built as fast as possible.
    Dev,
}
