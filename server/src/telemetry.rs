//! The log: lines on standard error, because standard output belongs to the result of a command.
//!
//! No line may hold a secret. We never log headers, query strings or request bodies, and disable log lines of libraries
//! that could contain them.

mod json;
mod request_span;
mod stderr;

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, IsTerminal},
    panic,
    str::FromStr,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use clap::ValueEnum;
use model::security::SecurityEvent;
use tracing::Level;
use tracing_subscriber::{
    EnvFilter,
    filter::{Directive, LevelFilter},
    fmt,
    util::SubscriberInitExt,
};

use self::{
    json::JsonLines,
    request_span::{FieldsAndRequestId, RequestSpans},
};

/// sqlx logs PostgreSQL's notices at `info`, for example "relation already exists, skipping". They are noise.
pub(crate) const DEFAULT_FILTER: &str = "info,sqlx=warn";

/// Targets whose lines can hold a secret: sqlx repeats a line of the password file that it cannot read.
const ALWAYS_OFF: &str = "sqlx_postgres::options::pgpass=off";

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// The format of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people, with colours at a terminal
    Human,
    /// One JSON object for each line, for programs that collect logs
    Json,
}

/// The filter of the log, in the syntax of `tracing-subscriber`'s `EnvFilter`. Directives about spans have no effect.
#[derive(Clone, Debug)]
pub(crate) struct LogFilter(String);

impl FromStr for LogFilter {
    type Err = String;

    /// Refuses a directive that is one word and no level: it would turn off all other lines, and be a typing error.
    fn from_str(text: &str) -> Result<Self, String> {
        const EXAMPLES: &str = "use for example `info` or `warn,server=debug`";
        EnvFilter::try_new(text).map_err(|cause| format!("{cause}; {EXAMPLES}"))?;
        let is_level = |word: &str| !word.is_empty() && word.parse::<LevelFilter>().is_ok();
        let is_valid = |part: &&str| part.contains('=') || is_level(part.trim());
        match text.split(',').find(|part| !is_valid(part)) {
            Some(part) => Err(format!("`{part}` is no level; {EXAMPLES}")),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl LogFilter {
    /// The filter for all lines. Security events are always written.
    fn filter(&self) -> EnvFilter {
        let filter = EnvFilter::new(&self.0);
        let always_on = format!("{}=info", SecurityEvent::TARGET).parse::<Directive>();
        match (ALWAYS_OFF.parse::<Directive>(), always_on) {
            (Ok(off), Ok(on)) => filter.add_directive(off).add_directive(on),
            _ => EnvFilter::new("off"),
        }
    }
}

/// Starts logging. Called once, before anything else.
pub(crate) fn start(filter: &LogFilter, format: LogFormat) {
    let _ = FORMAT.set(format);
    let lines = fmt()
        .with_env_filter(filter.filter())
        .with_writer(|| stderr::Writer);
    match format {
        LogFormat::Human => RequestSpans(
            lines
                .fmt_fields(FieldsAndRequestId)
                .with_ansi(io::stderr().is_terminal())
                .finish(),
        )
        .init(),
        LogFormat::Json => RequestSpans(lines.event_format(JsonLines).finish()).init(),
    }
    panic::set_hook(Box::new(log_panic));
}

/// The number of panics since the start, in requests and in background tasks.
pub(crate) fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Logs a panic like any other error, with the id of its request.
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

/// The message of a panic.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// Reports why the program ends, even if logging is off.
pub(crate) fn report_error(problem: &str) {
    if is_json() && tracing::enabled!(Level::ERROR) {
        tracing::error!(target: "server", "{problem}");
    } else {
        print(&format!("error: {problem}"));
    }
}

/// Prints an important warning, even if logging is off.
pub(crate) fn report_warning(text: &str) {
    if is_json() && tracing::enabled!(Level::WARN) {
        tracing::warn!(target: "server", "{text}");
    } else {
        print(&format!("WARNING: {text}"));
    }
}

/// Tells the operator what the program waits for, even if logging is off.
pub(crate) fn report_wait(text: &str) {
    if is_json() && tracing::enabled!(Level::INFO) {
        tracing::info!(target: "server", "{text}");
    } else {
        print(text);
    }
}

/// Writes a line to standard error, even if logging is off.
pub(crate) fn print(text: &str) {
    stderr::write(format!("{text}\n").as_bytes());
}

/// Waits until all lines are on standard error or lost, but only for a limited time. Called before the process ends.
pub(crate) fn flush() {
    stderr::flush();
}

/// The number of lines that could not be written to standard error.
pub(crate) fn lost_lines() -> u64 {
    stderr::lost_lines()
}

/// Whether the log lines on standard error are JSON.
fn is_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}
