//! A connection to a server: made, logged in, and used by one batch at a time.

use super::address::{Login, Place};
use super::failure::Failure;
use super::reply::{NoReply, Reply, Request, Value};
use crate::online::RedisConfig;
use bytes::BytesMut;
use futures::FutureExt;
use native_tls::{Certificate, Identity, TlsConnector};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server that runs answers within this time, even across a continent.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A peer that acknowledges nothing for so long is gone.
#[cfg(target_os = "linux")]
const PEER_IS_GONE: Duration = Duration::from_secs(5);
/// Room for answers that arrive together.
const READ_BYTES: usize = 1 << 16;

/// Makes connections that all have the same user, password, database and certificates.
#[derive(Clone)]
pub(super) struct Connector {
    login: Login,
    tls: Option<TlsConnector>,
}

/// A connection that is logged in, and waits for no answer.
pub(super) struct Connection {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    received: BytesMut,
}

impl Connector {
    /// With the certificates that the configuration names; the error says which file is wrong.
    pub(super) fn new(login: Login, config: &RedisConfig) -> Result<Self, String> {
        let RedisConfig { ca_file, certificate_file, key_file, .. } = config;
        let read = |key: &str, path: &str| {
            std::fs::read(path).map_err(|error| format!("redis.{key} = \"{path}\" cannot be read: {error}"))
        };
        let wrong = |key: &str, path: &str, error| format!("redis.{key} = \"{path}\" cannot be used: {error}");
        let mut tls = TlsConnector::builder();
        if !ca_file.is_empty() {
            let authority = Certificate::from_pem(&read("ca_file", ca_file)?);
            tls.add_root_certificate(authority.map_err(|error| wrong("ca_file", ca_file, error))?);
        }
        if !certificate_file.is_empty() && !key_file.is_empty() {
            let (certificate, key) = (read("certificate_file", certificate_file)?, read("key_file", key_file)?);
            let identity = Identity::from_pkcs8(&certificate, &key);
            tls.identity(identity.map_err(|error| wrong("certificate_file", certificate_file, error))?);
        }
        let tls = login.is_tls.then(|| tls.build().map_err(|error| error.to_string())).transpose()?;
        Ok(Self { login, tls })
    }

    /// The same certificates with another password, no user and no database: for sentinels.
    pub(super) fn with_password(&self, password: &str) -> Self {
        let password = (!password.is_empty()).then(|| password.to_owned());
        let login = Login { user: None, password, database: 0, is_tls: self.login.is_tls };
        Self { login, tls: self.tls.clone() }
    }

    /// A new connection; the error says why there is none.
    pub(super) async fn connect(&self, place: &Place) -> Result<Connection, Failure> {
        match tokio::time::timeout(CONNECT_LIMIT, self.make(place)).await {
            Ok(made) => made,
            Err(_) => Err(Failure::Away(format!("{place} does not answer within {} s", CONNECT_LIMIT.as_secs()))),
        }
    }

    async fn make(&self, place: &Place) -> Result<Connection, Failure> {
        let failed = |error: io::Error| Failure::Away(format!("{place} cannot be reached: {error}"));
        let stream = TcpStream::connect((place.host.as_str(), place.port)).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        #[cfg(target_os = "linux")]
        socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(PEER_IS_GONE)).map_err(failed)?;
        let mut connection = match &self.tls {
            None => {
                let (reader, writer) = stream.into_split();
                Connection::new(reader, writer)
            }
            Some(tls) => {
                let tls = tokio_native_tls::TlsConnector::from(tls.clone());
                let stream = tls.connect(&place.host, stream).await.map_err(|error| {
                    let failure = Failure::of_tls(&error.to_string());
                    failure.said(|reason| format!("{place} speaks no TLS with us: {reason}"))
                })?;
                let (reader, writer) = tokio::io::split(stream);
                Connection::new(reader, writer)
            }
        };
        self.log_in(&mut connection).await?;
        Ok(connection)
    }

    async fn log_in(&self, connection: &mut Connection) -> Result<(), Failure> {
        let mut request = Request::default();
        if let Some(password) = &self.login.password {
            let user = self.login.user.as_deref();
            let words: Vec<&[u8]> =
                [Some("AUTH"), user, Some(password)].into_iter().flatten().map(str::as_bytes).collect();
            request.append(&Request::of(&words));
        }
        if self.login.database != 0 {
            request.append(&Request::of(&[b"SELECT", self.login.database.to_string().as_bytes()]));
        }
        for reply in connection.call(&request).await? {
            if let Value::Refused(reason) = reply.value() {
                return Err(Failure::of_refusal(reason));
            }
        }
        Ok(())
    }
}

impl Connection {
    fn new(reader: impl AsyncRead + Send + Unpin + 'static, writer: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        Self { reader: Box::new(reader), writer: Box::new(writer), received: BytesMut::new() }
    }

    /// Sends commands, and brings the answer to each.
    pub(super) async fn call(&mut self, request: &Request) -> Result<Vec<Reply>, Failure> {
        let mut requests = std::iter::once(request);
        self.exchange(request.commands(), |piece| {
            requests.next().is_some_and(|request| {
                piece.append(request);
                true
            })
        })
        .await
    }

    /// Sends requests as `next` makes them, until it makes none, and takes as many answers as are expected meanwhile: so
    /// the server works on the first commands while the last ones are made, and neither side waits for the other to read.
    pub(super) async fn exchange(
        &mut self,
        expected: usize,
        mut next: impl FnMut(&mut Request) -> bool,
    ) -> Result<Vec<Reply>, Failure> {
        let Self { reader, writer, received } = self;
        let sending = async {
            let mut request = Request::default();
            while next(&mut request) {
                writer.write_all(request.bytes()).await.map_err(|error| Failure::of_connection(&error))?;
                request.clear();
            }
            writer.flush().await.map_err(|error| Failure::of_connection(&error))
        };
        let receiving = async {
            let mut replies = Vec::with_capacity(expected);
            while replies.len() < expected {
                match Reply::take(received) {
                    Ok(Some(reply)) => replies.push(reply),
                    Ok(None) => receive(reader, received).await?,
                    Err(NoReply) => return Err(Failure::no_redis()),
                }
            }
            Ok(replies)
        };
        let exchanged = tokio::try_join!(sending, receiving);
        exchanged.map(|((), replies)| replies)
    }

    /// Whether it is still there, and waits for no answer.
    pub(super) fn is_usable(&mut self) -> bool {
        // A server that has closed it, or said something unasked, has something to be read.
        self.received.is_empty() && self.reader.read_buf(&mut self.received).now_or_never().is_none()
    }
}

async fn receive(reader: &mut (impl AsyncRead + Unpin), received: &mut BytesMut) -> Result<(), Failure> {
    if received.capacity() - received.len() < READ_BYTES / 4 {
        received.reserve(READ_BYTES);
    }
    match reader.read_buf(received).await {
        Ok(0) => Err(Failure::Away("it closed the connection".to_owned())),
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::of_connection(&error)),
    }
}
