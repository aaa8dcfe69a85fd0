//! Who runs this process, for the registry's log.

use std::os::unix::fs::MetadataExt;

/// The user's name as the environment has it; where it has none, as in containers and jobs of cron, the name or the number of
/// the user that this process runs as, and the machine.
pub fn user() -> String {
    let name_in = |variable: &str| std::env::var(variable).ok().filter(|user| !user.trim().is_empty());
    ["USER", "LOGNAME"].into_iter().find_map(name_in).or_else(of_process).unwrap_or_else(|| "unknown".to_owned())
}

/// `root@9f2c1a`.
fn of_process() -> Option<String> {
    // The process' own folder belongs to whom it runs as.
    let number = std::fs::metadata("/proc/self").ok()?.uid();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = name_of(number, &users).map_or_else(|| format!("uid {number}"), str::to_owned);
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Some(match machine.trim() {
        "" => name,
        machine => format!("{name}@{machine}"),
    })
}

/// `name:password:number:..` in each line.
fn name_of(number: u32, users: &str) -> Option<&str> {
    let number = number.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbroken\n";
        assert_eq!((name_of(1000, users), name_of(0, users), name_of(7, users)), (Some("ann"), Some("root"), None));
        assert!(of_process().is_none_or(|user| !user.is_empty()));
    }
}
