//! `plaudit status` as a process, on Apache Kafka: its figures against what the test knows, and what it says of what is away.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

#[path = "../stream/harness.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of the stream use the rest")]
mod harness;
#[path = "../stream/http.rs"]
#[expect(dead_code, reason = "the tests of the stream use the rest")]
mod http;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "others use the rest")]
mod support;

mod away;
mod lag;
mod whole;

use harness::World;
use serde_json::Value;
use std::process::{Command, Output};

/// The verb, with more time than anything takes on a machine with much to do.
fn status(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.plaudit("status");
    command.args(["--timeout", "30"]).args(arguments);
    command
}

/// Its document, whatever the exit code.
fn document(output: &Output) -> Value {
    let told = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"))
}

/// Its document where Kafka is there.
fn look(world: &World) -> Value {
    let output = status(world, &["--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    document(&output)
}
