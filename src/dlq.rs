//! `plaudit dlq`: what became dead letters, and sending it again.

mod progress;
mod report;

use crate::config::Config;
use crate::output::{self, Output};
use progress::Display;
use report::{Replayed, Row, Summary};
use schemas::{Timestamp, Topics};
use scorer::dead_letters::{self, DeadLetterTopic, Listed, Replay, Selection};
use service::shutdown::token_on_signals;

/// List dead letters and why they died, send them back to their topic
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit dlq list --since 1d
  plaudit dlq replay --cause missing_field --dry-run
  plaudit dlq replay --cause missing_field")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    List(ListArgs),
    Replay(ReplayArgs),
}

/// Show dead letters: cause, origin, time, key, attempts, size, and whether they were replayed
#[derive(clap::Args)]
#[command(after_help = "\
Letters come partition by partition, oldest first, up to the end that the topic has at the
start; at the end their number by cause. With --json each letter is a document on a line of
its own, with key, payload and the record's own headers; what is not UTF-8 stands in
key_base64, payload_base64 and value_base64. There is no summary then.

STATUS is waiting, replayed, payload_omitted (too large for the topic: the bytes are where
ORIGIN says) or no_origin.

Examples:
  plaudit dlq list
  plaudit dlq list --cause not_json --cause not_utf8 --since 2h
  plaudit dlq list --since 2026-11-20 --until 2026-11-21 --json | jq -r .payload")]
struct ListArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Print JSON Lines: one document for each dead letter
    #[arg(long)]
    json: bool,
}

/// Send dead letters back to the topic and partition that they came from, each exactly once
#[derive(clap::Args)]
#[command(after_help = "\
Key, payload and headers are sent as the record had them, and a header plaudit.attempts that
says how often it was tried; should it fail again, its next dead letter counts on. Letters are
sent once: each transaction holds records and a marker in the dead letter topic that says
which letters they were. So a replay that was interrupted or killed is run again and goes on
where it ended, and letters that another replay has sent, under whichever filter, are passed
over. Of two replays at a time the later takes over. What dies again during the replay waits
for the next one.

A letter whose topic does not take it, because it is gone, or refuses the record for its size
or by another rule, stays where it is, and is counted and named; the others go on. Where only a
permission is missing, the exit code is 1.

A transaction holds at most scorer.batch_max_records letters. SIGINT and SIGTERM finish the
one that is open.

Examples:
  plaudit dlq replay --dry-run
  plaudit dlq replay --cause missing_field --since 2h
  plaudit dlq replay --topic shop-reviews.dlq --limit 10 --json")]
struct ReplayArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Tell what would be sent, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Args)]
struct SelectionArgs {
    /// The dead letter topic; without it, that of topics.reviews
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Only this cause, such as not_json; repeat for more
    #[arg(long = "cause", value_name = "CAUSE")]
    causes: Vec<String>,
    /// Only what died at this time or later: RFC 3339, a date, epoch milliseconds, or 30m, 2h, 7d ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Only what died before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// At most so many, partition by partition, the oldest of each first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl SelectionArgs {
    fn read(self, config: &Config) -> (DeadLetterTopic, Selection) {
        let Self { topic, causes, since, until, limit } = self;
        let name = topic.unwrap_or_else(|| Topics::dead_letters_of(&config.topics.reviews));
        let topic = DeadLetterTopic { kafka: config.kafka.clone(), name };
        (topic, Selection { causes: causes.into_iter().collect(), since, until, limit })
    }
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    // The Kafka client blocks.
    match args.verb {
        Verb::List(args) => {
            let stop = token_on_signals()?;
            tokio::task::spawn_blocking(move || list(args, &config, &stop)).await?
        }
        Verb::Replay(args) => {
            let stop = token_on_signals()?;
            let (topic, selection) = args.selection.read(&config);
            let replay = Replay { topic, selection, config: config.scorer, dry_run: args.dry_run };
            let report = tokio::task::spawn_blocking(move || replay.run(&stop, &mut Display::new().shown())).await??;
            let not_allowed = report.not_allowed().map(str::to_owned);
            args.output.result(&Replayed(report))?;
            // The others are sent: what is left takes a permission, and the same replay again.
            not_allowed.map_or(Ok(()), |reason| Err(anyhow::Error::msg(reason)))
        }
    }
}

fn list(args: ListArgs, config: &Config, stop: &tokio_util::sync::CancellationToken) -> anyhow::Result<()> {
    let (topic, selection) = args.selection.read(config);
    let display = Display::new();
    let mut is_first = true;
    let mut print = |letter: &Listed<'_>| -> anyhow::Result<()> {
        let text = if args.json { serde_json::to_string(letter)? } else { Row(letter).to_string() };
        let heading = (is_first && !args.json).then(Row::heading);
        is_first = false;
        display.beside(|| heading.iter().chain([&text]).try_for_each(|text| output::line(text)))
    };
    let report = dead_letters::list(&topic, &selection, stop, &mut display.shown(), &mut print)?;
    drop(display);
    if args.json { Ok(()) } else { output::line(&Summary { topic: &topic.name, report: &report }.to_string()) }
}

/// A moment, or how long ago it was.
fn time(text: &str) -> Result<Timestamp, String> {
    let ago = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return None,
        };
        let millis = i64::from(number.parse::<u32>().ok()?).checked_mul(seconds * 1000)?;
        Timestamp::from_epoch_millis(Timestamp::now().epoch_millis() - millis)
    };
    Timestamp::parse(text).or_else(ago).ok_or_else(|| {
        "give a time such as 2026-11-21T08:00:00Z, a date such as 2026-11-21, epoch milliseconds, or how long ago: 30m, 2h, 7d"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn a_time_is_a_moment_or_how_long_ago() {
        assert_eq!(time("2026-11-21").unwrap().to_string(), "2026-11-21T00:00:00.000Z");
        assert_eq!(time("86400000").unwrap().to_string(), "1970-01-02T00:00:00.000Z");
        let ago = Timestamp::now().epoch_millis() - time("2h").unwrap().epoch_millis();
        assert!((7_200_000..7_260_000).contains(&ago), "{ago}");
        for wrong in ["", "h", "-1h", "2w", "yesterday", "2026-13-01", "4294967295d", "é"] {
            assert!(time(wrong).is_err_and(|advice| advice.contains("2026-11-21T08:00:00Z")), "{wrong}");
        }
    }

    #[test]
    fn wrong_filters_are_wrong_usage_and_named() {
        for line in ["dlq list --since x", "dlq replay --until x", "dlq replay --limit 0", "dlq list --dry-run", "dlq"]
        {
            let error = Program::try_parse_from(line.split(' ')).err().unwrap();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
        let line = "dlq replay --topic t --cause a --cause b --since 1h --until 2026-11-21 --limit 3 --dry-run --json";
        assert!(Program::try_parse_from(line.split(' ')).is_ok());
    }
}
