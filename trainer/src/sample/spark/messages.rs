//! The few messages of Spark Connect that are needed, by their numbers in `spark/connect/base.proto`, `relations.proto` and
//! `commands.proto`. What a server adds to them is skipped.

use std::collections::HashMap;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ExecutePlanRequest {
    #[prost(string, tag = "1")]
    pub(super) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(super) user_context: Option<UserContext>,
    #[prost(message, optional, tag = "3")]
    pub(super) plan: Option<Plan>,
    #[prost(string, optional, tag = "4")]
    pub(super) client_type: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct UserContext {
    #[prost(string, tag = "1")]
    pub(super) user_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Plan {
    #[prost(oneof = "PlanKind", tags = "1, 2")]
    pub(super) kind: Option<PlanKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum PlanKind {
    #[prost(message, tag = "1")]
    Root(Relation),
    #[prost(message, tag = "2")]
    Command(Command),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Relation {
    #[prost(oneof = "RelationKind", tags = "2, 10")]
    pub(super) kind: Option<RelationKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum RelationKind {
    #[prost(message, tag = "2")]
    Read(Read),
    #[prost(message, tag = "10")]
    Sql(Sql),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Sql {
    #[prost(string, tag = "1")]
    pub(super) query: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Read {
    #[prost(message, optional, tag = "2")]
    pub(super) data_source: Option<DataSource>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DataSource {
    #[prost(string, optional, tag = "1")]
    pub(super) format: Option<String>,
    #[prost(map = "string, string", tag = "3")]
    pub(super) options: HashMap<String, String>,
    #[prost(string, repeated, tag = "4")]
    pub(super) paths: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Command {
    #[prost(message, optional, tag = "3")]
    pub(super) create_dataframe_view: Option<CreateDataFrameView>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CreateDataFrameView {
    #[prost(message, optional, tag = "1")]
    pub(super) input: Option<Relation>,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(bool, tag = "4")]
    pub(super) replace: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ExecutePlanResponse {
    #[prost(message, optional, tag = "2")]
    pub(super) arrow_batch: Option<ArrowBatch>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ArrowBatch {
    #[prost(int64, tag = "1")]
    pub(super) row_count: i64,
    /// A whole stream of Arrow IPC: the schema and a batch.
    #[prost(bytes = "vec", tag = "2")]
    pub(super) data: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ReleaseSessionRequest {
    #[prost(string, tag = "1")]
    pub(super) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(super) user_context: Option<UserContext>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ReleaseSessionResponse {
    #[prost(string, tag = "1")]
    pub(super) session_id: String,
}
