//! What a measurement prints: lines for people as it goes on, and rows of one table at the end, which `dev/bench` collects.

/// A line for people.
pub fn say(line: &str) {
    println!("{line}");
}

/// A row of the table: what was measured, ours, the peer's, and ours over the peer's.
pub fn row(what: &str, ours: &str, peer: &str, ratio: f64) {
    println!("| {what} | {ours} | {peer} | {ratio:.2} |");
}

/// The value in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
