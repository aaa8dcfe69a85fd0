//! A folder with reviews to train on, and Plaudit run in it.

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};

pub struct World {
    folder: tempfile::TempDir,
    /// Where the registry is, and what the environment says of it.
    pub registry: String,
    pub environment: Vec<(&'static str, String)>,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder, registry: "models".to_owned(), environment: Vec::new() };
        world.write("reviews.jsonl", 0..400, |row| row % 2 == 0);
        world
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Rows whose label their text tells, as far as `label` has it so.
    pub fn write(&self, file: &str, rows: std::ops::Range<u32>, label: impl Fn(u32) -> bool) {
        let row = |row: u32| {
            let text = if row.is_multiple_of(2) { "great wonderful gift" } else { "terrible broken waste" };
            let category = if row % 4 < 2 { "books" } else { "toys" };
            let label = u8::from(label(row));
            format!("{}\n", json!({"text": format!("{text} {row}"), "label": label, "category": category}))
        };
        std::fs::write(self.path().join(file), rows.map(row).collect::<String>()).unwrap();
    }

    pub fn plaudit(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
        let of_others = |key: &str| key.starts_with("PLAUDIT__") || key.starts_with("AWS_");
        for (key, _) in std::env::vars().filter(|(key, _)| of_others(key)) {
            command.env_remove(key);
        }
        command.args(line.split(' ')).args(["--registry", &self.registry]).current_dir(self.path()).env("USER", "ann");
        command.envs(self.environment.iter().map(|(key, value)| (key, value))).stdin(Stdio::null());
        command
    }

    /// The JSON that a verb prints.
    pub fn run(&self, line: &str) -> Value {
        let output = self.plaudit(&format!("{line} --json")).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The one line of a verb that fails with this code.
    pub fn fails(&self, code: i32, line: &str) -> String {
        let Output { status, stderr, .. } = self.plaudit(line).output().unwrap();
        let message = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(code), "{line}: {message}");
        message
    }
}
