//! The parts of the system, started in one process: the broker, the model's follower, the stream worker, the gateway and
//! the tally, each supervised as it is when it runs alone.

use crate::Error;
use crate::ledger::Ledger;
use crate::options::{Config, Options};
use crate::tally::{Counts, Tally};
use feature_store::online::{MemoryStore, OnlineStore};
use schemas::Topics;
use scorer::features::Features;
use scorer::gateway::Gateway;
use scorer::stream::Stream;
use scorer::{ModelFollower, ModelHandle};
use service::health::Health;
use service::kafka::{EmbeddedBroker, KafkaConfig};
use service::supervisor::{Policy, Supervisor};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long the scorer may take to join its group: the broker lets a new group wait for some seconds.
const START: Duration = Duration::from_secs(60);

/// How long the parts may take to stop.
const GRACE: Duration = Duration::from_secs(30);

/// What the in-process broker asks of its clients.
const PROPERTIES: [(&str, &str); 4] = [
    // There is no network to spare: compressing would only cost time.
    ("compression.type", "none"),
    // A fetch that finds nothing is answered after this time, whatever has arrived meanwhile.
    ("fetch.wait.max.ms", "5"),
    // A batch that pushes all others out of its partition cannot be fetched. No two of this size can do that to each
    // other; a larger record is refused, and counted.
    ("message.max.bytes", "2400000"),
    // Each of these is of producers or of consumers only, and the clients of the other kind would warn of it.
    ("log_level", "3"),
];

/// The running system.
pub(crate) struct System {
    kafka: KafkaConfig,
    /// What makes predictions and answers requests.
    services: Supervisor,
    /// What counts them, and has to outlive them.
    tally: Supervisor,
    /// What the tally answers at its end.
    ends: oneshot::Receiver<BTreeMap<i32, i64>>,
    /// The last to go.
    _broker: EmbeddedBroker,
}

/// What joins the system to the replay.
pub(crate) struct Books {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) counts: Counts,
    /// What is known of products and users.
    pub(crate) features: MemoryStore,
}

impl System {
    /// Starts every part, and waits until the scorer takes in reviews.
    pub(crate) async fn start(
        config: &Config,
        options: &Options,
        model: (ModelHandle, ModelFollower),
        door: Door,
        books: Books,
    ) -> Result<Self, Error> {
        let topics = config.topics.clone();
        let broker = start_broker(&topics, options.partitions)?;
        let mut kafka = broker.config("demo");
        let property = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        kafka.properties.extend(PROPERTIES.iter().map(property));
        let (model, follower) = model;
        let listener = door.listener;
        let Books { ledger, counts, features: store } = books;
        let features = Features::from_store(OnlineStore::Memory(store.clone()));
        let gateway = Gateway::new(config.gateway.clone(), features.clone());
        gateway.set_model(model.clone());
        let health = Health::new();

        let services = Supervisor::new(CancellationToken::new());
        let token = services.token().clone();
        let interval = config.registry.poll_interval();
        services.spawn("model follower", Policy::Essential, endless(follower.run(interval, token.clone())));
        let serving = token.clone();
        services.spawn("gateway", Policy::Essential, endless(async move { gateway.serve(listener, serving).await }));
        let stream = Stream {
            kafka: kafka.clone(),
            topics: topics.clone(),
            config: config.stream.clone(),
            model,
            features,
            runtime: tokio::runtime::Handle::current(),
            until_end: false,
            health: health.component("scorer"),
        };
        services.spawn_blocking("scorer", Policy::Essential, move || stream.run(&token).map(drop))?;

        let tally = Supervisor::new(CancellationToken::new());
        let finish = tally.token().clone();
        let counting =
            Tally { kafka: kafka.clone(), topics, partitions: options.partitions, ledger, counts, features: store };
        let (sender, ends) = oneshot::channel();
        tally.spawn_blocking("tally", Policy::Essential, move || {
            // Nobody waits for the answer of a demo that failed.
            counting.run(&finish).map(|ends| drop(sender.send(ends)))
        })?;

        let system = Self { kafka, services, tally, ends, _broker: broker };
        match system.ready(&health).await {
            Ok(()) => Ok(system),
            // A part that failed knows more than that nothing was ready.
            Err(error) => Err(system.stop().await.err().unwrap_or(error)),
        }
    }

    /// How the broker is reached.
    pub(crate) fn kafka(&self) -> &KafkaConfig {
        &self.kafka
    }

    /// Comes when a part has failed; [`stop`](Self::stop) says which.
    pub(crate) async fn broken(&self) {
        tokio::select! {
            () = self.services.token().cancelled() => {}
            () = self.tally.token().cancelled() => {}
        }
    }

    /// Stops the services, then the tally, which first reads all that they have left. Answers how many reviews each
    /// partition has got.
    pub(crate) async fn stop(self) -> Result<BTreeMap<i32, i64>, Error> {
        self.services.token().cancel();
        let services = self.services.join_all(GRACE).await;
        self.tally.token().cancel();
        let tally = self.tally.join_all(GRACE).await;
        services.and(tally)?;
        Ok(self.ends.await.expect("a tally that ended well has answered"))
    }

    async fn ready(&self, health: &Health) -> Result<(), Error> {
        let deadline = Instant::now() + START;
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        while !health.is_ready() {
            if Instant::now() >= deadline {
                return Err(Error::NotReady { seconds: START.as_secs() });
            }
            tokio::select! {
                () = self.broken() => return Err(Error::NotReady { seconds: START.as_secs() }),
                _ = looks.tick() => {}
            }
        }
        Ok(())
    }
}

fn start_broker(topics: &Topics, partitions: i32) -> Result<EmbeddedBroker, Error> {
    let dead_letters = Topics::dead_letters_of(&topics.reviews);
    let names = [topics.reviews.as_str(), &topics.predictions, &topics.feedback, &topics.drift, &dead_letters];
    Ok(EmbeddedBroker::start(&names.map(|name| (name, partitions)))?)
}

/// The gateway's port.
pub(crate) struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

impl Door {
    /// Its own port, or any free one where that is taken and `any_port` will do.
    pub(crate) async fn open(listen: &str, any_port: bool) -> Result<Self, Error> {
        let closed = |reason| Error::Gateway { listen: listen.to_owned(), reason };
        let listener = match TcpListener::bind(listen).await {
            Err(taken) if any_port && taken.kind() == ErrorKind::AddrInUse => {
                let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
                TcpListener::bind(format!("{host}:0")).await.map_err(closed)?
            }
            outcome => outcome.map_err(closed)?,
        };
        let address = listener.local_addr().map_err(closed)?;
        Ok(Self { listener, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A task that ends only when it is told to.
async fn endless(task: impl Future<Output = ()>) -> Result<(), Infallible> {
    task.await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_is_taken_yields_to_a_free_one_only_where_that_is_allowed() {
        let taken = Door::open("127.0.0.1:0", false).await.unwrap();
        let listen = taken.address().to_string();
        let error = Door::open(&listen, false).await.err().unwrap().to_string();
        assert!(error.starts_with(&format!("the gateway cannot listen on {listen}")), "{error}");
        let other = Door::open(&listen, true).await.unwrap();
        assert_ne!(other.address(), taken.address());
    }
}
