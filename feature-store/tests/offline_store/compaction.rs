//! Compactions, among writers and readers.

use crate::stores::{World, offsets_of, part, partition};
use arrow_array::Array;
use arrow_array::cast::AsArray;
use feature_store::offline::store::{CompactOptions, Compacted, Dataset, Error, PartWriter};
use feature_store::offline::{Listing, ReadOptions, ReviewFiles};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const AT_ONCE: CompactOptions = CompactOptions { target_bytes: 1 << 20, min_age: Duration::ZERO };

async fn compact(world: &World) -> Compacted {
    world.store.compact(Dataset::Reviews, AT_ONCE, &|| false).await.unwrap()
}

#[tokio::test]
async fn small_files_become_one_and_writing_goes_on_behind_it() {
    let world = World::new();
    for start in 0..10 {
        world.write(10 * start..10 * start + 10).await;
    }
    let done = compact(&world).await;
    assert_eq!((done.written, done.removed), (1, 10));
    let listing = world.store.list(Dataset::Reviews).await.unwrap();
    assert_eq!((listing.parts.len(), listing.parts[0].offsets.clone()), (1, 0..100));
    assert_eq!(world.read().await, (0..100).collect::<Vec<_>>());
    assert_eq!(world.store.chain_end(Dataset::Reviews, &partition(0)).await.unwrap(), Some(100));

    assert_eq!(compact(&world).await, Compacted::default());
    world.write(100..110).await;
    assert_eq!(world.read().await, (0..110).collect::<Vec<_>>());
    compact(&world).await;
    assert_eq!(world.read().await, (0..110).collect::<Vec<_>>());
}

#[tokio::test]
async fn young_and_large_files_are_left_alone() {
    let world = World::new();
    world.write(0..10).await;
    world.write(10..20).await;
    let young = CompactOptions { min_age: Duration::from_secs(3600), ..AT_ONCE };
    let large = CompactOptions { target_bytes: 1, ..AT_ONCE };
    for options in [young, large] {
        let done = world.store.compact(Dataset::Reviews, options, &|| false).await.unwrap();
        assert_eq!(done, Compacted::default());
    }
    let stopped = world.store.compact(Dataset::Reviews, AT_ONCE, &|| true).await.unwrap();
    assert_eq!(stopped, Compacted::default());
}

#[tokio::test]
async fn a_file_that_was_moved_away_finds_its_place_when_it_comes_back() {
    let world = World::new();
    // There is no file between them.
    world.write(0..10).await;
    world.write(20..30).await;
    assert_eq!(compact(&world).await, Compacted::default());
    world.write(10..20).await;
    assert_eq!(compact(&world).await.written, 1);
    assert_eq!(world.read().await, (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn one_that_was_killed_before_it_had_removed_all_is_finished_by_the_next() {
    let world = World::new();
    let parts: Vec<_> = [0..10, 10..20, 20..30].into_iter().map(|offsets| part(0, offsets)).collect();
    for part in &parts {
        world.store.create(part).await.unwrap();
    }
    compact(&world).await;
    // Back are two of the three.
    for part in [&parts[0], &parts[2]] {
        world.store.create(part).await.unwrap();
    }
    assert_eq!(world.read().await, (0..30).collect::<Vec<_>>());
    assert_eq!(world.store.chain_end(Dataset::Reviews, &partition(0)).await.unwrap(), Some(30));
    assert_eq!(compact(&world).await.removed, 2);
    assert_eq!(world.read().await, (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_listing_has_the_same_rows_whatever_is_written_and_compacted_meanwhile() {
    let world = World::new();
    for (number, start) in [(0, 0), (0, 10), (1, 0), (1, 10)] {
        world.store.create(&part(number, start..start + 10)).await.unwrap();
    }
    let listing = Listing::of(&[world.folder.path().join("reviews")]).unwrap();
    let expected: Vec<String> = (0..20).chain(0..20).map(|offset| format!("r{offset}")).collect();
    assert_eq!(review_ids(&listing), expected);
    world.write(20..30).await;
    assert_eq!(review_ids(&listing), expected);
    assert_eq!(compact(&world).await.written, 2);
    assert_eq!(review_ids(&listing), expected);
}

fn review_ids(listing: &Listing) -> Vec<String> {
    let mut files = ReviewFiles::open_listed(listing, &ReadOptions::default()).unwrap();
    let batches = std::iter::from_fn(|| files.next_batch().unwrap());
    batches.flatten().map(|row| row.review_id.unwrap()).collect()
}

#[tokio::test]
async fn a_writer_that_comes_too_late_repeats_nothing_for_a_reader() {
    let world = World::new();
    world.write(0..10).await;
    world.write(10..20).await;
    compact(&world).await;
    // The file in its way is gone, and it had read further than the one that was first.
    world.store.create(&part(0, 10..25)).await.unwrap();
    assert_eq!(world.read().await, (0..25).collect::<Vec<_>>());
    world.write(25..30).await;
    compact(&world).await;
    assert_eq!(world.read().await, (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn of_files_with_one_start_the_compacted_one_is_read_whole() {
    let world = World::new();
    for offsets in [0..10, 10..20] {
        world.write(offsets).await;
    }
    compact(&world).await;
    world.write(20..30).await;
    // A late writer's file stands beside it and holds less, which its name does not say.
    world.store.create(&part(0, 0..7)).await.unwrap();
    assert_eq!(world.read().await, (0..30).collect::<Vec<_>>());
    assert_eq!(compact(&world).await.removed, 3, "the late one, then the two that became one");
    assert_eq!(world.read().await, (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_part_without_rows_is_a_link_of_the_chain() {
    let world = World::new();
    world.write(0..10).await;
    let empty = PartWriter::new(Dataset::Reviews, partition(0), 10).unwrap().finish(12).unwrap();
    world.store.create(&empty).await.unwrap();
    assert_eq!(world.store.chain_end(Dataset::Reviews, &partition(0)).await.unwrap(), Some(12));
    world.write(12..20).await;
    let rows: Vec<i64> = (0..10).chain(12..20).collect();
    assert_eq!(world.read().await, rows);
    assert_eq!(compact(&world).await.removed, 3);
    assert_eq!(world.read().await, rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_neither_gap_nor_repeat_while_two_compactions_and_a_writer_work() {
    let world = World::new();
    world.write(0..5).await;
    let over = AtomicBool::new(false);
    let write = async {
        for start in 1..60 {
            world.write(5 * start..5 * start + 5).await;
        }
        over.store(true, Ordering::Relaxed);
    };
    let compacts = async |target_bytes| {
        let options = CompactOptions { target_bytes, ..AT_ONCE };
        while !over.load(Ordering::Relaxed) {
            world.store.compact(Dataset::Reviews, options, &|| false).await.unwrap();
        }
    };
    let reads = async {
        let mut reads = 0;
        while !over.load(Ordering::Relaxed) {
            // One file may be gone since it was listed; the whole is read again then, as any reader may do.
            let Some(found) = try_read(&world).await else { continue };
            assert!(found.iter().copied().eq(0..found.len() as i64), "{found:?}");
            assert!(!found.is_empty());
            reads += 1;
        }
        reads
    };
    let ((), (), (), reads) = futures::join!(write, compacts(60_000), compacts(200_000), reads);
    assert!(reads > 0);
    assert_eq!(world.read().await, (0..300).collect::<Vec<_>>());
}

async fn try_read(world: &World) -> Option<Vec<i64>> {
    let parts = match world.store.list(Dataset::Reviews).await {
        Ok(listing) => listing.parts,
        Err(Error::Gone { .. }) => return None,
        Err(error) => panic!("{error}"),
    };
    for part in &parts {
        match world.store.open_part(part).await {
            Ok(_) => {}
            Err(Error::Gone { .. }) => return None,
            Err(error) => panic!("{error}"),
        }
    }
    let mut found = Vec::new();
    for part in parts {
        let mut reader = world.store.open_part(&part).await.ok()?;
        while let Some(batch) = reader.next_batch().unwrap() {
            let offsets = batch.column_by_name("source_offset").unwrap();
            found.extend(offsets.as_primitive::<arrow_array::types::Int64Type>().values());
        }
    }
    Some(found)
}

#[tokio::test]
async fn columns_that_one_version_lacks_are_null_and_none_is_left_out() {
    let world = World::new();
    world.write(0..2).await;
    // As a later version would write it, with a column more and one less.
    let listed = world.store.list(Dataset::Reviews).await.unwrap().parts.remove(0);
    let path = world.store.path_of(&listed).unwrap();
    let later = path.with_file_name("00000000000000000002.parquet");
    write_with_other_columns(&later);

    let ours = Dataset::Reviews.schema();
    let titles = async |column: &str| {
        let mut found = Vec::new();
        for part in world.store.list(Dataset::Reviews).await.unwrap().parts {
            let mut reader = world.store.open_part(&part).await.unwrap();
            while let Some(batch) = reader.next_batch().unwrap() {
                let column = batch.column_by_name(column).map(|column| column.as_string::<i32>().clone());
                found.extend((0..batch.num_rows()).map(|row| {
                    column.as_ref().filter(|column| column.is_valid(row)).map(|column| column.value(row).to_owned())
                }));
            }
            let mut reader = world.store.open_part(&part).await.unwrap();
            assert_eq!(reader.next_batch_as(&ours).unwrap().unwrap().schema(), ours);
        }
        found
    };
    let text = |text: &str| Some(text.to_owned());
    let before = (titles("text").await, titles("mood").await);
    assert_eq!(before, (vec![text("text 0"), text("text 1"), None], vec![None, None, text("glad")]));
    assert_eq!(compact(&world).await.written, 1);
    assert_eq!((titles("text").await, titles("mood").await), before);
    assert_eq!(offsets_of(&world.store, world.store.list(Dataset::Reviews).await.unwrap().parts).await, [0, 1, 2]);
}

fn write_with_other_columns(path: &std::path::Path) {
    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::KeyValue;
    use std::sync::Arc;
    let columns: [(&str, ArrayRef); 3] = [
        ("review_id", Arc::new(StringArray::from(vec!["r2"]))),
        ("mood", Arc::new(StringArray::from(vec!["glad"]))),
        ("source_offset", Arc::new(Int64Array::from(vec![2]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    for (key, value) in [("plaudit.first_offset", "2"), ("plaudit.next_offset", "3")] {
        writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value.to_owned()));
    }
    writer.close().unwrap();
}
