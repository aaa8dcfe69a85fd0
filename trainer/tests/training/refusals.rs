//! What cannot be trained or tested leaves no version, and is said in one sentence.

use crate::bench::{Bench, csv, files, files_where, name, refused, request};
use model::FitConfig;
use trainer::{Error, EvaluateRequest, Holdout, Inquiry, Test, TrainRequest};

#[tokio::test]
async fn data_that_cannot_be_learned_from_are_refused() {
    let bench = Bench::new();
    let positives =
        csv(400).lines().filter(|line| !line.contains(",0,")).map(|line| format!("{line}\n")).collect::<String>();
    let one_class = refused(&bench, request(files(&bench.file("one.csv", &positives)), Test::None)).await;
    assert!(one_class.contains("one.csv") && one_class.contains("all 200 rows are positive"), "{one_class}");

    let few = refused(&bench, request(files(&bench.file("few.csv", &(csv(9) + "x,words,,,\n"))), Test::None)).await;
    assert!(few.contains("few.csv has 9 rows to learn from, and 10 are the least"), "{few}");
    assert!(few.ends_with("; rows left out: 1 no label"), "{few}");

    let neutral = bench.file("neutral.csv", "text,rating\nfine,3\n,5\nso so,3\n");
    let neutral = refused(&bench, request(files(&neutral), Test::None)).await;
    let expected =
        "neutral.csv has 0 rows to learn from, and 10 are the least; rows left out: 1 no text, 2 neutral rating";
    assert!(neutral.ends_with(expected), "{neutral}");

    let header = bench.file("header.csv", "text,rating\n");
    let header = refused(&bench, request(files(&header), Test::None)).await;
    assert!(header.ends_with("header.csv has not a single row"), "{header}");

    let unlabelled = bench.file("unlabelled.csv", "review_id,text,stars\n1,fine,5\n");
    let unlabelled = refused(&bench, request(files(&unlabelled), Test::None)).await;
    assert!(unlabelled.contains("--column rating=COLUMN"), "{unlabelled}");

    let path = bench.file("reviews.csv", &csv(400));
    let none = refused(&bench, request(files_where(&path, &[("part", "neither")]), Test::None)).await;
    assert!(none.ends_with("where part=neither has not a single row"), "{none}");
    let untested = Test::On(files_where(&path, &[("part", "neither")]));
    let untested = refused(&bench, request(files(&path), untested)).await;
    assert!(untested.ends_with("where part=neither has not a single row"), "{untested}");
    let unlabelled = bench.file("unlabelled.csv", "text,rating\nfine,\n");
    let unlabelled = refused(&bench, request(files(&path), Test::On(files(&unlabelled)))).await;
    assert!(unlabelled.ends_with("has no row to test on; rows left out: 1 no label"), "{unlabelled}");
    let all_tested = refused(&bench, request(files(&path), Test::On(files(&path)))).await;
    assert!(all_tested.contains("has 0 rows to learn from"), "{all_tested}");
}

#[tokio::test]
async fn a_wrong_test_file_is_known_before_anything_is_learned() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(100));
    let request = request(files(&path), Test::On(files(&bench.folder.path().join("absent.csv"))));
    let outcome = trainer::train(&bench.registry, request, |step| panic!("{step:?}")).await;
    assert!(outcome.unwrap_err().to_string().contains("absent.csv"));
}

#[tokio::test]
async fn the_memory_limit_ends_the_training() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(3000));
    let fit = FitConfig { memory_limit_bytes: 10_000, ..FitConfig::default() };
    let error = refused(&bench, TrainRequest { fit, ..request(files(&path), Test::None) }).await;
    assert!(error.contains("train.memory_limit_bytes"), "{error}");
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(100));
    let fit = FitConfig { c: -1.0, ..FitConfig::default() };
    let error = refused(&bench, TrainRequest { fit, ..request(files(&path), Test::None) }).await;
    assert!(error.contains("train.c"), "{error}");
}

#[tokio::test]
async fn a_registry_that_cannot_be_written_gets_no_half_version() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(100));
    // A file where the model's folder would be, as a full disk: every write fails.
    std::fs::create_dir(bench.folder.path().join("registry")).unwrap();
    std::fs::write(bench.folder.path().join("registry").join("sentiment"), "in the way").unwrap();
    let error = bench.train(request(files(&path), Test::None)).await.unwrap_err();
    assert!(matches!(error, Error::Registry(_)), "{error}");
    assert!(bench.registry.names().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_unknown_version_or_alias_is_not_evaluated() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(100));
    bench.train(request(files(&path), Test::None)).await.unwrap();
    for wanted in ["production", "v7"] {
        let request = EvaluateRequest {
            name: name(),
            reference: wanted.parse().unwrap(),
            data: files(&path),
            inquiry: Inquiry::default(),
        };
        let error = trainer::evaluate(&bench.registry, request, |_| {}).await.unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_cannot_be_split_into_training_and_test() {
    let bench = Bench::new();
    let pipe = bench.folder.path().join("pipe.csv");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let holdout = Test::Holdout(Holdout::new(0.2).unwrap());
    let error = refused(&bench, request(files(&pipe), holdout)).await;
    assert!(error.contains("pipe.csv` can be read only once"), "{error}");
}
