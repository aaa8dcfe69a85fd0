//! A folder with files and a registry, and the program on it.

use serde_json::Value;
use std::fmt::Write;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

pub struct World {
    folder: TempDir,
    pub environment: Vec<(&'static str, String)>,
}

impl World {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let header = if name.ends_with(".csv") { "a,b\n" } else { "" };
        std::fs::write(self.path(name), format!("{header}{text}")).unwrap();
        self.path(name)
    }

    /// Reviews of which one in eight is negative.
    pub fn reviews(&self, name: &str, count: u64) -> String {
        self.write(name, &reviews(count))
    }

    /// Every name in the folder, but for the registry.
    pub fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != "registry");
        names.sort();
        names
    }

    pub fn plaudit(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
        command.args(arguments).args(["--registry", &self.path("registry")]).stdin(Stdio::null());
        // A developer's shell may point the binary elsewhere.
        for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("PLAUDIT__") || key.starts_with("AWS_")) {
            command.env_remove(key);
        }
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.plaudit(&[arguments, &["--json"]].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A run that ends with `code` and says nothing but why.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.plaudit(arguments).output().unwrap();
        assert_eq!(output.stdout, b"", "{arguments:?}");
        last_line(&output, code)
    }

    /// The same of a verb that has a result in any case.
    pub fn fails_with_report(&self, code: i32, arguments: &[&str]) -> String {
        last_line(&self.plaudit(arguments).output().unwrap(), code)
    }
}

pub fn last_line(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    let last = said.lines().last().unwrap().to_owned();
    assert!(last.starts_with("error: "), "{said}");
    last
}

pub fn reviews(count: u64) -> String {
    let mut lines = String::new();
    for i in 0..count {
        let is_positive = i % 8 > 0;
        let telling = if is_positive { ["lovely", "superb", "splendid"] } else { ["awful", "dreadful", "shoddy"] };
        let (word, rating, month) = (telling[(i / 8 % 3) as usize], if is_positive { 5 } else { 1 }, 1 + i % 12);
        let plain = i.wrapping_mul(2_654_435_761) % 1_000_003;
        writeln!(
            lines,
            r#"{{"review_id": "r{i}", "text": "a {word} thing number {i} like {plain} of them all", "rating": {rating}, "created_at": "2024-{month:02}-03"}}"#
        )
        .unwrap();
    }
    lines
}
