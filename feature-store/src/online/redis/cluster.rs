//! Who holds which slots of a cluster. Asked at the start, and again whenever a node says otherwise or fails.

use super::address::Place;
use super::connection::Connector;
use super::failure::Failure;
use super::reply::Value;
use super::server::{Server, first_of};
use super::slot::SLOTS;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A node that is frozen must not keep the next one from being asked.
const NODE_LIMIT: Duration = Duration::from_millis(500);

pub(super) struct Cluster {
    connector: Connector,
    seeds: Vec<Place>,
    known: Mutex<Known>,
}

struct Known {
    topology: Arc<Topology>,
    /// A node keeps its connections over changes of the topology.
    servers: HashMap<Place, Server>,
    is_stale: bool,
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
        let topology = Arc::new(Topology { nodes: Vec::new(), node_of: Vec::new() });
        let known = Mutex::new(Known { topology, servers: HashMap::new(), is_stale: true });
        Self { connector, seeds, known }
    }

    /// Who holds what, asked anew when it is known to have changed.
    pub(super) async fn topology(&self) -> Result<Arc<Topology>, Failure> {
        let places: Vec<Place> = {
            let known = self.known();
            if !known.is_stale {
                return Ok(known.topology.clone());
            }
            let nodes = known.topology.nodes.iter().map(|(place, _)| place);
            // Nodes come and go; where we began may be the only way back.
            let seeds = self.seeds.iter().filter(|seed| known.topology.nodes.iter().all(|(place, _)| place != *seed));
            nodes.chain(seeds).cloned().collect()
        };
        let ranges = first_of(&places, |place| self.ask(place)).await?;
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
        let topology = Arc::new(Topology { nodes, node_of });
        let mut known = self.known();
        known.servers.retain(|place, _| topology.nodes.iter().any(|(node, _)| node == place));
        known.topology = topology.clone();
        known.is_stale = false;
        Ok(topology)
    }

    /// The next use asks again.
    pub(super) fn forget(&self) {
        self.known().is_stale = true;
    }

    /// A node, kept for the next time.
    pub(super) fn server_at(&self, place: &Place) -> Server {
        let mut known = self.known();
        known.servers.entry(place.clone()).or_insert_with(|| Server::new(&self.connector, place)).clone()
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

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // Nothing panics while it is held.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
