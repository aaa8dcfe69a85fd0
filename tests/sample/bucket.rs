//! Files in a bucket are files like any other.

use crate::world::{World, reviews};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server of S3 with a bucket.
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
        bucket.put("/bucket", b"");
        bucket
    }

    fn put(&self, path: &str, body: &[u8]) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let who =
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let length = body.len();
        write!(
            stream,
            "PUT {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: {who}\r\nContent-Length: {length}\r\n\r\n"
        )
        .unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(" 200 "), "{answer}");
    }

    fn world(&self) -> World {
        let mut world = World::new();
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
fn files_in_a_bucket_are_read_like_files_on_a_disk() {
    let bucket = Bucket::start();
    let world = bucket.world();
    let input = world.reviews("reviews.jsonl", 40_000);
    // Large enough for several reads of a block.
    world.json(&["sample", "--input", &input, "--ratio", "7", "--output", &world.path("all.parquet")]);
    let all = std::fs::read(world.path("all.parquet")).unwrap();
    bucket.put("/bucket/of/parquet/all.parquet", &all);
    bucket.put("/bucket/of/lines/a.jsonl", reviews(40_000).as_bytes());
    bucket.put("/bucket/of/lines/notes.txt", b"no reviews");

    let sample = |input: &str, output: &str| {
        world.json(&["sample", "--input", input, "--output", &world.path(output)])["rows"].clone()
    };
    let expected = sample(&input, "here.parquet");
    assert_eq!(sample("s3://bucket/of/lines", "lines.parquet"), expected);
    assert_eq!(sample("s3://bucket/of/lines/a.jsonl", "one.parquet"), expected);
    assert_eq!(sample("s3://bucket/of/parquet/", "parquet.parquet")["negative"], expected["negative"]);
    let trained = world.json(&["train", "--input", "s3://bucket/of/parquet/all.parquet", "--holdout", "0.2"]);
    assert!(trained["rows"]["test"].as_u64().unwrap() > 1000);

    let said = world.fails(1, &["sample", "--input", "s3://bucket/nothing", "--output", &world.path("x.parquet")]);
    assert!(said.contains("there is no file `s3://bucket/nothing`"), "{said}");
}
