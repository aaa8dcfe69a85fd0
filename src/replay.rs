//! `plaudit replay`: rows of files into Kafka; and with `--verify`, what came of them made again.

mod verify;

use crate::config::Config;
use crate::files::FileArgs;
use crate::output::Output;
use crate::usage::sorted;
use indicatif::{ProgressBar, ProgressStyle};
use ingest::replay::{self, ReplayProgress, ReplaySettings};
use ingest::{Error, Speed};
use service::shutdown::token_on_signals;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Send the rows of files to the topic reviews, and with --feedback their labels to feedback
#[derive(clap::Args)]
#[command(mut_arg("input", |input| input.required(false).required_unless_present("verify")))]
#[command(after_help = "\
A row without review_id is called after its file and number; one without created_at bears the
time of the replay. Rows that are no reviews are not sent, and counted by reason.

With --verify it sends nothing: it reads the predictions, makes each again from its review, the
version, the update and the features that it names, and compares the probabilities to the last
bit. The exit code is 1 if any differs.

Examples:
  plaudit replay --input reviews.parquet --feedback
  plaudit replay --input 2024.csv.gz --column rating=stars --rate 500
  plaudit replay --input reviews.jsonl --column created_at=timestamp_ms --speed 3600
  plaudit replay --verify --json")]
pub struct Args {
    #[command(flatten)]
    files: FileArgs,
    /// Send labels too: the column label, else what follows from the rating
    #[arg(long)]
    feedback: bool,
    /// Reviews a second; without it, as fast as the broker takes them
    #[arg(long, value_name = "N", value_parser = above_zero, conflicts_with = "speed")]
    rate: Option<f64>,
    /// So many times as fast as the reviews were written, by created_at
    #[arg(long, value_name = "X", value_parser = above_zero)]
    speed: Option<f64>,
    /// Make the predictions in Kafka again, and compare them bit for bit
    #[arg(long, conflicts_with_all = ["input", "columns", "conditions", "since", "until", "feedback", "rate", "speed"])]
    verify: bool,
    #[command(flatten)]
    output: Output,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    if args.verify {
        return verify::run(args.output, config).await;
    }
    let stop = token_on_signals()?;
    let speed = match (args.rate, args.speed) {
        (Some(rate), _) => Speed::Rate(rate),
        (None, Some(factor)) => Speed::Recorded(factor),
        (None, None) => Speed::Full,
    };
    let settings = ReplaySettings {
        read: args.files.rows.options(),
        input: args.files.input,
        kafka: config.kafka,
        topics: config.topics,
        feedback: args.feedback,
        speed,
    };
    let report = replay::run(&settings, &stop, &mut progress()).await;
    let report = report.map_err(|error| sorted(error, Error::is_wrong_usage))?;
    args.output.result(&report)
}

pub fn above_zero(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if f64::is_finite(number) && number > 0.0 => Ok(number),
        _ => Err("give a number above 0, such as 100".to_owned()),
    }
}

/// On stderr: a bar on a terminal, now and then a line elsewhere.
fn progress() -> impl FnMut(ReplayProgress) + Send {
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}  {msg}");
    let bar = std::io::stderr()
        .is_terminal()
        .then(|| ProgressBar::new(0).with_style(style.expect("the template is well-formed")));
    let mut last = Instant::now();
    move |progress| {
        let ReplayProgress { records, skipped, bytes_read, total_bytes } = progress;
        let message = format!("{records} reviews sent, {skipped} rows skipped");
        if let Some(bar) = &bar {
            bar.set_length(total_bytes);
            bar.set_position(bytes_read);
            bar.set_message(message);
        } else if last.elapsed() >= Duration::from_secs(10) {
            last = Instant::now();
            // A closed stderr must not end the replay.
            let _ = writeln!(std::io::stderr(), "{message}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Verb {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn verifying_reads_no_files_and_everything_else_does() {
        assert!(Verb::try_parse_from(["replay", "--verify"]).is_ok());
        for line in
            ["replay", "replay --verify --input a.csv", "replay --verify --rate 1", "replay --verify --since 1d"]
        {
            assert!(Verb::try_parse_from(line.split(' ')).is_err_and(|error| error.exit_code() == 2), "{line}");
        }
    }

    #[test]
    fn a_rate_beside_a_speed_or_of_nothing_is_wrong_usage() {
        assert!(Verb::try_parse_from("replay --input a.csv --rate 0.5 --feedback".split(' ')).is_ok());
        for flags in ["--rate 1 --speed 2", "--rate 0", "--rate -1", "--speed inf", "--speed x"] {
            let line = format!("replay --input a.csv {flags}");
            assert!(Verb::try_parse_from(line.split(' ')).is_err_and(|error| error.exit_code() == 2), "{line}");
        }
    }
}
