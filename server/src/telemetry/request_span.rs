//! The request's id in the log.
//!
//! Each request runs in a span with the field `request_id` ([`crate::http::request_id`]). Tasks and threads that act
//! for the request enter the same span ([`store::task`]), so that all of their lines have the id.
//!
//! A call of the API takes some ten microseconds, so the span must be cheap. The two types here avoid slow code in
//! `tracing-subscriber`.

use std::fmt;

use tracing::{
    Metadata, Subscriber,
    field::{Field, Visit},
    subscriber::Interest,
};
use tracing_subscriber::{
    EnvFilter,
    field::RecordFields,
    filter::LevelFilter,
    fmt::{
        FormatFields, FormattedFields,
        format::{DefaultFields, Writer},
    },
    layer::{Context, Layer},
    registry::{LookupSpan, SpanRef},
};

use crate::http::request_id::SPAN_TARGET;

const FIELD: &str = "request_id";

fn is_request_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == SPAN_TARGET
}

/// Applies the filter to everything but request spans, which are always on.
///
/// `EnvFilter` would track each span. It takes locks that all cores share, four times for each request.
pub(super) struct EventFilter(pub(super) EnvFilter);

impl<S: Subscriber> Layer<S> for EventFilter {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_request_span(metadata) {
            return Interest::always();
        }
        Layer::<S>::register_callsite(&self.0, metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        is_request_span(metadata) || Layer::enabled(&self.0, metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Layer::<S>::max_level_hint(&self.0)
    }
}

/// Formats `request_id` as `request_id=ID`, and all other fields as usual.
///
/// `DefaultFields` would pass the id through several layers of `std::fmt`.
pub(super) struct RequestIdFields;

impl<'writer> FormatFields<'writer> for RequestIdFields {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut id = IdWriter {
            writer: writer.by_ref(),
            outcome: None,
        };
        fields.record(&mut id);
        match id.outcome {
            Some(outcome) => outcome,
            None => DefaultFields::new().format_fields(writer, fields),
        }
    }
}

struct IdWriter<'writer> {
    writer: Writer<'writer>,
    /// `None` if there was no id.
    outcome: Option<fmt::Result>,
}

impl Visit for IdWriter<'_> {
    fn record_str(&mut self, field: &Field, id: &str) {
        if field.name() == FIELD {
            let written = self.writer.write_str(FIELD);
            let written = written.and_then(|()| self.writer.write_char('='));
            self.outcome = Some(written.and_then(|()| self.writer.write_str(id)));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// Gives `use_id` the id that a span carries, if it is a request span.
pub(super) fn with_request_id<S>(span: &SpanRef<'_, S>, use_id: impl FnOnce(&str))
where
    S: for<'a> LookupSpan<'a>,
{
    if is_request_span(span.metadata())
        && let Some(fields) = span.extensions().get::<FormattedFields<RequestIdFields>>()
        && let Some(id) = fields.strip_prefix("request_id=")
    {
        use_id(id);
    }
}
