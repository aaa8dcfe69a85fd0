//! A server of S3 of a test's own, with a bucket; it ends with its test. It stands on nothing else here, so that tests without
//! a broker take it alone.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The secret that must never be shown.
pub const SECRET: &str = "the-secret-of-this-test";

/// A server, and its bucket `bucket`.
pub struct Bucket {
    port: u16,
    server: Child,
}

impl Bucket {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With these settings of the server's.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let made = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/dev/s3")).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(String::from_utf8(made.stdout).unwrap().trim());
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).envs(settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let bucket = Self { port, server: command.spawn().unwrap() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the server of S3 did not come");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        bucket.put("/bucket", b"");
        bucket
    }

    /// What a process needs to know to use it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }

    pub fn put(&self, path: &str, body: &[u8]) {
        self.ask("PUT", path, body);
    }

    /// The body of what must be there.
    pub fn get(&self, path: &str) -> Vec<u8> {
        self.ask("GET", path, b"")
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        // Strangers may not come in; whose signature it is, this server does not look at.
        let who =
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: {who}\r\nContent-Length: {length}\r\n\r\n"
        )
        .unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        assert!(head.contains(" 200 "), "{method} {path}: {head}");
        answer.split_off(end + 4)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
