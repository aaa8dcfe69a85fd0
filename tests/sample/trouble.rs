//! A process that is killed in the middle, and a disk without room: what stood there before still does, and nothing else.

use crate::world::{World, last_line};
use std::process::{Command, Stdio};

#[test]
fn a_killed_process_leaves_no_half_sample_and_the_next_one_takes_its_place() {
    let world = World::new();
    let input = world.reviews("reviews.jsonl", 60_000);
    let (whole, golden) = (world.path("whole.parquet"), world.path("golden.parquet"));
    world.json(&["sample", "--input", &input, "--output", &whole]);
    let partial = world.path(".golden.parquet.partial");
    // First with nothing written yet, then in the middle of it.
    for least_bytes in [0, 1] {
        let mut command = world.plaudit(&["sample", "--input", &input, "--output", &golden]);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let is_there = || std::fs::metadata(&partial).is_ok_and(|file| file.len() >= least_bytes);
        while !is_there() && process.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        process.kill().unwrap();
        process.wait().unwrap();
        // It may have been done before it was killed; half of it is never there.
        if let Ok(bytes) = std::fs::read(&golden) {
            assert!(bytes == std::fs::read(&whole).unwrap());
        }
    }
    world.json(&["sample", "--input", &input, "--output", &golden]);
    assert!(std::fs::read(&golden).unwrap() == std::fs::read(&whole).unwrap());
    assert_eq!(world.names(), ["golden.parquet", "reviews.jsonl", "whole.parquet"]);
}

#[test]
fn a_disk_without_room_is_named_and_the_old_sample_stays() {
    let world = World::new();
    let input = world.reviews("reviews.jsonl", 30_000);
    let golden = world.path("golden.parquet");
    std::fs::write(&golden, "the sample of before").unwrap();
    // No file may become larger than 64 KiB, as on a disk that is full by then.
    let line = format!(
        "trap '' XFSZ; ulimit -f 64; exec {} sample --input {input} --output {golden}",
        env!("CARGO_BIN_EXE_plaudit")
    );
    let output = Command::new("bash").args(["-c", &line]).output().unwrap();
    let said = last_line(&output, 1);
    assert!(said.contains("cannot write") && said.contains("golden.parquet"), "{said}");
    assert_eq!(std::fs::read(&golden).unwrap(), b"the sample of before");
    assert_eq!(world.names(), ["golden.parquet", "reviews.jsonl"]);
}
