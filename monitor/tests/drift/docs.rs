//! The tables of `docs/DRIFT.md`, which tests make.

use std::fs;

/// Set to write the tables in place of comparing them.
const UPDATE: &str = "PLAUDIT_UPDATE_DOCS";

/// The page is one file, and tests run beside each other.
static PAGE: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Compares a table with the one that the page has under this name.
pub fn hold(name: &str, table: &str) {
    let _guard = PAGE.lock();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/DRIFT.md");
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let page = fs::read_to_string(file).expect("the page is there");
    let (head, rest) = page.split_once(&begin).expect("the page has a place for the table");
    let (written, tail) = rest.split_once(&end).expect("the table ends");
    if std::env::var_os(UPDATE).is_some() {
        fs::write(file, format!("{head}{begin}{table}{end}{tail}")).expect("the page can be written");
        return;
    }
    assert!(
        written == table,
        "docs/DRIFT.md is out of date: run `{UPDATE}=1 cargo test -p monitor --test drift`; the table {name} would be\n{table}"
    );
}
