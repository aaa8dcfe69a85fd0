use crate::files::{Folder, gzip, options, problems, rows, rows_with, texts, zstd};
use feature_store::offline::Field;
use schemas::{Label, Rating, Timestamp};

const REVIEWS: &str = "review_id,text,rating,created_at\nr1,good,5,2024-05-01T10:00:00Z\nr2,bad,1,1714557600000\n";

#[test]
fn every_field_is_read() {
    let folder = Folder::new();
    let text = "review_id,product_id,user_id,title,text,rating,created_at,label,unknown\n\
                r1,p1,u1,Fine,all good,4.5,2024-05-01 10:00:00,neg,x\n";
    let row = &rows(folder.write("reviews.csv", text))[0];
    assert_eq!(row.review_id.as_deref(), Some("r1"));
    assert_eq!(row.product_id.as_deref(), Some("p1"));
    assert_eq!(row.user_id.as_deref(), Some("u1"));
    assert_eq!(row.title.as_deref(), Some("Fine"));
    assert_eq!(row.text.as_deref(), Some("all good"));
    assert_eq!(row.rating, Rating::new(4.5));
    assert_eq!(row.created_at, Timestamp::parse("2024-05-01T10:00:00Z"));
    assert_eq!(row.label, Some(Label::Negative));
    assert_eq!(row.problems, []);
}

#[test]
fn quoted_line_breaks_and_quotes_belong_to_the_text() {
    let folder = Folder::new();
    let rows = rows(folder.write("a.csv", "text,rating\n\"one\ntwo, \"\"three\"\"\",5\nfour,4\n"));
    assert_eq!(texts(&rows), ["one\ntwo, \"three\"", "four"]);
    assert_eq!(rows[1].position.row, 2);
}

#[test]
fn a_quote_in_the_middle_of_a_cell_is_text() {
    let folder = Folder::new();
    let rows = rows(folder.write("a.csv", "text,rating\n5\" long,5\n\"a \"\"word\"\"\",4\nend,1"));
    assert_eq!(texts(&rows), ["5\" long", "a \"word\"", "end"]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_column() {
    let folder = Folder::new();
    for text in ["\u{feff}text,rating\ngood,5\n", "\u{feff}\"text\",rating\ngood,5\n"] {
        assert_eq!(texts(&rows(folder.write("a.csv", text))), ["good"]);
    }
}

#[test]
fn windows_line_ends_and_blanks_around_names_are_taken() {
    let folder = Folder::new();
    let rows = rows(folder.write("a.csv", "text, rating\r\ngood,5\r\n"));
    assert_eq!((texts(&rows), rows[0].rating), (vec!["good"], Rating::new(5.0)));
}

#[test]
fn a_row_of_another_length_is_a_problem_of_that_row() {
    let folder = Folder::new();
    let rows = rows(folder.write("a.csv", "text,rating\ngood\nfine,4\nbad,1,2,3\nend,2\n"));
    assert_eq!(texts(&rows), ["-", "fine", "-", "end"]);
    assert_eq!(problems(&rows[0]), ["the row has 1 cells, the header has 2"]);
    assert_eq!(problems(&rows[2]), ["the row has 4 cells, the header has 2"]);
    assert_eq!(rows[3].position.row, 4);
}

#[test]
fn broken_utf8_is_replaced_and_noted() {
    let folder = Folder::new();
    let rows = rows(folder.write("a.csv", b"text,title\ncaf\xe9,fine\n"));
    assert_eq!(texts(&rows), ["caf\u{fffd}"]);
    assert_eq!(problems(&rows[0]), ["field `text` holds bytes that are not UTF-8, read as U+FFFD"]);
    assert_eq!(rows[0].problems[0].field, Some(Field::Text));
}

#[test]
fn empty_cells_have_no_value_and_no_problem() {
    let folder = Folder::new();
    let row = &rows(folder.write("a.csv", "text,title,rating,created_at,label,user_id\ngood,,,,,\n"))[0];
    assert_eq!((&row.title, row.rating, row.created_at, row.label), (&None, None, None, None));
    assert_eq!(row.problems, []);
}

#[test]
fn values_that_make_no_sense_are_problems_of_their_field() {
    let folder = Folder::new();
    let row = &rows(folder.write("a.csv", "text,rating,created_at,label\ngood,6,soon,2\n"))[0];
    assert_eq!(texts(std::slice::from_ref(row)), ["good"]);
    assert_eq!(
        problems(row),
        [
            "field `rating` is 6, expected a number from 1 to 5",
            "field `created_at` is a text that is no time, expected RFC 3339, a date or epoch milliseconds",
            "field `label` is a text that is no label, expected 0 or 1, neg or pos, negative or positive, false or true",
        ]
    );
}

#[test]
fn mapped_columns_take_the_place_of_our_names() {
    let folder = Folder::new();
    let path = folder.write("a.csv", "text,body,stars\nwrong,right,5\n");
    let rows = rows_with(path, &options(&["text=body", "rating=stars"], &[]));
    assert_eq!((texts(&rows), rows[0].rating), (vec!["right"], Rating::new(5.0)));
}

#[test]
fn conditions_pick_rows_that_keep_their_numbers() {
    let folder = Folder::new();
    let path = folder.write("a.csv", "text,split,stars\na,train,5\nb,test,5.0\nc,test,4\nd,test,5\n");
    let rows = rows_with(path, &options(&[], &["split=test", "stars=5"]));
    assert_eq!(texts(&rows), ["b", "d"]);
    assert_eq!(rows.iter().map(|row| row.position.row).collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn compressed_files_are_read_to_the_end_of_their_last_member() {
    let folder = Folder::new();
    let (head, tail) = REVIEWS.as_bytes().split_at(40);
    let gzipped = [gzip(head), gzip(tail)].concat();
    let zstandard = [zstd(head), zstd(tail)].concat();
    let expected = rows(folder.write("plain.csv", REVIEWS));
    assert_eq!(expected.len(), 2);
    assert_eq!(rows(folder.write("a.csv.gz", &gzipped)), expected);
    assert_eq!(rows(folder.write("a.csv.zst", &zstandard)), expected);
    // Without a telling name the first bytes tell.
    assert_eq!(rows(folder.write("gzipped", &gzipped)), expected);
    assert_eq!(rows(folder.write("zstandard", &zstandard)), expected);
    assert_eq!(rows(folder.write("plain", REVIEWS)), expected);
}

#[test]
fn a_header_alone_has_no_rows() {
    let folder = Folder::new();
    assert_eq!(rows(folder.write("a.csv", "text,rating\n")), []);
}

#[test]
fn a_field_of_ten_megabytes_is_read() {
    let folder = Folder::new();
    let text = "x".repeat(10 << 20);
    let rows = rows(folder.write("a.csv", format!("text,rating\n{text},5\nlast,1\n")));
    assert_eq!((rows[0].text.as_ref().map(String::len), rows.len()), (Some(10 << 20), 2));
}
