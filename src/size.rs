//! Sizes as people write them.

/// `512MiB`, `2GiB`, `1.5 GB` or bytes.
pub fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|other: char| !other.is_ascii_digit() && other != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kib" | "k" => 1024.0,
        "mib" | "m" => 1024f64.powi(2),
        "gib" | "g" => 1024f64.powi(3),
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        _ => return Err("give a size such as 512MiB or 2GiB".to_owned()),
    };
    match number.parse::<f64>() {
        Ok(number) if number * unit < 2f64.powi(60) => Ok((number * unit) as u64),
        _ => Err("give a size such as 512MiB or 2GiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        for (text, expected) in [("512MiB", 512 << 20), ("2 GiB", 2 << 30), ("1.5g", 3 << 29), ("70000000", 70_000_000)]
        {
            assert_eq!(bytes(text), Ok(expected));
        }
        for text in ["", "much", "1 XB", "-1", "1e3"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
