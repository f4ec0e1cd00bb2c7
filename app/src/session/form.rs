//! How a form is answered, by whoever sent it: a script, or the browser itself.

use serde::Serialize;

use super::{
    flash::{Signer, set_flash, set_signed_flash},
    request::{is_plain_form, see_other},
};
use crate::{error::RequestError, paths::sign_in_path};

/// Does `work` and, if it fails, gives the response the status of the error.
pub(crate) async fn answer<T>(
    work: impl Future<Output = Result<T, RequestError>>,
) -> Result<T, RequestError> {
    work.await.inspect_err(RequestError::set_status)
}

/// Does `work`, and answers the form that asked for it so that its sender can read the outcome.
///
/// A script gets the outcome itself, with the status of an error. A browser that posted the form is redirected
/// instead: `describe` says to which page, and what that page says. The redirect replaces the one that Leptos
/// makes for plain forms, which would write an error into the address of the page before.
pub(crate) async fn answer_form<T, M: Serialize>(
    work: impl Future<Output = Result<T, RequestError>>,
    describe: impl FnOnce(&Result<T, RequestError>) -> (String, M),
) -> Result<T, RequestError> {
    if !is_plain_form() {
        return answer(work).await;
    }
    let outcome = work.await;
    let (page, message) = describe(&outcome);
    redirect_after(outcome.as_ref().err(), &page, &message);
    outcome
}

/// Answers a plain form: redirects to `page`, which says `message` once. If the session has ended, the way leads
/// through sign-in.
pub(crate) fn redirect_after(error: Option<&RequestError>, page: &str, message: &impl Serialize) {
    if error == Some(&RequestError::SessionEnded) {
        return see_other(&sign_in_path(page));
    }
    set_flash(page, message);
    see_other(page);
}

/// [`redirect_after`] a success, for a response that gives the browser another session.
pub(crate) fn redirect_signed(signer: &Signer, page: &str, message: &impl Serialize) {
    set_signed_flash(signer, page, message);
    see_other(page);
}
