//! What `plaudit dlq` prints for people.

use crate::output::Table;
use scorer::dead_letters::{Example, Letter, ListReport, Listed, ReplayReport};
use serde::Serialize;
use std::fmt;

/// A dead letter on one line. The next one is not known yet, so columns are as wide as they usually need to be.
pub struct Row<'l>(pub &'l Listed<'l>);

impl Row<'_> {
    pub fn heading() -> String {
        columns(["TIME", "CAUSE", "ORIGIN", "TRIED", "BYTES", "STATUS", "KEY", "MESSAGE"])
    }
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Listed { letter, status, key, key_base64, .. } = self.0;
        let Letter { at, cause, message, attempts, origin, size_bytes, .. } = letter;
        let dash = || "-".to_owned();
        f.write_str(&columns([
            &at.map_or_else(dash, |at| at.to_string()),
            &on_one_line(cause),
            &origin.as_ref().map_or_else(dash, |origin| on_one_line(&origin.to_string())),
            &attempts.to_string(),
            &size_bytes.to_string(),
            status.as_str(),
            &key.or(key_base64.as_deref()).map_or_else(dash, on_one_line),
            &on_one_line(message),
        ]))
    }
}

fn columns(cells: [&str; 8]) -> String {
    let [at, cause, origin, attempts, size, status, key, message] = cells;
    let line = format!("{at:24}  {cause:13}  {origin:20}  {attempts:>5}  {size:>8}  {status:8}  {key:12}  {message}");
    line.trim_end().to_owned()
}

/// The number of letters by cause.
pub struct Summary<'r> {
    pub topic: &'r str,
    pub report: &'r ListReport,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, report } = self;
        let stopped = if report.stopped { "; stopped before the end" } else { "" };
        if report.causes.is_empty() {
            if report.left_out.is_empty() {
                return write!(f, "no dead letters in {topic}{stopped}");
            }
            let others: Vec<String> =
                report.left_out.iter().map(|(cause, letters)| format!("{letters} {}", on_one_line(cause))).collect();
            return write!(f, "no dead letter of {topic} matches; there are {}{stopped}", others.join(", "));
        }
        let mut table = Table::new(["CAUSE", "LETTERS", "WAITING", "REPLAYED", "NOT REPLAYABLE"]);
        for (cause, counts) in &report.causes {
            let numbers = [counts.letters, counts.waiting, counts.replayed, counts.not_replayable];
            let [letters, waiting, replayed, not_replayable] = numbers.map(|number| number.to_string());
            table.row([on_one_line(cause), letters, waiting, replayed, not_replayable]);
        }
        write!(f, "\n{table}")?;
        if report.stopped { f.write_str("stopped before the end") } else { Ok(()) }
    }
}

/// What a replay did.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Replayed(pub ReplayReport);

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ReplayReport { topic, replayed, replayed_earlier, left_out, seconds, .. } = &self.0;
        let word = if self.0.dry_run { "would send" } else { "sent" };
        let stopped = if self.0.stopped { ", stopped before the end" } else { "" };
        write!(f, "{word} {replayed} dead letters of {topic} in {seconds:.2} s{stopped}")?;
        for (cause, letters) in &self.0.by_cause {
            write!(f, "\n  {letters} {}", on_one_line(cause))?;
        }
        if *replayed_earlier > 0 {
            write!(f, "\nsent by an earlier replay: {replayed_earlier}")?;
        }
        if *left_out > 0 {
            write!(f, "\nleft out by the filter: {left_out}")?;
        }
        for (reason, letters) in &self.0.not_replayable {
            write!(f, "\ncannot be sent, {}: {letters}", reason.as_str().replace('_', " "))?;
            let examples: Vec<_> = self.0.examples.iter().filter(|example| example.reason == *reason).collect();
            for Example { partition, offset, origin, message, .. } in &examples {
                let origin = origin.as_ref().map_or_else(String::new, |origin| format!(", from {origin}"));
                let message = message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
                write!(f, "\n  {topic}/{partition}@{offset}{}{}", on_one_line(&origin), on_one_line(&message))?;
            }
            if (examples.len() as u64) < *letters {
                write!(f, "\n  and {} more; `plaudit dlq list` shows them", letters - examples.len() as u64)?;
            }
        }
        Ok(())
    }
}

/// What came with a record may hold line breaks and control characters, which a terminal must not see.
fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scorer::dead_letters::{CauseCounts, Obstacle, Origin};

    #[test]
    fn a_replay_names_what_it_cannot_send() {
        let origin = Some(Origin { topic: "reviews".to_owned(), partition: 2, offset: 9 });
        let reason = Obstacle::PayloadOmitted;
        let report = ReplayReport {
            topic: "reviews.dlq".to_owned(),
            replayed: 7,
            by_cause: [("empty".to_owned(), 7)].into(),
            replayed_earlier: 4,
            not_replayable: [(reason, 3)].into(),
            examples: vec![Example { reason, message: None, partition: 1, offset: 5, origin }],
            ..ReplayReport::default()
        };
        let expected = "\
sent 7 dead letters of reviews.dlq in 0.00 s
  7 empty
sent by an earlier replay: 4
cannot be sent, payload omitted: 3
  reviews.dlq/1@5, from reviews/2@9
  and 2 more; `plaudit dlq list` shows them";
        assert_eq!(Replayed(report).to_string(), expected);
    }

    #[test]
    fn the_summary_says_what_there_is_when_nothing_matches() {
        let mut report = ListReport::default();
        assert_eq!(Summary { topic: "r.dlq", report: &report }.to_string(), "no dead letters in r.dlq");
        report.left_out.insert("empty".to_owned(), 3);
        let text = Summary { topic: "r.dlq", report: &report }.to_string();
        assert_eq!(text, "no dead letter of r.dlq matches; there are 3 empty");
        report
            .causes
            .insert("panic".to_owned(), CauseCounts { letters: 2, waiting: 1, replayed: 1, not_replayable: 0 });
        let text = Summary { topic: "r.dlq", report: &report }.to_string();
        assert!(text.ends_with("panic  2        1        1         0\n"), "{text}");
    }
}
