//! The demo data and its sign-ins.

use std::fmt::Write as _;

use store::{
    Store,
    demo::{DEMO_PASSWORD, DEMO_USERS},
};

use super::output;
use crate::error::Error;

/// `developer-zone demo`.
///
/// # Errors
/// Those of the store, and [`Error::Output`].
pub(super) async fn load(store: &Store) -> Result<(), Error> {
    if store.load_demo().await? {
        output::line("The demo data is loaded.")?;
    } else {
        output::line("The demo data exists already. Nothing was changed.")?;
    }
    output::line(sign_ins())
}

/// The accounts of the demo, their password, and the organisations of each.
pub(super) fn sign_ins() -> String {
    let width = DEMO_USERS.map(|user| user.email.len()).into_iter().max();
    let width = width.unwrap_or_default();
    let mut text = format!("Sign in with the password {DEMO_PASSWORD} as");
    for user in DEMO_USERS {
        let _ = write!(text, "\n  {:<width$}  {}", user.email, user.purpose);
    }
    text
}
