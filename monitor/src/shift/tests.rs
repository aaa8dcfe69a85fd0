use super::*;
use crate::random::Random;
use crate::reference::ReferenceBuilder;
use schemas::Label;
use std::collections::BTreeMap;

/// Scores and labels of a world. `meaning` turns a score into the chance of a positive.
struct World {
    random: Random,
}

impl World {
    fn uniform(&mut self) -> f64 {
        self.random.below(1 << 53) as f64 / (1_u64 << 53) as f64
    }

    /// The score of a review of this class: a triangle that leans to its side.
    fn of_class(&mut self, label: Label) -> f64 {
        let most = self.uniform().max(self.uniform());
        if label.is_positive() { most } else { 1.0 - most }
    }

    fn labelled(&mut self, positives: f64) -> (f64, Label) {
        let label = if self.uniform() < positives { Label::Positive } else { Label::Negative };
        (self.of_class(label), label)
    }
}

fn reference(world: &mut World) -> Reference {
    let mut builder = ReferenceBuilder::new();
    for _ in 0..6000 {
        let (score, label) = world.labelled(0.7);
        builder.add(score, Some(label), &BTreeMap::new(), None);
    }
    builder.finish()
}

fn shift(seed: u64, labels: bool, mut draw: impl FnMut(&mut World) -> (f64, Label)) -> Shift {
    let mut world = World { random: Random::new(seed) };
    let reference = reference(&mut world);
    let mut window = reference.empty_window();
    for _ in 0..1500 {
        let (score, label) = draw(&mut world);
        window.add_score(score, labels.then_some(label));
    }
    Shift::of(&window, &reference, 0.001).unwrap()
}

#[test]
fn the_same_world_has_no_cause() {
    for labels in [false, true] {
        let causes: Vec<Cause> = (0..50).map(|seed| shift(seed, labels, |world| world.labelled(0.7)).cause).collect();
        let alarms = causes.iter().filter(|cause| **cause != Cause::None).count();
        assert!(alarms <= 1, "one in a thousand was allowed, and three are tested: {causes:?}");
    }
}

#[test]
fn other_shares_of_the_classes_are_label_shift_and_are_estimated_without_labels() {
    for labels in [false, true] {
        let shift = shift(1, labels, |world| world.labelled(0.4));
        assert_eq!(shift.cause, Cause::Label, "{shift:?}");
        assert!((shift.positives_estimated - 0.4).abs() < 0.05, "{shift:?}");
        assert!((shift.positives_before - 0.7).abs() < 0.02, "{shift:?}");
    }
}

#[test]
fn other_reviews_whose_scores_mean_the_same_are_covariate_shift() {
    // Only those that the model is unsure of, with the classes that such scores have.
    let unsure = |world: &mut World| loop {
        let (score, label) = world.labelled(0.7);
        if (0.35..0.65).contains(&score) || world.uniform() < 0.2 {
            return (score, label);
        }
    };
    assert_eq!(shift(2, true, unsure).cause, Cause::Covariate);
    assert_eq!(shift(2, false, unsure).cause, Cause::Unexplained);
}

#[test]
fn scores_that_mean_something_else_are_concept_drift_that_only_labels_show() {
    let turned = |world: &mut World| {
        let (score, label) = world.labelled(0.7);
        let is_turned = world.uniform() < 0.3;
        let other = if label.is_positive() { Label::Negative } else { Label::Positive };
        (score, if is_turned { other } else { label })
    };
    let seen = shift(3, true, turned);
    assert_eq!(seen.cause, Cause::Concept, "{seen:?}");
    let unseen = shift(3, false, turned);
    assert_eq!(unseen.cause, Cause::None, "scores alone say nothing of it: {unseen:?}");
}

#[test]
fn without_labels_in_the_reference_nothing_is_said() {
    let mut builder = ReferenceBuilder::new();
    (0..1000).for_each(|i| builder.add(f64::from(i) / 1000.0, None, &BTreeMap::new(), None));
    let reference = builder.finish();
    assert_eq!(Shift::of(&reference, &reference, 0.01), None);
    assert_eq!(Shift::of(&reference.empty_window(), &reference, 0.01), None);
}
