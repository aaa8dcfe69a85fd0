//! The rounds: what each fault does, and when the group has got over it.

use crate::brokers::{NODES, services};
use crate::crew::Crew;
use crate::deck::{Draw, Fault};
use crate::load::{Load, Sender};
use crate::world::{SESSION, TRANSACTION, World};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

const LOOK: Duration = Duration::from_millis(50);

const SCORERS: usize = 3;
const FLOOD: usize = 10_000;

/// About a second of work.
const BURST: usize = 2_000;

pub struct Rounds<'w> {
    world: &'w World,
    crew: Crew<'w>,
    load: Option<Load>,
    sender: Sender,
}

/// What happened in a round.
pub struct Played {
    pub what: String,
    /// How long after the fault all was scored that had come up to its end, where that was waited for.
    pub recovered: Option<Duration>,
}

/// What was found when all was over.
pub struct Ended {
    pub errors: BTreeMap<String, usize>,
    pub crashes: Vec<String>,
    pub failure: Option<String>,
}

impl<'w> Rounds<'w> {
    /// Scorers at work under load.
    pub fn start(world: &'w World) -> Self {
        let mut crew = Crew::new(world);
        for _ in 0..SCORERS {
            crew.join();
        }
        let load = Load::start(&world.names.kafka, &world.names.topics.reviews);
        let sender = Sender::new(&world.names.kafka, &world.names.topics.reviews);
        let mut rounds = Self { world, crew, load: Some(load), sender };
        rounds.catch_up().unwrap();
        rounds
    }

    pub fn play(&mut self, draw: &Draw, waits: bool) -> Result<Played, String> {
        let scorer = draw.which % self.crew.len();
        if !matches!(draw.fault, Fault::Flood | Fault::BadRecords) {
            // Whoever it hits has work in hand.
            self.sender.flood(BURST);
        }
        let what = match draw.fault {
            Fault::KillScorer => self.kill_scorer(scorer)?,
            Fault::FreezeScorer => self.freeze_scorer(scorer, draw.gently)?,
            Fault::Join => self.join()?,
            Fault::Leave => self.leave(scorer)?,
            Fault::KillBroker => self.kill_broker(NODES[draw.which % NODES.len()], draw.gently)?,
            Fault::RestartBrokers => self.restart_brokers(draw.gently)?,
            Fault::Flood => {
                self.sender.flood(FLOOD);
                format!("{FLOOD} records at once")
            }
            Fault::BadRecords => format!("{} records, half of them good", self.sender.bad_records()),
        };
        let recovered = if waits { Some(self.catch_up()?) } else { None };
        Ok(Played { what, recovered })
    }

    /// Ends the load, lets the scorers finish, and stops them.
    pub fn finish(mut self) -> Ended {
        if let Some(load) = self.load.take() {
            load.stop();
        }
        let failure = self.settle().err();
        Ended {
            errors: std::mem::take(&mut self.crew.errors),
            crashes: std::mem::take(&mut self.crew.crashes),
            failure,
        }
    }

    fn settle(&mut self) -> Result<(), String> {
        // After a round that failed one may be down.
        self.services("start", &NODES)?;
        self.catch_up()?;
        while self.crew.len() > 0 {
            self.leave(0)?;
        }
        self.wait_for("the end of every transaction", |rounds| rounds.world.is_settled())
    }

    fn kill_scorer(&mut self, which: usize) -> Result<String, String> {
        self.wait_until_running(which)?;
        self.crew.kill(which);
        Ok("kill -9, and another one takes its place".to_owned())
    }

    /// A zombie: it wakes with work in hand that others have done meanwhile.
    fn freeze_scorer(&mut self, which: usize, gently: bool) -> Result<String, String> {
        self.wait_until_running(which)?;
        self.crew.signal(which, "STOP");
        let frozen = Instant::now();
        // By then the group has given its partitions to others, and the broker has aborted its transaction.
        let over = SESSION.max(TRANSACTION) + Duration::from_secs(1);
        self.wait_for("the end of a session", |_| frozen.elapsed() >= over)?;
        if !gently {
            self.catch_up()?;
        }
        self.crew.signal(which, "CONT");
        let until = if gently { "past its session" } else { "until the others had caught up" };
        Ok(format!("SIGSTOP {until}, SIGCONT after {:.1} s", frozen.elapsed().as_secs_f64()))
    }

    fn join(&mut self) -> Result<String, String> {
        self.crew.join();
        let last = self.crew.len() - 1;
        self.wait_for("an assignment", |rounds| rounds.crew.was_assigned(last))?;
        Ok(format!("there are {} now", self.crew.len()))
    }

    fn leave(&mut self, which: usize) -> Result<String, String> {
        self.crew.dismiss(which);
        self.wait_for("the end of a scorer after SIGTERM", |rounds| rounds.crew.has_left())?;
        Ok(format!("SIGTERM; there are {} now", self.crew.len()))
    }

    fn kill_broker(&mut self, node: i32, gently: bool) -> Result<String, String> {
        self.services("kill", &[node])?;
        if !gently {
            self.wait_for("other leaders", |rounds| rounds.world.is_replaced(node))?;
        }
        self.services("start", &[node])?;
        let when = if gently { "at once" } else { "when others led its partitions" };
        Ok(format!("kill -9 of kafka-{node}, started again {when}"))
    }

    fn restart_brokers(&mut self, gently: bool) -> Result<String, String> {
        if !gently {
            self.services("kill", &NODES)?;
            self.services("start", &NODES)?;
            return Ok("kill -9 of all three, and started again".to_owned());
        }
        for node in NODES {
            self.wait_for("all copies to be in sync", |rounds| rounds.world.is_in_sync())?;
            self.services("stop", &[node])?;
            self.services("start", &[node])?;
        }
        Ok("SIGTERM and a new start, one after the other".to_owned())
    }

    fn services(&mut self, verb: &str, nodes: &[i32]) -> Result<(), String> {
        let mut services = services(verb, nodes);
        let mut status = None;
        self.wait_for("dev/services", |_| {
            status = services.try_wait().unwrap();
            status.is_some()
        })?;
        if status.is_some_and(|status| status.success()) {
            Ok(())
        } else {
            Err(format!("dev/services {verb} {nodes:?} failed"))
        }
    }

    fn wait_until_running(&mut self, which: usize) -> Result<(), String> {
        self.wait_for("a scorer that runs", |rounds| rounds.crew.is_running(which))
    }

    /// Waits until the group has committed up to where `reviews` ends now; answers how long that took.
    fn catch_up(&mut self) -> Result<Duration, String> {
        let began = Instant::now();
        let mut ends = None;
        self.wait_for("the ends of the topic", |rounds| {
            ends = rounds.world.ends();
            ends.is_some()
        })?;
        let ends = ends.unwrap_or_default();
        self.wait_for("the group to catch up", |rounds| rounds.world.is_committed(&ends))?;
        Ok(began.elapsed())
    }

    /// Waits until the condition holds, and looks after the scorers meanwhile.
    fn wait_for(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> bool) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            if Instant::now() >= deadline {
                return Err(format!("waited {} s in vain for {what}", PATIENCE.as_secs()));
            }
            self.crew.tend();
            std::thread::park_timeout(LOOK);
        }
        Ok(())
    }
}
