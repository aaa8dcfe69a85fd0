//! The three brokers, through `dev/services`.

use std::path::Path;
use std::process::{Child, Command, Stdio};

pub const NODES: [i32; 3] = [1, 2, 3];

/// Begins to kill, stop or start brokers: its end is to be waited for.
pub fn services(verb: &str, nodes: &[i32]) -> Child {
    let names = nodes.iter().map(|node| format!("kafka-{node}"));
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/services"))
        .arg(verb)
        .args(names)
        .args(["--brokers", "3"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}
