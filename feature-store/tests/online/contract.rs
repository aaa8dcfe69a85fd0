//! What every store promises.

use crate::stores::{Kind, at, missing, present, read_one, source, update, values, views, views_with_ttl};
use feature_store::online::{Applied, Entity, Reading, ReviewEntities, Update, Values, ViewReading};
use feature_store::views::{Event, EventSource, State};
use schemas::{FeaturesStatus, Label, Rating, Source};
use std::collections::HashMap;

macro_rules! contract {
    ($($fact:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $fact() { super::$fact(super::Kind::Memory).await; })+
        }
        mod small_memory {
            $(#[tokio::test] async fn $fact() { super::$fact(super::Kind::Small).await; })+
        }
        mod redis {
            $(#[tokio::test] async fn $fact() { super::$fact(super::Kind::Redis).await; })+
        }
    };
}

contract!(
    an_unknown_entity_is_missing,
    ratings_become_count_and_mean,
    several_ratings_of_one_entity_in_a_batch_all_count,
    a_replayed_batch_changes_nothing,
    a_batch_that_was_applied_in_part_is_completed,
    offsets_out_of_order_within_a_batch_all_count,
    partitions_and_topics_are_counted_apart,
    a_product_and_a_user_of_one_id_are_apart,
    the_event_time_is_that_of_the_latest_event,
    values_are_stale_once_older_than_the_ttl,
    batches_of_thousands_of_entities_keep_their_order,
    any_order_of_batches_and_replays_equals_the_oracle,
    history_and_the_stream_count_each_record_once_whoever_brings_it_first,
    history_fills_only_what_lies_before_the_first_record_of_the_stream,
    features_of_reviews_carry_names_and_the_worst_status,
    ids_of_any_bytes_are_kept_apart,
    empty_batches_do_nothing,
    every_aggregate_equals_the_state_bit_for_bit,
    a_view_with_as_many_features_as_may_be_counts,
    a_view_takes_only_events_of_its_source,
    ratings_and_labels_become_updates_of_product_and_user,
    reviews_are_remembered_for_labels_where_views_are_made_of_them,
);

const P: Entity<'static> = Entity { kind: feature_store::views::EntityKind::Product, id: "p1" };

fn applied(applied: usize, replayed: usize) -> Applied {
    Applied { applied, replayed, unusable: 0 }
}

async fn an_unknown_entity_is_missing(kind: Kind) {
    assert_eq!(read_one(&kind.store().await, P).await, missing());
}

async fn ratings_become_count_and_mean(kind: Kind) {
    let store = kind.store().await;
    let first = source(0, 0);
    assert_eq!(store.apply(&[update(P, 5.0, 1000, &first)]).await.unwrap(), applied(1, 0));
    assert_eq!(read_one(&store, P).await, present(1, 5.0, 1000));
    let second = source(0, 1);
    store.apply(&[update(P, 2.0, 2000, &second)]).await.unwrap();
    assert_eq!(read_one(&store, P).await, present(2, 3.5, 2000));
}

async fn several_ratings_of_one_entity_in_a_batch_all_count(kind: Kind) {
    let store = kind.store().await;
    let sources: Vec<Source> = (0..300).map(|offset| source(0, offset)).collect();
    let updates: Vec<_> = sources.iter().map(|source| update(P, 1.0 + (source.offset % 2) as f64, 5, source)).collect();
    assert_eq!(store.apply(&updates).await.unwrap(), applied(300, 0));
    assert_eq!(read_one(&store, P).await, present(300, 1.5, 5));
}

async fn a_replayed_batch_changes_nothing(kind: Kind) {
    let store = kind.store().await;
    let (first, second) = (source(0, 7), source(0, 9));
    let batch =
        [update(P, 5.0, 1000, &first), update(P, 1.0, 3000, &second), update(Entity::user("u"), 1.0, 1, &second)];
    assert_eq!(store.apply(&batch).await.unwrap(), applied(3, 0));
    for _ in 0..3 {
        assert_eq!(store.apply(&batch).await.unwrap(), applied(0, 3));
        assert_eq!(store.apply(&batch[..1]).await.unwrap(), applied(0, 1));
    }
    // The same record twice in one batch is a replay, too.
    let third = source(0, 10);
    let twice = [update(P, 3.0, 3000, &third), update(P, 3.0, 3000, &third)];
    assert_eq!(store.apply(&twice).await.unwrap(), applied(1, 1));
    assert_eq!(read_one(&store, P).await, present(3, 3.0, 3000));
}

async fn a_batch_that_was_applied_in_part_is_completed(kind: Kind) {
    let store = kind.store().await;
    let sources: Vec<Source> = (0..10).map(|offset| source(0, offset)).collect();
    let batch: Vec<_> = sources.iter().map(|source| update(P, 4.0, 1, source)).collect();
    store.apply(&batch[..6]).await.unwrap();
    assert_eq!(store.apply(&batch).await.unwrap(), applied(4, 6));
    assert_eq!(read_one(&store, P).await, present(10, 4.0, 1));
}

async fn offsets_out_of_order_within_a_batch_all_count(kind: Kind) {
    let store = kind.store().await;
    let sources = [9, 3, 6].map(|offset| source(0, offset));
    let batch = sources.each_ref().map(|source| update(P, 4.0, 1, source));
    assert_eq!(store.apply(&batch).await.unwrap(), applied(3, 0));
}

async fn partitions_and_topics_are_counted_apart(kind: Kind) {
    let store = kind.store().await;
    let other_topic = Source { topic: "feedback".to_owned(), partition: 0, offset: 1 };
    let sources = [source(0, 5), source(1, 5), source(2, 0), other_topic];
    let batch = sources.each_ref().map(|source| update(P, 2.0, 1, source));
    assert_eq!(store.apply(&batch).await.unwrap(), applied(4, 0));
    assert_eq!(store.apply(&batch).await.unwrap(), applied(0, 4));
    let next = source(2, 1);
    assert_eq!(store.apply(&[update(P, 2.0, 1, &next)]).await.unwrap(), applied(1, 0));
}

async fn a_product_and_a_user_of_one_id_are_apart(kind: Kind) {
    let store = kind.store().await;
    let first = source(0, 0);
    let batch = [update(Entity::product("x"), 5.0, 1, &first), update(Entity::user("x"), 1.0, 2, &first)];
    assert_eq!(store.apply(&batch).await.unwrap(), applied(2, 0));
    assert_eq!(read_one(&store, Entity::product("x")).await, present(1, 5.0, 1));
    assert_eq!(read_one(&store, Entity::user("x")).await, present(1, 1.0, 2));
}

async fn the_event_time_is_that_of_the_latest_event(kind: Kind) {
    let store = kind.store().await;
    for (offset, millis) in [(0, -86_400_001), (1, -86_400_500), (2, -1), (3, -62_167_219_200_000)] {
        let source = source(0, offset);
        store.apply(&[update(P, 3.0, millis, &source)]).await.unwrap();
    }
    assert_eq!(read_one(&store, P).await, present(4, 3.0, -1));
    let (later, earlier) = (source(0, 4), source(0, 5));
    store.apply(&[update(P, 3.0, 1_714_557_600_123, &later)]).await.unwrap();
    store.apply(&[update(P, 3.0, 1_714_557_600_122, &earlier)]).await.unwrap();
    assert_eq!(read_one(&store, P).await, present(6, 3.0, 1_714_557_600_123));
}

async fn values_are_stale_once_older_than_the_ttl(kind: Kind) {
    const DAY: i64 = 86_400_000;
    let store = kind.store_with(&views_with_ttl(2)).await;
    let first = source(0, 0);
    store.apply(&[update(P, 4.0, 1000, &first)]).await.unwrap();
    for (now, expected) in [
        (1000 + 2 * DAY, ViewReading::Present(values(1, 4.0, 1000))),
        (1001 + 2 * DAY, ViewReading::Stale(values(1, 4.0, 1000))),
        // A clock that is behind the event makes nothing stale.
        (0, ViewReading::Present(values(1, 4.0, 1000))),
    ] {
        assert_eq!(store.read(&[P], at(now)).await.entities, [Reading { views: vec![expected] }]);
    }
    let review = ReviewEntities { product_id: Some("p1"), user_id: None };
    let batch = store.features(&[review], at(3 * DAY)).await;
    assert_eq!(batch.of(0).status, FeaturesStatus::Stale);
    assert!(batch.of(0).is_empty());
    // What is stale is forgotten by the next event, and what is as much late has nothing to say.
    let (second, third) = (source(0, 1), source(0, 2));
    store.apply(&[update(P, 1.0, 1001 + 2 * DAY, &second)]).await.unwrap();
    assert_eq!(store.apply(&[update(P, 5.0, 1000, &third)]).await.unwrap(), applied(1, 0));
    assert_eq!(read_one(&store, P).await, present(1, 1.0, 1001 + 2 * DAY));
}

async fn batches_of_thousands_of_entities_keep_their_order(kind: Kind) {
    let store = kind.store().await;
    let ids: Vec<String> = (0..4500).map(|i| format!("product {i}")).collect();
    let sources: Vec<Source> = (0..4500).map(|offset| source(0, offset)).collect();
    let stars = |i: usize| 1.0 + (i % 5) as f64;
    let updates: Vec<_> = ids
        .iter()
        .zip(&sources)
        .enumerate()
        .map(|(i, (id, source))| update(Entity::product(id), stars(i), 1, source))
        .collect();
    assert_eq!(store.apply(&updates).await.unwrap(), applied(4500, 0));
    assert_eq!(store.apply(&updates).await.unwrap(), applied(0, 4500));
    let entities: Vec<_> = ids.iter().rev().map(|id| Entity::product(id)).collect();
    let expected: Vec<_> = (0..4500).rev().map(|i| present(1, stars(i), 1)).collect();
    assert_eq!(store.read(&entities, at(0)).await.entities, expected);
}

/// Batches of many entities and partitions, each delivered once or more, restarted from any earlier offset, against sums.
async fn any_order_of_batches_and_replays_equals_the_oracle(kind: Kind) {
    let store = kind.store().await;
    let mut random = random();
    let ids = ["a", "b", "c", "d", "e", "f", "g"];
    let mut oracle: HashMap<&str, (i64, f64, i64)> = HashMap::new();
    let partitions: Vec<Vec<(Source, &str, f64, i64)>> = (0..3)
        .map(|partition| {
            (0..200)
                .map(|offset| {
                    // Stars whose sums round, so that the order of additions would show.
                    let stars = 1.0 + random(4_000_001) as f64 / 1_000_000.0;
                    (source(partition, offset), ids[random(7) as usize], stars, random(1 << 41) as i64)
                })
                .collect()
        })
        .collect();
    let mut next = [0_usize; 3];
    while next.iter().any(|next| *next < 200) {
        let partition = random(3) as usize;
        let begin = next[partition].saturating_sub(random(8) as usize);
        let end = (next[partition] + random(20) as usize).min(200);
        let batch: Vec<_> = partitions[partition][begin..end.max(begin)]
            .iter()
            .map(|(source, id, stars, millis)| update(Entity::product(id), *stars, *millis, source))
            .collect();
        let outcome = store.apply(&batch).await.unwrap();
        assert_eq!(outcome.applied, end.saturating_sub(next[partition]));
        for (_, id, stars, millis) in &partitions[partition][next[partition]..end.max(next[partition])] {
            let (count, sum, latest) = oracle.entry(id).or_insert((0, 0.0, i64::MIN));
            (*count, *sum, *latest) = (*count + 1, *sum + stars, (*latest).max(*millis));
        }
        next[partition] = end.max(next[partition]);
    }
    for (id, (count, sum, latest)) in oracle {
        assert_eq!(read_one(&store, Entity::product(id)).await, present(count, sum / count as f64, latest));
    }
}

/// A stream that begins somewhere and a history from the very beginning, which is gone through twice, in turns and with
/// replays of both.
async fn history_and_the_stream_count_each_record_once_whoever_brings_it_first(kind: Kind) {
    const RECORDS: usize = 150;
    let mut random = random();
    let ids = ["a", "b", "c", "d", "e"];
    for _ in 0..8 {
        let store = kind.store().await;
        let partitions: Vec<Vec<(Source, &str, f64)>> = (0..2)
            .map(|partition| {
                let record = |offset| (source(partition, offset), ids[random(5) as usize], 1.0 + random(5) as f64);
                (0..RECORDS as i64).map(record).collect()
            })
            .collect();
        let first = [random(100) as usize, random(100) as usize];
        let (mut of_stream, mut of_history, mut applied) = (first, [0; 2], 0);
        while of_stream != [RECORDS; 2] || of_history != [2 * RECORDS; 2] {
            let (partition, back, size) = (random(2) as usize, random(6) as usize, random(20) as usize);
            let is_history = random(2) == 0;
            let (next, least) = match is_history {
                true => (&mut of_history[partition], 0),
                false => (&mut of_stream[partition], first[partition]),
            };
            // The second time begins where the first has ended.
            let run_start = if *next < RECORDS || !is_history { 0 } else { RECORDS };
            let begin = (*next - run_start).saturating_sub(back).max(least);
            let end = (begin + size).min(RECORDS).max(*next - run_start);
            let updates: Vec<_> = partitions[partition][begin..end]
                .iter()
                .map(|(record, id, stars)| update(Entity::product(id), *stars, record.offset, record))
                .collect();
            let outcome = match is_history {
                true => store.apply_history(&updates).await.unwrap(),
                false => store.apply(&updates).await.unwrap(),
            };
            applied += outcome.applied;
            *next = (run_start + end).min(2 * RECORDS);
        }
        assert_eq!(applied, 2 * RECORDS);
        for id in ids {
            let of_id = || partitions.iter().flatten().filter(|(_, other, _)| *other == id);
            let (count, sum) = (of_id().count(), of_id().map(|(_, _, stars)| stars).sum::<f64>());
            let latest = of_id().map(|(record, ..)| record.offset).max().unwrap();
            let expected = present(count as i64, sum / count as f64, latest);
            assert_eq!(read_one(&store, Entity::product(id)).await, expected, "{id}, the stream from {first:?}");
        }
    }
}

async fn history_fills_only_what_lies_before_the_first_record_of_the_stream(kind: Kind) {
    let store = kind.store().await;
    let records: Vec<Source> = (0..10).map(|offset| source(0, offset)).collect();
    let updates: Vec<_> = records.iter().map(|record| update(P, 4.0, record.offset, record)).collect();
    store.apply(&updates[5..7]).await.unwrap();
    // Those of the stream come from wherever it is read again, and what it has skipped is not its own.
    assert_eq!(store.apply(&updates[..7]).await.unwrap(), applied(0, 7));
    assert_eq!(store.apply_history(&updates[..3]).await.unwrap(), applied(3, 0));
    assert_eq!(store.apply_history(&updates[..7]).await.unwrap(), applied(2, 5));
    assert_eq!(store.apply_history(&updates[..7]).await.unwrap(), applied(0, 7));
    assert_eq!(read_one(&store, P).await, present(7, 4.0, 6));
    // History that is ahead of the stream is not counted again by it.
    assert_eq!(store.apply_history(&updates).await.unwrap(), applied(3, 7));
    assert_eq!(store.apply(&updates[7..]).await.unwrap(), applied(0, 3));
    assert_eq!(read_one(&store, P).await, present(10, 4.0, 9));
}

async fn features_of_reviews_carry_names_and_the_worst_status(kind: Kind) {
    let store = kind.store().await;
    let first = source(0, 0);
    let updates = [update(Entity::product("p"), 4.0, 1, &first), update(Entity::user("u"), 2.0, 1, &first)];
    store.apply(&updates).await.unwrap();
    let review = |product_id, user_id| ReviewEntities { product_id, user_id };
    let reviews =
        [review(Some("p"), Some("u")), review(Some("p"), Some("new")), review(None, Some("new")), review(None, None)];
    let batch = store.features(&reviews, at(0)).await;
    assert_eq!((&batch.error, batch.undecodable), (&None, 0));
    let statuses: Vec<_> = batch.iter().map(|features| features.status).collect();
    use FeaturesStatus::{Missing, None as Nothing, Present};
    assert_eq!(statuses, [Present, Missing, Missing, Nothing]);
    let values = |i: usize| -> Vec<(&str, f64)> { batch.of(i).iter().collect() };
    let of_product = [("product_stats.rating_count", 1.0), ("product_stats.rating_mean", 4.0)];
    let of_user = [("user_stats.rating_count", 1.0), ("user_stats.rating_mean", 2.0)];
    assert_eq!(values(0), [of_product, of_user].concat());
    assert_eq!(values(1), of_product);
    assert_eq!((values(2), values(3)), (vec![], vec![]));
}

async fn ids_of_any_bytes_are_kept_apart(kind: Kind) {
    let store = kind.store().await;
    let ids = ["", " ", "a", "a\0", "\0a", "é", "e\u{301}", "🙂", "a:b", "a\r\nb"];
    let sources: Vec<Source> = (0..ids.len() as i64).map(|offset| source(0, offset)).collect();
    let updates: Vec<_> =
        ids.iter().zip(&sources).map(|(id, source)| update(Entity::product(id), 3.0, source.offset, source)).collect();
    store.apply(&updates).await.unwrap();
    for (id, source) in ids.iter().zip(&sources) {
        assert_eq!(read_one(&store, Entity::product(id)).await, present(1, 3.0, source.offset), "{id:?}");
    }
}

async fn empty_batches_do_nothing(kind: Kind) {
    let store = kind.store().await;
    assert_eq!(store.apply(&[]).await.unwrap(), applied(0, 0));
    assert_eq!(store.read(&[], at(0)).await.entities, []);
    assert!(store.features(&[], at(0)).await.is_empty());
}

/// Three views of one entity, in one hash: every aggregate, in any order of events, with and without a ttl.
const EVERY_AGGREGATE: &str = "
[a_all]
entity = 'product_id'
source = 'reviews'
features.count = 'count'
features.sum = 'sum'
features.mean = 'mean'
features.last = 'last'
[b_decayed]
entity = 'product_id'
source = 'reviews'
features.c3 = { aggregate = 'count', half_life_days = 3 }
features.s3 = { aggregate = 'sum', half_life_days = 3 }
features.m3 = { aggregate = 'mean', half_life_days = 3 }
features.m01 = { aggregate = 'mean', half_life_days = 0.1 }
[c_windows]
entity = 'product_id'
source = 'reviews'
ttl_days = 9
features.c1 = { aggregate = 'count', window_days = 1 }
features.s7 = { aggregate = 'sum', window_days = 7 }
features.m7 = { aggregate = 'mean', window_days = 7 }
features.m30 = { aggregate = 'mean', window_days = 30 }
features.m1000h = { aggregate = 'mean', half_life_days = 41.7 }
";

async fn every_aggregate_equals_the_state_bit_for_bit(kind: Kind) {
    let views = views(EVERY_AGGREGATE);
    let store = kind.store_with(&views).await;
    let mut random = random();
    let ids = ["a", "b", "c"];
    let mut states: Vec<Vec<State>> = ids.iter().map(|_| views.iter().map(State::new).collect()).collect();
    let mut offset = 0;
    let mut now = -40_000_000_000_i64;
    for _ in 0..60 {
        let sources: Vec<Source> = (0..random(9) as i64).map(|i| source(0, offset + i)).collect();
        offset += sources.len() as i64;
        let mut updates = Vec::new();
        for record in &sources {
            // Mostly forwards, now and then late, across 1970 and gaps longer than the ttl.
            now += random(90_000_000) as i64 + if random(30) == 0 { 900_000_000 } else { 0 };
            let late = if random(4) == 0 { random(2_000_000_000) as i64 } else { 0 };
            let place = random(3) as usize;
            let event = Event { value: 1.0 + random(4_000_001) as f64 / 1_000_000.0, event_time: at(now - late) };
            updates.push(Update { entity: Entity::product(ids[place]), from: EventSource::Reviews, event, record });
            for (state, view) in states[place].iter_mut().zip(views.iter()) {
                state.apply(view, &event);
            }
        }
        assert_eq!(store.apply(&updates).await.unwrap(), applied(3 * updates.len(), 0));
        assert_eq!(store.apply(&updates).await.unwrap(), applied(0, 3 * updates.len()));
        for (id, states) in ids.iter().zip(&states) {
            let reading = store.read(&[Entity::product(id)], at(now - 400_000_000)).await.entities.remove(0);
            for ((view, state), reading) in views.iter().zip(states).zip(reading.views) {
                match reading {
                    ViewReading::Present(found) => {
                        let bits = |values: Vec<Option<f64>>| -> Vec<Option<u64>> {
                            values.into_iter().map(|value| value.map(f64::to_bits)).collect()
                        };
                        let expected = state.values(view).into_iter().map(Some).collect();
                        assert_eq!(bits(found.values), bits(expected), "{}", view.name());
                        assert_eq!(Some(found.event_time), state.event_time());
                    }
                    ViewReading::Missing => assert!(state.is_empty()),
                    ViewReading::Stale(found) => assert_eq!(Some(found.event_time), state.event_time()),
                    ViewReading::Unavailable => panic!("the store does not answer"),
                }
            }
        }
    }
}

async fn a_view_with_as_many_features_as_may_be_counts(kind: Kind) {
    let features = |count: u32, form: &dyn Fn(u32) -> String| -> String {
        (1..=count).map(|i| format!("features.f{i} = {}\n", form(i))).collect()
    };
    let windows = |i: u32| format!("{{ aggregate = 'mean', window_days = {i} }}");
    let half_lives = |i: u32| format!("{{ aggregate = 'count', half_life_days = {i} }}");
    let view = "entity = 'product_id'\nsource = 'reviews'\n";
    let text = format!("[a]\n{view}{}[b]\n{view}{}", features(48, &windows), features(48, &half_lives));
    let store = kind.store_with(&views(&text)).await;
    let record = source(0, 0);
    assert_eq!(store.apply(&[update(P, 4.0, 1, &record)]).await.unwrap(), applied(2, 0));
    let found = |value: f64| ViewReading::Present(Values { values: vec![Some(value); 48], event_time: at(1) });
    assert_eq!(read_one(&store, P).await, Reading { views: vec![found(4.0), found(1.0)] });
}

async fn a_view_takes_only_events_of_its_source(kind: Kind) {
    let text = "[labels]\nentity = 'product_id'\nsource = 'feedback'\nfeatures.positives = 'mean'\n\
                [stars]\nentity = 'product_id'\nsource = 'reviews'\nfeatures.stars = 'mean'\n";
    let store = kind.store_with(&views(text)).await;
    let (rating, label) = (source(0, 0), Source { topic: "feedback".to_owned(), partition: 0, offset: 0 });
    let entities = ReviewEntities { product_id: Some("p"), user_id: Some("u") };
    let stars = Rating::new(4.0).unwrap();
    let mut updates: Vec<Update<'_>> = Update::of_rating(entities, stars, at(1), &rating).collect();
    updates.extend(Update::of_label(entities, Label::Positive, at(2), &label));
    // Nothing is known of users.
    assert_eq!(store.apply(&updates).await.unwrap(), applied(2, 0));
    let batch = store.features(&[entities], at(3)).await;
    let values: Vec<(&str, f64)> = batch.of(0).iter().collect();
    assert_eq!(values, [("labels.positives", 1.0), ("stars.stars", 4.0)]);
    assert_eq!(batch.of(0).status, FeaturesStatus::Present);
    let of_user = ReviewEntities { product_id: None, user_id: Some("u") };
    assert_eq!(store.features(&[of_user], at(3)).await.of(0).status, FeaturesStatus::None);
}

async fn ratings_and_labels_become_updates_of_product_and_user(_: Kind) {
    let record = source(0, 7);
    let entities = ReviewEntities { product_id: Some("p"), user_id: Some("u") };
    let updates: Vec<_> = Update::of_rating(entities, Rating::new(2.0).unwrap(), at(5), &record).collect();
    assert_eq!(updates, [update(Entity::product("p"), 2.0, 5, &record), update(Entity::user("u"), 2.0, 5, &record)]);
    let updates: Vec<_> = Update::of_label(entities, Label::Negative, at(5), &record).collect();
    assert_eq!(
        updates.iter().map(|update| (update.from, update.event.value)).collect::<Vec<_>>(),
        [(EventSource::Feedback, 0.0); 2]
    );
}

async fn reviews_are_remembered_for_labels_where_views_are_made_of_them(kind: Kind) {
    let text = "[labels]\nentity = 'product_id'\nsource = 'feedback'\nfeatures.positives = 'mean'\n";
    let store = kind.store_with(&views(text)).await;
    let entities = ReviewEntities { product_id: Some("p"), user_id: None };
    for _ in 0..2 {
        store.remember(&[("r1", entities), ("r2", ReviewEntities::default())]).await.unwrap();
    }
    let recalled = store.recall(&["r2", "r0", "r1"]).await.unwrap();
    let recalled: Vec<_> = recalled.iter().map(|entities| entities.as_ref().map(|found| found.borrowed())).collect();
    assert_eq!(recalled, [Some(ReviewEntities::default()), None, Some(entities)]);

    let without_labels = kind.store().await;
    without_labels.remember(&[("r1", entities)]).await.unwrap();
    assert_eq!(without_labels.recall(&["r1"]).await.unwrap(), [None]);
}

/// PCG's multiplier (O'Neill, 2014): good enough to choose, and the same at every run.
fn random() -> impl FnMut(u64) -> u64 {
    let mut state = 42_u64;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}
