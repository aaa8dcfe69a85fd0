//! A folder with a registry and files, and the program at work in it.

use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

pub struct Bench {
    pub folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With a model in production, trained on the first 600 of these rows.
    pub fn with_model() -> Self {
        let bench = Self::new();
        bench.file("reviews.csv", &csv(0..900));
        bench.json(&["train", "--input", "reviews.csv", "--where", "part=train", "--promote"]);
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn file(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
        let of_developer = std::env::vars().map(|(key, _)| key).filter(|key| key.starts_with("PLAUDIT__"));
        of_developer.for_each(|key| _ = command.env_remove(key));
        command.args(arguments).args(["--set", "model.vectorizer.hash_bits=16"]);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    pub fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// A run that ends with `code` and one sentence on stderr's last line; answers it.
    #[track_caller]
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert_eq!(output.stdout, b"", "{arguments:?}");
        let message = told.lines().last().unwrap().to_owned();
        assert!(message.starts_with("error: "), "{told}");
        message
    }

    pub fn names(&self, folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }
}

/// Rows of which every second is positive, and one of eight says the opposite of what it is. The first two thirds of 900
/// are for training.
pub fn csv(rows: std::ops::Range<u64>) -> String {
    let mut csv = "review_id,product_id,title,text,label,rating,part,created_at,category\n".to_owned();
    for i in rows {
        let is_positive = i % 2 == 0;
        // Nothing in the words tells which rows these are.
        let noise = i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let sounds_positive = is_positive != (noise >> 61 == 0);
        let letters: String = (0..6).map(|k| char::from(b'a' + (noise >> (5 * k + 8) & 15) as u8)).collect();
        let telling = if sounds_positive { ["lovely", "superb", "splendid"] } else { ["awful", "dreadful", "shoddy"] };
        let plain = ["kettle", "lamp", "chair", "radio", "table", "clock", "mirror"];
        let pick = |salt: u64| plain[(i.wrapping_mul(salt) / 3 % 7) as usize];
        let text = format!("{} {} and {} {letters} number {i}", telling[(i % 3) as usize], pick(7919), pick(104_729));
        let (label, stars) = (u8::from(is_positive), if is_positive { 5 } else { 1 });
        let part = if i < 600 { "train" } else { "test" };
        let category = match i % 50 {
            0 => "rare",
            n if n < 30 => "home, <b>big</b>",
            _ => "small",
        };
        let (month, day) = (1 + i * 12 / 900, 1 + i % 28);
        writeln!(csv, "r{i},p{},T,{text},{label},{stars},{part},2024-{month:02}-{day:02},\"{category}\"", i % 20)
            .unwrap();
    }
    csv
}

/// What every evaluation of the last third begins with.
pub const EVALUATE: [&str; 5] = ["evaluate", "--input", "reviews.csv", "--where", "part=test"];
