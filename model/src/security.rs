//! Names of security events in the log, for programs that watch it.

/// A security event. The log line has its name in the field `event`.
///
/// The names come from OWASP's Logging Vocabulary Cheat Sheet. They are published and must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityEvent {
    /// A user signed in.
    SignedIn,
    /// A password was wrong, at sign-in or when a user had to confirm it.
    WrongPassword,
    /// A user set a new password by a reset link.
    PasswordReset,
    /// A reset link was refused, because it was used or has expired, or because there is no such link.
    ResetRefused,
    /// A password was not checked, because too many wrong ones came before it.
    Throttled,
    /// A request was refused because the user has no permission, or because another site's page sent it.
    Unauthorised,
}

impl SecurityEvent {
    /// The target of their log lines, which no filter turns off.
    pub const TARGET: &str = "security";

    /// The value of the log's field `event`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "authn_login_success",
            Self::WrongPassword => "authn_login_fail",
            Self::PasswordReset => "authn_password_change",
            Self::ResetRefused => "authn_password_change_fail",
            Self::Throttled => "excess_rate_limit_exceeded",
            Self::Unauthorised => "authz_fail",
        }
    }
}
