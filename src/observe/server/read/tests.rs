//! The readers with answers of a real server, and with the shapes of newer ones.

use super::*;
use crate::{
    facts::server::{Controlled, ControllerView},
    report::State,
};

/// The body of a recorded answer.
macro_rules! body {
    ($name:literal) => {
        include_str!(concat!("../testdata/", $name, ".http")).split_once("\n\n").expect("a body").1
    };
}

const CLUSTER: &str = "ec62249e-7f2b-4000-a6ee-2fa24e611eee";
const CONTEXT: &str = "535bca23d3bdaf3e2c7dd5dc65e1c855";
const CONNECTION: &str = "535bca23-d3bd-af3e-2c7d-d5dc65e1c855";

#[test]
fn user_counts_only_with_an_id() {
    assert_eq!(user(body!("user")), Ok(true));
    assert_eq!(user(body!("remote-provider-500")), Ok(false));
    assert_eq!(user(r#"{"id": "", "user_id": null, "email": "a@b.example"}"#), Ok(false));
    assert!(user("{\"id\": ").is_err());
}

#[test]
fn providers_are_local_or_remote() {
    assert_eq!(providers(body!("providers")), Ok([("None".to_owned(), false)].into()));
    let newer = r#"{"Meshery": {"providerType": "remote"}, "Local": {"providerType": "local"}}"#;
    assert_eq!(providers(newer), Ok([("Local".to_owned(), false), ("Meshery".to_owned(), true)].into()));
}

#[test]
fn releases_are_read() {
    let dev = release(body!("version")).expect("a release");
    assert_eq!((dev.build.as_str(), dev.latest, dev.channel), ("dev", None, None));
    let newer = r#"{"build": "v0.8.1", "latest": "v0.8.2", "outdated": true, "releaseChannel": "stable"}"#;
    let newer = release(newer).expect("a release");
    assert_eq!((newer.outdated, newer.channel.as_deref()), (Some(true), Some("stable")));
    assert!(release("{}").is_err());
}

#[test]
fn connections_have_three_ids_in_every_spelling() {
    let page = connections(body!("connections")).expect("connections");
    assert_eq!((page.total, page.listed, page.items.len()), (1, 1, 1));
    let own = &page.items[0];
    assert_eq!((own.id.as_str(), own.context_id.as_deref()), (CONNECTION, Some(CONTEXT)));
    assert_eq!(own.cluster_id.as_deref(), Some(CLUSTER));
    assert!(own.is_connected() && own.updated.is_some());
    assert_eq!(own.mode, None);

    let newer = r#"{"connections": [
        {"id": "a-1", "name": "x", "kind": "kubernetes", "status": "connected", "updatedAt": "2026-07-01T00:00:00Z",
         "metadata": {"id": "c", "kubernetesServerId": "k", "kubernetes_server_id": "k", "token": {"deep": ["secret"]},
                      "meshsyncDeploymentMode": "Embedded"}},
        {"id": "a-2", "kind": "prometheus"}, {"name": "without an ID"}], "totalCount": 3, "total_count": 3}"#;
    let page = connections(newer).expect("connections");
    assert_eq!((page.total, page.listed, page.items.len()), (2, 3, 1));
    assert_eq!(page.items[0].mode.as_deref(), Some("embedded"));
    assert_eq!(page.items[0].cluster_id.as_deref(), Some("k"));

    let none = connections(r#"{"connections": null, "total_count": 0}"#).expect("connections");
    assert_eq!((none.total, none.items.len()), (0, 0));
    let huge = connections(r#"{"connections": [], "total_count": -5}"#).expect("connections");
    assert_eq!(huge.total, 0);
    assert!(connections("{}").is_err());
    assert!(connections(r#"{"connections": [{"id": "a"#).is_err());
}

#[test]
fn contexts_yield_ids_and_no_credential() {
    let ids = context_ids(body!("contexts")).expect("contexts");
    assert_eq!(ids, [(CONNECTION.to_owned(), (CONTEXT.to_owned(), CLUSTER.to_owned()))].into());
}

#[test]
fn views_are_read_in_every_generation() {
    let state = |views: &[ControllerView], controller| {
        views.iter().find(|view| view.controller == controller).map(ControllerView::state)
    };
    let older = graphql(body!("gql-all")).expect("states");
    assert_eq!(state(&older, Controlled::Meshsync), Some(State::Running));
    assert_eq!(state(&older, Controlled::Broker), Some(State::Deployed));
    assert_eq!(state(&older, Controlled::Operator), Some(State::Deployed));
    let unknown = graphql(body!("gql-garbage-id")).expect("states");
    assert!(unknown.iter().all(|view| view.state() == State::Unknown && view.said == "UNKOWN"), "{unknown:?}");
    let panicked = graphql(r#"{"errors": [{"message": "internal system error", "path": ["m"]}], "data": null}"#);
    assert_eq!(panicked.map_err(|failure| failure.kind), Err(Kind::ServerError));

    let event = "data: [{\"connectionId\":\"c\",\"controller\":\"MESHSYNC\",\"status\":\"RUNNING\",\"version\":\"1.0.3\"},\
                 {\"connectionId\":\"other\",\"controller\":\"OPERATOR\",\"status\":\"DEPLOYED\"},\
                 {\"connectionId\":\"c\",\"controller\":\"NEW\",\"status\":\"DEPLOYED\"}]\n\ndata: []\n\n";
    let streamed = stream(event, "c").expect("states");
    assert_eq!(streamed.len(), 1);
    assert_eq!(state(&streamed, Controlled::Meshsync), Some(State::Running));
    assert_eq!(stream("data: []\n\n", "c"), Ok(Vec::new()));
    assert!(stream(": comment\n\n", "c").is_err());

    let may = r#"{"connectionID": "c", "name": "MesheryBroker", "version": "2.14", "status": "Connected nats://10.0.0.1:4222"}"#;
    let may = status(may, Controlled::Broker).expect("a state");
    assert_eq!((may.state(), may.version.as_deref()), (State::Connected, Some("2.14")));
}

#[test]
fn diagnostics_and_events_are_read() {
    let inactive = r#"{"connectionId": "", "healthy": true, "diagnostics": [
        {"severity": "INFO", "code": "connection_inactive", "summary": "not\u0007\u200b active", "remediation": ["a", "b"]}]}"#;
    let inactive = diagnostics(inactive).expect("diagnostics");
    assert_eq!(inactive[0].code, "connection_inactive");
    assert_eq!((inactive[0].severity.as_str(), inactive[0].summary.as_str()), ("info", "not active"));
    assert_eq!(inactive[0].remediation, ["a", "b"]);
    assert_eq!(diagnostics(r#"{"healthy": true, "diagnostics": null}"#), Ok(Vec::new()));
    assert!(diagnostics("{}").is_err());

    let events = events(body!("events")).expect("events");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].description, "Kubernetes config uploaded.");
    assert!(events[0].created.is_some());
}

#[test]
fn data_is_counted() {
    assert_eq!(resource_count(body!("resources-data")), Ok(3));
    assert_eq!(resource_count(body!("resources-empty")), Ok(0));
    assert_eq!(resource_count(r#"{"totalCount": 18446744073709551615}"#), Ok(u64::MAX));
    assert!(resource_count(r#"{"total_count": -1}"#).is_err());
    let newer = r#"{"kinds": [{"kind": "Pod", "model": "a", "count": 2}, {"kind": "Pod", "model": "b", "count": 1},
        {"Kind": "Node", "Count": 3}], "namespaces": [], "labels": [{"key": "x"}]}"#;
    assert_eq!(summary(newer), Ok([("Node".to_owned(), 3), ("Pod".to_owned(), 3)].into()));
    assert!(summary(r#"{"kinds": null, "namespaces": null}"#).is_err());

    let whole = tables(body!("database-all")).expect("tables");
    assert_eq!((whole.total, whole.rows.get("kubernetes_resources")), (30, Some(&0)));
    assert_eq!((whole.rows.len(), whole.rows.get("keys")), (30, Some(&60)));
    assert_eq!(tables(body!("corrupt-database")).map(|tables| tables.total), Ok(0));
}

#[test]
fn adapters_and_pings_are_read() {
    let adapters = adapters(body!("adapters-list")).expect("adapters");
    let locations: Vec<&str> = adapters.iter().map(|adapter| adapter.location.as_str()).collect();
    assert_eq!(locations, ["127.0.0.1:10000", "127.0.0.1:10001"]);
    assert_eq!(adapters[0].name, None);
    assert_eq!(kubernetes_version(body!("ping-by-connection-id")), Ok("v1.35.4".into()));
    assert!(kubernetes_version("[]").is_err());
}
