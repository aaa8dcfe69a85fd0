//! Redis servers of a test's own: real processes on free ports, in a folder that goes with them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Even a busy machine starts a Redis within this time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One server. It keeps its port and its folder when it is killed and started again.
pub struct Server {
    pub port: u16,
    folder: TempDir,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl Server {
    /// Starts a server that saves nothing by itself.
    pub fn start(arguments: &[&str]) -> Self {
        let mut server = Self::stopped(arguments);
        server.start_again();
        server
    }

    /// A server that has a port and a folder, and does not run yet.
    pub fn stopped(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { port: free_port(), folder: TempDir::new().unwrap(), arguments, process: None }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn add_argument(&mut self, argument: &str) {
        self.arguments.push(argument.to_owned());
    }

    /// Starts it on what is left in its folder.
    pub fn start_again(&mut self) {
        let mut command = Command::new("redis-server");
        // A sentinel's arguments begin with its file.
        if !self.arguments.iter().any(|argument| argument == "--sentinel") {
            command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", "", "--appendonly", "no"]);
            command.args(["--dir", self.folder.path().to_str().unwrap()]);
        }
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().expect("redis-server starts: dev/install brings it");
        let (port, is_encrypted) = (self.port, self.arguments.iter().any(|argument| argument == "--tls-port"));
        until("a Redis answers", || {
            assert!(process.try_wait().unwrap().is_none(), "redis-server ended: {:?}", self.arguments);
            let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
            // Connections are taken before the server has everything that it needs: one that answers has.
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(b"PING\r\n").ok()?;
            (is_encrypted || stream.read(&mut [0]).ok()? > 0).then_some(())
        });
        self.process = Some(process);
    }

    /// As a crash: nothing is saved.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// As a machine that loses its power or its network: connections stay, and nobody answers.
    pub fn freeze(&self) {
        let id = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-STOP", &id]).status().unwrap().success());
    }

    /// Sends a command over a connection of its own, and brings the answer's first bytes.
    pub fn command(&self, words: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(format!("{words}\r\n").as_bytes()).unwrap();
        let mut answer = vec![0; 1 << 16];
        let count = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..count]).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
    }
}

/// A port that is free, and whose neighbour that a cluster's bus takes is free, too. Both lie below the ports that a system
/// gives to whoever asks for any, so that nobody gets one of them between this question and the server's start.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let port = 12_000 + (std::process::id() * 97 + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        let is_free = |port: u32| TcpListener::bind(("127.0.0.1", port as u16)).is_ok();
        if is_free(port) && is_free(port + 10_000) {
            return port as u16;
        }
    }
}

/// Asks until there is an answer.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::yield_now();
    }
}

/// A way to the server that keeps every answer back until it has seen so many commands.
pub fn patient_proxy(server: &Server, command: &'static str, expected: usize) -> u16 {
    let (listener, port) = (TcpListener::bind("127.0.0.1:0").unwrap(), server.port);
    let proxy = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut client = listener.accept().unwrap().0;
        let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (mut seen, mut held) = (Vec::new(), Vec::new());
        let count = |seen: &[u8]| seen.windows(command.len()).filter(|bytes| *bytes == command.as_bytes()).count();
        for stream in [&client, &server] {
            stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        }
        let mut buffer = vec![0; 1 << 16];
        loop {
            match client.read(&mut buffer) {
                Ok(0) => return,
                Ok(size) => {
                    seen.extend_from_slice(&buffer[..size]);
                    server.write_all(&buffer[..size]).unwrap();
                }
                Err(_) => {}
            }
            if let Ok(size) = server.read(&mut buffer) {
                held.extend_from_slice(&buffer[..size]);
            }
            // The first few are the connection's own.
            let commands = count(&seen);
            if commands == 0 || commands >= expected {
                client.write_all(&held).unwrap();
                held.clear();
            }
        }
    });
    proxy
}

/// Three nodes that share the slots of a cluster.
pub struct Cluster {
    pub nodes: Vec<Server>,
}

impl Cluster {
    pub fn start() -> Self {
        let arguments = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
        let nodes: Vec<Server> = (0..3).map(|_| Server::start(&arguments)).collect();
        let cluster = Self { nodes };
        let places = cluster.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let words = ["create".to_owned()].into_iter().chain(places).chain(["--cluster-yes".to_owned()]);
        cluster.cli(&words.collect::<Vec<_>>());
        for node in &cluster.nodes {
            until("the cluster is whole", || node.command("CLUSTER INFO").contains("cluster_state:ok").then_some(()));
        }
        cluster
    }

    /// Runs `redis-cli --cluster`.
    pub fn cli(&self, words: &[String]) {
        let done = Command::new("redis-cli").arg("--cluster").args(words).output().unwrap();
        assert!(done.status.success(), "{words:?}: {done:?}");
    }

    /// Moves slots from one node to another, through all states between.
    pub fn reshard(&self, from: usize, to: usize, slots: usize) {
        let id = |node: &Server| node.command("CLUSTER MYID").lines().nth(1).unwrap().to_owned();
        let place = format!("127.0.0.1:{}", self.nodes[0].port);
        let (from, to) = (id(&self.nodes[from]), id(&self.nodes[to]));
        let words = ["reshard", &place, "--cluster-from", &from, "--cluster-to", &to, "--cluster-slots"];
        let words = words.into_iter().map(str::to_owned).chain([slots.to_string(), "--cluster-yes".to_owned()]);
        self.cli(&words.collect::<Vec<_>>());
    }

    pub fn url(&self) -> String {
        let places: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis://{}", places.join(","))
    }
}
