//! Who holds which slots of a cluster. Asked at the start, and again whenever a node says otherwise or fails.

use super::address::Place;
use super::connection::Connector;
use super::discovery::Discovery;
use super::failure::Failure;
use super::reply::Value;
use super::server::{Server, first_of};
use super::slot::SLOTS;
use futures::FutureExt;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A node that is frozen must not keep the next one from being asked.
const NODE_LIMIT: Duration = Duration::from_millis(500);

pub(super) struct Cluster {
    nodes: Arc<Nodes>,
    topology: Discovery<Arc<Topology>>,
}

/// The nodes that are known. Each keeps its connections over changes of the topology.
struct Nodes {
    connector: Connector,
    seeds: Vec<Place>,
    servers: Mutex<HashMap<Place, Server>>,
}

/// Which node holds each slot.
pub(super) struct Topology {
    nodes: Vec<(Place, Server)>,
    /// Places in `nodes`; beyond them for a slot that nobody holds.
    node_of: Vec<u16>,
}

impl Topology {
    /// The number of a slot's node.
    pub(super) fn node_of(&self, slot: u16) -> usize {
        self.node_of.get(usize::from(slot)).map_or(usize::MAX, |node| usize::from(*node))
    }

    pub(super) fn server(&self, node: usize) -> Result<Server, Failure> {
        let nobody = || Failure::Away("the cluster is down: no node holds some slots".to_owned());
        self.nodes.get(node).map(|(_, server)| server.clone()).ok_or_else(nobody)
    }
}

impl Cluster {
    /// Of some of its nodes. Nobody is asked yet.
    pub(super) fn new(connector: Connector, seeds: Vec<Place>) -> Self {
        let nodes = Arc::new(Nodes { connector, seeds, servers: Mutex::default() });
        let asked = nodes.clone();
        let topology = Discovery::new(move |before| {
            let nodes = asked.clone();
            async move { nodes.topology(before.as_deref()).await }.boxed()
        });
        Self { nodes, topology }
    }

    /// Who holds what.
    pub(super) fn topology(&self) -> &Discovery<Arc<Topology>> {
        &self.topology
    }

    /// A node, kept for the next time.
    pub(super) fn server_at(&self, place: &Place) -> Server {
        self.nodes.server_at(place)
    }
}

impl Nodes {
    /// Asks who holds what: whom we know, and then where we began, since nodes come and go and that may be the only way back.
    async fn topology(&self, before: Option<&Topology>) -> Result<Arc<Topology>, Failure> {
        let known = before.map_or(&[][..], |before| &before.nodes);
        let seeds = self.seeds.iter().filter(|seed| known.iter().all(|(place, _)| place != *seed));
        let places = known.iter().map(|(place, _)| place).chain(seeds);
        let ranges = first_of(places.map(|place| self.ask(place)).collect()).await?;
        let mut nodes: Vec<(Place, Server)> = Vec::new();
        let mut node_of = vec![u16::MAX; SLOTS];
        for Range { first, last, holder } in ranges {
            let node = match nodes.iter().position(|(place, _)| *place == holder) {
                Some(node) => node,
                None => {
                    nodes.push((holder.clone(), self.server_at(&holder)));
                    nodes.len() - 1
                }
            };
            node_of[first..=last].fill(node as u16);
        }
        self.servers().retain(|place, _| nodes.iter().any(|(node, _)| node == place));
        Ok(Arc::new(Topology { nodes, node_of }))
    }

    fn server_at(&self, place: &Place) -> Server {
        self.servers().entry(place.clone()).or_insert_with(|| Server::new(&self.connector, place)).clone()
    }

    async fn ask(&self, place: &Place) -> Result<Vec<Range>, Failure> {
        let server = self.server_at(place);
        let asking = server.call(&[b"CLUSTER", b"SLOTS"]);
        let silent = |_| Failure::Away(format!("{place}, a node of the cluster, does not answer"));
        let answer = tokio::time::timeout(NODE_LIMIT, asking).await.map_err(silent)??;
        let ranges = match answer.value() {
            Value::Array(mut ranges) => ranges.by_ref().map(|range| Range::read(range, place)).collect(),
            Value::Refused(reason) => return Err(Failure::of_refusal(reason)),
            _ => None,
        };
        ranges.ok_or_else(Failure::no_redis)
    }

    fn servers(&self) -> MutexGuard<'_, HashMap<Place, Server>> {
        // Nothing panics while it is held.
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Slots that one master holds.
struct Range {
    first: usize,
    last: usize,
    holder: Place,
}

impl Range {
    /// Reads first slot, last slot, master, replicas..; a node is host, port, id, ...
    fn read(range: Value<'_>, asked: &Place) -> Option<Self> {
        let Value::Array(mut range) = range else { return None };
        let (Value::Int(first), Value::Int(last), Value::Array(mut master)) =
            (range.next()?, range.next()?, range.next()?)
        else {
            return None;
        };
        let (host, Value::Int(port)) = (master.next()?, master.next()?) else { return None };
        // A node that does not know its own name is where it was asked.
        let host = host.text().filter(|host| !host.is_empty()).unwrap_or(&asked.host).to_owned();
        let slot = |slot: i64| usize::try_from(slot).ok().filter(|slot| *slot < SLOTS);
        let (first, last) = (slot(first)?, slot(last)?);
        (first <= last).then_some(Self { first, last, holder: Place { host, port: u16::try_from(port).ok()? } })
    }
}
