//! Assertions about errors, for all tests.

use std::{error::Error, fmt::Debug};

use store::error::{
    AccountError, AuditError, DatabaseError, DemoError, EventError, ListError, MemberError,
    NewEventError, OrganisationError, PruneError, SchemaError, SessionError, SignInError,
    TokenError,
};

/// An error that can come from the database.
pub(crate) trait Failure: Error {
    fn of_database(&self) -> Option<&DatabaseError>;
}

impl Failure for DatabaseError {
    fn of_database(&self) -> Option<&DatabaseError> {
        Some(self)
    }
}

macro_rules! impl_failure {
    ($($error:ident),+ $(,)?) => {$(
        impl Failure for $error {
            fn of_database(&self) -> Option<&DatabaseError> {
                match self {
                    Self::Database(error) => Some(error),
                    _ => None,
                }
            }
        }
    )+};
}

impl_failure!(
    AccountError,
    AuditError,
    DemoError,
    EventError,
    ListError,
    MemberError,
    NewEventError,
    OrganisationError,
    PruneError,
    SchemaError,
    SessionError,
    SignInError,
    TokenError,
);

#[track_caller]
pub(crate) fn assert_unavailable(error: &impl Failure) {
    let database = error.of_database();
    assert!(
        database.is_some_and(DatabaseError::is_unavailable),
        "{error:?}"
    );
}

/// Asserts that the database refused a statement of the call.
#[track_caller]
pub(crate) fn assert_refused_by_database<T: Debug>(outcome: Result<T, impl Failure>) {
    let error = outcome.expect_err("refused");
    let database = error.of_database();
    assert!(
        matches!(database, Some(DatabaseError::Refused(_))),
        "{error:?}"
    );
}

/// An error and all its causes, as the log and the command line show them.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Asserts that `outcome` is an error of this kind.
macro_rules! assert_refused {
    ($outcome:expr, $error:pat $(if $guard:expr)?) => {
        match $outcome {
            Err($error) $(if $guard)? => {}
            other => panic!("expected Err({}), got {other:?}", stringify!($error)),
        }
    };
}
