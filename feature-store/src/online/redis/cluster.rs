//! Who holds which slots of a cluster. Asked at the start, and again whenever a node says otherwise or fails.

use super::address::{Connector, Place};
use super::servers::first_of;
use super::slot::SLOTS;
use ::redis::aio::ConnectionManager;
use ::redis::{ErrorKind, RedisError, RedisResult, Value};
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
    /// A node keeps its connection over changes of the topology.
    connections: HashMap<Place, ConnectionManager>,
    is_stale: bool,
}

/// Which node holds each slot.
pub(super) struct Topology {
    nodes: Vec<(Place, ConnectionManager)>,
    /// Places in `nodes`; beyond them for a slot that nobody holds.
    node_of: Vec<u16>,
}

impl Topology {
    /// The number of a slot's node.
    pub(super) fn node_of(&self, slot: u16) -> usize {
        self.node_of.get(usize::from(slot)).map_or(usize::MAX, |node| usize::from(*node))
    }

    pub(super) fn connection(&self, node: usize) -> RedisResult<ConnectionManager> {
        let nobody = || RedisError::from((ErrorKind::Client, "the cluster is down: no node holds some slots"));
        self.nodes.get(node).map(|(_, connection)| connection.clone()).ok_or_else(nobody)
    }
}

impl Cluster {
    pub(super) async fn connect(connector: Connector, seeds: Vec<Place>) -> RedisResult<Self> {
        let topology = Arc::new(Topology { nodes: Vec::new(), node_of: Vec::new() });
        let known = Mutex::new(Known { topology, connections: HashMap::new(), is_stale: true });
        let cluster = Self { connector, seeds, known };
        let topology = cluster.topology().await?;
        let mut connection = topology.connection(0)?;
        ::redis::cmd("PING").exec_async(&mut connection).await?;
        Ok(cluster)
    }

    /// Who holds what, asked anew when it is known to have changed.
    pub(super) async fn topology(&self) -> RedisResult<Arc<Topology>> {
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
        let mut nodes: Vec<(Place, ConnectionManager)> = Vec::new();
        let mut node_of = vec![u16::MAX; SLOTS];
        for Range { first, last, holder } in ranges {
            let node = match nodes.iter().position(|(place, _)| *place == holder) {
                Some(node) => node,
                None => {
                    nodes.push((holder.clone(), self.connection_to(&holder)?));
                    nodes.len() - 1
                }
            };
            node_of[first..=last].fill(node as u16);
        }
        let topology = Arc::new(Topology { nodes, node_of });
        let mut known = self.known();
        known.connections.retain(|place, _| topology.nodes.iter().any(|(node, _)| node == place));
        known.topology = topology.clone();
        known.is_stale = false;
        Ok(topology)
    }

    /// The next use asks again.
    pub(super) fn forget(&self) {
        self.known().is_stale = true;
    }

    /// A connection to a node, kept for the next time.
    pub(super) fn connection_to(&self, place: &Place) -> RedisResult<ConnectionManager> {
        if let Some(connection) = self.known().connections.get(place) {
            return Ok(connection.clone());
        }
        let connection = self.connector.connect(place)?;
        self.known().connections.insert(place.clone(), connection.clone());
        Ok(connection)
    }

    async fn ask(&self, place: &Place) -> RedisResult<Vec<Range>> {
        let mut connection = self.connection_to(place)?;
        let mut command = ::redis::cmd("CLUSTER");
        command.arg("SLOTS");
        let asking = command.query_async::<Vec<Value>>(&mut connection);
        let silent =
            |_| RedisError::from((ErrorKind::Client, "a node of the cluster does not answer", place.host.clone()));
        let answer = tokio::time::timeout(NODE_LIMIT, asking).await.map_err(silent)??;
        let ranges: Option<Vec<Range>> = answer.iter().map(|range| Range::read(range, place)).collect();
        ranges.ok_or_else(|| RedisError::from((ErrorKind::Client, "CLUSTER SLOTS was answered by something else")))
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
    fn read(range: &Value, asked: &Place) -> Option<Self> {
        let Value::Array(range) = range else { return None };
        let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = range.as_slice() else { return None };
        let [host, Value::Int(port), ..] = master.as_slice() else { return None };
        let host = match host {
            Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok()?,
            Value::SimpleString(text) => text.clone(),
            _ => String::new(),
        };
        // A node that does not know its own name is where it was asked.
        let host = if host.is_empty() { asked.host.clone() } else { host };
        let slot = |slot: &i64| usize::try_from(*slot).ok().filter(|slot| *slot < SLOTS);
        let (first, last) = (slot(first)?, slot(last)?);
        (first <= last).then_some(Self { first, last, holder: Place { host, port: u16::try_from(*port).ok()? } })
    }
}
