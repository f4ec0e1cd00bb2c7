//! Responses to forms, which either a script or the browser itself has posted.

use serde::Serialize;

use super::{
    flash::{Signer, set_flash, set_signed_flash},
    request::{is_plain_form, see_other},
};
use crate::{error::RequestError, paths::sign_in_path};

/// Awaits `work`. If it fails, sets the status of the response to that of the error.
pub(crate) async fn with_error_status<T>(
    work: impl Future<Output = Result<T, RequestError>>,
) -> Result<T, RequestError> {
    work.await.inspect_err(RequestError::set_status)
}

/// Awaits `work`, and responds to the form in the way that its sender can read.
///
/// A script gets the result itself, and an error sets the status. A browser that posted the form is redirected:
/// `describe` returns the page and its flash message. Leptos's own redirect for plain forms is replaced, because it
/// would write an error into the address of the previous page.
pub(crate) async fn respond_to_form<T, M: Serialize>(
    work: impl Future<Output = Result<T, RequestError>>,
    describe: impl FnOnce(&Result<T, RequestError>) -> (String, M),
) -> Result<T, RequestError> {
    if !is_plain_form() {
        return with_error_status(work).await;
    }
    let outcome = work.await;
    let (page, message) = describe(&outcome);
    redirect_after(outcome.as_ref().err(), &page, &message);
    outcome
}

/// Responds to a plain form with a redirect to `page`, which shows `message` once. If the session has ended, redirects
/// to sign-in first.
pub(crate) fn redirect_after(error: Option<&RequestError>, page: &str, message: &impl Serialize) {
    if error == Some(&RequestError::SessionEnded) {
        return see_other(&sign_in_path(page));
    }
    set_flash(page, message);
    see_other(page);
}

/// Like [`redirect_after`], for a success whose response starts another session.
pub(crate) fn redirect_signed(signer: &Signer, page: &str, message: &impl Serialize) {
    set_signed_flash(signer, page, message);
    see_other(page);
}
