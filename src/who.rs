//! Who runs this process, for the registry's log.

/// The user's name as the environment has it.
pub fn user() -> String {
    let name_in = |variable: &str| std::env::var(variable).ok().filter(|user| !user.is_empty());
    ["USER", "LOGNAME"].into_iter().find_map(name_in).unwrap_or_else(|| "unknown".to_owned())
}
