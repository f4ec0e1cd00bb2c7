//! What the program tells its operator while it runs: lines on standard error, because standard output
//! belongs to what was asked for.
//!
//! No line may hold a secret: neither headers nor query strings nor request bodies are ever logged.

use std::{
    env, fmt,
    io::{self, IsTerminal},
};

use tracing_subscriber::{
    EnvFilter,
    field::RecordFields,
    fmt::{
        FormatFields,
        format::{DefaultFields, Writer},
    },
};

use crate::{api::request_id, error::Error};

/// Names what is logged, in the syntax of `tracing-subscriber`'s `EnvFilter`.
pub(crate) const FILTER_VARIABLE: &str = "DEVELOPER_ZONE_LOG";

/// sqlx passes PostgreSQL's notices on at `info`; "relation already exists, skipping" is no news.
const DEFAULT_FILTER: &str = "info,sqlx=warn";

/// Starts logging. Called once, before anything else is done.
///
/// # Errors
/// [`Error::LogFilter`] when the variable cannot be read as a filter.
pub(crate) fn start() -> Result<(), Error> {
    let filter = env::var(FILTER_VARIABLE).unwrap_or_else(|_| DEFAULT_FILTER.to_owned());
    let filter = EnvFilter::try_new(filter).map_err(Error::LogFilter)?;
    tracing_subscriber::fmt()
        .fmt_fields(WithRequestId)
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    Ok(())
}

/// A line's fields as usual, and at its end the name of the request on whose way it was written.
struct WithRequestId;

impl<'writer> FormatFields<'writer> for WithRequestId {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        DefaultFields::new().format_fields(writer.by_ref(), fields)?;
        match request_id::current() {
            Some(name) => write!(writer, " request_id={}", name.to_str().unwrap_or_default()),
            None => Ok(()),
        }
    }
}
