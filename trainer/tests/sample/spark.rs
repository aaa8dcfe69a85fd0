//! Spark draws the same sample.

use crate::files::{Folder, note, request, rows, sample, skewed};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use trainer::sample::{SampleProgress, SampleRequest, Size, Stratify, sample_on_spark};

/// A server of Spark Connect of its own.
struct Spark {
    address: String,
    server: Child,
}

impl Spark {
    fn start() -> Self {
        if std::env::var_os("PLAUDIT_TEST_SPARK").is_none() {
            panic!("PLAUDIT_TEST_SPARK is not set: run dev/test, or export PLAUDIT_TEST_SPARK=$(dev/spark)");
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../dev/spark");
        let mut command = Command::new(script);
        command.args(["serve", &port.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // The script starts Java under a shell: all of them end with the group.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut server = command.spawn().unwrap();
        let mut said = Vec::new();
        let lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let is_up = lines.map_while(Result::ok).any(|line| {
            let is_up = line.contains("Spark Connect server started");
            said.push(line);
            is_up
        });
        let spark = Self { address: format!("sc://127.0.0.1:{port}"), server };
        assert!(is_up, "dev/spark serve ended: {}", said.join("\n"));
        spark
    }
}

impl Drop for Spark {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["--", &format!("-{}", self.server.id())]).status();
        let _ = self.server.wait();
    }
}

#[tokio::test]
async fn spark_draws_the_same_rows() {
    let folder = Folder::new();
    let reviews = skewed(4000);
    let inputs: Vec<_> =
        reviews.chunks(1500).enumerate().map(|(i, part)| folder.parquet(&format!("{i}.parquet"), part)).collect();
    let (here, there) = (folder.path("here.parquet"), folder.path("there.parquet"));
    let plain = request(&inputs, &here);
    let mut picked = plain.clone();
    picked.read.conditions = vec!["category=it's \\ odd".parse().unwrap()];
    picked.read.since = schemas::Timestamp::parse("2024-01-15");
    picked.read.until = schemas::Timestamp::parse("2024-03-15");
    let cases = [
        plain.clone(),
        SampleRequest { size: Size { ratio: 2.0, rows: Some(501) }, keep: vec!["helpful".to_owned()], ..plain.clone() },
        SampleRequest { stratify: Some(Stratify::Column("category".to_owned())), ..plain.clone() },
        SampleRequest { stratify: Some(Stratify::Month), ..plain.clone() },
        picked,
    ];
    let spark = Spark::start();
    for request in cases {
        let ours = sample(&request).unwrap();
        let of_spark = SampleRequest { output: there.clone(), ..request };
        let theirs = sample_on_spark(&of_spark, &spark.address, &SampleProgress::default()).await.unwrap();
        assert!(ours.rows.total() > 10);
        assert_eq!(rows(&there), rows(&here), "{of_spark:?}");
        assert_eq!(note(&there), note(&here));
        assert_eq!(theirs.dropped_reasons, ours.dropped_reasons);
        assert_eq!(theirs.rows_seen, ours.rows_seen);
        assert!(std::fs::read(&there).unwrap() == std::fs::read(&here).unwrap());
    }

    let missing = request(&[folder.path("missing.parquet")], &there);
    let error = sample_on_spark(&missing, &spark.address, &SampleProgress::default()).await.unwrap_err().to_string();
    assert!(error.contains("missing.parquet") && error.contains(&spark.address), "{error}");
}

#[tokio::test]
async fn no_spark_is_an_error_that_names_the_address() {
    let folder = Folder::new();
    let request = request(&[folder.parquet("reviews.parquet", &skewed(10))], &folder.path("sample.parquet"));
    // Nobody listens where nobody may.
    for (address, expected) in
        [("sc://127.0.0.1:1", "is Spark Connect running there?"), ("spark://x", "write sc://HOST:PORT")]
    {
        let error = sample_on_spark(&request, address, &SampleProgress::default()).await.unwrap_err().to_string();
        assert!(error.contains(address) && error.contains(expected), "{error}");
    }
    assert_eq!(folder.names(), ["reviews.parquet"]);
}
