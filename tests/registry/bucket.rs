//! The registry in a bucket: a server of S3 in place of the folder.

use crate::world::World;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server of its own, with a bucket.
struct Bucket {
    port: u16,
    server: Child,
}

impl Bucket {
    fn start() -> Self {
        let made = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/dev/s3")).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(String::from_utf8(made.stdout).unwrap().trim());
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let bucket = Self { port, server: command.spawn().unwrap() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the server of S3 did not come");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let who =
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        write!(stream, "PUT /bucket HTTP/1.0\r\nHost: localhost\r\nAuthorization: {who}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(" 200 "), "{answer}");
        bucket
    }

    fn world(&self, registry: &str) -> World {
        let mut world = World::new();
        world.registry = registry.to_owned();
        world.environment = vec![
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "the-secret-of-this-test".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ];
        world
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_registry_in_a_bucket_does_what_one_in_a_folder_does() {
    let bucket = Bucket::start();
    let world = bucket.world("s3://bucket/team/models/");
    world.run("train --input reviews.jsonl --holdout 0.3 --promote");
    world.run("train --input reviews.jsonl --set train.c=1.0");
    world.run("models promote v2 --to staging");
    world.run("models promote staging");
    world.run("models rollback");
    world.run("models tag v2 team=search");
    let list = world.run("models list");
    assert_eq!(list["versions"][0]["aliases"], json!(["production"]));
    assert_eq!(list["versions"][1]["tags"], json!({"team": "search"}));
    assert_eq!(world.run("models log")["entries"].as_array().unwrap().len(), 5);
    assert_eq!(world.run("predict wonderful")[0]["sentiment"], "positive");
    world.run("models promote v1 --to staging");
    world.run("models delete v2 --why old");
    assert_eq!(world.run("models list")["versions"].as_array().unwrap().len(), 1);
}

/// As processes do, many writers at once.
#[test]
fn writers_of_one_bucket_lose_no_line_and_share_no_version() {
    let bucket = Bucket::start();
    let world = bucket.world("s3://bucket/models");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let world = &world;
            scope.spawn(move || world.run(&format!("train --input reviews.jsonl --set train.seed={writer}")));
        }
    });
    assert_eq!(world.run("models list")["versions"].as_array().unwrap().len(), 4);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let world = &world;
            scope.spawn(move || world.run(&format!("models promote v{} --why {writer}", writer + 1)));
        }
    });
    let log = world.run("models log");
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 4);
    for pair in entries.windows(2) {
        assert_eq!(pair[1]["previous"], pair[0]["version"]);
    }
}

#[test]
fn a_bucket_that_is_not_there_is_named_and_secrets_are_not() {
    let bucket = Bucket::start();
    let world = bucket.world("s3://absent/models");
    for line in ["models promote v1", "train --input reviews.jsonl"] {
        let message = world.fails(1, line);
        assert!(message.contains("create the bucket, or correct registry.url"), "{message}");
        assert!(!message.contains("the-secret-of-this-test"), "{message}");
    }
}
