//! Error codes and the guard's checks as Markdown tables, generated from the lists that the API uses.

use http::StatusCode;
use model::permission::{Check, Refusal};

use crate::api::error::{Description, every_error};

/// Every code with its status, its cause, and what to do.
pub(super) fn table() -> String {
    let head = "| Code | Status | Cause | What to do | Try again? |\n|---|---|---|---|---|\n";
    every_error().fold(head.to_owned(), |table, error| {
        let Description {
            code,
            status,
            cause,
            remedy,
            ..
        } = error;
        let (number, retry) = (status.as_str(), retry(status));
        table + &format!("| `{code}` | {number} | {cause} | {remedy} | {retry} |\n")
    })
}

/// Whether the same call can succeed later.
const fn retry(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "After `Retry-After`",
        StatusCode::INTERNAL_SERVER_ERROR => "Yes, with growing delays",
        _ => "No",
    }
}

/// The guard's checks in order, with the codes of each.
pub(super) fn checks() -> String {
    let head = "| No. | What must hold | Otherwise |\n|---|---|---|\n";
    let rows = Check::ALL.into_iter().zip(1..).map(|(check, number)| {
        let refusals: Vec<_> = Refusal::ALL
            .into_iter()
            .filter(|refusal| refusal.check() == check)
            .map(|refusal| with_status(refusal.code()))
            .collect();
        let (label, refusals) = (check.label(), refusals.join(", "));
        format!("| {number} | {label} | {refusals} |\n")
    });
    rows.fold(head.to_owned(), |table, row| table + &row)
}

fn with_status(code: &'static str) -> String {
    let error = every_error().find(|error| error.code == code);
    let status = error.map_or_else(String::new, |error| format!("{} ", error.status.as_str()));
    status + &link(code)
}

/// A code that links to its row in the table of errors.
pub(super) fn link(code: &str) -> String {
    format!("[`{code}`](/docs/errors.md#{code})")
}
