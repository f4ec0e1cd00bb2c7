//! The request's id in the log.
//!
//! Each request runs in a span with the field `request_id` ([`crate::http::request_id`]). Tasks and threads that act
//! for the request enter the same span ([`store::task`]), so that all of their lines have the id.
//!
//! A call of the API takes some ten microseconds. The registry of `tracing-subscriber` would add some percent
//! (`docs/decisions/0017-request-id-in-a-span.md`): it stores each span, with its fields as text. A request's span needs
//! no storage, because its number is the generated id. Only ids that callers sent are in a table.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_core::span::Current;
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FormatFields,
        format::{DefaultFields, Writer},
    },
};

use crate::http::request_id::{SPAN_TARGET, hexadecimal};

/// Set in the number of a span if the other bits are the generated id of its request.
const GENERATED: u64 = 1 << 63;

thread_local! {
    /// The spans that this thread is in, the innermost last.
    static ENTERED: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
}

static SENT: Mutex<SentIds> = Mutex::new(SentIds {
    last: 0,
    ids: BTreeMap::new(),
});

/// The metadata of the requests' spans, which is the same for all.
static METADATA: OnceLock<&'static Metadata<'static>> = OnceLock::new();

/// The ids that callers sent, by the number of the span.
struct SentIds {
    last: u64,
    ids: BTreeMap<u64, SentId>,
}

struct SentId {
    text: String,
    /// The number of handles of the span.
    handles: usize,
}

impl SentIds {
    fn lock() -> MutexGuard<'static, Self> {
        SENT.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&mut self, text: &str) -> u64 {
        self.last += 1;
        let text = text.to_owned();
        self.ids.insert(self.last, SentId { text, handles: 1 });
        self.last
    }
}

/// Handles the spans of requests, and passes events on. Other spans, such as those of libraries, are disabled.
pub(super) struct RequestSpans<S>(pub(super) S);

impl<S: Subscriber> Subscriber for RequestSpans<S> {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.0.on_register_dispatch(dispatch);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if !metadata.is_span() {
            self.0.register_callsite(metadata)
        } else if is_request_span(metadata) {
            METADATA.get_or_init(|| metadata);
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_span() {
            is_request_span(metadata)
        } else {
            self.0.enabled(metadata)
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.max_level_hint()
    }

    fn event_enabled(&self, event: &Event<'_>) -> bool {
        self.0.event_enabled(event)
    }

    fn event(&self, event: &Event<'_>) {
        self.0.event(event);
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut number = SpanNumber(GENERATED);
        span.record(&mut number);
        Id::from_u64(number.0)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, span: &Id) {
        let _ = ENTERED.try_with(|entered| entered.borrow_mut().push(span.clone()));
    }

    fn exit(&self, span: &Id) {
        let _ = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            if let Some(at) = entered.iter().rposition(|other| other == span) {
                entered.remove(at);
            }
        });
    }

    fn clone_span(&self, span: &Id) -> Id {
        if !is_generated(span)
            && let Some(sent) = SentIds::lock().ids.get_mut(&span.into_u64())
        {
            sent.handles += 1;
        }
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        if is_generated(&span) {
            return false;
        }
        let mut sent = SentIds::lock();
        let Some(id) = sent.ids.get_mut(&span.into_u64()) else {
            return false;
        };
        id.handles -= 1;
        let is_last = id.handles == 0;
        if is_last {
            sent.ids.remove(&span.into_u64());
        }
        is_last
    }

    fn current_span(&self) -> Current {
        match (innermost(), METADATA.get()) {
            (Some(span), Some(metadata)) => Current::new(span, metadata),
            _ => Current::none(),
        }
    }
}

fn is_request_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == SPAN_TARGET
}

fn is_generated(span: &Id) -> bool {
    span.into_u64() & GENERATED != 0
}

fn innermost() -> Option<Id> {
    let last = ENTERED.try_with(|entered| entered.borrow().last().cloned());
    last.ok().flatten()
}

/// The number of a new span, from its field.
struct SpanNumber(u64);

impl Visit for SpanNumber {
    fn record_u64(&mut self, _: &Field, generated: u64) {
        self.0 = GENERATED | generated;
    }

    fn record_str(&mut self, _: &Field, sent: &str) {
        self.0 = SentIds::lock().insert(sent);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// The id of the request that this thread works for.
pub(super) fn current_request_id() -> Option<String> {
    let span = innermost()?;
    if is_generated(&span) {
        let digits = hexadecimal(span.into_u64() & !GENERATED);
        return Some(String::from_utf8_lossy(&digits).into_owned());
    }
    let sent = SentIds::lock();
    Some(sent.ids.get(&span.into_u64())?.text.clone())
}

/// Formats an event's fields as usual, and appends the id of the request.
pub(super) struct FieldsAndRequestId;

impl<'writer> FormatFields<'writer> for FieldsAndRequestId {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        DefaultFields::new().format_fields(writer.by_ref(), fields)?;
        match current_request_id() {
            Some(id) => write!(writer, " request_id={id}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing::{Span, subscriber::with_default};
    use tracing_subscriber::registry;

    use super::*;

    fn span(id: &str) -> Span {
        tracing::error_span!(target: SPAN_TARGET, "request", request_id = id)
    }

    #[test]
    fn the_innermost_entered_span_gives_the_id_until_it_is_exited() {
        with_default(RequestSpans(registry()), || {
            let (outer, inner) = (span("outer"), span("inner"));
            assert_eq!(current_request_id(), None);
            outer.in_scope(|| {
                inner.in_scope(|| assert_eq!(current_request_id().as_deref(), Some("inner")));
                assert_eq!(current_request_id().as_deref(), Some("outer"));
            });
            assert_eq!(current_request_id(), None);
        });
    }

    #[test]
    fn a_sent_id_is_kept_until_the_last_handle_of_its_span_is_dropped() {
        with_default(RequestSpans(registry()), || {
            let first = span("kept by a task");
            let number = first.id().expect("an enabled span").into_u64();
            let second = first.in_scope(Span::current);
            drop(first);
            second.in_scope(|| {
                assert_eq!(current_request_id().as_deref(), Some("kept by a task"));
            });
            drop(second);
            assert!(!SentIds::lock().ids.contains_key(&number));
        });
    }

    #[test]
    fn a_span_with_another_target_is_disabled() {
        with_default(RequestSpans(registry()), || {
            assert!(tracing::error_span!("a library's").is_disabled());
        });
    }
}
