//! `redis.url` and what stands beside it, as places to connect to.
//!
//! `redis://[user:password@]host[:port][/db]` is one server, or one node of a cluster to begin with; several nodes, separated
//! by commas, are a cluster; `redis+sentinel://[user:password@]host[:port],../service[/db]` is what sentinels say. `rediss`
//! in place of `redis` is TLS.

use std::fmt;

/// Where servers listen.
const PORT: u16 = 6379;
/// Where sentinels listen.
const SENTINEL_PORT: u16 = 26_379;

/// What `redis.url` names.
#[derive(Debug)]
pub(crate) struct Address {
    pub(super) kind: Kind,
    /// Where to ask first.
    pub(super) places: Vec<Place>,
    /// For the servers that hold the data.
    pub(super) login: Login,
}

/// How to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: u32,
    pub(super) is_tls: bool,
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
        let default_port = if is_sentinel { SENTINEL_PORT } else { PORT };
        let places: Vec<Place> =
            hosts.into_iter().map(|host| Place::of_host(host, default_port)).collect::<Result<_, _>>()?;
        let login = Login::parse(scheme == "rediss", secret, database)?;
        let kind = match (is_sentinel, places.len()) {
            (true, _) if service.is_empty() => {
                return Err("it names no service: write redis+sentinel://host:26379/service".to_owned());
            }
            (true, _) => Kind::Sentinel { service: service.to_owned() },
            (false, 1) => Kind::One,
            (false, _) if login.database != 0 => {
                return Err("a cluster has no databases: leave out what follows the last /".to_owned());
            }
            (false, _) => Kind::Cluster,
        };
        Ok(Self { kind, places, login })
    }
}

impl Login {
    /// `user:password`, or `:password` of the default user.
    fn parse(is_tls: bool, secret: Option<&str>, database: &str) -> Result<Self, String> {
        let (user, password) = match secret.map(|secret| secret.split_once(':')) {
            None => (None, None),
            Some(None) => return Err("it has a user and no password: write user:password@, or :password@".to_owned()),
            Some(Some((user, password))) => {
                let decoded = |text: &str| (!text.is_empty()).then(|| decode(text)).transpose();
                (decoded(user)?, decoded(password)?)
            }
        };
        let wrong = |_| "what follows the last / is no number of a database".to_owned();
        let database = if database.is_empty() { 0 } else { database.parse().map_err(wrong)? };
        Ok(Self { user, password, database, is_tls })
    }
}

/// Undoes percent-encoding: a password may hold what has a meaning in addresses.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'%' => {
                let digits = rest.split_at_checked(2).filter(|(digits, _)| digits.iter().all(u8::is_ascii_hexdigit));
                let (digits, after) = digits.ok_or("a % in user or password is written %25")?;
                rest = after;
                digits.iter().fold(0, |byte, digit| byte * 16 + (*digit as char).to_digit(16).unwrap_or(0) as u8)
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| "user or password is no UTF-8 behind its percent signs".to_owned())
}

impl Place {
    /// `host`, `host:port` or `[address]:port`.
    fn of_host(text: &str, default_port: u16) -> Result<Self, String> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').unwrap_or(port))),
            None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() {
            return Err("it names no host, or an empty one".to_owned());
        }
        let wrong = |_| format!("`{host}` has a port that is none");
        let port = port.map_or(Ok(default_port), str::parse).map_err(wrong)?;
        Ok(Self { host: host.to_owned(), port })
    }

    /// `host:port`, as clusters write it in redirections.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        Some(Self { host: host.to_owned(), port: port.parse().ok()? })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> (Kind, Vec<String>, Option<String>, Option<String>, u32) {
        let Address { kind, places, login } = Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        let places = places.iter().map(Place::to_string).collect();
        (kind, places, login.user, login.password, login.database)
    }

    fn places(url: &str) -> (Kind, Vec<String>) {
        let (kind, places, ..) = parsed(url);
        (kind, places)
    }

    #[test]
    fn one_server_has_defaults() {
        assert_eq!(places("redis://host"), (Kind::One, vec!["host:6379".to_owned()]));
        assert_eq!(places("rediss://host:7000/"), (Kind::One, vec!["host:7000".to_owned()]));
        assert_eq!(places("redis://[::1]:7000"), (Kind::One, vec!["[::1]:7000".to_owned()]));
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
        assert!(Address::parse("rediss://a").unwrap().login.is_tls);
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
            "redis://me:sec%ret@host",
            "redis://secret@host",
            "redis://me:secret@host/x",
            "redis://a:1,,b:2",
            "redis+sentinel:///main",
        ] {
            let error = Address::parse(url).map(|_| ()).unwrap_err();
            assert!(!error.contains("secret"), "{url}: {error}");
        }
    }
}
