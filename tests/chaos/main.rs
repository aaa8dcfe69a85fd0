//! Faults, one after the other, on scorers that work under load on Apache Kafka with three brokers; and then a count: has each
//! record of `reviews` one prediction or one dead letter, and do those of one key come in its order? `dev/chaos` runs it.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]
#![expect(clippy::print_stdout, reason = "a run of many minutes is watched")]

mod brokers;
mod count;
mod crew;
mod deck;
mod load;
mod rounds;
#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "others use the rest")]
mod support;
mod world;

use count::Count;
use deck::{Deck, Fault};
use rounds::Rounds;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use world::World;

#[test]
fn nothing_is_lost_or_repeated_or_out_of_order_whatever_fails() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let rounds = number("PLAUDIT_CHAOS_ROUNDS").expect("dev/chaos sets the number of rounds") as usize;
    let seed = number("PLAUDIT_CHAOS_SEED").expect("dev/chaos sets the seed");
    println!("seed {seed}, {rounds} rounds");

    let started = Instant::now();
    let world = World::new();
    let mut chaos = Rounds::start(&world);
    let mut deck = Deck::new(seed);
    let mut recoveries: BTreeMap<Fault, Vec<Duration>> = BTreeMap::new();
    let mut failure = None;
    let mut played = 0;
    for round in 1..=rounds {
        played = round;
        let draw = deck.draw();
        // A last one that nobody waits for would be waited for by the end.
        let waits = draw.waits || round == rounds;
        match chaos.play(&draw, waits) {
            Ok(fault) => {
                let times = recoveries.entry(draw.fault).or_default();
                let recovered = match fault.recovered {
                    Some(after) => {
                        times.push(after);
                        format!("caught up {:.1} s after", after.as_secs_f64())
                    }
                    None => "the next one comes at once".to_owned(),
                };
                println!("{round:4}  {:<17}  {}; {recovered}", draw.fault.name(), fault.what);
            }
            Err(error) => {
                println!("{round:4}  {:<17}  {error}", draw.fault.name());
                failure = Some(format!("round {round}: {error}"));
                break;
            }
        }
    }
    let ended = chaos.finish();
    let failure = failure.or(ended.failure);
    println!("\n{played} of {rounds} rounds with seed {seed} took {} s", started.elapsed().as_secs());
    print_recoveries(&deck, &recoveries);
    println!("scorers that ended by themselves and were started again: {}", ended.errors.values().sum::<usize>());
    for (sentence, times) in &ended.errors {
        println!("{times:6} x {sentence}");
    }
    for crash in &ended.crashes {
        println!("crashed: {crash}");
    }
    let count = Count::of(&world.reviews(), &world.predictions(), &world.dead_letters());
    println!("{count}");
    assert!(
        failure.is_none() && ended.crashes.is_empty() && count.is_right(),
        "seed {seed} failed{}; what the scorers said is in {}",
        failure.map_or(String::new(), |failure| format!(" ({failure})")),
        world.logs().display()
    );
}

fn print_recoveries(deck: &Deck, recoveries: &BTreeMap<Fault, Vec<Duration>>) {
    for fault in Fault::ALL {
        let mut times = recoveries.get(&fault).cloned().unwrap_or_default();
        times.sort_unstable();
        let seconds =
            |time: Option<&Duration>| time.map_or("-".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
        println!(
            "{:<17}  {:3} times; caught up after {} in the median, {} at most",
            fault.name(),
            deck.times(fault),
            seconds(times.get(times.len() / 2)),
            seconds(times.last())
        );
    }
}
