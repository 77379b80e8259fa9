//! Both rounds against servers of each generation on loopback.

use secrecy::SecretString;

use super::*;
use crate::{
    cluster::server_access::NamedServer,
    facts::server::{Controlled, SentToken},
    observe::server::client::tests::{Peer, kube_client, named, peer, response},
    stack::profile::{MESHERY, MESHPLAY},
};

const CLUSTER: &str = "ec62249e-7f2b-4000-a6ee-2fa24e611eee";

/// A recorded answer of a real server.
macro_rules! recorded {
    ($name:literal) => {{
        let (head, body) = include_str!(concat!("../testdata/", $name, ".http")).split_once("\n\n").expect("a body");
        let (status, more) = head.split_once('\n').unwrap_or((head, ""));
        let more: String = more.lines().map(|line| format!("{line}\r\n")).collect();
        response(status.trim_start_matches("HTTP/1.1 "), &more, body)
    }};
}

/// The real server of 2024 with its local provider.
fn of_2024(request: &str) -> String {
    let path = request.split(' ').nth(1).unwrap_or_default();
    match path.split('?').next().unwrap_or_default() {
        "/api/user" => recorded!("user"),
        "/api/integrations/connections" => recorded!("connections"),
        "/api/providers" => recorded!("providers"),
        "/api/system/version" => recorded!("version"),
        "/api/system/graphql/query" => recorded!("gql-all"),
        "/api/system/kubernetes/ping" => recorded!("ping-by-connection-id"),
        "/api/system/meshsync/resources" => recorded!("resources-data"),
        "/api/system/database" => recorded!("database-all"),
        "/api/v2/events" => recorded!("events"),
        "/api/system/adapters" if path.contains("adapter=") => recorded!("adapter-ping-configured"),
        "/api/system/adapters" => recorded!("adapters-list"),
        _ => recorded!("diagnostics-absent"),
    }
}

/// The newest server.
fn newest(request: &str) -> String {
    let path = request.split(' ').nth(1).unwrap_or_default();
    let json = |body: &str| response("200 OK", "Content-Type: application/json\r\n", body);
    let id = "11111111-2222-3333-4444-555555555555";
    match path.split('?').next().unwrap_or_default() {
        "/api/user" => json(r#"{"id":"u","userId":"u","email":"someone@example.com","provider":"Meshery"}"#),
        "/api/integrations/connections" => json(&format!(
            r#"{{"connections":[{{"id":"{id}","kind":"kubernetes","status":"connected","metadata":{{"id":"x",
               "kubernetesServerId":"{CLUSTER}"}}}}],"totalCount":1,"page":0,"pageSize":50}}"#
        )),
        "/api/system/version" => {
            json(r#"{"build":"v1.0.5","latest":"v1.0.6","outdated":true,"releaseChannel":"stable"}"#)
        }
        "/api/system/controllers/diagnostics" if path.contains(id) => json(
            r#"{"connectionId":"x","healthy":false,"diagnostics":[{"severity":"warning","code":"broker_unreachable","summary":"s"}]}"#,
        ),
        "/api/system/controllers/diagnostics" => json(
            r#"{"connectionId":"","healthy":true,"diagnostics":[{"severity":"info","code":"connection_inactive"}]}"#,
        ),
        "/api/system/controllers/status/subscribe" => format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\
             data: [{{\"connectionId\":\"{id}\",\"controller\":\"BROKER\",\"status\":\"CONNECTED\"}}]\n\n"
        ),
        "/api/system/kubernetes/ping" => json(r#"{"serverVersion":"v1.35.0"}"#),
        "/api/system/meshsync/resources/summary" => {
            json(r#"{"kinds":[{"kind":"Node","model":"k","count":2}],"labels":null}"#)
        }
        "/api/system/meshsync/resources" => json(r#"{"resources":[],"totalCount":5}"#),
        _ => response("404 Not Found", "", "404 page not found"),
    }
}

/// An API server with three objects of each kind.
async fn cluster() -> Peer {
    peer(|_| Some(response("200 OK", "Content-Type: application/json\r\n", LIST))).await
}

const LIST: &str =
    r#"{"kind":"PartialObjectMetadataList","metadata":{"continue":"x","remainingItemCount":2},"items":[{}]}"#;

/// What is found out about a server, and the first lines of the requests that it received.
async fn found(
    server: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    profile: &'static Profile,
    change: impl FnOnce(&mut NamedServer, &mut ServerChoice),
) -> (ServerFacts, Vec<String>) {
    let (server, cluster) = (peer(server).await, cluster().await);
    let address = format!("http://127.0.0.1:{}", cluster.port).parse().expect("an address");
    let client = kube::Client::try_from(kube::Config::new(address)).expect("a client");
    let api = ApiClient::new(client, Duration::from_secs(10), Instant::now() + Duration::from_secs(20), None);
    let (mut choice, mut name) = (ServerChoice::default(), named(server.port, None));
    change(&mut name, &mut choice);
    choice.named = Some(name);
    let inquiry = Inquiry { api: &api, client: kube_client(), profile, choice: &choice };
    let told = FromCluster { cluster_id: Some(CLUSTER.into()), pod: None, counted: COUNTED.to_vec() };
    let (facts, _) = inquiry.run(async { Some(told) }).await.expect("it was named");
    let requests = server.requests.lock().expect("no panic").clone();
    let lines = requests.iter().map(|request| request.lines().next().unwrap_or_default().to_owned());
    (facts, lines.collect())
}

#[tokio::test]
async fn server_of_2024_is_read() {
    let (facts, requests) = found(|line| Some(of_2024(line)), &MESHPLAY, |_, _| ()).await;
    assert_eq!(facts.unreachable, None);
    assert_eq!(facts.session, ServerSession::Local);
    assert_eq!(facts.provider.as_deref(), Some("None"));
    assert_eq!(facts.generation, Seen::Known(ApiGeneration::Graphql));
    assert_eq!(facts.controllers.items().len(), 3);
    assert_eq!(facts.diagnostics, Seen::Absent);
    assert_eq!(facts.ping, Seen::Known("v1.35.4".into()));
    assert_eq!(facts.connection_to(CLUSTER).map(|connection| connection.name.as_str()), Some("bed"));
    let data = facts.data.known().expect("data");
    assert_eq!((data.total, data.kinds.len(), data.every_kind), (Some(3), 6, false));
    assert_eq!(facts.served.get("Node"), Some(&Seen::Known(3)));
    assert_eq!(facts.served.len(), 6);
    assert!(facts.events.is_not_looked() && facts.adapters.is_not_looked() && facts.tables.is_not_looked());
    assert!(facts.micros.contains_key("session") && facts.micros.contains_key("data"));
    for line in &requests {
        assert!(line.starts_with("GET /") || line.starts_with("POST /api/system/graphql/query "), "{line}");
        assert!(!line.contains("/sync") && !line.contains("/contexts"), "{line}");
    }
}

#[tokio::test]
async fn everything_is_asked_for_the_status_of_a_server() {
    let (facts, _) = found(|line| Some(of_2024(line)), &MESHPLAY, |_, choice| choice.whole = true).await;
    assert_eq!(facts.events.items().len(), 1);
    assert_eq!(facts.adapters.items().len(), 2);
    assert!(facts.adapters.items()[0].reached_by_server.failure().is_some());
}

#[tokio::test]
async fn newest_server_is_read() {
    let token = |server: &mut NamedServer, _: &mut ServerChoice| {
        *server = named(server.origin.clone().expect("it").port, Some("token-token"));
    };
    let (facts, requests) = found(|line| Some(newest(line)), &MESHERY, token).await;
    assert_eq!(facts.session, ServerSession::LoggedIn);
    assert_eq!(facts.generation, Seen::Known(ApiGeneration::Controllers));
    assert_eq!(facts.controllers.items()[0].controller, Controlled::Broker);
    assert_eq!(facts.diagnostics.items()[0].code, "broker_unreachable");
    let data = facts.data.known().expect("data");
    assert_eq!((data.total, data.kinds.get("Node"), data.every_kind), (Some(5), Some(&2), true));
    assert_eq!(facts.version.known().and_then(|release| release.outdated), Some(true));
    assert!(!requests.iter().any(|line| line.contains("graphql")));
    assert!(!format!("{facts:?}").contains("someone@example.com"));
}

#[tokio::test]
async fn without_a_session_nothing_more_is_asked() {
    let refusing = |line: &str| {
        let answer = if line.contains("/api/system/version") {
            recorded!("version")
        } else if line.contains("/api/providers") {
            recorded!("providers")
        } else {
            recorded!("remote-expired")
        };
        Some(answer)
    };
    let (facts, requests) = found(refusing, &MESHPLAY, |_, _| ()).await;
    assert_eq!(facts.session, ServerSession::NoToken);
    assert_eq!(facts.providers.known().map(BTreeMap::len), Some(1));
    assert_eq!(facts.unreachable, None);
    assert_eq!(requests.len(), 5, "{requests:?}");

    let expired = |server: &mut NamedServer, _: &mut ServerChoice| {
        let expires = "2026-01-01T00:00:00Z".parse().ok();
        server.credential = Some(ServerCredential {
            provider: Some("Meshery".into()),
            token: Some(SecretString::from("token-token".to_owned())),
            fact: Some(SentToken { source: "auth.json".into(), expires, in_clear: false }),
        });
    };
    let (facts, _) = found(refusing, &MESHPLAY, expired).await;
    assert_eq!(facts.session, ServerSession::Expired);
    assert_eq!(facts.token.map(|token| token.source).as_deref(), Some("auth.json"));

    let (facts, _) = found(
        |line| Some(if line.contains("/api/user") { recorded!("remote-provider-500") } else { of_2024(line) }),
        &MESHPLAY,
        |_, _| (),
    )
    .await;
    assert_eq!(facts.session, ServerSession::ProviderDown);
}

#[tokio::test]
async fn other_servers_are_told_apart() {
    let page = |_: &str| Some(response("200 OK", "Content-Type: text/html\r\n", "<html></html>"));
    let (facts, _) = found(page, &MESHERY, |_, _| ()).await;
    assert_eq!(facts.unreachable.map(|unreachable| unreachable.step), Some(ReachStep::NotTheServer));
    let error = |_: &str| Some(response("500 Internal Server Error", "", "it\u{1b} broke"));
    let (facts, _) = found(error, &MESHERY, |_, _| ()).await;
    let unreachable = facts.unreachable.expect("no server");
    assert_eq!((unreachable.step, unreachable.message.as_str()), (ReachStep::Response, "it returned 500: it broke"));
}

#[tokio::test]
async fn corrupt_database_is_reported_with_its_tables() {
    let corrupt = |line: &str| {
        Some(if line.contains("/meshsync/resources") {
            recorded!("corrupt-resources")
        } else if line.contains("/api/system/database") {
            recorded!("corrupt-database")
        } else {
            of_2024(line)
        })
    };
    let (facts, _) = found(corrupt, &MESHPLAY, |_, _| ()).await;
    let failure = facts.data.failure().expect("no data");
    assert_eq!(failure.kind, Kind::ServerError);
    assert!(failure.message.contains("no such table: kubernetes_resources"), "{}", failure.message);
    assert_eq!(facts.tables.known().map(|tables| tables.total), Some(0));
    assert!(facts.served.is_empty());
}

#[tokio::test]
async fn hanging_server_costs_no_more_than_its_time() {
    let partly = |line: &str| {
        let answers = ["/api/user", "/connections", "/diagnostics"].iter().any(|path| line.contains(path));
        answers.then(|| of_2024(line))
    };
    let started = Instant::now();
    let ((all, _), (part, _)) =
        join(Box::pin(found(|_| None, &MESHPLAY, |_, _| ())), Box::pin(found(partly, &MESHPLAY, |_, _| ()))).await;
    let took = started.elapsed();
    assert!(took <= limits::SERVER_TIME + Duration::from_secs(1), "{took:?}");
    assert_eq!(all.unreachable.map(|unreachable| unreachable.step), Some(ReachStep::Response));
    assert_eq!(part.unreachable, None);
    assert_eq!(part.session, ServerSession::Local);
    assert!(part.version.failure().is_some() && part.data.failure().is_some() && part.ping.failure().is_some());
}

/// A cluster with the server's Service, whose port leads to this one, and a pod of this readiness.
fn with_service(target: &serde_json::Value, ready: &str) -> Facts {
    let service = serde_json::json!({ "metadata": { "name": "meshery" },
        "spec": { "ports": [{ "port": 80 }, { "port": 9081, "targetPort": target }] } });
    let pod = serde_json::json!({
        "metadata": { "name": "meshery-0", "labels": { "app.kubernetes.io/name": "meshery" } },
        "spec": { "containers": [{ "name": "meshery", "ports": [{ "name": "web", "containerPort": 8080 }] }] },
        "status": { "conditions": [{ "type": "Ready", "status": ready }] } });
    Facts {
        profile: &MESHERY,
        services: Seen::Known(vec![serde_json::from_value(service).expect("a Service")]),
        pods: Seen::Known(vec![serde_json::from_value(pod).expect("a pod")]),
        deployments: Seen::Known(Vec::new()),
        ..Facts::default()
    }
}

#[test]
fn port_of_the_service_is_that_of_the_container() {
    let port = |facts: &Facts| pod(facts).map(|pod| (pod.pod, pod.port));
    let expected = |port| Some(("meshery-0".to_owned(), port));
    assert_eq!(port(&with_service(&serde_json::json!(8081), "True")), expected(8081));
    assert_eq!(port(&with_service(&serde_json::json!("web"), "True")), expected(8080));
    assert_eq!(port(&with_service(&serde_json::Value::Null, "True")), expected(9081));
    assert_eq!(port(&with_service(&serde_json::json!("none"), "True")), None);
    assert_eq!(port(&with_service(&serde_json::json!(8081), "False")), None);
    let without = Facts { services: Seen::Known(Vec::new()), ..with_service(&serde_json::json!(8081), "True") };
    assert_eq!(port(&without), None);
    assert_eq!(FromCluster::of(&without, false).counted, COUNTED);
}

#[tokio::test]
async fn without_a_server_nothing_is_asked() {
    let api = crate::observe::server::client::tests::api();
    let choice = ServerChoice::default();
    let inquiry = Inquiry { api: &api, client: kube_client(), profile: &MESHERY, choice: &choice };
    assert_eq!(inquiry.run(async { Some(FromCluster::default()) }).await, None);
    assert_eq!(inquiry.run(async { None }).await, None);
    assert_eq!(api.sent(), 0);
}

#[tokio::test]
async fn unusable_address_is_a_fact() {
    let api = crate::observe::server::client::tests::api();
    let server = NamedServer { origin: Err("MESHERY_SERVER is not an address".into()), ..named(1, None) };
    let choice = ServerChoice { named: Some(server), ..ServerChoice::default() };
    let inquiry = Inquiry { api: &api, client: kube_client(), profile: &MESHERY, choice: &choice };
    let (facts, _) = inquiry.run(async { None }).await.expect("it was named");
    assert_eq!(facts.unreachable.map(|unreachable| unreachable.step), Some(ReachStep::Configuration));
    assert_eq!(facts.session, ServerSession::NotAsked);
}
