//! The stand-in answers as the real servers do.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use super::standin::{
    AdapterReply, CLUSTER_SECRET, Data, Generation, Link, Login, Ping, Probe, Product, Setup, StandIn, Ui,
    expired_token, token,
};

const CLUSTER: &str = "ec62249e-7f2b-4000-a6ee-2fa24e611eee";
const ID: &str = "535bca23-d3bd-af3e-2c7d-d5dc00000001";
const LOCAL: &str = "meshery-provider=None";

/// A response.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Said {
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub(super) fn send(server: &StandIn, method: &str, target: &str, cookies: &str, body: &str) -> Said {
    try_send(server, method, target, cookies, "", body)
        .unwrap_or_else(|ended| panic!("an answer that ends early: {ended}"))
}

/// The same with headers, each with its line end. An error is what arrived before the connection ended.
pub(super) fn try_send(
    server: &StandIn,
    method: &str,
    target: &str,
    cookies: &str,
    headers: &str,
    body: &str,
) -> Result<Said, String> {
    let mut stream = TcpStream::connect(server.endpoint()).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let cookies = if cookies.is_empty() { String::new() } else { format!("Cookie: {cookies}\r\n") };
    let length = body.len();
    let request =
        format!("{method} {target} HTTP/1.1\r\nHost: x\r\n{cookies}{headers}Content-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            let is_whole = match length {
                Some(length) => body.len() >= length.parse().expect("a length"),
                None => body.contains("\n\n"),
            };
            if is_whole {
                let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
                return Ok(Said { status, head: head.to_owned(), body: body.to_owned() });
            }
        }
        match stream.read(&mut buffer).expect("an answer in time") {
            0 => return Err(text),
            read => received.extend_from_slice(&buffer[..read]),
        }
    }
}

pub(super) fn get(server: &StandIn, target: &str, cookies: &str) -> Said {
    send(server, "GET", target, cookies, "")
}

/// The body of a recorded answer.
fn recorded(text: &str) -> Value {
    let text = text.split_once("\n\n").expect("a body").1;
    let text = text.replace("535bca23-d3bd-af3e-2c7d-d5dc65e1c855", ID);
    serde_json::from_str(&text).expect("JSON")
}

fn meshplay() -> StandIn {
    StandIn::start(Setup { product: Product::Meshplay, ..Setup::of(Generation::Graphql, CLUSTER) })
}

const QUERY: &str = "query($c:String!){m:getMeshsyncStatus(connectionID:$c){name status version connectionID} \
                     b:getNatsStatus(connectionID:$c){name status version connectionID} \
                     o:getOperatorStatus(connectionID:$c){controller status version connectionID}}";

fn ask(server: &StandIn, cookies: &str, query: &str, id: &str) -> Said {
    let body = json!({ "query": query, "variables": { "c": id } }).to_string();
    send(server, "POST", "/api/system/graphql/query", cookies, &body)
}

#[test]
fn graphql_answers_as_recorded() {
    let server = meshplay();
    let local = "meshplay-provider=None";
    assert_eq!(ask(&server, local, QUERY, ID).json(), recorded(include_str!("answers/gql-all.http")));
    let unknown = ask(&server, local, QUERY, "11111111-2222-3333-4444-555555555555").json();
    assert_eq!(unknown, recorded(include_str!("answers/gql-unknown-uuid.http")));
    let old = format!("query{{getMeshsyncStatus(k8scontextID:\"{ID}\"){{status}}}}");
    let refused = ask(&server, local, &old, ID);
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json(), recorded(include_str!("answers/gql-old-argument.http")));
    server.change(|setup| setup.old_argument = true);
    assert_eq!(ask(&server, local, &old, ID).json()["data"]["getMeshsyncStatus"]["status"], "Running");
    server.change(|setup| setup.panics = true);
    let failed = ask(&server, local, &old, ID);
    assert_eq!((failed.status, &failed.json()["data"]), (200, &Value::Null));
    assert_eq!(server.writes(), [""; 0]);
}

#[test]
fn lists_of_2024_have_its_oddities() {
    let server = meshplay();
    let local = "meshplay-provider=None";
    let kinds = "kind=%5B%22kubernetes%22%5D";
    let listed = get(&server, &format!("/api/integrations/connections?page=0&pagesize=50&{kinds}"), local);
    assert!(listed.head.contains("text/plain"), "{listed:?}");
    let mut expected = recorded(include_str!("answers/connections.http"));
    expected["connections"][0]["metadata"]["id"] = ID.replace('-', "").into();
    assert_eq!(listed.json(), expected);
    assert_eq!(get(&server, "/api/integrations/connections?kind=kubernetes", local).status, 500);
    assert_eq!(get(&server, "/api/system/kubernetes/contexts?pagesize=all", local).status, 500);
    let contexts = get(&server, "/api/system/kubernetes/contexts?pagesize=50", local);
    assert!(contexts.body.contains(CLUSTER_SECRET));
    let ping = |query: &str| get(&server, &format!("/api/system/kubernetes/ping?{query}"), local);
    assert_eq!(ping(&format!("connection_id={ID}&connectionId={ID}")).json()["server_version"], "v1.35.4");
    assert_eq!(ping(&format!("connectionId={ID}")).status, 400);
    assert_eq!(ping("connection_id=other").status, 500);
    for absent in ["/api/system/controllers/diagnostics", "/api/system/events", "/healthz/ready"] {
        assert_eq!(get(&server, absent, local).body, "404 page not found\n");
    }
    server.change(|setup| setup.ui = Ui::NotFound);
    let page = get(&server, "/api/system/controllers/diagnostics", local);
    assert!(page.status == 404 && page.body.starts_with('<'), "{page:?}");
}

#[test]
fn stored_objects_are_counted_in_every_state_of_the_data() {
    let clusters = format!("clusterIds=%5B%22{CLUSTER}%22%5D");
    for generation in Generation::ALL {
        let server = StandIn::start(Setup::of(generation, CLUSTER));
        let count = |query: &str| {
            let said = get(&server, &format!("/api/system/meshsync/resources?{query}&page=0&pagesize=1"), LOCAL);
            let said = said.json();
            said["total_count"].as_u64().or(said["totalCount"].as_u64()).expect("a number")
        };
        assert_eq!(count(&clusters), 33, "{generation:?}");
        assert_eq!(count(&format!("{clusters}&kind=Pod")), 9, "{generation:?}");
        assert_eq!(count("kind=Pod"), 0, "{generation:?}");
        server.change(|setup| setup.probe = Some(Probe { stored: 2, removed: 3 }));
        let searched = [0; 3].map(|_| count(&format!("{clusters}&kind=ConfigMap&search=probe")));
        assert_eq!(searched, [0, 1, 0], "{generation:?}");
        server.change(|setup| setup.data = Data::Growing);
        let first = count(&clusters);
        assert!(first > 33 && count(&clusters) > first, "{generation:?}");
        server.change(|setup| setup.data = Data::Empty);
        assert_eq!(count(&clusters), 0, "{generation:?}");
        for (data, words) in [
            (Data::Malformed, "database disk image is malformed"),
            (Data::NoTable, "no such table: kubernetes_resources"),
        ] {
            server.change(|setup| setup.data = data);
            let said = get(&server, &format!("/api/system/meshsync/resources?{clusters}"), LOCAL);
            assert_eq!(said.status, 500);
            assert!(said.body.contains(words), "{generation:?}: {said:?}");
        }
        let tables = get(&server, "/api/system/database?page=0&pagesize=100&search=kubernetes_resources", LOCAL).json();
        assert_eq!(tables["tables"], json!([]), "{generation:?}");
        assert_eq!(server.writes(), [""; 0]);
    }
}

#[test]
fn newer_generations_summarize_and_report_controllers() {
    let server = StandIn::start(Setup { ui: Ui::Index, ..Setup::of(Generation::Controllers, CLUSTER) });
    let summary = |query: &str| get(&server, &format!("/api/system/meshsync/resources/summary{query}"), LOCAL);
    assert_eq!(summary("").status, 400);
    assert_eq!(summary(&format!("?clusterId={CLUSTER}")).json()["kinds"][4]["count"], 9);
    let diagnostics = |query: &str| get(&server, &format!("/api/system/controllers/diagnostics{query}"), LOCAL).json();
    assert_eq!(diagnostics("")["diagnostics"][0]["code"], "connection_inactive");
    assert_eq!(diagnostics("")["healthy"], true);
    assert_eq!(diagnostics(&format!("?connectionId={ID}"))["diagnostics"], json!([]));
    server.change(|setup| setup.diagnostics = vec![Setup::diagnostic("broker_unreachable")]);
    assert_eq!(diagnostics(&format!("?connectionId={ID}"))["healthy"], false);
    let stream = get(&server, &format!("/api/system/controllers/status/subscribe?connectionIds={ID}"), LOCAL);
    assert!(stream.body.contains(r#""controller":"BROKER""#) && stream.body.contains("CONNECTED"), "{stream:?}");
    let broker = get(&server, &format!("/api/system/controllers/broker/status?connectionId={ID}"), LOCAL).json();
    assert_eq!(broker["status"], "Connected nats://127.64.0.9:4222");
    assert_eq!(ask(&server, LOCAL, QUERY, ID).status, 422);
    assert!(get(&server, "/api/system/kubernetes/connections/x/operator/status", LOCAL).body.starts_with('<'));

    let may = StandIn::start(Setup::of(Generation::Connections, CLUSTER));
    let status = |id: &str| get(&may, &format!("/api/system/kubernetes/connections/{id}/operator/status"), LOCAL);
    assert_eq!(status("other").body, "context not found\n");
    assert_eq!(status(ID).json()["status"], "Deployed");
    may.change(|setup| setup.states[0] = "NOTDEPLOYED");
    assert_eq!(status(ID).json()["status"], "Not Deployed");
    let summary = get(&may, &format!("/api/system/meshsync/resources/summary?clusterId={CLUSTER}"), LOCAL).json();
    assert_eq!(summary["kinds"][4]["Count"], 9);
}

#[test]
fn sessions_are_refused_as_servers_refuse_them() {
    let good = token("good");
    let location = |said: &Said| said.head.lines().find_map(|line| line.strip_prefix("Location: ").map(str::to_owned));
    for generation in Generation::ALL {
        let setup = Setup { login: Login::Remote(good.clone()), ..Setup::of(generation, CLUSTER) };
        let server = StandIn::start(setup);
        let user = |cookies: &str| get(&server, "/api/user", cookies);
        let remote = |token: &str| user(&format!("token={token}; meshery-provider=Meshery"));
        assert_eq!(location(&user("")).as_deref(), Some("/provider?ref=L2FwaS91c2VyPw"));
        assert_eq!(location(&user(LOCAL)).as_deref(), Some("/provider?ref=L2FwaS91c2VyPw"));
        let no_token = location(&user("meshery-provider=Meshery"));
        assert!(no_token.is_some_and(|to| to.starts_with("http://127.0.0.1:19090/login?")));
        assert_eq!(location(&remote("")).as_deref(), Some("/"));
        let expired = remote(&expired_token("old"));
        assert_eq!(location(&expired).as_deref(), Some("/auth/login?"));
        assert!(expired.head.contains("Set-Cookie: token=; Path=/; Max-Age=0"));
        assert!(remote(&good).body.contains("s@example.com"));
        let posted = ask(&server, "meshery-provider=Meshery", QUERY, ID);
        assert_eq!((posted.status, posted.body.as_str()), (404, ""));
        server.change(|setup| setup.login = Login::ProviderFails);
        assert_eq!(remote(&good).body.trim(), "{}");
        server.change(|setup| setup.login = Login::ProviderDown);
        let expected = if generation == Generation::Graphql { 302 } else { 503 };
        assert_eq!(remote(&good).status, expected);
        server.change(|setup| setup.login = Login::Both(good.clone()));
        assert_eq!(user(LOCAL).status, 200);
        let none = get(&server, "/api/integrations/connections", LOCAL);
        assert!(none.body.contains(r#""connections":[]"#), "{none:?}");
        assert!(get(&server, "/api/providers", "").status == 200);
    }
}

#[test]
fn other_answers_are_as_servers_give_them() {
    let setup = Setup::of(Generation::Controllers, CLUSTER);
    let event = setup.event("error", "MeshSync is not connected");
    let second = Link { ping: Ping::Unreachable, ..Link::to(CLUSTER, 2) };
    let server = StandIn::start(Setup {
        outdated: Some(true),
        ready: false,
        events: vec![event],
        adapters: vec![("istio:10000".into(), AdapterReply::Reached), ("osm:10001".into(), AdapterReply::NotReached)],
        connections: vec![Link { mode: Some("embedded".into()), ..Link::to(CLUSTER, 1) }, second.clone()],
        ..setup
    });
    assert_eq!(get(&server, "/api/system/version", "").json()["outdated"], true);
    assert_eq!(get(&server, "/healthz/ready?verbose=1", "").status, 503);
    let events = get(&server, "/api/system/events?page=0&pagesize=10", LOCAL).json();
    assert_eq!(events["events"][0]["severity"], "error");
    let adapter = |of: &str| get(&server, &format!("/api/system/adapters{of}"), LOCAL);
    assert_eq!(adapter("").json()[0]["name"], "istio");
    let statuses = ["istio:10000", "osm:10001", "other"].map(|of| adapter(&format!("?adapter={of}")).status);
    assert_eq!(statuses, [200, 500, 400]);
    let ping = get(&server, &format!("/api/system/kubernetes/ping?connectionId={}", second.id), LOCAL);
    assert!(ping.status == 500 && ping.body.contains("connection refused"));
    let list = get(&server, "/api/integrations/connections?pageSize=1", LOCAL).json();
    assert_eq!(
        (&list["totalCount"], &list["connections"][0]["metadata"]["meshsyncDeploymentMode"]),
        (&json!(2), &json!("embedded"))
    );
    assert_eq!(server.writes(), [""; 0]);
    get(&server, "/api/system/sync", LOCAL);
    send(&server, "DELETE", "/api/system/database/reset", LOCAL, "");
    assert_eq!(server.writes().len(), 2);
    assert_eq!(server.cookies(), [LOCAL]);
    assert!(server.requests().contains(&"GET /api/system/version".to_owned()) && !server.received("nothing"));
    assert_eq!(server.url(), format!("http://127.0.0.1:{}", server.port()));
}
