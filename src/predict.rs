//! `plaudit predict`: texts of the command line or of stdin, one prediction each, as they come.

mod answer;

use crate::config::Config;
use crate::output::{self, Output};
use crate::usage::WrongUsage;
use answer::{Answer, Predictor};
use registry::{Reference, Registry};
use scorer::LoadedModel;
use std::collections::BTreeMap;
use std::io::BufRead;

/// Predict the class of texts
#[derive(clap::Args)]
#[command(after_help = "\
Of stdin every line is a text. A blank one gets an error in place of a prediction, so that
answers and lines stay in step.

Examples:
  plaudit predict \"Great product, would buy again\"
  plaudit predict --explain \"The lid broke on the second day\"
  plaudit predict --feature product_stats.rating_mean=4.6 \"As expected\"
  cut -f 2 reviews.tsv | plaudit predict - --json")]
pub struct Args {
    /// The texts; `-`, or none, for the lines of stdin
    // Apart from the others: a list that allows hyphens would take the flags that follow it.
    #[arg(value_name = "TEXT", allow_hyphen_values = true, value_parser = text)]
    first: Option<String>,
    #[arg(value_name = "TEXT", hide = true)]
    others: Vec<String>,
    /// Which version to ask
    #[arg(long, value_name = "VERSION or ALIAS", default_value = "production")]
    model: Reference,
    /// The value of a feature that the model takes, for all texts; repeat for more. Others are missing
    #[arg(long = "feature", value_name = "NAME=VALUE", value_parser = feature)]
    features: Vec<(String, f64)>,
    /// Show the terms and features that carried the prediction
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    output: Output,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let registry = Registry::open(&config.registry.url)?;
    let version = registry.resolve(&config.model.name, &args.model).await?;
    let model = LoadedModel::fetch(&registry, &config.model.name, version).await?;
    let features = features(&model, args.features).map_err(WrongUsage)?;
    let mut predictor = Predictor::new(&model, features, args.explain);
    let mut printed = Printed { json: args.output.json, answers: 0, predictions: 0 };
    let texts: Vec<String> = args.first.into_iter().chain(args.others).collect();
    if texts.is_empty() || texts == ["-"] {
        for line in std::io::stdin().lock().split(b'\n') {
            let line = line.map_err(|error| anyhow::anyhow!("cannot read stdin: {error}"))?;
            let line = String::from_utf8_lossy(&line);
            printed.add(&predictor.answer(line.trim_end_matches('\r')))?;
        }
    } else {
        for text in &texts {
            printed.add(&predictor.answer(text))?;
        }
    }
    printed.end()
}

/// `product_stats.rating_mean=4.6`.
fn feature(argument: &str) -> Result<(String, f64), String> {
    let (name, value) = argument.split_once('=').ok_or("write NAME=VALUE, such as product_stats.rating_mean=4.6")?;
    match value.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((name.trim().to_owned(), number)),
        _ => Err(format!("`{value}` is no number; leave out a feature that is missing")),
    }
}

/// The values by name, when the model takes them all.
fn features(model: &LoadedModel, given: Vec<(String, f64)>) -> Result<BTreeMap<String, f64>, String> {
    let mut features = BTreeMap::new();
    for (name, value) in given {
        if !model.inputs.names().any(|known| known == name) {
            let names: Vec<&str> = model.inputs.names().collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(format!(
                "{} of \"{}\" takes no feature `{name}`; it takes {known}",
                model.reference.version, model.reference.name
            ));
        }
        if features.insert(name.clone(), value).is_some() {
            return Err(format!("--feature is given twice for {name}: keep one of them"));
        }
    }
    Ok(features)
}

/// A text may begin with a hyphen, as `-5 stars` does; a single word after two is a flag that somebody misspelt.
fn text(argument: &str) -> Result<String, String> {
    let is_flag = |word: &str| word.starts_with(char::is_alphabetic) && !word.contains(char::is_whitespace);
    if argument.strip_prefix("--").is_some_and(is_flag) {
        return Err("there is no such flag; a text that looks like one can come on stdin".to_owned());
    }
    Ok(argument.to_owned())
}

/// What has gone to stdout: lines, or the elements of one array.
struct Printed {
    json: bool,
    answers: u64,
    predictions: u64,
}

impl Printed {
    fn add(&mut self, answer: &Answer<'_>) -> anyhow::Result<()> {
        if self.json {
            let opening = if self.answers == 0 { "[" } else { "," };
            output::line(&format!("{opening}{}", serde_json::to_string(answer)?))?;
        } else {
            output::line(&answer.to_string())?;
        }
        self.answers += 1;
        self.predictions += u64::from(answer.is_prediction());
        Ok(())
    }

    fn end(self) -> anyhow::Result<()> {
        if self.json {
            output::line(if self.answers == 0 { "[]" } else { "]" })?;
        }
        anyhow::ensure!(self.predictions > 0, "there is no text to predict: give one as an argument or on stdin");
        Ok(())
    }
}
