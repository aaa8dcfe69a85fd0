//! The gates before production, from outside.

use crate::world::World;
use serde_json::{Value, json};

/// A version whose training rows say the opposite of what is so.
fn train_wrongly(world: &World, promote: &str) -> Value {
    world.write("wrong.jsonl", 0..400, |row| row % 2 == 1);
    world.run(&format!("train --input wrong.jsonl --test test.jsonl{promote}"))
}

fn world_with_a_champion() -> World {
    let world = World::new();
    world.write("test.jsonl", 1000..1400, |row| row % 2 == 0);
    let first = world.run("train --input reviews.jsonl --test test.jsonl --promote");
    let promotion = &first["promotion"];
    assert_eq!((&promotion["passed"], &promotion["champion"]), (&json!(true), &Value::Null));
    assert!(promotion["reason"].as_str().unwrap().starts_with("the first version"), "{promotion}");
    world
}

fn production(world: &World) -> Value {
    world.run("models show production")["version"].clone()
}

#[test]
fn a_worse_version_is_registered_and_not_promoted_unless_it_is_forced() {
    let world = world_with_a_champion();
    let worse = train_wrongly(&world, " --promote");
    let promotion = &worse["promotion"];
    assert_eq!(
        (&promotion["passed"], &promotion["forced"], &promotion["rows"]),
        (&json!(false), &json!(false), &json!(400))
    );
    assert_eq!(promotion["champion"], "v1");
    let gates = promotion["gates"].as_array().unwrap();
    assert_eq!((gates.len(), &gates[0]["metric"], &gates[0]["passed"]), (2, &json!("macro_f1"), &json!(false)));
    assert_eq!(gates[0]["champion"], json!(1.0));
    assert!(gates[1]["p_value"].as_f64().unwrap() < 0.01, "{gates:?}");
    assert_eq!(production(&world), "v1");
    let page = world.plaudit("train --input wrong.jsonl --test test.jsonl --promote").output().unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains("gates      did not hold, so the alias stays where it is against v1, on 400 rows"), "{page}");
    assert!(page.contains("FAILED macro_f1 may lose at most 0.002: from 1.0000 to 0.0000"), "{page}");

    assert!(world.fails(2, "train --input wrong.jsonl --promote --force").contains("--reason"));
    let forced = train_wrongly(&world, " --promote --force --reason labels-were-turned");
    assert_eq!((&forced["promotion"]["passed"], &forced["promotion"]["forced"]), (&json!(false), &json!(true)));
    assert_eq!(production(&world), forced["model"]["version"]);
    let log = world.run("models log");
    let line = log["entries"].as_array().unwrap().last().unwrap();
    assert_eq!((&line["who"], &line["why"]), (&json!("ann"), &json!("labels-were-turned")));
    assert_eq!(line["verdict"]["gates"][0]["passed"], false, "the log keeps what was overruled");
}

#[test]
fn an_equal_version_holds_the_gates_and_one_that_must_be_better_does_not() {
    let world = world_with_a_champion();
    let equal = world.run("train --input reviews.jsonl --test test.jsonl --promote");
    assert_eq!((&equal["promotion"]["passed"], production(&world)), (&json!(true), json!("v2")));
    let log = world.run("models log");
    assert_eq!(log["entries"][1]["verdict"]["passed"], true);
    let settings = "[promotion]\ngates = [{ metric = \"accuracy\", must = \"beat\", test = \"mcnemar\" }]";
    std::fs::write(world.path().join("strict.toml"), settings).unwrap();
    let equal = world.run("train --input reviews.jsonl --test test.jsonl --promote --config strict.toml");
    assert_eq!((&equal["promotion"]["passed"], production(&world)), (&json!(false), json!("v2")));
    std::fs::write(world.path().join("open.toml"), "[promotion]\ngates = []").unwrap();
    let open = world.run("train --input reviews.jsonl --promote --config open.toml");
    assert_eq!((open.get("promotion"), production(&world)), (None, json!("v4")));
}

#[test]
fn without_a_test_nothing_takes_the_place_of_a_champion() {
    let world = world_with_a_champion();
    let untested = world.run("train --input reviews.jsonl --promote");
    let reason = untested["promotion"]["reason"].as_str().unwrap();
    assert_eq!(reason, "there is no test on which it could be compared with v1");
    assert_eq!(production(&world), "v1");
}

#[test]
fn slices_are_judged_each_for_itself() {
    let world = world_with_a_champion();
    // Right on books and wrong on toys: half of what the champion has.
    world.write("half.jsonl", 0..400, |row| (row % 2 == 0) == (row % 4 < 2));
    let settings =
        "[promotion]\nmin_slice_rows = 100\ngates = [{ metric = \"accuracy\", by = 0.1, slice = \"category\" }]";
    std::fs::write(world.path().join("slices.toml"), settings).unwrap();
    let line = "train --input half.jsonl --test test.jsonl --promote --config slices.toml";
    let gates = world.run(line)["promotion"]["gates"].clone();
    let slices: Vec<_> = gates.as_array().unwrap().iter().map(|gate| (&gate["slice"], &gate["rows"])).collect();
    let (books, toys, rows) = (json!("category=books"), json!("category=toys"), json!(200));
    assert_eq!(slices, [(&books, &rows), (&toys, &rows)]);
    assert_eq!(production(&world), "v1");
}

#[test]
fn a_version_is_promoted_by_hand_through_the_same_gates() {
    let world = world_with_a_champion();
    train_wrongly(&world, "");
    let message = world.fails(1, "models promote v2 --test test.jsonl");
    assert!(message.contains("production stays where it is, the gates did not hold: macro_f1 may lose"), "{message}");
    assert_eq!(production(&world), "v1");
    assert!(world.fails(2, "models promote v2 --test test.jsonl --force").contains("--force needs --reason"));
    let moved = world.run("models promote v2 --test test.jsonl --force --reason known");
    assert_eq!((&moved["verdict"]["forced"], &moved["why"]), (&json!(true), &json!("known")));
    let back = world.run("models promote v1 --test test.jsonl");
    assert_eq!((&back["verdict"]["passed"], production(&world)), (&json!(true), json!("v1")));
    assert_eq!(world.run("models promote v2")["moved"], true, "without a test it is a person's word");
}
