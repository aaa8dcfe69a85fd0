//! The scorers, and whoever looks after them: one that ends by itself is started again, as an orchestrator would.

use crate::world::World;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A scorer that ends by itself comes back this long after it was started, at the earliest.
const BACK_OFF: Duration = Duration::from_secs(1);

pub struct Crew<'w> {
    world: &'w World,
    scorers: Vec<Scorer>,
    leaving: Vec<Scorer>,
    started: usize,
    /// How often scorers ended by themselves with a sentence.
    pub errors: BTreeMap<String, usize>,
    /// Panics, and ends without a sentence: they must not be.
    pub crashes: Vec<String>,
}

struct Scorer {
    process: Option<Child>,
    log: PathBuf,
    started: Instant,
}

impl<'w> Crew<'w> {
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            scorers: Vec::new(),
            leaving: Vec::new(),
            started: 0,
            errors: BTreeMap::new(),
            crashes: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.scorers.len()
    }

    /// One more.
    pub fn join(&mut self) {
        let scorer = self.start();
        self.scorers.push(scorer);
    }

    fn start(&mut self) -> Scorer {
        self.started += 1;
        let log = self.world.logs().join(format!("scorer-{}.log", self.started));
        let process = self
            .world
            .plaudit("score")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Scorer { process: Some(process), log, started: Instant::now() }
    }

    /// Starts again those that have ended.
    pub fn tend(&mut self) {
        for i in 0..self.scorers.len() {
            let scorer = &mut self.scorers[i];
            if let Some(status) = scorer.process.as_mut().and_then(|process| process.try_wait().unwrap()) {
                scorer.process = None;
                let log = scorer.log.clone();
                self.note_end(&log, status);
            } else if scorer.process.is_none() && scorer.started.elapsed() >= BACK_OFF {
                self.scorers[i] = self.start();
            }
        }
    }

    fn note_end(&mut self, log: &Path, status: ExitStatus) {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        match text.lines().rev().find_map(|line| line.strip_prefix("error: ")) {
            Some(sentence) if status.code() == Some(1) && !text.contains("panicked") => {
                *self.errors.entry(without_particulars(sentence)).or_default() += 1;
            }
            _ if status.success() && !text.contains("panicked") => {}
            _ => self.crashes.push(format!("{} ended with {status}", log.display())),
        }
    }

    /// The process, unless it has ended and is about to be started again.
    fn process(&mut self, which: usize) -> Option<&mut Child> {
        self.scorers[which].process.as_mut()
    }

    pub fn is_running(&mut self, which: usize) -> bool {
        self.process(which).is_some_and(|process| process.try_wait().unwrap().is_none())
    }

    /// SIGKILL, in the middle of whatever it is doing; another one takes its place.
    pub fn kill(&mut self, which: usize) {
        let scorer = &mut self.scorers[which];
        let mut process = scorer.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        let text = std::fs::read_to_string(&scorer.log).unwrap_or_default();
        if text.contains("panicked") {
            self.crashes.push(format!("{} panicked before it was killed", scorer.log.display()));
        }
        self.scorers[which] = self.start();
    }

    /// Sends a signal by its name; one that has ended meanwhile is told nothing.
    pub fn signal(&mut self, which: usize, name: &str) {
        let Some(process) = self.process(which) else { return };
        let pid = process.id().to_string();
        let _ = Command::new("kill").args([&format!("-{name}"), &pid]).status();
    }

    /// SIGTERM: it belongs to the crew no longer, and nobody takes its place.
    pub fn dismiss(&mut self, which: usize) {
        self.signal(which, "TERM");
        let scorer = self.scorers.remove(which);
        self.leaving.push(scorer);
    }

    /// Whether those that were dismissed have ended.
    pub fn has_left(&mut self) -> bool {
        while let Some(scorer) = self.leaving.last_mut() {
            let status = scorer.process.as_mut().map(|process| process.try_wait().unwrap());
            let log = scorer.log.clone();
            match status {
                Some(None) => return false,
                Some(Some(status)) => self.note_end(&log, status),
                // It had ended before, and was not started again yet.
                None => {}
            }
            self.leaving.pop();
        }
        true
    }

    /// Whether the scorer has heard from the group.
    pub fn was_assigned(&self, which: usize) -> bool {
        std::fs::read_to_string(&self.scorers[which].log).is_ok_and(|log| log.contains("owns "))
    }
}

impl Drop for Crew<'_> {
    fn drop(&mut self) {
        for process in self.scorers.iter_mut().chain(&mut self.leaving).filter_map(|scorer| scorer.process.as_mut()) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// So much of a sentence tells it from others.
const TOLD_CHARACTERS: usize = 160;

/// The sentence without what it quotes and counts, so that equal ones are counted as such.
fn without_particulars(sentence: &str) -> String {
    let unquoted = sentence.split('"').enumerate().map(|(i, part)| if i % 2 == 0 { part } else { ".." });
    let mut general = String::new();
    for character in unquoted.collect::<Vec<_>>().join("\"").chars().take(TOLD_CHARACTERS) {
        let character = if character.is_ascii_digit() { '#' } else { character };
        if character != '#' || !general.ends_with('#') {
            general.push(character);
        }
    }
    general
}
