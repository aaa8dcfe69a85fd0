//! Liveness that is true: a process that does no work although there is some says so.

use crate::harness::{PATIENCE, Running, World, spec, wait_for};
use crate::http::get;
use crate::{PARTITIONS, produce_reviews};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use service::kafka::admin::create_topics;
use std::net::TcpListener;

/// What an operator's mistake does: the topic is gone, and with it the place for what the scorer makes.
fn delete_topic(world: &World, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = world.kafka.producer().create().unwrap();
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for result in runtime.block_on(admin.delete_topics(&[topic], &options)).unwrap() {
        result.unwrap();
    }
}

/// The value of a metric without labels.
fn metric(page: &str, name: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[test]
fn a_scorer_that_has_work_and_commits_nothing_is_not_live_until_it_does() {
    let world = World::new(PARTITIONS);
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = world.plaudit("score");
    command.args(["--set", &format!("health.listen={address}"), "--set", "scorer.stall_timeout_ms=2000"]);
    let scorer = Running::start(&mut command);
    wait_for("a live scorer", || {
        std::net::TcpStream::connect(&address).is_ok() && get(&address, "/health/ready").0 == 200
    });

    let (_, page) = get(&address, "/metrics");
    assert_eq!(metric(&page, "plaudit_stream_lost_records_total "), Some(0.0), "an alert needs a zero");
    delete_topic(&world, &world.topics.predictions);
    produce_reviews(&world, 100);
    wait_for("a scorer that is not live", || get(&address, "/health/live").0 == 503);
    let (_, reasons) = get(&address, "/health/live");
    assert!(reasons.contains("records were taken and none committed for"), "{reasons}");
    assert_eq!(get(&address, "/health/ready").0, 503);
    let (_, page) = get(&address, "/metrics");
    assert!(metric(&page, "plaudit_stream_in_flight_records ").unwrap() > 0.0);

    create_topics(&world.kafka, &[spec(&world.topics.predictions, PARTITIONS)]).unwrap();
    world.wait_for_predictions(100 * PARTITIONS as usize);
    wait_for("a live scorer", || get(&address, "/health/live").0 == 200 && get(&address, "/health/ready").0 == 200);
    let (_, page) = get(&address, "/metrics");
    assert_eq!(metric(&page, "plaudit_stream_in_flight_records "), Some(0.0));
    assert!(scorer.stop().status.success());
}
