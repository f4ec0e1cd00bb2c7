//! A line of the log as one flat JSON object: time, level, target, the request's id, then the event's own fields. An
//! error includes all its causes, which `tracing-subscriber`'s own format omits.

use std::{
    error::Error,
    fmt::{self, Write},
};

use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

use super::request_span::current_request_id;

/// Lines of JSON.
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut line = Line::default();
        line.put("timestamp", now()?);
        line.put("level", metadata.level().as_str());
        line.put("target", metadata.target());
        if let Some(id) = current_request_id() {
            line.put("request_id", id);
        }
        event.record(&mut line);
        line.set_target_of_log();
        writeln!(writer, "{}", Value::Object(line.0))
    }
}

fn now() -> Result<String, fmt::Error> {
    let mut text = String::new();
    SystemTime.format_time(&mut Writer::new(&mut text))?;
    Ok(text)
}

#[derive(Default)]
struct Line(Map<String, Value>);

impl Line {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// Events from the `log` crate name their target in a field.
    fn set_target_of_log(&mut self) {
        if let Some(target) = self.0.shift_remove("log.target") {
            self.put("target", target);
        }
        self.0.retain(|key, _| !key.starts_with("log."));
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        self.put(field.name(), text);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use axum::response::Response;
    use futures_util::FutureExt;
    use http::{HeaderMap, HeaderValue, Method};

    use crate::http::request_id::{REQUEST_ID, RequestIds, with_id};
    use crate::telemetry::request_span::RequestSpans;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_flat_and_has_the_requests_id_and_an_error_with_its_causes() {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = tracing_subscriber::fmt()
            .event_format(JsonLines)
            .with_writer(move || writer.clone())
            .finish();
        let subscriber = RequestSpans(subscriber);
        let error = store::error::DatabaseError::Unavailable("gone\n\"away\"".into());
        let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static("a\"b"))]);
        let id = RequestIds::new().of_request(&headers);
        let response = with_id(id, Method::GET, async {
            tracing::warn!(
                error = &error as &dyn Error,
                tries = 3,
                done = false,
                "not {}",
                "done"
            );
            Response::default()
        });
        tracing::subscriber::with_default(subscriber, || response.now_or_never().expect("ready"));
        let text = String::from_utf8(sink.0.lock().expect("not poisoned").clone());
        let text = text.expect("a text");
        assert_eq!(text.lines().count(), 1, "{text}");
        let mut line: Map<String, Value> = serde_json::from_str(&text).expect("JSON");
        let timestamp = line.shift_remove("timestamp").expect("a time");
        assert!(
            timestamp.as_str().is_some_and(|time| time.ends_with('Z')),
            "{timestamp}"
        );
        let expected = serde_json::json!({
            "level": "WARN",
            "target": "server::telemetry::json::tests",
            "request_id": "a\"b",
            "message": "not done",
            "error": "the database cannot be reached: gone\n\"away\"",
            "tries": 3,
            "done": false,
        });
        assert_eq!(Value::Object(line), expected);
    }
}
