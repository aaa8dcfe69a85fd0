//! What others wrote, as a terminal may see it, and figures as people read them.

use schemas::Timestamp;

/// A text on one line, without control characters, cut to so many characters.
pub fn shown(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    match text.char_indices().nth(most) {
        None => text.chars().map(plain).collect(),
        Some((end, _)) => text[..end].chars().map(plain).chain(['…']).collect(),
    }
}

/// How long ago a moment was.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    format!("{} ago", age(then, now))
}

/// The time since a moment; none where clocks differ.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    duration(now.epoch_millis().saturating_sub(then.epoch_millis()).max(0) as f64 / 1000.0)
}

/// A time in its two largest units.
pub fn duration(seconds: f64) -> String {
    let whole = seconds as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {} min", whole / 3600, whole / 60 % 60),
        _ => format!("{} d {} h", whole / 86_400, whole / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_steer_a_terminal() {
        assert_eq!(shown("a\x1b[2J\nb", 10), "a [2J b");
        assert_eq!(shown("größer als", 3), "grö…");
        assert_eq!(shown("größer", 6), "größer");
    }

    #[test]
    fn times_are_read_in_two_units() {
        for (seconds, expected) in
            [(0.04, "0.0 s"), (59.96, "60.0 s"), (61.0, "1 min 1 s"), (7_260.0, "2 h 1 min"), (90_000.0, "1 d 1 h")]
        {
            assert_eq!(duration(seconds), expected);
        }
        let at = |millis| Timestamp::from_epoch_millis(millis).unwrap();
        assert_eq!(ago(at(0), at(2_500)), "2.5 s ago");
        assert_eq!(ago(at(9_000), at(0)), "0.0 s ago", "clocks differ");
    }
}
