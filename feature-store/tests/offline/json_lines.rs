use crate::files::{Folder, gzip, options, problems, rows, rows_with, texts};
use feature_store::offline::{Field, ReadOptions, ReviewFiles};
use schemas::{Label, Rating, Timestamp};

#[test]
fn every_field_is_read_and_unknown_ones_ignored() {
    let folder = Folder::new();
    let line = r#"{"review_id": 17, "product_id": "p1", "user_id": "u1", "title": "Fine", "text": "all \"good\"",
        "rating": "4", "created_at": 1714557600000, "label": true, "unknown": {"deep": [1, {}]}}"#;
    let row = &rows(folder.write("a.jsonl", line.replace('\n', "")))[0];
    assert_eq!(row.review_id.as_deref(), Some("17"));
    assert_eq!(row.product_id.as_deref(), Some("p1"));
    assert_eq!(row.text.as_deref(), Some("all \"good\""));
    assert_eq!(row.rating, Rating::new(4.0));
    assert_eq!(row.created_at, Timestamp::from_epoch_millis(1_714_557_600_000));
    assert_eq!(row.label, Some(Label::Positive));
    assert_eq!(row.problems, []);
}

#[test]
fn a_broken_line_is_a_problem_of_that_line() {
    let folder = Folder::new();
    let text = "{\"text\": \"a\"}\n\n{\"text\": \"b\"\n[1]\n\"text\"\n{\"text\": \"c\"} x\n{\"text\": \"d\"}";
    let rows = rows(folder.write("a.jsonl", text));
    assert_eq!(texts(&rows), ["a", "-", "-", "-", "-", "d"]);
    assert_eq!(rows.iter().map(|row| row.position.row).collect::<Vec<_>>(), [1, 3, 4, 5, 6, 7]);
    assert_eq!(problems(&rows[1]), ["the line is cut off at column 12"]);
    assert_eq!(problems(&rows[2]), ["the line is JSON, but no object"]);
    assert_eq!(problems(&rows[3]), ["the line is JSON, but no object"]);
    assert_eq!(problems(&rows[4]), ["the line is not JSON at column 15"]);
    assert!(rows[1..5].iter().all(|row| row.problems[0].field.is_none()));
}

#[test]
fn values_of_another_type_are_problems_of_their_field() {
    let folder = Folder::new();
    let row = &rows(folder.write("a.jsonl", r#"{"text": "a", "title": ["x"], "rating": null, "label": 0.5}"#))[0];
    assert_eq!(row.text.as_deref(), Some("a"));
    assert_eq!(
        problems(row),
        [
            "field `title` is an array, expected a text",
            "field `label` is 0.5, expected 0 or 1, neg or pos, negative or positive, false or true",
        ]
    );
}

#[test]
fn broken_utf8_is_replaced_and_noted_where_it_stood() {
    let folder = Folder::new();
    let rows = rows(folder.write("a.jsonl", b"{\"title\": \"fine\", \"text\": \"caf\xe9\"}\n"));
    assert_eq!(texts(&rows), ["caf\u{fffd}"]);
    assert_eq!(problems(&rows[0]), ["field `text` holds bytes that are not UTF-8, read as U+FFFD"]);
}

#[test]
fn a_line_over_the_limit_is_a_problem_and_the_next_is_read() {
    let folder = Folder::new();
    let huge = format!("{{\"text\": \"{}\"}}", "x".repeat(64 << 20));
    let text = format!("{{\"text\": \"a\"}}\n{huge}\n{{\"text\": \"b\"}}\n");
    let rows = rows(folder.write("a.jsonl.gz", gzip(text.as_bytes())));
    assert_eq!(texts(&rows), ["a", "-", "b"]);
    assert_eq!(problems(&rows[1]), ["the line is larger than 64 MiB"]);
    assert_eq!(rows[2].position.row, 3);
}

#[test]
fn a_first_line_of_ten_megabytes_still_shows_its_columns() {
    let folder = Folder::new();
    let line = format!("{{\"body\": \"{}\", \"text\": \"a\"}}\n", "x".repeat(10 << 20));
    assert_eq!(texts(&rows(folder.write("a.jsonl", line))), ["a"]);
}

#[test]
fn deep_nesting_is_no_danger() {
    let folder = Folder::new();
    let deep = "[".repeat(100_000);
    let text = format!("{{\"text\": \"a\"}}\n{{\"text\": {deep}\n{{\"other\": {deep}\n{{\"text\": \"b\"}}\n");
    let rows = rows(folder.write("a.jsonl", text));
    assert_eq!(texts(&rows), ["a", "-", "-", "b"]);
}

#[test]
fn an_optional_field_is_read_wherever_it_turns_up() {
    let folder = Folder::new();
    let text = format!("{}{}", "{\"text\": \"a\"}\n".repeat(200), "{\"text\": \"b\", \"rating\": 5}\n");
    let path = folder.write("a.jsonl", text);
    let files = ReviewFiles::open(std::slice::from_ref(&path), &ReadOptions::default()).unwrap();
    assert!(files.has_field(Field::Text) && !files.has_field(Field::Rating));
    assert_eq!(rows(path).last().unwrap().rating, Rating::new(5.0));
}

#[test]
fn conditions_compare_by_the_type_in_the_line() {
    let folder = Folder::new();
    let text = "{\"text\": \"a\", \"stars\": 5}\n{\"text\": \"b\", \"stars\": \"5.0\"}\n{\"text\": \"c\", \"stars\": 5.0}\n\
                {\"text\": \"d\"}\n";
    let path = folder.write("a.ndjson", text);
    assert_eq!(texts(&rows_with(path.clone(), &options(&[], &["stars=5"]))), ["a", "c"]);
    assert_eq!(texts(&rows_with(path, &options(&[], &["stars="]))), ["d"]);
}

#[test]
fn a_byte_order_mark_is_skipped_and_names_need_not_tell() {
    let folder = Folder::new();
    let text = "\u{feff}{\"text\": \"a\"}\r\n{\"text\": \"b\"}\r\n";
    assert_eq!(texts(&rows(folder.write("a.json", text))), ["a", "b"]);
    assert_eq!(texts(&rows(folder.write("reviews", text))), ["a", "b"]);
}
