//! Names the commit that a release was built from, for `plaudit --version`. It comes from PLAUDIT_COMMIT, from `.commit` in an
//! archive that git made, or from git itself; where none is there, the version stands alone.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PLAUDIT_COMMIT");
    let version = env("CARGO_PKG_VERSION").unwrap_or_default();
    let version = match commit() {
        Some(commit) => format!("{version} ({commit})"),
        None => version,
    };
    println!("cargo::rustc-env=PLAUDIT_VERSION={version}");
}

fn commit() -> Option<String> {
    env("PLAUDIT_COMMIT").or_else(of_archive).or_else(of_checkout)
}

/// Where git makes an archive it puts the commit's hash in place of the file's `$Format:%h$`.
fn of_archive() -> Option<String> {
    println!("cargo::rerun-if-changed=.commit");
    let text = std::fs::read_to_string(".commit").ok()?;
    let commit = text.trim();
    (!commit.is_empty() && commit.bytes().all(|c| c.is_ascii_hexdigit())).then(|| commit.to_owned())
}

fn of_checkout() -> Option<String> {
    // A development build would have to be made anew with each commit.
    if env("PROFILE")? != "release" || !Path::new(".git").exists() {
        return None;
    }
    println!("cargo::rerun-if-changed=.git/HEAD");
    if Path::new(".git/logs/HEAD").exists() {
        println!("cargo::rerun-if-changed=.git/logs/HEAD");
    }
    let described =
        Command::new("git").args(["describe", "--always", "--exclude=*", "--abbrev=12", "--dirty"]).output();
    let described = described.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(described.stdout).ok()?.trim().to_owned()).filter(|commit| !commit.is_empty())
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
