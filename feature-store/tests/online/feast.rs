//! Feast itself, from PyPI: it reads what we write, and we read and continue what it brought.

use crate::servers::Server;
use crate::stores::{config, present, read_one, source, update};
use feature_store::online::{Entity, OnlineStore};
use feature_store::views::FeaturesConfig;
use schemas::Source;
use std::process::Command;
use tempfile::TempDir;

/// When Feast's own rows were, in `feast_side.py`.
const AT: i64 = 1_714_557_600_123;

struct Feast {
    folder: TempDir,
    port: u16,
}

impl Feast {
    /// Runs `feast_side.py`, and brings what it prints.
    fn run(&self, words: &[&str]) -> String {
        let python = std::env::var("PLAUDIT_TEST_FEAST").unwrap_or_else(|_| {
            panic!("PLAUDIT_TEST_FEAST is not set: run dev/test, or export PLAUDIT_TEST_FEAST=$(dev/feast)")
        });
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/online/feast_side.py");
        let folder = self.folder.path().to_str().unwrap();
        let mut command = Command::new(python);
        command.args([script, folder, &self.port.to_string()]).args(words);
        // It would count its users.
        let done = command.env("FEAST_USAGE", "False").output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// What it prints of products: a JSON object behind whatever else Feast says.
    fn read(&self, ids: &[&str]) -> serde_json::Value {
        let text = self.run(&[&["read"], ids].concat());
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn feast_reads_what_we_write_and_we_read_and_continue_what_it_brought() {
    let server = Server::start(&[]);
    let feast = Feast { folder: TempDir::new().unwrap(), port: server.port };
    let views = FeaturesConfig::default().parse().unwrap();
    let store = OnlineStore::connect(&config(&server.url()), &views).await.unwrap();
    let records: Vec<Source> = (0..300).map(|offset| source(0, offset)).collect();
    let ours: Vec<_> = records
        .iter()
        .map(|record| update(Entity::product("ours"), 1.0 + (record.offset % 5) as f64, AT, record))
        .collect();
    store.apply(&ours).await.unwrap();

    feast.run(&["bring"]);
    assert_eq!(read_one(&store, Entity::product("materialized")).await, present(1000, 4.1, AT));
    assert_eq!(read_one(&store, Entity::product("pushed")).await, present(2, 3.5, AT));
    let next = source(0, 300);
    store.apply(&[update(Entity::product("pushed"), 5.0, AT + 1, &next)]).await.unwrap();
    assert_eq!(read_one(&store, Entity::product("pushed")).await, present(3, 4.0, AT + 1));

    let read = feast.read(&["ours", "materialized", "pushed", "nobody"]);
    let expected = serde_json::json!({
        "product_id": ["ours", "materialized", "pushed", "nobody"],
        "rating_count": [300, 1000, 3, null],
        "rating_mean": [3.0, 4.1, 4.0, null],
    });
    for (column, values) in expected.as_object().unwrap() {
        assert_eq!(&read[column], values, "{column}");
    }
    // Of what is missing Feast says some time or other.
    assert_eq!(read["event_time"].as_array().unwrap()[..3], [AT, AT, AT + 1].map(serde_json::Value::from));
}
