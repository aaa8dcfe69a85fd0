//! The W3C trace context (`traceparent`), as text: from a request or record into a span, and from a span or straight
//! from what came in to what goes out. Nothing here fails: a header that is not valid is as good as none.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Name of the header, in HTTP as in Kafka records.
pub const TRACEPARENT: &str = "traceparent";

/// Makes the sender's span the parent of `span`. Has to happen before the span is entered.
pub fn set_parent(span: &Span, traceparent: &str) {
    if !is_valid(traceparent) {
        return;
    }
    let context = TraceContextPropagator::new().extract(&carrier(traceparent));
    // It fails where spans are not exported or the span has begun; its trace then starts here.
    let _ = span.set_parent(context);
}

/// The context of `span` for whoever continues it; none where spans are not exported.
pub fn traceparent_of(span: &Span) -> Option<String> {
    let context = span.context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// What to send on: the context of `span`, or what came in where spans are not exported.
pub fn outgoing(span: &Span, incoming: Option<&str>) -> Option<String> {
    traceparent_of(span).or_else(|| incoming.filter(|traceparent| is_valid(traceparent)).map(str::to_owned))
}

/// True for `version-trace_id-parent_id-flags` as the W3C recommendation has it, ids not all zero. Of a version above
/// 00 the first four fields count.
pub fn is_valid(traceparent: &str) -> bool {
    let bytes = traceparent.as_bytes();
    let length_fits = match bytes.get(..2) {
        Some(b"00") => bytes.len() == 55,
        Some(b"ff") | None => false,
        Some(_) => bytes.len() == 55 || bytes.get(55) == Some(&b'-'),
    };
    let is_hex = |from: usize, to: usize| bytes[from..to].iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_id = |from: usize, to: usize| is_hex(from, to) && bytes[from..to].iter().any(|b| *b != b'0');
    length_fits
        && [2, 35, 52].iter().all(|dash| bytes[*dash] == b'-')
        && is_hex(0, 2)
        && is_id(3, 35)
        && is_id(36, 52)
        && is_hex(53, 55)
}

fn carrier(traceparent: &str) -> HashMap<String, String> {
    HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())])
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    const INCOMING: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn exporting<T>(test: impl FnOnce() -> T) -> T {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), test)
    }

    #[test]
    fn a_span_continues_the_trace_that_came_in() {
        exporting(|| {
            let span = tracing::info_span!("work");
            set_parent(&span, INCOMING);
            let outgoing = traceparent_of(&span).unwrap();
            assert_eq!(outgoing[..36], INCOMING[..36], "same trace");
            assert_ne!(outgoing, INCOMING, "another span");
            assert!(is_valid(&outgoing), "{outgoing}");
        });
    }

    #[test]
    fn an_invalid_traceparent_starts_a_new_trace() {
        exporting(|| {
            let span = tracing::info_span!("work");
            set_parent(&span, &INCOMING.replace("4bf9", "xxxx"));
            assert_ne!(traceparent_of(&span).unwrap()[..36], INCOMING[..36]);
        });
    }

    #[test]
    fn what_came_in_is_passed_through_where_nothing_is_exported() {
        let span = tracing::info_span!("work");
        assert_eq!(traceparent_of(&span), None);
        assert_eq!(outgoing(&span, Some(INCOMING)).as_deref(), Some(INCOMING));
        assert_eq!(outgoing(&span, Some("garbage")), None);
        assert_eq!(outgoing(&span, None), None);
    }

    #[test]
    fn validity_follows_the_recommendation() {
        assert!(is_valid(INCOMING));
        assert!(is_valid(&format!("01{}-more", &INCOMING[2..])));
        for wrong in [
            String::new(),
            "00".to_owned(),
            INCOMING.to_uppercase(),
            format!("ff{}", &INCOMING[2..]),
            format!("{INCOMING}-more"),
            format!("01{}more", &INCOMING[2..]),
            INCOMING.replace('-', "_"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01".to_owned(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01".to_owned(),
            "ä".repeat(55),
        ] {
            assert!(!is_valid(&wrong), "{wrong}");
        }
    }
}
