//! What the log tells of attacks, by names that programs which read it can go by.

/// A line of the log that a security team looks for. Its name stands in the field `event`, and stays as it is.
///
/// The names are those of OWASP's Logging Vocabulary Cheat Sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityEvent {
    /// Somebody has signed in.
    SignedIn,
    /// A password was not the account's: at sign-in, or where it was asked for again.
    WrongPassword,
    /// A password was not looked at, for too many came before it.
    Throttled,
    /// Somebody asked for what is not theirs, or another site's page did.
    Unauthorised,
}

impl SecurityEvent {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "authn_login_success",
            Self::WrongPassword => "authn_login_fail",
            Self::Throttled => "excess_rate_limit_exceeded",
            Self::Unauthorised => "authz_fail",
        }
    }
}
