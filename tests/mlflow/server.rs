//! Processes that the tests start: MLflow's server, Plaudit, and Python.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// MLflow's first start makes its database, which takes it many seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// A Python that has MLflow.
pub fn python() -> String {
    std::env::var("PLAUDIT_TEST_MLFLOW").unwrap_or_else(|_| {
        panic!("PLAUDIT_TEST_MLFLOW is not set: run dev/test, or export PLAUDIT_TEST_MLFLOW=$(dev/mlflow)")
    })
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A process with all that it starts; the end of the test is theirs.
pub struct Running(Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        use std::os::unix::process::CommandExt;
        Self(command.process_group(0).stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        // It may have ended already.
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

/// An MLflow server with its files in a folder.
pub fn start_mlflow(folder: &Path, port: u16) -> Running {
    let database = format!("sqlite:///{}/mlflow.db", folder.display());
    let log = std::fs::File::create(folder.join("server.log")).unwrap();
    let mut command = Command::new(python());
    command
        .args(["-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1", "--port", &port.to_string()])
        .args(["--backend-store-uri", &database, "--artifacts-destination"])
        .arg(folder.join("artifacts"))
        .current_dir(folder)
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let server = Running::start(&mut command);
    wait_for("MLflow's server", || answer(port, "GET", "/health", "").is_some_and(|(status, _)| status == 200));
    server
}

/// Status and body of an answer; none where nobody answers.
pub fn answer(port: u16, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let head = format!("{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n");
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// Runs a script of this folder and answers the JSON that it prints.
pub fn script(name: &str, arguments: &[&str], stdin: &Value) -> Value {
    let mut child = Command::new(python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mlflow").join(name))
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.to_string().as_bytes()).unwrap();
    json(&child.wait_with_output().unwrap())
}

/// The JSON document that a process printed.
pub fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
