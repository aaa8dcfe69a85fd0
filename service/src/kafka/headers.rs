//! The headers of a record: the W3C trace context that travels with it.

use rdkafka::message::{Header, Headers, OwnedHeaders};

use crate::telemetry::propagation::TRACEPARENT;

/// The text of a header, if the record has it and it is UTF-8. Of several with one name the last counts.
pub fn text<'h>(headers: &'h impl Headers, name: &str) -> Option<&'h str> {
    let value = headers.iter().filter(|header| header.key == name).last()?.value?;
    std::str::from_utf8(value).ok()
}

/// The `traceparent` that came with a record, as it stands there.
pub fn traceparent(headers: &impl Headers) -> Option<&str> {
    text(headers, TRACEPARENT)
}

/// Adds a `traceparent` to the headers of a record that is about to be sent.
pub fn with_traceparent(headers: OwnedHeaders, traceparent: &str) -> OwnedHeaders {
    headers.insert(Header { key: TRACEPARENT, value: Some(traceparent) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_comes_back_from_headers() {
        let headers = with_traceparent(OwnedHeaders::new(), "00-aa-bb-01");
        assert_eq!(traceparent(&headers), Some("00-aa-bb-01"));
        assert_eq!(traceparent(&OwnedHeaders::new()), None);
    }

    #[test]
    fn a_header_that_is_not_text_is_passed_over() {
        let headers = OwnedHeaders::new().insert(Header { key: TRACEPARENT, value: Some(&[0xff_u8, 0xfe][..]) });
        assert_eq!(traceparent(&headers), None);
    }
}
