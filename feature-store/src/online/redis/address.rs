//! `redis.url` and what stands beside it, as places to connect to.
//!
//! `redis://[user:password@]host[:port][/db]` is one server, or one node of a cluster to begin with; several nodes, separated
//! by commas, are a cluster; `redis+sentinel://[user:password@]host[:port],../service[/db]` is what sentinels say. `rediss`
//! in place of `redis` is TLS.

use crate::online::RedisConfig;
use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult, TlsCertificates,
};
use std::time::Duration;

/// A server that runs answers within this time, even across a continent.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A peer that acknowledges nothing for so long is gone, and the connection is made anew.
#[cfg(target_os = "linux")]
const PEER_IS_GONE: Duration = Duration::from_secs(5);
/// Where sentinels listen.
const SENTINEL_PORT: u16 = 26_379;

/// What `redis.url` names.
#[derive(Debug)]
pub(crate) struct Address {
    pub(super) kind: Kind,
    /// Where to ask first.
    pub(super) places: Vec<Place>,
    /// User, password and database of the servers that hold the data.
    pub(super) info: ConnectionInfo,
}

/// How the servers stand to each other.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One server, or the first of a cluster: it will tell.
    One,
    /// Several nodes of one cluster.
    Cluster,
    /// Sentinels that know who is the master of this service.
    Sentinel {
        /// The name in the sentinels' configuration.
        service: String,
    },
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// Reads an address; the error is what is wrong with it, without the password.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or("it has no scheme such as redis://")?;
        let (scheme, is_sentinel) = match scheme.strip_suffix("+sentinel") {
            Some(scheme) => (scheme, true),
            None => (scheme, false),
        };
        if !["redis", "rediss"].contains(&scheme) {
            return Err("its scheme is none of redis, rediss, redis+sentinel and rediss+sentinel".to_owned());
        }
        // Each node of a list may repeat scheme, user and password: those of the first count for all.
        let (mut secret, mut path, mut hosts) = (None, "", Vec::new());
        for node in rest.split(',') {
            let node = node.split_once("://").map_or(node, |(_, node)| node);
            let (of_node, host) = node.rsplit_once('@').map_or((None, node), |(secret, host)| (Some(secret), host));
            secret = secret.or(of_node);
            let (host, after) = host.split_once('/').unwrap_or((host, ""));
            hosts.push(host);
            path = if after.is_empty() { path } else { after };
        }
        let (service, database) = if is_sentinel { path.split_once('/').unwrap_or((path, "")) } else { ("", path) };
        let default_port = if is_sentinel { Some(SENTINEL_PORT) } else { None };
        let mut info = None;
        let mut places = Vec::with_capacity(hosts.len());
        for host in hosts {
            let authority = secret.map_or(host.to_owned(), |secret| format!("{secret}@{host}"));
            let one = format!("{scheme}://{authority}/{database}");
            let parsed = one.into_connection_info().map_err(|error| error.to_string())?;
            let mut place = Place::of(parsed.addr()).ok_or("it names no host and port")?;
            if let Some(port) = default_port.filter(|_| !names_port(host)) {
                place.port = port;
            }
            places.push(place);
            info = Some(parsed);
        }
        let info = info.ok_or("it names no host")?;
        let kind = match (is_sentinel, places.len()) {
            (true, _) if service.is_empty() => {
                return Err("it names no service: write redis+sentinel://host:26379/service".to_owned());
            }
            (true, _) => Kind::Sentinel { service: service.to_owned() },
            (false, 1) => Kind::One,
            (false, _) if info.redis_settings().db() != 0 => {
                return Err("a cluster has no databases: leave out what follows the last /".to_owned());
            }
            (false, _) => Kind::Cluster,
        };
        Ok(Self { kind, places, info })
    }
}

fn names_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Place {
    fn of(address: &ConnectionAddr) -> Option<Self> {
        match address {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } if !host.is_empty() => {
                Some(Self { host: host.clone(), port: *port })
            }
            _ => None,
        }
    }

    /// `host:port`, as clusters write it in redirections.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        Some(Self { host: host.to_owned(), port: port.parse().ok()? })
    }
}

/// Makes connections that all have the same user, password, database and certificates.
#[derive(Clone)]
pub(super) struct Connector {
    info: ConnectionInfo,
    certificates: Option<TlsCertificates>,
}

impl Connector {
    /// With the certificates that the configuration names; the error says which file is wrong.
    pub(super) fn new(info: ConnectionInfo, config: &RedisConfig) -> Result<Self, String> {
        let read = |key: &str, path: &str| {
            std::fs::read(path).map_err(|error| format!("redis.{key} = \"{path}\" cannot be read: {error}"))
        };
        let root_cert = match config.ca_file.as_str() {
            "" => None,
            path => Some(read("ca_file", path)?),
        };
        let client_tls = match (config.certificate_file.as_str(), config.key_file.as_str()) {
            ("", _) | (_, "") => None,
            (certificate, key) => Some(ClientTlsConfig {
                client_cert: read("certificate_file", certificate)?,
                client_key: read("key_file", key)?,
            }),
        };
        let certificates =
            (root_cert.is_some() || client_tls.is_some()).then_some(TlsCertificates { client_tls, root_cert });
        Ok(Self { info, certificates })
    }

    /// The same certificates with another user and password, and no database: for sentinels.
    pub(super) fn with_password(&self, password: &str) -> Self {
        let settings = ::redis::RedisConnectionInfo::default();
        let settings = if password.is_empty() { settings } else { settings.set_password(password) };
        Self { info: self.info.clone().set_redis_settings(settings), certificates: self.certificates.clone() }
    }

    /// A connection that is made when it is first used, and anew in the background whenever it breaks: commands fail at
    /// once while there is no server, and succeed as soon as there is one.
    pub(super) fn connect(&self, place: &Place) -> RedisResult<ConnectionManager> {
        let address = match self.info.addr() {
            ConnectionAddr::TcpTls { .. } => {
                ConnectionAddr::TcpTls { host: place.host.clone(), port: place.port, insecure: false, tls_params: None }
            }
            _ => ConnectionAddr::Tcp(place.host.clone(), place.port),
        };
        let info = self.info.clone().set_addr(address);
        #[cfg(target_os = "linux")]
        let info = info.set_tcp_settings(
            ::redis::io::tcp::TcpSettings::default().set_nodelay(true).set_user_timeout(PEER_IS_GONE),
        );
        let client = match &self.certificates {
            Some(certificates) => Client::build_with_tls(info, certificates.clone())?,
            None => Client::open(info)?,
        };
        // The time limits are set by call.
        let manager = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_response_timeout(None)
            .set_connection_timeout(Some(CONNECT_LIMIT));
        ConnectionManager::new_lazy_with_config(client, manager)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> (Kind, Vec<String>, Option<String>, Option<String>, i64) {
        let Address { kind, places, info } = Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        let places = places.into_iter().map(|place| format!("{}:{}", place.host, place.port)).collect();
        let settings = info.redis_settings();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        (kind, places, owned(settings.username()), owned(settings.password()), settings.db())
    }

    fn places(url: &str) -> (Kind, Vec<String>) {
        let (kind, places, ..) = parsed(url);
        (kind, places)
    }

    #[test]
    fn one_server_has_defaults() {
        assert_eq!(places("redis://host"), (Kind::One, vec!["host:6379".to_owned()]));
        assert_eq!(places("rediss://host:7000/"), (Kind::One, vec!["host:7000".to_owned()]));
        assert_eq!(places("redis://[::1]:7000"), (Kind::One, vec!["::1:7000".to_owned()]));
        assert_eq!(parsed("redis://host/3").4, 3);
    }

    #[test]
    fn several_nodes_are_a_cluster() {
        let nodes = vec!["a:1".to_owned(), "b:2".to_owned()];
        for url in ["redis://a:1,b:2", "redis://a:1,redis://b:2", "redis://me:x@a:1,b:2", "redis://me:x@a:1,me:x@b:2"] {
            assert_eq!(places(url), (Kind::Cluster, nodes.clone()), "{url}");
        }
        assert!(Address::parse("redis://a:1,b:2/3").unwrap_err().contains("no databases"));
    }

    #[test]
    fn users_and_passwords_count_for_every_node() {
        for url in ["redis://me:se%2Fcret@a:1,b:2", "redis://me:se%2Fcret@a:1,redis://me:se%2Fcret@b:2"] {
            let (_, _, user, password, _) = parsed(url);
            assert_eq!((user.as_deref(), password.as_deref()), (Some("me"), Some("se/cret")), "{url}");
        }
        let (_, _, user, password, _) = parsed("redis://:secret@a");
        assert_eq!((user, password.as_deref()), (None, Some("secret")));
    }

    #[test]
    fn sentinels_tell_of_a_service() {
        let of_main = || Kind::Sentinel { service: "main".to_owned() };
        let url = "redis+sentinel://a,b:1/main/2";
        assert_eq!(places(url), (of_main(), vec!["a:26379".to_owned(), "b:1".to_owned()]));
        assert_eq!(parsed(url).4, 2);
        assert_eq!(places("rediss+sentinel://me:x@a/main"), (of_main(), vec!["a:26379".to_owned()]));
        assert!(Address::parse("redis+sentinel://a").unwrap_err().contains("service"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        for url in [
            "",
            "host:1",
            "http://me:secret@host",
            "redis://",
            "redis://me:secret@host:port",
            "redis://a:1,,b:2",
            "redis+sentinel:///main",
        ] {
            let error = Address::parse(url).map(|_| ()).unwrap_err();
            assert!(!error.contains("secret"), "{url}: {error}");
        }
    }
}
