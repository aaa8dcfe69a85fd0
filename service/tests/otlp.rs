//! Spans reach a collector over OTLP/gRPC, with the parent that came in. The subscriber is the process's, so this is
//! the only test here.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::Span;
use service::telemetry::{self, TelemetryConfig, propagation};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

const INCOMING: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct Collector {
    requests: mpsc::UnboundedSender<ExportTraceServiceRequest>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.requests.send(request.into_inner()).map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_reach_the_collector_with_the_parent_that_came_in() {
    let (requests, mut received) = mpsc::unbounded_channel();
    let listener = service::health::bind("127.0.0.1:0", "test").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().route_service(
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        TraceServiceServer::new(Collector { requests }),
    );
    let token = CancellationToken::new();
    let supervisor = service::supervisor::Supervisor::new(token.clone());
    let policy = service::supervisor::Policy::Essential;
    supervisor.spawn("collector", policy, service::health::serve(listener, router, token.clone()));

    let config = TelemetryConfig { otlp_endpoint: endpoint, ..TelemetryConfig::default() };
    let guard = telemetry::init(&config, "test-service").unwrap();
    let span = tracing::info_span!("work");
    propagation::set_parent(&span, INCOMING);
    let outgoing = propagation::traceparent_of(&span).unwrap();
    drop(span);
    // The end of the process sends what is waiting, before the next regular export.
    drop(guard);

    let request = tokio::time::timeout(Duration::from_secs(10), received.recv()).await.unwrap().unwrap();
    let resource = &request.resource_spans[0];
    let attributes = &resource.resource.as_ref().unwrap().attributes;
    assert!(attributes.iter().any(|a| a.key == "service.name" && format!("{:?}", a.value).contains("test-service")));
    let spans: Vec<&Span> = resource.scope_spans.iter().flat_map(|scope| &scope.spans).collect();
    let span = spans.iter().find(|span| span.name == "work").unwrap();
    assert_eq!(hex(&span.parent_span_id), &INCOMING[36..52]);
    assert_eq!(format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id)), outgoing);

    token.cancel();
    supervisor.join_all(Duration::from_secs(10)).await.unwrap();
}
