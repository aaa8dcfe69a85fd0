//! Processes that end with their test, and what they answer.

use super::PATIENCE;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed when the test is over, however it ends.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(command.stderr(Stdio::null()).spawn().unwrap())
    }

    /// Starts a process and waits for a line on its stderr that holds `text`; answers what follows the text there.
    pub fn start_and_wait_for(command: &mut Command, text: &str) -> (Self, String) {
        let mut running = Self(command.spawn().unwrap());
        let mut lines = BufReader::new(running.0.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let rest = lines.find_map(|line| {
            let line = line.unwrap();
            let rest = line.split_once(text).map(|(_, rest)| rest.to_owned());
            said += &format!("{line}\n");
            rest
        });
        let rest = rest.unwrap_or_else(|| panic!("it ended, and never said \"{text}\":\n{said}"));
        // The pipe must stay open and be read, or the process would end with its next line.
        std::thread::spawn(move || lines.for_each(drop));
        (running, rest)
    }

    /// SIGKILL, in the middle of whatever it is doing.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// SIGTERM, and its end.
    pub fn stop(self) -> Output {
        self.signal("TERM");
        self.end()
    }

    /// Its end, which comes by itself.
    pub fn end(mut self) -> Output {
        wait_for("the end of the process", || self.0.try_wait().unwrap().is_some());
        let status = self.0.wait().unwrap();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        if let Some(mut pipe) = self.0.stdout.take() {
            pipe.read_to_end(&mut stdout).unwrap();
        }
        if let Some(mut pipe) = self.0.stderr.take() {
            pipe.read_to_end(&mut stderr).unwrap();
        }
        Output { status, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already in the good case.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The JSON document that a verb printed.
pub fn report(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Waits until the condition holds.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
