//! A session of Spark Connect: queries go over gRPC, results come back as batches of Arrow.

use super::super::SampleError;
use super::messages::{
    Command, CreateDataFrameView, DataSource, ExecutePlanRequest, ExecutePlanResponse, Plan, PlanKind, Read, Relation,
    RelationKind, ReleaseSessionRequest, ReleaseSessionResponse, Sql, UserContext,
};
use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_schema::SchemaRef;
use std::collections::HashMap;
use std::time::Duration;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

/// Spark makes batches of about 4 MiB; a row that is longer comes whole.
const LARGEST_MESSAGE_BYTES: usize = 512 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const EXECUTE: &str = "/spark.connect.SparkConnectService/ExecutePlan";
const RELEASE: &str = "/spark.connect.SparkConnectService/ReleaseSession";

/// A session, with views of its own.
pub(super) struct Session {
    address: String,
    client: Grpc<Channel>,
    id: String,
}

/// The batches of a result as they come.
pub(super) struct Batches {
    address: String,
    responses: Streaming<ExecutePlanResponse>,
}

impl Session {
    /// Connects to `sc://HOST:PORT`.
    pub(super) async fn open(address: &str) -> Result<Self, SampleError> {
        let place = address.strip_prefix("sc://").map(|place| place.trim_end_matches('/'));
        let is_plain = |place: &&str| !place.is_empty() && !place.contains(['/', ';', '@', '?']);
        let Some(place) = place.filter(is_plain) else {
            let problem = format!("--spark {address} is no address: write sc://HOST:PORT, without parameters");
            return Err(SampleError::Setting(problem));
        };
        let uri = if place.contains(':') { format!("http://{place}") } else { format!("http://{place}:15002") };
        let failed = |reason: String| SampleError::Spark { address: address.to_owned(), reason };
        let endpoint = Endpoint::from_shared(uri).map_err(|error| failed(error.to_string()))?;
        let channel = endpoint.connect_timeout(CONNECT_TIMEOUT).connect().await.map_err(|error| {
            failed(format!("cannot connect ({}): is Spark Connect running there?", root_cause(&error)))
        })?;
        let client = Grpc::new(channel).max_decoding_message_size(LARGEST_MESSAGE_BYTES);
        Ok(Self { address: address.to_owned(), client, id: session_id() })
    }

    /// Files of Parquet as a view of this name.
    pub(super) async fn view(&mut self, name: &str, paths: Vec<String>) -> Result<(), SampleError> {
        let options = HashMap::from([("mergeSchema".to_owned(), "true".to_owned())]);
        let source = DataSource { format: Some("parquet".to_owned()), options, paths };
        let read = Relation { kind: Some(RelationKind::Read(Read { data_source: Some(source) })) };
        let view = CreateDataFrameView { input: Some(read), name: name.to_owned(), replace: true };
        self.execute(PlanKind::Command(Command { create_dataframe_view: Some(view) })).await?.drain().await
    }

    /// Runs a query.
    pub(super) async fn query(&mut self, query: String) -> Result<Batches, SampleError> {
        self.execute(PlanKind::Root(Relation { kind: Some(RelationKind::Sql(Sql { query })) })).await
    }

    /// Runs a query, and keeps all of its result, which is small.
    pub(super) async fn all(&mut self, query: String) -> Result<Vec<RecordBatch>, SampleError> {
        let mut batches = self.query(query).await?;
        let mut all = Vec::new();
        while let Some(batch) = batches.next().await? {
            all.push(batch);
        }
        Ok(all)
    }

    /// The columns of a query's result.
    pub(super) async fn schema(&mut self, query: String) -> Result<SchemaRef, SampleError> {
        let first = self.all(query).await?.into_iter().next();
        let no_schema = || self.failed("it sent no columns".to_owned());
        first.map(|batch| batch.schema()).ok_or_else(no_schema)
    }

    /// Ends the session, so that Spark forgets it now and not in an hour.
    pub(super) async fn close(mut self) {
        let request = ReleaseSessionRequest { session_id: self.id.clone(), user_context: Some(user()) };
        if self.client.ready().await.is_ok() {
            let codec: ProstCodec<ReleaseSessionRequest, ReleaseSessionResponse> = ProstCodec::default();
            // It is all the same to the sample.
            let _ = self.client.unary(Request::new(request), PathAndQuery::from_static(RELEASE), codec).await;
        }
    }

    async fn execute(&mut self, kind: PlanKind) -> Result<Batches, SampleError> {
        let request = ExecutePlanRequest {
            session_id: self.id.clone(),
            user_context: Some(user()),
            plan: Some(Plan { kind: Some(kind) }),
            client_type: Some(concat!("plaudit/", env!("CARGO_PKG_VERSION")).to_owned()),
        };
        self.client.ready().await.map_err(|error| self.failed(root_cause(&error)))?;
        let codec: ProstCodec<ExecutePlanRequest, ExecutePlanResponse> = ProstCodec::default();
        let path = PathAndQuery::from_static(EXECUTE);
        let answer = self.client.server_streaming(Request::new(request), path, codec).await;
        let responses = answer.map_err(|status| self.failed(reason(&status)))?.into_inner();
        Ok(Batches { address: self.address.clone(), responses })
    }

    fn failed(&self, reason: String) -> SampleError {
        SampleError::Spark { address: self.address.clone(), reason }
    }
}

impl Batches {
    /// Waits for the end, whatever comes.
    pub(super) async fn drain(mut self) -> Result<(), SampleError> {
        while self.next().await?.is_some() {}
        Ok(())
    }

    /// The next batch; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>, SampleError> {
        let failed = |reason| SampleError::Spark { address: self.address.clone(), reason };
        loop {
            let response = self.responses.message().await.map_err(|status| failed(reason(&status)))?;
            let Some(response) = response else { return Ok(None) };
            let Some(batch) = response.arrow_batch else { continue };
            let unreadable = |error| failed(format!("cannot read a batch of its answer: {error}"));
            let mut reader = StreamReader::try_new(batch.data.as_slice(), None).map_err(unreadable)?;
            return match reader.next() {
                Some(batch) => batch.map(Some).map_err(unreadable),
                None => Ok(Some(RecordBatch::new_empty(reader.schema()))),
            };
        }
    }
}

fn user() -> UserContext {
    UserContext { user_id: "plaudit".to_owned() }
}

/// Spark wants a UUID: one of version 4, of what differs between processes and calls.
fn session_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    let [high, low] = [RandomState::new(), RandomState::new()].map(|state| state.hash_one(std::process::id()));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48) & 0x3fff,
        low & 0xffff_ffff_ffff
    )
}

/// The first line: a plan of a hundred lines may follow.
fn reason(status: &Status) -> String {
    status.message().lines().next().filter(|line| !line.is_empty()).unwrap_or("no reason given").to_owned()
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_an_id_of_its_own() {
        let (one, other) = (session_id(), session_id());
        assert_ne!(one, other);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(&one[14..15], "4");
    }
}
