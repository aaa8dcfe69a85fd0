//! The command line before clap reads it.

use std::ffi::OsString;

/// Moves every `--set` to the end, in its order. clap takes a flag that every verb has from one verb alone: of
/// `plaudit models --set a=1 list --set b=2` it would forget the first.
pub fn settings_last(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments = arguments.peekable();
    let (mut others, mut settings) = (Vec::new(), Vec::new());
    while let Some(argument) = arguments.next_if(|argument| argument != "--") {
        let is_joined = argument.to_str().is_some_and(|text| text.starts_with("--set="));
        if is_joined {
            settings.push(argument);
        } else if argument == "--set" {
            settings.push(argument);
            settings.extend(arguments.next());
        } else {
            others.push(argument);
        }
    }
    others.append(&mut settings);
    // What follows `--` is text, whatever it looks like.
    others.extend(arguments);
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(line: &str) -> String {
        let words = settings_last(line.split(' ').map(OsString::from));
        words.join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn settings_of_every_level_come_together_in_their_order() {
        assert_eq!(
            moved("p --set a=1 models --set=b=2 list --json --set c=3"),
            "p models list --json --set a=1 --set=b=2 --set c=3"
        );
        assert_eq!(moved("p models list"), "p models list");
        assert_eq!(moved("p predict --set"), "p predict --set");
    }

    #[test]
    fn text_after_two_hyphens_stays_where_it_is() {
        assert_eq!(moved("p --set a=1 predict -- --set b"), "p predict --set a=1 -- --set b");
    }
}
