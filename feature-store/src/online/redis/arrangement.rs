//! How the servers behind an address stand to each other: one, the master that sentinels name, or the nodes of a cluster.
//! The address says it, but for a single server, which may be a node of a cluster: that one is asked at its first use, so
//! that a store which is away at the start is found when it comes.

use super::address::{Address, Kind, Place};
use super::cluster::Cluster;
use super::connection::Connector;
use super::discovery::Discovery;
use super::failure::Failure;
use super::reply::Value;
use super::sentinel;
use super::server::Server;
use crate::online::RedisConfig;
use tokio::sync::OnceCell;

/// The servers as they stand to each other.
pub(super) enum Arrangement {
    One(Server),
    Sentinel(Discovery<Server>),
    Cluster(Cluster),
}

/// An arrangement that is known, or becomes known.
pub(super) struct Servers {
    known: OnceCell<Arrangement>,
    connector: Connector,
    /// Whom to ask; of use where the address names one server alone.
    first: Server,
    places: Vec<Place>,
}

impl Servers {
    /// Of an address. Nobody is asked yet.
    pub(super) fn open(address: Address, config: &RedisConfig) -> Result<Self, String> {
        let Address { kind, places, login } = address;
        let connector = Connector::new(login, config)?;
        let known = match kind {
            Kind::One => OnceCell::new(),
            Kind::Cluster => {
                OnceCell::new_with(Some(Arrangement::Cluster(Cluster::new(connector.clone(), places.clone()))))
            }
            Kind::Sentinel { service } => {
                let to_sentinels = connector.with_password(&config.sentinel_password);
                let master = sentinel::master(connector.clone(), to_sentinels, places.clone(), service);
                OnceCell::new_with(Some(Arrangement::Sentinel(master)))
            }
        };
        let first = Server::new(&connector, &places[0]);
        Ok(Self { known, connector, first, places })
    }

    /// The arrangement, asked for where it is not known.
    pub(super) async fn arrangement(&self) -> Result<&Arrangement, Failure> {
        let ask = async || {
            Ok(if is_cluster(&self.first).await? {
                Arrangement::Cluster(Cluster::new(self.connector.clone(), self.places.clone()))
            } else {
                Arrangement::One(self.first.clone())
            })
        };
        self.known.get_or_try_init(ask).await
    }

    /// The arrangement, where it is known.
    pub(super) fn known(&self) -> Option<&Arrangement> {
        self.known.get()
    }

    /// Makes sure that somebody answers.
    pub(super) async fn check(&self) -> Result<(), Failure> {
        let server = match self.arrangement().await? {
            Arrangement::One(server) => server.clone(),
            Arrangement::Sentinel(master) => master.get().await?,
            Arrangement::Cluster(cluster) => cluster.topology().get().await?.server(0)?,
        };
        ping(&server).await
    }

    /// Somebody fails: others may have taken its place.
    pub(super) fn doubt(&self) {
        match self.known() {
            Some(Arrangement::Sentinel(master)) => master.doubt(),
            Some(Arrangement::Cluster(cluster)) => cluster.topology().doubt(),
            Some(Arrangement::One(_)) | None => {}
        }
    }

    /// Somebody says that another is who was asked for.
    pub(super) fn refute(&self) {
        match self.known() {
            Some(Arrangement::Sentinel(master)) => master.refute(),
            Some(Arrangement::Cluster(cluster)) => cluster.topology().refute(),
            Some(Arrangement::One(_)) | None => {}
        }
    }
}

/// Whether a server is a node of a cluster. One that does not say is taken for a server on its own: what it holds elsewhere
/// would come back as an error that says so.
async fn is_cluster(server: &Server) -> Result<bool, Failure> {
    ping(server).await?;
    let info = server.call(&[b"INFO", b"cluster"]).await?;
    Ok(info.text().is_some_and(|info| info.contains("cluster_enabled:1")))
}

async fn ping(server: &Server) -> Result<(), Failure> {
    match server.call(&[b"PING"]).await?.value() {
        Value::Bytes(b"PONG") => Ok(()),
        Value::Refused(reason) => Err(Failure::of_refusal(reason)),
        _ => Err(Failure::no_redis()),
    }
}
