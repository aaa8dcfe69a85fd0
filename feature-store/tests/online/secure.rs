//! Passwords and TLS, on a server that wants both.

use crate::servers::Server;
use crate::stores::{at, config, present, source, update, views};
use feature_store::online::{Entity, Error, OnlineStore, RedisConfig};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

#[tokio::test]
async fn users_and_passwords_are_given() {
    let server = Server::start(&[]);
    assert!(server.command("ACL SETUSER me on >of#me ~* +@all").starts_with("+OK"));
    assert!(server.command("CONFIG SET requirepass \"of default\"").starts_with("+OK"));
    for (secret, is_let_in) in
        [(":of%20default@", true), ("me:of%23me@", true), ("", false), ("me:wrong@", false), (":wrong@", false)]
    {
        let url = format!("redis://{secret}127.0.0.1:{}", server.port);
        match OnlineStore::connect(&config(&url), &views("")).await {
            Ok(_) => assert!(is_let_in, "{secret}"),
            Err(error) => assert!(!is_let_in && matches!(error, Error::Unusable { .. }), "{secret}: {error}"),
        }
    }
}

/// Certificates of an authority of its own, for 127.0.0.1 and for a client.
fn certificates() -> TempDir {
    let folder = TempDir::new().unwrap();
    let openssl = |words: &[&str]| {
        let done = Command::new("openssl").args(words).current_dir(folder.path()).output();
        let done = done.expect("openssl runs: dev/install brings it");
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=authority",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ]);
    std::fs::write(folder.path().join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
    for name in ["server", "client"] {
        let (key, request, certificate) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        openssl(&["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", &key, "-out", &request]);
        openssl(&[
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            &request,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            "names",
            "-out",
            &certificate,
        ]);
    }
    folder
}

fn tls_server(certificates: &Path, clients: &str) -> Server {
    let path = |name: &str| certificates.join(name).to_str().unwrap().to_owned();
    let mut server = Server::stopped(&["--port", "0", "--tls-auth-clients", clients]);
    let port = server.port.to_string();
    for (name, value) in [
        ("--tls-port", port.as_str()),
        ("--tls-cert-file", &path("server.pem")),
        ("--tls-key-file", &path("server.key")),
        ("--tls-ca-cert-file", &path("ca.pem")),
    ] {
        server.add_argument(name);
        server.add_argument(value);
    }
    server.start_again();
    server
}

#[tokio::test]
async fn tls_is_spoken_with_certificates_on_both_sides() {
    let folder = certificates();
    let server = tls_server(folder.path(), "yes");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let settings = RedisConfig {
        ca_file: path("ca.pem"),
        certificate_file: path("client.pem"),
        key_file: path("client.key"),
        ..config(&format!("rediss://127.0.0.1:{}", server.port))
    };
    let store = OnlineStore::connect(&settings, &views("")).await.unwrap();
    let record = source(0, 0);
    store.apply(&[update(Entity::product("p"), 4.0, 1, &record)]).await.unwrap();
    assert_eq!(store.read(&[Entity::product("p")], at(0)).await.entities, [present(1, 4.0, 1)]);

    let without_certificate =
        RedisConfig { certificate_file: String::new(), key_file: String::new(), ..settings.clone() };
    let without_authority = RedisConfig { ca_file: String::new(), ..settings.clone() };
    // The server's word that it wants a certificate may be overtaken by its closing the connection.
    let error = OnlineStore::connect(&without_certificate, &views("")).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. } | Error::Unusable { .. }), "{error}");
    let error = OnlineStore::connect(&without_authority, &views("")).await.unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }), "{error}");
    let error = OnlineStore::connect(&RedisConfig { ca_file: path("nowhere.pem"), ..settings }, &views("")).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("redis.ca_file") && error.contains("nowhere.pem"), "{error}");
}

#[tokio::test]
async fn without_tls_a_tls_server_is_not_understood_and_that_is_said() {
    let folder = certificates();
    let server = tls_server(folder.path(), "no");
    let error = OnlineStore::connect(&config(&server.url()), &views("")).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. } | Error::Unusable { .. }), "{error}");
}
