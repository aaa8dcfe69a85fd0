//! What does not decode: the error says which field is wrong and what was expected, in words that these tests fix, and holds
//! nothing of the record's text.

use schemas::{Cause, DecodeError, Feedback, Prediction, Review};
use std::fmt::Debug;

const REVIEW: [(&str, &str); 7] = [
    ("review_id", r#""r-1""#),
    ("product_id", r#""p-1""#),
    ("user_id", r#""u-1""#),
    ("title", r#""Worth it""#),
    ("text", r#""Sturdy and quiet.""#),
    ("rating", "5"),
    ("created_at", r#""2024-05-01T10:00:00Z""#),
];

const FEEDBACK: [(&str, &str); 4] = [
    ("review_id", r#""r-1""#),
    ("label", r#""positive""#),
    ("origin", r#""user""#),
    ("created_at", r#""2024-05-01T10:00:00Z""#),
];

const PREDICTION: [(&str, &str); 10] = [
    ("review_id", r#""r-1""#),
    ("sentiment", r#""positive""#),
    ("confidence", "0.875"),
    ("probability", "0.875"),
    ("model", r#"{"name": "sentiment", "version": "v3", "update": 0}"#),
    ("features", r#"{"user_stats:rating_mean": 4.5}"#),
    ("features_status", r#""present""#),
    ("source", r#"{"topic": "reviews", "partition": 0, "offset": 0}"#),
    ("created_at", "1714557600000"),
    ("scored_at", "1714557600125"),
];

/// A record in which one field is replaced; with an empty value it is left out.
fn record_with(fields: &[(&str, &str)], replaced: &str, value: &str) -> String {
    let field = |&(name, original): &(&str, &str)| {
        let value = if name == replaced { value } else { original };
        (!value.is_empty()).then(|| format!(r#""{name}": {value}"#))
    };
    format!("{{{}}}", fields.iter().filter_map(field).collect::<Vec<_>>().join(", "))
}

fn refusal<T: Debug>(result: Result<T, DecodeError>) -> (Cause, String, String) {
    let error = result.expect_err("this record must not decode");
    (error.cause, error.field, error.message)
}

fn review(bytes: impl AsRef<[u8]>) -> (Cause, String, String) {
    refusal(Review::decode(bytes.as_ref()))
}

fn review_with(field: &str, value: &str) -> (Cause, String, String) {
    review(record_with(&REVIEW, field, value))
}

fn feedback_with(field: &str, value: &str) -> (Cause, String, String) {
    refusal(Feedback::decode(record_with(&FEEDBACK, field, value).as_bytes()))
}

fn prediction_with(field: &str, value: &str) -> (Cause, String, String) {
    refusal(Prediction::decode(record_with(&PREDICTION, field, value).as_bytes()))
}

fn said(cause: Cause, field: &str, message: &str) -> (Cause, String, String) {
    (cause, field.to_owned(), message.to_owned())
}

#[test]
fn the_records_of_these_tests_decode_when_nothing_is_replaced() {
    Review::decode(record_with(&REVIEW, "", "").as_bytes()).unwrap();
    Feedback::decode(record_with(&FEEDBACK, "", "").as_bytes()).unwrap();
    Prediction::decode(record_with(&PREDICTION, "", "").as_bytes()).unwrap();
}

#[test]
fn a_record_without_a_value_is_empty() {
    for bytes in ["", " ", "\n\t \r\n"] {
        assert_eq!(review(bytes), said(Cause::Empty, "", "the record is empty"));
    }
}

#[test]
fn broken_utf8_is_refused_wherever_it_stands() {
    let in_text = b"{\"review_id\": \"r-1\", \"text\": \"caf\xe9\", \"created_at\": 0}";
    assert_eq!(review(in_text), said(Cause::NotUtf8, "", "the record is not UTF-8 at byte 33"));
    let in_an_ignored_field = b"{\"review_id\": \"r-1\", \"text\": \"a\", \"created_at\": 0, \"x\": \"\xff\"}";
    assert_eq!(review(in_an_ignored_field).0, Cause::NotUtf8);
    assert_eq!(review(b"\x00\x00\x00\x00\x07\xd8\x00\xdb").0, Cause::NotUtf8);
}

#[test]
fn a_record_cut_off_anywhere_is_refused() {
    let whole = record_with(&PREDICTION, "", "");
    for length in 1..whole.len() {
        let (cause, _, message) = refusal(Prediction::decode(&whole.as_bytes()[..length]));
        assert_eq!(cause, Cause::NotJson, "{message}");
        assert!(message.contains("is cut off: EOF while parsing"), "{message}");
    }
    assert_eq!(
        review(r#"{"review_id": "r-1", "text": "Sturdy and"#),
        said(Cause::NotJson, "text", "field `text` is cut off: EOF while parsing a string at line 1 column 40")
    );
}

#[test]
fn bytes_after_the_record_are_refused() {
    let whole = record_with(&REVIEW, "", "");
    for rest in ["x", "{}", ",", "\0", "]"] {
        let expected = said(Cause::NotJson, "", "the record has bytes after its JSON value");
        assert_eq!(review(whole.clone() + rest), expected);
    }
    Review::decode((whole + " \r\n").as_bytes()).unwrap();
}

#[test]
fn what_is_no_json_says_where() {
    assert_eq!(
        review("Sturdy and quiet."),
        said(Cause::NotJson, "", "the record is not valid JSON: expected value at line 1 column 1")
    );
    assert_eq!(
        review_with("rating", "NaN"),
        said(Cause::NotJson, "rating", "field `rating` is not valid JSON: expected value at line 1 column 121")
    );
    for no_json in
        ["{'review_id': 'r-1'}", "{review_id: 1}", "{\"review_id\"}", "{,}", "\u{feff}{}", "\0", "{\"text\": \"\n\"}"]
    {
        assert_eq!(review(no_json).0, Cause::NotJson, "{no_json}");
    }
}

#[test]
fn lone_surrogates_are_refused_where_they_would_be_kept() {
    for lone in [r#""\ud83d""#, r#""\udc4d""#, r#""\ud83d\ud83d""#, r#""\ud83dx""#, r#""\ud8""#] {
        let (cause, field, _) = review_with("text", lone);
        assert_eq!((cause, field.as_str()), (Cause::NotJson, "text"), "{lone}");
    }
}

#[test]
fn deep_nesting_is_refused_without_a_deep_stack() {
    let deep = "[".repeat(100_000);
    let object = r#"{"a":"#.repeat(100_000);
    assert_eq!(review(&deep), said(Cause::WrongType, "", "the record is an array, expected an object"));
    assert_eq!(review(&object).0, Cause::NotJson);
    for (field, _) in REVIEW {
        for value in [&deep, &object] {
            let (cause, at, _) = review_with(field, value);
            assert_eq!((cause, at.as_str()), (Cause::WrongType, field));
        }
    }
    let balanced = deep + &"]".repeat(100_000);
    Review::decode(record_with(&[REVIEW.as_slice(), &[("unknown", &balanced)]].concat(), "", "").as_bytes()).unwrap();
}

#[test]
fn ten_megabytes_are_read_or_refused_in_one_short_sentence() {
    let long = "ä".repeat(5_000_000);
    let text = format!("\"{long}\"");
    let decoded = Review::decode(record_with(&REVIEW, "text", &text).as_bytes()).unwrap();
    assert_eq!(decoded.text, long);

    for field in ["rating", "created_at"] {
        let (_, at, message) = review_with(field, &text);
        assert_eq!(at, field);
        assert!(message.len() < 120, "{} bytes", message.len());
    }
    let digits = "9".repeat(10_000_000);
    let expected =
        said(Cause::InvalidValue, "rating", "field `rating` is a number too large for 64 bits of floating point");
    assert_eq!(review_with("rating", &digits), expected);
    let (_, at, message) = review(format!("{{{text}: nothing}}"));
    assert_eq!(at, "");
    assert!(message.len() < 120, "{} bytes", message.len());
}

#[test]
fn a_missing_field_is_named() {
    for field in ["review_id", "text", "created_at"] {
        let expected = said(Cause::MissingField, field, &format!("field `{field}` is missing"));
        assert_eq!(review_with(field, ""), expected);
    }
    for field in ["review_id", "label", "origin", "created_at"] {
        let expected = said(Cause::MissingField, field, &format!("field `{field}` is missing"));
        assert_eq!(feedback_with(field, ""), expected);
    }
    for (field, _) in PREDICTION.into_iter().filter(|(field, _)| *field != "features") {
        let expected = said(Cause::MissingField, field, &format!("field `{field}` is missing"));
        assert_eq!(prediction_with(field, ""), expected);
    }
    assert_eq!(
        prediction_with("model", r#"{"name": "sentiment", "update": 0}"#),
        said(Cause::MissingField, "model.version", "field `model.version` is missing")
    );
}

#[test]
fn a_null_where_a_value_must_be_counts_as_missing() {
    assert_eq!(
        review_with("text", "null"),
        said(Cause::MissingField, "text", "field `text` is null, expected a string")
    );
    assert_eq!(
        prediction_with("source", r#"{"topic": "reviews", "partition": null, "offset": 1}"#),
        said(
            Cause::MissingField,
            "source.partition",
            "field `source.partition` is null, expected a whole number that fits 32 bits"
        )
    );
    for field in ["review_id", "created_at"] {
        assert_eq!(review_with(field, "null").0, Cause::MissingField, "{field}");
    }
    for (field, _) in FEEDBACK {
        assert_eq!(feedback_with(field, "null").0, Cause::MissingField, "{field}");
    }
    for (field, _) in PREDICTION {
        assert_eq!(prediction_with(field, "null").0, Cause::MissingField, "{field}");
    }
    assert_eq!(review("null"), said(Cause::WrongType, "", "the record is null, expected an object"));
}

#[test]
fn a_record_that_is_no_object_is_refused() {
    let all_fields_in_order = r#"["r-1", null, null, null, "Sturdy and quiet.", 5, 0]"#;
    for (record, found) in [
        (all_fields_in_order, "an array"),
        ("[]", "an array"),
        ("7", "a number"),
        ("true", "a boolean"),
        ("\"r\"", "a string"),
    ] {
        assert_eq!(review(record), said(Cause::WrongType, "", &format!("the record is {found}, expected an object")));
    }
}

/// Every field of `fields` with every value of another type than it takes.
fn hold_wrong_types(fields: &[(&str, &str, &[&str])], decode: impl Fn(&str, &str) -> (Cause, String, String)) {
    let values = [
        ("string", r#""secret""#, "a string"),
        ("number", "7.25", "a number"),
        ("boolean", "true", "a boolean"),
        ("array", r#"["secret"]"#, "an array"),
        ("object", r#"{"secret": "secret"}"#, "an object"),
    ];
    for (field, expected, takes) in fields {
        for (kind, value, found) in values.iter().filter(|(kind, ..)| !takes.contains(kind)) {
            let message = format!("field `{field}` is {found}, expected {expected}");
            assert_eq!(decode(field, value), said(Cause::WrongType, field, &message), "{kind}");
        }
    }
}

const TIME: &str = "a time of the years 0 to 9999 as RFC 3339 or epoch milliseconds";

#[test]
fn a_wrong_type_in_a_review_is_named_with_what_was_expected() {
    let fields: &[(&str, &str, &[&str])] = &[
        ("review_id", "a string", &["string"]),
        ("product_id", "a string", &["string"]),
        ("user_id", "a string", &["string"]),
        ("title", "a string", &["string"]),
        ("text", "a string", &["string"]),
        ("rating", "a number", &["number"]),
        ("created_at", TIME, &["string", "number"]),
    ];
    hold_wrong_types(fields, review_with);
}

#[test]
fn a_wrong_type_in_feedback_is_named_with_what_was_expected() {
    let label = "a label: 0 or 1, neg or pos, negative or positive, false or true";
    let fields: &[(&str, &str, &[&str])] = &[
        ("review_id", "a string", &["string"]),
        ("label", label, &["string", "number", "boolean"]),
        ("origin", "a string", &["string"]),
        ("created_at", TIME, &["string", "number"]),
    ];
    hold_wrong_types(fields, feedback_with);
}

#[test]
fn a_wrong_type_in_a_prediction_is_named_with_what_was_expected() {
    let fields: &[(&str, &str, &[&str])] = &[
        ("review_id", "a string", &["string"]),
        ("sentiment", "a string", &["string"]),
        ("confidence", "a number", &["number"]),
        ("probability", "a number", &["number"]),
        ("model", "an object", &["object"]),
        ("features", "an object", &["object"]),
        ("features_status", "a string", &["string"]),
        ("source", "an object", &["object"]),
        ("created_at", TIME, &["string", "number"]),
        ("scored_at", TIME, &["string", "number"]),
    ];
    hold_wrong_types(fields, prediction_with);
}

#[test]
fn a_wrong_type_further_down_is_named_with_its_path() {
    let fields: &[(&str, &str, &[&str])] = &[("name", "a string", &["string"]), ("version", "a string", &["string"])];
    hold_wrong_types_in(fields, "model", |name, value| {
        let model = [("name", "\"sentiment\""), ("version", "\"v3\""), ("update", "0")];
        prediction_with("model", &record_with(&model, name, value))
    });
    let fields: &[(&str, &str, &[&str])] = &[
        ("topic", "a string", &["string"]),
        ("partition", "a whole number that fits 32 bits", &[]),
        ("offset", "a whole number that fits 64 bits", &[]),
    ];
    hold_wrong_types_in(fields, "source", |name, value| {
        let source = [("topic", "\"reviews\""), ("partition", "0"), ("offset", "0")];
        prediction_with("source", &record_with(&source, name, value))
    });
    hold_wrong_types(&[("features.user_stats:rating_mean", "a number", &["number"])], |_, value| {
        prediction_with("features", &format!(r#"{{"user_stats:rating_mean": {value}}}"#))
    });
}

fn hold_wrong_types_in(
    fields: &[(&str, &str, &[&str])],
    parent: &str,
    decode: impl Fn(&str, &str) -> (Cause, String, String),
) {
    for (field, expected, takes) in fields {
        let path = format!("{parent}.{field}");
        hold_wrong_types(&[(&path, expected, takes)], |_, value| decode(field, value));
    }
}

#[test]
fn a_value_that_makes_no_sense_is_named_with_what_would() {
    let unfit = |field: &str, found: &str, expected: &str| {
        said(Cause::InvalidValue, field, &format!("field `{field}` is an unfit {found}, expected {expected}"))
    };
    for stars in ["0", "6", "0.99", "5.01", "-1", "1e300", "99999999999999999999", "-0"] {
        assert_eq!(review_with("rating", stars), unfit("rating", "number", "a number from 1 to 5"), "{stars}");
    }
    for time in ["253402300800000", "-62167219200001", "18446744073709551615", "1e20", "99999999999999999999", "0.5"] {
        assert_eq!(review_with("created_at", time), unfit("created_at", "number", TIME), "{time}");
    }
    for time in [r#""""#, r#""yesterday""#, r#""2024-02-30""#, r#""99999999999999999999""#] {
        assert_eq!(review_with("created_at", time), unfit("created_at", "string", TIME), "{time}");
    }
    let label = "a label: 0 or 1, neg or pos, negative or positive, false or true";
    for value in ["2", "-1", "0.5", "1e300"] {
        assert_eq!(feedback_with("label", value), unfit("label", "number", label), "{value}");
    }
    assert_eq!(feedback_with("label", r#""good""#), unfit("label", "string", label));
    assert_eq!(
        feedback_with("origin", r#""secret""#),
        unfit("origin", "string", "one of `user`, `rating`, `annotator`")
    );
    assert_eq!(
        prediction_with("model", r#"{"name": "a/b", "version": "v3", "update": 0}"#),
        unfit("model.name", "string", "a model name")
    );
    assert_eq!(
        prediction_with("model", r#"{"name": "a", "version": "v0", "update": 0}"#),
        unfit("model.version", "string", "a version such as v3")
    );
    assert_eq!(
        prediction_with("model", r#"{"name": "a", "version": "v1", "update": -1}"#),
        unfit("model.update", "number", "a whole number from 0 that fits 64 bits")
    );
    assert_eq!(
        prediction_with("source", r#"{"topic": "reviews", "partition": 2147483648, "offset": 0}"#),
        unfit("source.partition", "number", "a whole number that fits 32 bits")
    );
    assert_eq!(
        prediction_with("source", r#"{"topic": "reviews", "partition": -1, "offset": 0}"#),
        unfit("source.partition", "number", "0 or more")
    );
    assert_eq!(
        prediction_with("source", r#"{"topic": "reviews", "partition": 0, "offset": -1}"#),
        unfit("source.offset", "number", "0 or more")
    );
    for outside in ["-0.001", "1.001"] {
        assert_eq!(prediction_with("probability", outside), unfit("probability", "number", "0 to 1"));
        assert_eq!(prediction_with("confidence", outside), unfit("confidence", "number", "0.5 to 1"));
    }
    assert_eq!(prediction_with("confidence", "0.499"), unfit("confidence", "number", "0.5 to 1"));
}

#[test]
fn a_number_beyond_floating_point_is_named() {
    let too_large = |field: &str| {
        let message = format!("field `{field}` is a number too large for 64 bits of floating point");
        said(Cause::InvalidValue, field, &message)
    };
    assert_eq!(review_with("rating", "1e400"), too_large("rating"));
    assert_eq!(review_with("created_at", "-1e400"), too_large("created_at"));
    assert_eq!(feedback_with("label", "1e400"), too_large("label"));
    assert_eq!(prediction_with("probability", "1e400"), too_large("probability"));
}

#[test]
fn blank_ids_and_blank_text_are_refused() {
    for blank in [r#""""#, r#"" ""#, r#""\n\t\u00a0\u3000""#] {
        let expected =
            said(Cause::InvalidValue, "review_id", "field `review_id` is blank, expected the id of a review");
        assert_eq!(review_with("review_id", blank), expected);
        assert_eq!(feedback_with("review_id", blank), expected);
        assert_eq!(prediction_with("review_id", blank), expected);

        for title in ["", "null", r#""""#, r#"" \n""#] {
            let mut fields = REVIEW;
            fields[3].1 = title;
            assert_eq!(
                review(record_with(&fields, "text", blank)),
                said(Cause::InvalidValue, "text", "field `text` is blank, and there is no title: nothing to score")
            );
        }
    }
}

#[test]
fn a_field_that_is_there_twice_is_refused() {
    let twice = |field: &str| said(Cause::InvalidValue, field, &format!("field `{field}` is there twice"));
    for (field, value) in REVIEW {
        let record = record_with(&[REVIEW.as_slice(), &[(field, value)]].concat(), "", "");
        assert_eq!(review(record), twice(field));
    }
    assert_eq!(
        prediction_with("source", r#"{"topic": "a", "topic": "b", "partition": 0, "offset": 0}"#),
        twice("source.topic")
    );
}

#[test]
fn an_error_holds_nothing_of_the_record() {
    // Values that look like the sentences from which the type and the expectation are taken.
    let secrets = [
        "secret",
        "secret: string, expected secret",
        "` expected secret at line 1",
        "missing field `secret`",
        "duplicate field `secret`",
        "invalid type: map, expected secret",
        "unknown variant `secret`, expected `secret`",
        "number out of range secret",
    ];
    let hold = |(_, field, message): (Cause, String, String)| {
        assert!(!message.contains("secret") && !field.contains("secret"), "{field}: {message}");
    };
    for secret in secrets {
        let value = format!("\"{secret}\"");
        hold(review_with("rating", &value));
        hold(review_with("created_at", &value));
        hold(feedback_with("label", &value));
        hold(feedback_with("origin", &value));
        hold(prediction_with("features_status", &value));
        hold(prediction_with("features", &value));
        hold(prediction_with("model", &value));
        hold(prediction_with("model", &format!(r#"{{"name": {value}, "version": {value}, "update": {value}}}"#)));
        hold(prediction_with("model", &format!(r#"{{"name": "a", "version": {value}, "update": {value}}}"#)));
        hold(prediction_with("source", &format!(r#"{{"topic": "a", "partition": {value}}}"#)));
        hold(prediction_with("source", &format!(r#"{{{value}: nothing}}"#)));
        hold(review(format!("{{{value}: nothing}}")));
        hold(review(format!("{{{value}: {{{value}: [{value}, nothing]}}}}")));
        hold(review(format!("{{\"text\": {value}")));
        hold(review(&value));
        hold(review(secret));
    }
    hold(prediction_with("features", r#"{"a secret feature": "x"}"#));
}

#[test]
fn a_probability_is_read_back_to_the_last_bit() {
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..10_000 {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        let probability = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        let mut prediction = Prediction::decode(record_with(&PREDICTION, "", "").as_bytes()).unwrap();
        prediction.probability = probability;
        prediction.features.insert("mean".to_owned(), probability * 1e-9);
        let read = Prediction::decode(&serde_json::to_vec(&prediction).unwrap()).unwrap();
        assert_eq!(read, prediction);
    }
}
