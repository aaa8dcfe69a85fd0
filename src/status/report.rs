//! What a look at the system found, for people or as JSON.

use super::alerts::Alerts;
use super::answer::Answer;
use super::cluster::{Cluster, Topic};
use super::group::{Group, Groups, Row};
use super::letters::{Letters, OfTopic};
use super::model::{InUse, Model, Scorer};
use super::predictions::Summary;
use super::stores::{Offline, Online};
use super::text::{age, ago, duration, shown};
use crate::output::Table;
use crate::topics::findings::Severity;
use schemas::Timestamp;
use serde::Serialize;
use std::fmt;

/// The whole system as it was at one moment. What could not be reached says why in `unreached`.
#[derive(Debug, PartialEq, Serialize)]
pub struct Report {
    pub at: Timestamp,
    pub kafka: Answer<Cluster>,
    /// The consumer groups of the services that there are.
    pub groups: Groups,
    pub dead_letters: Vec<OfTopic>,
    pub model: Model,
    pub predictions: Answer<Summary>,
    /// None where none is configured.
    pub online_store: Option<Answer<Online>>,
    /// None where none is configured.
    pub offline_store: Option<Answer<Vec<Offline>>>,
    pub alerts: Answer<Alerts>,
    /// How long the look took.
    pub seconds: f64,
}

/// Alerts that people see; the JSON has more.
const SHOWN_ALERTS: usize = 10;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kafka {
            Answer::Told(cluster) => {
                self.cluster(f, cluster)?;
                self.groups(f)?;
                self.dead_letters(f)?;
                self.model(f)?;
            }
            Answer::Untold { unreached } => {
                writeln!(f, "kafka          not reached: {unreached}")?;
                self.registered(f)?;
            }
        }
        self.stores(f)?;
        if self.kafka.told().is_some() {
            self.alerts(f)?;
        }
        Ok(())
    }
}

impl Report {
    fn cluster(&self, f: &mut fmt::Formatter<'_>, cluster: &Cluster) -> fmt::Result {
        let Cluster { brokers, topics, errors, warnings } = cluster;
        let of_all = match (errors, warnings) {
            (0, 0) => "topics are well".to_owned(),
            _ => format!("`plaudit topics check` finds {errors} errors and {warnings} warnings"),
        };
        writeln!(f, "kafka          {brokers} {}; {of_all}\n", if *brokers == 1 { "broker" } else { "brokers" })?;
        let mut table = Table::new(["TOPIC", "PARTITIONS", "COPIES", "CHECK"]);
        for topic in topics {
            let Topic { name, partitions, replication, finding, .. } = topic;
            let check = finding.as_ref().map_or_else(
                || "ok".to_owned(),
                |finding| match finding.severity {
                    Severity::Error => format!("error: {}", finding.problem),
                    Severity::Warning => format!("warning: {}", finding.problem),
                },
            );
            table.row([name.clone(), or_dash(partitions.as_ref()), or_dash(replication.as_ref()), check]);
        }
        writeln!(f, "{table}")
    }

    fn groups(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Groups(rows) = &self.groups;
        if rows.is_empty() {
            return writeln!(f, "groups         none of the services has ever read from this cluster\n");
        }
        let mut table = Table::new(["GROUP", "STATE", "MEMBERS", "TOPIC", "PARTITIONS", "LAG", "BEHIND"]);
        let mut unreached = Vec::new();
        for Row { group, answer } in rows {
            match answer {
                Answer::Told(told) => group_rows(&mut table, group, told),
                Answer::Untold { unreached: why } => unreached.push((group, why)),
            }
        }
        write!(f, "{table}")?;
        for (group, why) in unreached {
            writeln!(f, "{group} not reached: {}", shown(why, 200))?;
        }
        writeln!(f)
    }

    fn dead_letters(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for OfTopic { topic, answer } in &self.dead_letters {
            let told = match answer {
                Answer::Told(letters) => self.letters(letters),
                Answer::Untold { unreached } => format!("not reached: {}", shown(unreached, 200)),
            };
            writeln!(f, "dead letters   {topic}: {told}")?;
        }
        Ok(())
    }

    fn letters(&self, letters: &Letters) -> String {
        let Letters { count, is_exact, causes, newest } = letters;
        if *count == 0 {
            return "none".to_owned();
        }
        let at_most = if *is_exact { "" } else { "at most " };
        let newest = newest.map(|newest| format!(", the newest {}", ago(newest, self.at))).unwrap_or_default();
        let causes: Vec<String> = causes.iter().map(|(cause, count)| format!("{count} {cause}")).collect();
        format!("{at_most}{count}{newest} ({})", causes.join(", "))
    }

    fn registered(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Model { name, alias, registered, .. } = &self.model;
        match registered {
            Answer::Told(registered) => {
                let since = registered.since.map(|since| format!(", for {}", age(since, self.at))).unwrap_or_default();
                writeln!(f, "model          {name}: {alias} is {}{since}", registered.version)
            }
            Answer::Untold { unreached } => writeln!(f, "model          not known: {}", shown(unreached, 300)),
        }
    }

    fn model(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.registered(f)?;
        match &self.model.scorers {
            Answer::Told(scorers) if scorers.is_empty() => writeln!(f, "scorers        none is at work")?,
            Answer::Told(scorers) => {
                let mut table = Table::new(["SCORER", "HOST", "PARTITIONS", "MODEL IN USE", "LAST PREDICTION"]);
                for scorer in scorers {
                    self.scorer_row(&mut table, scorer);
                }
                write!(f, "\n{table}\n")?;
            }
            Answer::Untold { unreached } => writeln!(f, "scorers        not known: {}", shown(unreached, 200))?,
        }
        if let Answer::Told(Summary { looked_at, undecodable, features, late_partitions, .. }) = &self.predictions
            && *looked_at > 0
        {
            let of_all = features.iter().map(|(status, count)| (format!("{status:?}").to_lowercase(), count));
            let mut parts: Vec<String> = of_all.map(|(status, count)| format!("{count} {status}")).collect();
            if *undecodable > 0 {
                parts.push(format!("{undecodable} are no predictions"));
            }
            let late =
                if *late_partitions > 0 { format!("; {late_partitions} partitions were late") } else { String::new() };
            writeln!(f, "features       of the last {looked_at} predictions: {}{late}", parts.join(", "))?;
        }
        Ok(())
    }

    fn scorer_row(&self, table: &mut Table<5>, scorer: &Scorer) {
        let production = self.model.registered.told().map(|registered| registered.version);
        let used = |used: &InUse| {
            let InUse { version, update, partitions, .. } = used;
            let update = if *update > 0 { format!(", update {update}") } else { String::new() };
            let share = if *partitions < scorer.partitions { format!(" ({partitions})") } else { String::new() };
            let old = if production.is_some_and(|production| production != *version) { ", not production" } else { "" };
            format!("{version}{update}{old}{share}")
        };
        let mut in_use: Vec<String> = scorer.in_use.iter().map(used).collect();
        if in_use.is_empty() {
            in_use.push("not known: no prediction yet".to_owned());
        }
        let newest = scorer.in_use.iter().map(|used| used.last_prediction).max();
        table.row([
            shown(&scorer.id, 60),
            shown(&scorer.host, 40),
            scorer.partitions.to_string(),
            in_use.join("; "),
            newest.map_or_else(|| "-".to_owned(), |newest| ago(newest, self.at)),
        ]);
    }

    fn stores(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.online_store {
            None => writeln!(f, "online store   none is configured")?,
            Some(Answer::Told(Online { answer_ms })) => writeln!(f, "online store   answers in {answer_ms:.1} ms")?,
            Some(Answer::Untold { unreached }) => writeln!(f, "online store   not reached: {}", shown(unreached, 300))?,
        }
        match &self.offline_store {
            None => writeln!(f, "offline store  none is configured"),
            Some(Answer::Told(held)) => {
                let of = |Offline { dataset, held }: &Offline| match held.newest {
                    Some(newest) => format!("{dataset} {} files, the newest {}", held.files, ago(newest, self.at)),
                    None => format!("{dataset} no file"),
                };
                writeln!(f, "offline store  {}", held.iter().map(of).collect::<Vec<_>>().join("; "))
            }
            Some(Answer::Untold { unreached }) => writeln!(f, "offline store  not reached: {}", shown(unreached, 300)),
        }
    }

    fn alerts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alerts = match &self.alerts {
            Answer::Told(alerts) => alerts,
            Answer::Untold { unreached } => {
                return writeln!(f, "alerts         not reached: {}", shown(unreached, 200));
            }
        };
        let Alerts { last, undecodable, .. } = alerts;
        match last.len() {
            0 => writeln!(f, "alerts         none")?,
            count => {
                writeln!(f, "alerts         {count}\n")?;
                let mut table = Table::new(["MONITOR", "SINCE", "VALUE", "THRESHOLD", "ALERT"]);
                for raised in last.iter().take(SHOWN_ALERTS) {
                    let alert = &raised.alert;
                    table.row([
                        shown(&alert.monitor, 30),
                        ago(alert.since, self.at),
                        format!("{:.4}", alert.value),
                        format!("{:.4}", alert.threshold),
                        shown(&alert.message, 120),
                    ]);
                }
                write!(f, "{table}")?;
            }
        }
        if *undecodable > 0 { writeln!(f, "{undecodable} records of the topic are no alerts") } else { Ok(()) }
    }
}

fn group_rows(table: &mut Table<7>, name: &str, group: &Group) {
    let state = group.state.as_deref().unwrap_or("not told").to_owned();
    // Who does not tell its state names no members either.
    let members = group.state.as_ref().map(|_| group.members.len());
    let mut first = [name.to_owned(), state, or_dash(members.as_ref())];
    if group.topics.is_empty() {
        let [name, state, members] = first;
        let dash = || "-".to_owned();
        table.row([name, state, members, dash(), dash(), dash(), dash()]);
        return;
    }
    for lag in &group.topics {
        let [name, state, members] = std::mem::take(&mut first);
        let behind = match (lag.partitions_behind, lag.seconds) {
            (0, _) => "-".to_owned(),
            (_, Some(seconds)) => duration(seconds),
            (_, None) => "not known in time".to_owned(),
        };
        let (partitions, records) = (lag.partitions.to_string(), lag.records.to_string());
        table.row([name, state, members, lag.topic.clone(), partitions, records, behind]);
    }
}

fn or_dash<T: fmt::Display>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), T::to_string)
}
