//! The same promises in a bucket: a server of S3 in place of the folder.

use crate::harness::{Running, World, report, review, wait_for};
use feature_store::offline::store::Dataset;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

const PARTITIONS: i32 = 2;

/// A server of its own, with a bucket.
struct Bucket {
    port: u16,
    _server: Running,
}

impl Bucket {
    fn start() -> Self {
        Self::start_with(&[])
    }

    /// With these settings of the server's.
    fn start_with(settings: &[(&str, &str)]) -> Self {
        let made = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/dev/s3")).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let server = String::from_utf8(made.stdout).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(server.trim());
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdin(Stdio::null()).stdout(Stdio::null());
        command.envs(settings.iter().copied());
        let bucket = Self { port, _server: Running::start(&mut command) };
        wait_for("the server of S3", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        assert!(bucket.ask("PUT", "/bucket").0.contains(" 200 "));
        bucket
    }

    /// Status line, and body.
    fn ask(&self, method: &str, path: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        // Strangers may not read; whose signature it is, this server does not look at.
        let who =
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: {who}\r\nContent-Length: 0\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        (String::from_utf8_lossy(&answer[..end]).into_owned(), answer.split_off(end + 4))
    }

    fn keys(&self) -> Vec<String> {
        let (_, list) = self.ask("GET", "/bucket?list-type=2&prefix=prefix/");
        let list = String::from_utf8(list).unwrap();
        list.split("<Key>").skip(1).map(|rest| rest.split_once("</Key>").unwrap().0.to_owned()).collect()
    }

    /// Copies all that it holds to where the world looks for files.
    fn copy_to(&self, world: &World) {
        let _ = std::fs::remove_dir_all(world.offline());
        for key in self.keys() {
            let path = world.offline().join(key.strip_prefix("prefix/").unwrap());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, self.ask("GET", &format!("/bucket/{key}")).1).unwrap();
        }
    }

    fn plaudit(&self, world: &World, verb: &[&str], url: &str) -> Command {
        let mut command = world.plaudit(verb[0]);
        command.args(&verb[1..]).args(["--set", &format!("offline.url={url}")]);
        for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("AWS_")) {
            command.env_remove(key);
        }
        command
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port))
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "the-secret-of-this-test")
            .env("AWS_REGION", "us-east-1");
        command
    }
}

fn reviews(partition: i32, count: i64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(move |i| review(&format!("{partition}-{i}"), &format!("text {i} {}", i * 7_919).repeat(4)))
}

#[test]
fn each_offset_stands_in_the_bucket_once_though_the_ingest_is_killed_and_files_are_compacted() {
    let bucket = Bucket::start();
    let mut world = World::new(PARTITIONS);
    for setting in
        ["ingest.file_max_bytes=30000", "ingest.batch_max_records=200", "kafka.properties.group.instance.id=only"]
    {
        world.settings.push(setting.to_owned());
    }
    for partition in 0..PARTITIONS {
        world.produce(&world.topics.reviews, partition, reviews(partition, 20_000));
    }
    for _ in 0..3 {
        let before = bucket.keys().len();
        let running = Running::start(&mut bucket.plaudit(&world, &["ingest"], "s3://bucket/prefix"));
        wait_for("new files", || bucket.keys().len() > before);
        running.kill();
    }
    let done =
        report(&bucket.plaudit(&world, &["ingest", "--until-end", "--json"], "s3://bucket/prefix").output().unwrap());
    assert!(done["files"].as_u64().unwrap() > 0, "{done}");
    bucket.copy_to(&world);
    world.assert_each_once(Dataset::Reviews, PARTITIONS, 20_000);

    let files = bucket.keys().len();
    let compact = ["features", "compact", "--min-age-seconds", "0", "--json"];
    let compacted = report(&bucket.plaudit(&world, &compact, "s3://bucket/prefix/").output().unwrap());
    assert_eq!(compacted["removed"], files);
    assert!(bucket.keys().len() < files / 2, "{:?}", bucket.keys());
    bucket.copy_to(&world);
    world.assert_each_once(Dataset::Reviews, PARTITIONS, 20_000);

    // The chain ends where it did.
    let again =
        report(&bucket.plaudit(&world, &["ingest", "--until-end", "--json"], "s3://bucket/prefix").output().unwrap());
    assert_eq!(again["records"], 0);
}

#[test]
fn a_bucket_that_is_not_there_is_named_and_secrets_are_not() {
    let bucket = Bucket::start();
    let world = World::new(1);
    for (url, expected) in [
        ("s3://absent/prefix", "create the bucket, or correct offline.url"),
        ("s3://", "write s3://bucket/prefix"),
        ("s3://key:secret@bucket", "write s3://bucket/prefix"),
    ] {
        let output = bucket.plaudit(&world, &["ingest", "--until-end"], url).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains("the-secret-of-this-test"), "{message}");
    }
}

#[test]
fn wrong_credentials_are_named_and_not_shown() {
    // The bucket is made without any, and nothing behind it: nobody has a key to this server.
    let bucket = Bucket::start_with(&[("INITIAL_NO_AUTH_ACTION_COUNT", "1")]);
    let output = bucket.plaudit(&World::new(1), &["ingest", "--until-end"], "s3://bucket/prefix").output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("cannot write s3://bucket/prefix/"), "{message}");
    assert!(message.contains("check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"), "{message}");
    assert!(!message.contains("the-secret-of-this-test"), "{message}");
}
