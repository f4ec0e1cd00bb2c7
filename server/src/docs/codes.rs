//! Error codes and the guard's checks as Markdown tables, generated from the lists that the API uses.

use model::permission::{Check, Refusal};

use crate::api::help::{ErrorCode, error_codes};

/// Every code with its status, its cause, and what to do.
pub(super) fn table() -> String {
    let head = "| Code | Status | Cause | What to do | Try again? |\n|---|---|---|---|---|\n";
    error_codes().fold(head.to_owned(), |table, entry| {
        let ErrorCode { code, status, help } = entry;
        let (cause, remedy, retry) = (help.cause, help.remedy, help.retry.words());
        table + &format!("| `{code}` | {status} | {cause} | {remedy} | {retry} |\n")
    })
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
    let status = error_codes().find(|entry| entry.code == code);
    let status = status.map_or_else(String::new, |entry| format!("{} ", entry.status));
    status + &link(code)
}

/// A code that links to its row in the table of errors.
pub(super) fn link(code: &str) -> String {
    format!("[`{code}`](/docs/errors.md#{code})")
}
