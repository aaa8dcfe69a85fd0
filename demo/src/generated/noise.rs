//! What keyboards, web forms and moods do to a text: typing errors, mark-up, emoji, shouting. Cleaning has work to do, and
//! no word list is ever complete.

use super::phrases;
use super::random::Random;

/// How a user writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// Probability that a letter goes wrong.
    pub(super) typos: f64,
    /// Nothing is capitalized.
    pub(super) lower_case: bool,
    /// Ends with an emoji as often as this.
    pub(super) emoji: f64,
    /// Texts come from a form that keeps mark-up.
    pub(super) markup: bool,
}

/// Sentences to the text as it arrives.
pub(super) fn written(sentences: &[String], habits: Habits, is_content: bool, random: &mut Random) -> String {
    let mut text = sentences.join(if habits.markup { "<br /><br />" } else { " " });
    if habits.lower_case {
        text = text.to_lowercase();
    } else if random.chance(0.03) {
        text = text.to_uppercase();
    }
    text = with_typos(&text, habits.typos, random);
    if habits.markup {
        text = text.replace(" and ", " &amp; ");
        if random.chance(0.3) {
            text = format!("<b>{text}</b>");
        }
    }
    if random.chance(habits.emoji) {
        text.push(' ');
        // One in ten hits the wrong key.
        let happy = is_content != random.chance(0.1);
        text.push_str(random.pick(if happy { phrases::HAPPY_EMOJI } else { phrases::UNHAPPY_EMOJI }));
    }
    text
}

/// Letters swapped, lost or doubled; mark-up and everything that is not a letter stays.
fn with_typos(text: &str, probability: f64, random: &mut Random) -> String {
    let mut typed = String::with_capacity(text.len() + 8);
    let mut inside_tag = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        inside_tag = (inside_tag || c == '<') && c != '>';
        if inside_tag || !c.is_ascii_lowercase() || !random.chance(probability) {
            typed.push(c);
            continue;
        }
        match (random.below(3), characters.peek()) {
            (0, Some(next)) if next.is_ascii_lowercase() => {
                typed.extend([*next, c]);
                characters.next();
            }
            (1, _) => typed.extend([c, c]),
            _ => {}
        }
    }
    typed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_leave_mark_up_alone() {
        let mut random = Random::at(3, 0);
        let typed = with_typos("<br /><br />abc", 1.0, &mut random);
        assert!(typed.starts_with("<br /><br />"), "{typed}");
        assert_ne!(typed, "<br /><br />abc");
    }

    #[test]
    fn careful_people_make_no_typing_errors() {
        let text = "the lid is great.";
        assert_eq!(with_typos(text, 0.0, &mut Random::at(3, 0)), text);
    }
}
