//! What the program tells its operator while it runs: lines on standard error, because standard output
//! belongs to what was asked for.
//!
//! No line may hold a secret: neither headers nor query strings nor request bodies are ever logged, and what
//! a library would log of that kind is held back here.

mod json;

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    fmt,
    io::{self, IsTerminal},
    panic,
    str::FromStr,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::{
    EnvFilter,
    field::RecordFields,
    filter::{Directive, ParseError},
    fmt::{
        FormatFields,
        format::{DefaultFields, Writer},
    },
};

use crate::api::request_id;

use self::json::JsonLines;

/// sqlx passes PostgreSQL's notices on at `info`; "relation already exists, skipping" is no news.
pub(crate) const DEFAULT_FILTER: &str = "info,sqlx=warn";

/// Targets whose lines can hold a secret: sqlx repeats a line of the password file that it cannot read.
const HELD_BACK: &str = "sqlx_postgres::options::pgpass=off";

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people, with colours at a terminal
    Human,
    /// One JSON object for each line, for programs that collect logs
    Json,
}

/// What is logged, in the syntax of `tracing-subscriber`'s `EnvFilter`.
#[derive(Clone, Debug)]
pub(crate) struct LogFilter(String);

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused =
            |cause: ParseError| format!("{cause}; use for example `info` or `warn,server=debug`");
        EnvFilter::try_new(text).map_err(refused)?;
        Ok(Self(text.to_owned()))
    }
}

impl LogFilter {
    fn filter(&self) -> EnvFilter {
        let filter = EnvFilter::new(&self.0);
        match HELD_BACK.parse::<Directive>() {
            Ok(held_back) => filter.add_directive(held_back),
            Err(_) => EnvFilter::new("off"),
        }
    }
}

/// Starts logging. Called once, before anything else is done.
pub(crate) fn start(filter: &LogFilter, format: LogFormat) {
    let _ = FORMAT.set(format);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter.filter())
        .with_writer(io::stderr);
    match format {
        LogFormat::Human => lines
            .fmt_fields(WithRequestId)
            .with_ansi(io::stderr().is_terminal())
            .init(),
        LogFormat::Json => lines.event_format(JsonLines).init(),
    }
    panic::set_hook(Box::new(log_panic));
}

/// How often there was a panic since the start: of a request, or of a task of the server itself.
pub(crate) fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

static PANICS: AtomicU64 = AtomicU64::new(0);

/// A panic becomes a line like any other, under the id of its request.
fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    PANICS.fetch_add(1, Ordering::Relaxed);
    let at = panic.location().map(ToString::to_string);
    let backtrace = Backtrace::capture();
    let captured = backtrace.status() == BacktraceStatus::Captured;
    tracing::error!(
        at,
        backtrace = captured.then(|| backtrace.to_string()),
        "panicked: {}",
        panic_message(panic.payload())
    );
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// Says why the program ends: also where nothing is logged.
pub(crate) fn tell_error(problem: &str) {
    if in_json() && tracing::enabled!(Level::ERROR) {
        tracing::error!(target: "server", "{problem}");
    } else {
        eprintln!("error: {problem}");
    }
}

/// Warns of what nobody may miss: also where nothing is logged.
pub(crate) fn tell_warning(text: &str) {
    if in_json() && tracing::enabled!(Level::WARN) {
        tracing::warn!(target: "server", "{text}");
    } else {
        eprintln!("WARNING: {text}");
    }
}

/// Whether whoever reads standard error takes lines of JSON.
fn in_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
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
