//! `plaudit features join`: rows of reviews with the features that serving would have seen.

use super::inputs;
use super::join_report::Joined;
use crate::config::Config;
use crate::files::RowArgs;
use crate::output::Output;
use crate::size::bytes;
use crate::usage::{WrongUsage, sorted};
use feature_store::join::{JoinError, JoinProgress, JoinRequest, JoinView, ReadyView, join};
use feature_store::offline::files_below;
use feature_store::views::{EventSource, Views};
use indicatif::{ProgressBar, ProgressStyle};
use service::shutdown::token_on_signals;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Add to rows of reviews the features that serving would have seen at the time of each
#[derive(clap::Args)]
#[command(after_help = "\
A row sees what was known strictly before its created_at, and nothing older than the ttl of the
view. The output is Parquet with every column of the input (of CSV and JSON Lines: our fields) and
one column VIEW.FEATURE per feature, without a value where nothing was known; rows keep their order.

Without --features, the views of the configuration are made of the ratings in --history, and
without that of those in the input itself. Files of ready features have a column product_id or
user_id, a column event_timestamp or event_time, and one column per feature.

Memory stays below the limit whatever the sizes: what it does not hold goes to --temp-dir.

Examples:
  plaudit features join --input reviews.parquet --output joined.parquet
  plaudit features join --input golden.parquet --history offline/reviews --output joined.parquet
  plaudit features join --input golden.parquet --history s3://bucket/plaudit/reviews --output joined.parquet
  plaudit features join --input golden.parquet --features product_stats=stats.parquet --output joined.parquet")]
pub struct Args {
    /// Parquet, CSV or JSON Lines, files or an address such as s3://bucket/reviews; without it, the reviews of offline.url
    #[arg(long, num_args = 1.., value_name = "FILE")]
    input: Vec<PathBuf>,
    #[command(flatten)]
    rows: RowArgs,
    #[command(flatten)]
    features: FeatureArgs,
    /// The Parquet file to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Memory for data, such as 512MiB or 2GiB; without it, join.memory_limit_bytes
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    memory_limit: Option<u64>,
    /// Folder for what memory does not hold; without it, that of the output
    #[arg(long, value_name = "FOLDER")]
    temp_dir: Option<PathBuf>,
    #[command(flatten)]
    json: Output,
}

#[derive(clap::Args)]
struct FeatureArgs {
    /// Files of reviews whose ratings become features, or the folder or address of reviews that ingest writes; without it, the input
    #[arg(long, num_args = 1.., value_name = "FILE")]
    history: Vec<PathBuf>,
    /// A view and a Parquet file or folder of its ready features; further files of it may follow
    #[arg(long, num_args = 1.., value_name = "VIEW=FILE")]
    features: Vec<String>,
    /// Only these views of the configuration
    #[arg(long = "view", num_args = 1.., value_name = "VIEW")]
    views: Vec<String>,
    /// Of ready features only these; without it, those that the configuration names, else all
    #[arg(long = "feature", num_args = 1.., value_name = "VIEW.FEATURE", requires = "features")]
    only: Vec<String>,
    /// The column of input and history that says from when on a row could be known, such as source_timestamp of the offline
    /// store: late events then count from when they came. Without it, created_at
    #[arg(long, value_name = "COLUMN")]
    known_from: Option<String>,
    /// The column of ready features that says from when on a row is true
    #[arg(long, value_name = "COLUMN", requires = "features")]
    event_time: Option<String>,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let stop = token_on_signals()?;
    let started = Instant::now();
    let views = config.features.parse()?;
    let ttl_days = config.features.ttl_days;
    let request = JoinRequest {
        views: args.features.views(&views, ttl_days).map_err(WrongUsage)?,
        known_from: args.features.known_from,
        read: args.rows.options(),
        input: inputs(args.input, &config.offline)?,
        output: args.output,
        temp_dir: args.temp_dir,
        memory_limit_bytes: args.memory_limit.unwrap_or(config.join.memory_limit_bytes),
    };
    let progress = Arc::new(JoinProgress::default());
    let output = request.output.clone();
    let of_join = progress.clone();
    let mut joining = tokio::task::spawn_blocking(move || join(&request, &of_join));
    let mut shown = Shown::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    let report = loop {
        tokio::select! {
            report = &mut joining => break report?,
            () = stop.cancelled() => progress.stop(),
            _ = ticks.tick() => {}
        }
        shown.show(&progress);
    };
    drop(shown);
    let report = report.map_err(|error| sorted(error, JoinError::is_wrong_usage))?;
    args.json.result(&Joined::new(report, output, started.elapsed()))
}

impl FeatureArgs {
    fn views(&self, configured: &Views, ttl_days: u32) -> Result<Vec<JoinView>, String> {
        let mut ready = self.ready(configured, ttl_days)?;
        let takes_history = ready.is_empty() || !self.history.is_empty() || !self.views.is_empty();
        for name in &self.views {
            if configured.get(name).is_none() {
                let names: Vec<&str> = configured.iter().map(|view| view.name()).collect();
                return Err(format!("there is no view `{name}` in the configuration, only {}", names.join(", ")));
            }
        }
        let files = (!self.history.is_empty()).then(|| self.history.clone());
        let mut joined = Vec::new();
        for view in configured.iter().filter(|_| takes_history) {
            let is_asked_for = self.views.is_empty() || self.views.iter().any(|name| name == view.name());
            if !is_asked_for || ready.contains_key(view.name()) {
                continue;
            }
            if view.source() == EventSource::Reviews {
                joined.push(JoinView::History { view: view.clone(), files: files.clone() });
            } else if !self.views.is_empty() {
                let name = view.name();
                return Err(format!(
                    "view `{name}` is made of feedback, which files of reviews do not hold: give its rows by --features {name}=FILE"
                ));
            }
        }
        joined.extend(std::mem::take(&mut ready).into_values().map(JoinView::Ready));
        if joined.is_empty() {
            return Err("no view is left to join: name one by --view, or its rows by --features".to_owned());
        }
        Ok(joined)
    }

    fn ready(&self, configured: &Views, ttl_days: u32) -> Result<BTreeMap<String, ReadyView>, String> {
        let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        let mut current = None;
        for value in &self.features {
            // A further file of the view before has no view of its own, though its path may hold an equals sign.
            let (name, path) = match value.split_once('=') {
                Some((name, path)) if !name.contains('/') && !name.is_empty() => (name.to_owned(), path),
                _ => match &current {
                    Some(name) => (String::clone(name), value.as_str()),
                    None => {
                        return Err(format!(
                            "`{value}` names no view: write VIEW=FILE, such as product_stats=stats.parquet"
                        ));
                    }
                },
            };
            files
                .entry(name.clone())
                .or_default()
                .extend(files_below(Path::new(path)).map_err(|error| error.to_string())?);
            current = Some(name);
        }
        let mut picked: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for name in &self.only {
            match name.split_once('.') {
                Some((view, feature)) if files.contains_key(view) => {
                    picked.entry(view).or_default().push(feature.to_owned());
                }
                _ => {
                    return Err(format!(
                        "--feature {name} is of none of the views that --features names: write VIEW.FEATURE"
                    ));
                }
            }
        }
        let ready = files.into_iter().map(|(name, files)| {
            let view = configured.get(&name);
            let of_view = |view: &feature_store::views::View| {
                view.features().iter().map(|feature| feature.name().to_owned()).collect()
            };
            let ttl_millis = match view {
                Some(view) => view.ttl_millis(),
                None => (ttl_days > 0).then(|| i64::from(ttl_days) * 86_400_000),
            };
            let ready = ReadyView {
                entity: view.map(|view| view.entity()),
                features: picked.get(name.as_str()).cloned().or_else(|| view.map(of_view)),
                time_column: self.event_time.clone(),
                ttl_millis,
                files,
                name: name.clone(),
            };
            (name, ready)
        });
        Ok(ready.collect())
    }
}

/// The join as it goes on, on stderr: a bar on a terminal, now and then a line elsewhere.
struct Shown {
    bar: Option<ProgressBar>,
    last: Instant,
}

impl Shown {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{bar:30} {percent} %  {msg}").expect("the template is well-formed");
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(0).with_style(style));
        Self { bar, last: Instant::now() }
    }

    fn show(&mut self, progress: &JoinProgress) {
        let (stage, done, total) = progress.now();
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(stage.name());
        } else if self.last.elapsed() >= Duration::from_secs(10) {
            self.last = Instant::now();
            let share =
                (done.min(total) * 100).checked_div(total).map_or_else(String::new, |share| format!(", {share} %"));
            // A closed stderr must not end the join.
            let _ = writeln!(std::io::stderr(), "{}{share}", stage.name());
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
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

    fn views_of(flags: &str) -> Result<Vec<String>, String> {
        let line = format!("join --input a.csv --output b.parquet {flags}");
        let args = Verb::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?.args;
        let configured = feature_store::views::FeaturesConfig::default().parse().unwrap();
        let views = args.features.views(&configured, 0)?;
        let shown = |view: JoinView| match view {
            JoinView::Ready(view) => {
                let features = view.features.map_or("*".to_owned(), |features| features.join("+"));
                format!(
                    "{}:{features} {}",
                    view.name,
                    view.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join("+")
                )
            }
            JoinView::History { view, files } => format!("{} {}", view.name(), files.map_or(0, |files| files.len())),
        };
        Ok(views.into_iter().map(shown).collect())
    }

    #[test]
    fn views_come_from_the_input_from_history_or_ready() {
        for (flags, expected) in [
            ("", vec!["product_stats 0", "user_stats 0"]),
            ("--view user_stats", vec!["user_stats 0"]),
            ("--history x.csv y.csv", vec!["product_stats 2", "user_stats 2"]),
            ("--features product_stats=f.parquet", vec!["product_stats:rating_count+rating_mean f.parquet"]),
            ("--features mine=f.parquet g/x=1.parquet", vec!["mine:* f.parquet+g/x=1.parquet"]),
            ("--features mine=f.parquet --feature mine.a mine.b", vec!["mine:a+b f.parquet"]),
            (
                "--features user_stats=f --history x.csv",
                vec!["product_stats 1", "user_stats:rating_count+rating_mean f"],
            ),
        ] {
            assert_eq!(views_of(flags), Ok(expected.into_iter().map(str::to_owned).collect()), "{flags}");
        }
    }

    #[test]
    fn what_names_no_view_is_wrong_usage() {
        for (flags, named) in [
            ("--features f.parquet", "VIEW=FILE"),
            ("--view nobody", "user_stats"),
            ("--features a=f --feature b.x", "b.x"),
            ("--feature a.x", "--features"),
        ] {
            let error = views_of(flags).unwrap_err();
            assert!(error.contains(named), "{flags}: {error}");
        }
    }
}
