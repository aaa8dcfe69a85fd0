//! What a section says of a value that it refuses, in words that presume no knowledge of Rust.

/// `must be a whole number, not the text "two"`, of serde's `invalid type: string "two", expected u32`.
pub(super) fn in_words(reason: &str) -> String {
    let of_value = reason.strip_prefix("invalid type: ").or_else(|| reason.strip_prefix("invalid value: "));
    let Some((found, expected)) = of_value.and_then(|of_value| of_value.rsplit_once(", expected ")) else {
        return reason.to_owned();
    };
    format!("must be {}, not {}", wanted(expected), given(found))
}

fn wanted(expected: &str) -> String {
    let whole = |from: i64, until: u64| format!("a whole number from {from} to {until}");
    match expected {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i32" => whole(i32::MIN.into(), i32::MAX as u64),
        "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "string or map" => "a text".to_owned(),
        "a map" => "a table".to_owned(),
        of_struct if of_struct.starts_with("struct ") => "a table".to_owned(),
        list if list.contains("sequence") => "a list, such as [\"a\", \"b\"]".to_owned(),
        other => other.to_owned(),
    }
}

fn given(found: &str) -> String {
    let number = found.strip_prefix("integer ").or_else(|| found.strip_prefix("floating point "));
    match (found, number.or_else(|| found.strip_prefix("boolean "))) {
        (_, Some(value)) => value.to_owned(),
        ("sequence", None) => "a list".to_owned(),
        ("map", None) => "a table".to_owned(),
        (found, None) => {
            found.strip_prefix("string ").map_or_else(|| found.to_owned(), |text| format!("the text {text}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reads_as_a_sentence() {
        for (reason, words) in [
            (
                "invalid type: string \"two\", expected u32",
                "must be a whole number from 0 to 4294967295, not the text \"two\"",
            ),
            ("invalid value: integer `-1`, expected usize", "must be a whole number, 0 or more, not `-1`"),
            ("invalid type: floating point `0.5`, expected u64", "must be a whole number, 0 or more, not `0.5`"),
            ("invalid type: boolean `true`, expected a string", "must be a text, not `true`"),
            ("invalid type: sequence, expected f64", "must be a number, not a list"),
            ("invalid type: map, expected a boolean", "must be true or false, not a table"),
            ("unknown variant `x`, expected `a` or `b`", "unknown variant `x`, expected `a` or `b`"),
        ] {
            assert_eq!(in_words(reason), words);
        }
    }
}
