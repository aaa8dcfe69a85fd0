//! Signals end a process in two steps. The process is this test itself, started once more.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

const ROLE: &str = "SERVICE_TEST_SHUTDOWN_CHILD";
const TEST: &str = "the_first_signal_asks_and_the_second_ends";

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn child() {
    let token = service::shutdown::token_on_signals().unwrap();
    say("child: ready");
    token.cancelled().await;
    say("child: stopping");
    std::future::pending::<()>().await;
}

fn wait_for(lines: &mut Lines<BufReader<ChildStdout>>, wanted: &str) {
    assert!(lines.any(|line| line.unwrap().ends_with(wanted)), "the child ended before it said \"{wanted}\"");
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn the_first_signal_asks_and_the_second_ends() {
    if std::env::var_os(ROLE).is_some() {
        return child();
    }
    for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([TEST, "--exact", "--nocapture"])
            .env(ROLE, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        wait_for(&mut lines, "child: ready");
        send(signal, &process);
        wait_for(&mut lines, "child: stopping");
        send(signal, &process);
        assert_eq!(process.wait().unwrap().code(), Some(code), "{signal}");
    }
}
