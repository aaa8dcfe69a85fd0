//! Phrases to sentences: a template's `{slot}`s are filled with words that agree with the aspect in number, and sentences
//! are put together to a text whose tone follows how content the writer is.

use super::phrases::{self, Aspect, Kind};
use super::random::Random;

/// How the tone of a sentence is chosen: `content` is the probability that a writer praises.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mood {
    content: f64,
}

impl Mood {
    /// The mood of somebody who is `satisfaction` stars content, 3 being undecided: one sentence rarely tells the whole, a
    /// few mostly do, and nobody finds only words of praise.
    pub(super) fn of(satisfaction: f64) -> Self {
        Self { content: (0.5 + 0.34 * (satisfaction - 3.0)).clamp(0.04, 0.96) }
    }

    fn praises(self, random: &mut Random) -> bool {
        random.chance(self.content)
    }
}

/// Writes about one kind of product.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) kind: &'static Kind,
    pub(super) noun: &'static str,
    pub(super) mood: Mood,
    pub(super) random: &'a mut Random,
}

impl Writer<'_> {
    /// A headline.
    pub(super) fn title(&mut self) -> String {
        let templates = if self.random.chance(0.25) {
            phrases::EVEN_TITLES
        } else if self.mood.praises(self.random) {
            phrases::HAPPY_TITLES
        } else {
            phrases::UNHAPPY_TITLES
        };
        let template = self.random.pick(templates);
        capitalized(&self.fill(template))
    }

    /// A body of about `sentences` sentences, each ended by a full stop or its like.
    pub(super) fn sentences(&mut self, sentences: usize) -> Vec<String> {
        let mut body = Vec::with_capacity(sentences + 1);
        for _ in 0..sentences {
            let sentence = self.sentence();
            body.push(self.ended(&sentence));
        }
        if self.random.chance(0.35) {
            let templates = if self.random.chance(0.2) {
                phrases::EVEN_ENDS
            } else if self.mood.praises(self.random) {
                phrases::HAPPY_ENDS
            } else {
                phrases::UNHAPPY_ENDS
            };
            let template = self.random.pick(templates);
            let end = self.fill(template);
            body.push(self.ended(&end));
        }
        body
    }

    fn sentence(&mut self) -> String {
        let kind_of_sentence = self.random.unit();
        let praises = self.mood.praises(self.random);
        let templates = match (kind_of_sentence, praises) {
            (..0.30, _) => phrases::NEUTRAL,
            (..0.40, true) => phrases::FROM_BLAME_TO_PRAISE,
            (..0.40, false) => phrases::FROM_PRAISE_TO_BLAME,
            (_, true) => phrases::PRAISE,
            (_, false) => phrases::COMPLAINTS,
        };
        let template = self.random.pick(templates);
        self.fill(template)
    }

    fn ended(&mut self, sentence: &str) -> String {
        let end = match self.random.below(12) {
            0 => "!",
            1 => "...",
            2 => "!!!",
            _ => ".",
        };
        format!("{}{end}", capitalized(sentence))
    }

    /// Fills each `{slot}`; phrases of the product's kind may stand in a slot but hold none themselves.
    fn fill(&mut self, template: &'static str) -> String {
        let aspect = self.aspect();
        let mut text = String::with_capacity(template.len() + 40);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (slot, after) = after.split_once('}').expect("a slot of a template is closed");
            text.push_str(before);
            self.word(slot, aspect, &mut text);
            rest = after;
        }
        text.push_str(rest);
        text
    }

    fn word(&mut self, slot: &str, aspect: Aspect, text: &mut String) {
        let agreeing = |singular, plural| if aspect.is_plural { plural } else { singular };
        let random = &mut *self.random;
        let word = match slot {
            "aspect" => aspect.name,
            "is" => agreeing("is", "are"),
            "was" => agreeing("was", "were"),
            "it" => agreeing("it", "they"),
            "noun" => self.noun,
            "good" => random.pick(phrases::GOOD),
            "bad" => random.pick(phrases::BAD),
            "degree" => random.pick(phrases::DEGREES),
            "like" => random.pick(phrases::LIKES),
            "dislike" => random.pick(phrases::DISLIKES),
            "praise" => random.pick(self.kind.praise),
            "complaint" => random.pick(self.kind.complaints),
            "person" => random.pick(phrases::PEOPLE),
            "time" => random.pick(phrases::TIMES),
            "occasion" => random.pick(phrases::OCCASIONS),
            "colour" => random.pick(phrases::COLOURS),
            "day" => random.pick(phrases::DAYS),
            "number" => return text.push_str(&(2 + random.below(28)).to_string()),
            unknown => unreachable!("the templates have no slot {unknown}"),
        };
        text.push_str(word);
    }

    fn aspect(&mut self) -> Aspect {
        let common = self.random.chance(0.4);
        self.random.pick(if common { phrases::COMMON_ASPECTS } else { self.kind.aspects })
    }
}

fn capitalized(sentence: &str) -> String {
    let mut characters = sentence.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_of_every_kind_can_be_filled() {
        let all = [
            phrases::PRAISE,
            phrases::COMPLAINTS,
            phrases::FROM_BLAME_TO_PRAISE,
            phrases::FROM_PRAISE_TO_BLAME,
            phrases::NEUTRAL,
            phrases::HAPPY_ENDS,
            phrases::UNHAPPY_ENDS,
            phrases::EVEN_ENDS,
            phrases::HAPPY_TITLES,
            phrases::UNHAPPY_TITLES,
            phrases::EVEN_TITLES,
        ];
        for kind in phrases::KINDS {
            let mut random = Random::at(1, 0);
            let mut writer = Writer { kind, noun: kind.nouns[0], mood: Mood::of(3.0), random: &mut random };
            for template in all.iter().copied().flatten().copied() {
                let filled = writer.fill(template);
                assert!(!filled.contains(['{', '}']), "{filled}");
            }
        }
    }

    #[test]
    fn verbs_agree_with_plural_aspects() {
        let aspect = Aspect { name: "the straps", is_plural: true };
        let mut random = Random::at(1, 0);
        let kind = &phrases::KINDS[0];
        let mut writer = Writer { kind, noun: kind.nouns[0], mood: Mood::of(3.0), random: &mut random };
        let mut text = String::new();
        writer.word("is", aspect, &mut text);
        writer.word("was", aspect, &mut text);
        writer.word("it", aspect, &mut text);
        assert_eq!(text, "arewerethey");
    }
}
