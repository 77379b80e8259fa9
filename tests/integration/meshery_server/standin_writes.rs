//! The stand-in changes as the real servers do.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::{
    standin::{
        CLUSTER_SECRET, Fate, Generation, Inventory, Link, Login, Ping, Product, Said as Body, Setup, StandIn, Upload,
        Write, token,
    },
    standin_selftest::{Said, get, send, try_send},
};

const CLUSTER: &str = "ec62249e-7f2b-4000-a6ee-2fa24e611eee";
const ID: &str = "535bca23-d3bd-af3e-2c7d-d5dc00000001";
const LOCAL: &str = "meshery-provider=None";

/// A kubeconfig with these contexts, each of a cluster of its own.
fn kubeconfig(names: &[&str]) -> String {
    let list = |of: &dyn Fn(&&str) -> Value| names.iter().map(of).collect::<Vec<_>>();
    json!({
        "kind": "Config", "apiVersion": "v1",
        "clusters": list(&|name| json!({ "name": name, "cluster": { "server": format!("https://{name}:6443") } })),
        "users": list(&|name| json!({ "name": name, "user": { "token": "uploadedSecret" } })),
        "contexts": list(&|name| json!({ "name": name, "context": { "cluster": name, "user": name } })),
    })
    .to_string()
}

fn upload(server: &StandIn, names: &[&str], more: &str) -> Said {
    let file = "Content-Disposition: form-data; name=\"k8sfile\"; filename=\"config\"\r\n\r\n";
    let body = format!("--xx\r\n{file}{}\r\n{more}--xx--\r\n", kubeconfig(names));
    let kind = "Content-Type: multipart/form-data; boundary=xx\r\n";
    try_send(server, "POST", "/api/system/kubernetes", LOCAL, kind, &body).expect("an answer")
}

/// The names of the contexts in each list of an answer to an upload.
fn lists(said: &Said) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names = |list: &Value| list.as_array().into_iter().flatten().map(|item| text(&item["name"])).collect();
    let said = said.json();
    said.as_object().into_iter().flatten().map(|(list, items)| (list.clone(), names(items))).collect()
}

/// The connections as `name status`.
fn connections(server: &StandIn) -> Vec<String> {
    let listed = get(server, "/api/integrations/connections?page=0&pagesize=50&pageSize=50", LOCAL).json();
    let word = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let items = listed["connections"].as_array().expect("a list").clone();
    items.iter().map(|item| format!("{} {}", word(&item["metadata"], "name"), word(item, "status"))).collect()
}

/// How many objects are stored of the cluster.
fn stored(server: &StandIn) -> u64 {
    let path = format!("/api/system/meshsync/resources?clusterIds=%5B%22{CLUSTER}%22%5D&page=0&pagesize=1&pageSize=1");
    let said = get(server, &path, LOCAL).json();
    said["total_count"].as_u64().or(said["totalCount"].as_u64()).expect("a number")
}

fn put_status(server: &StandIn, generation: Generation, status: &str) -> Said {
    let (path, body) = match generation {
        Generation::Graphql => ("/api/integrations/connections/kubernetes/status".into(), json!({ ID: status })),
        _ => (format!("/api/integrations/connections/{ID}"), json!({ "id": ID, "status": status })),
    };
    send(server, "PUT", &path, LOCAL, &body.to_string())
}

fn act(server: &StandIn, action: &Value) -> Said {
    let path = format!("/api/integrations/connections/{ID}/actions");
    send(server, "POST", &path, LOCAL, &action.to_string())
}

#[test]
fn uploaded_contexts_are_listed_and_connected() {
    for generation in Generation::ALL {
        let server = StandIn::start(Setup { connections: Vec::new(), ..Setup::of(generation, CLUSTER) });
        server.change(|setup| {
            setup.alive = false;
            let outcomes = [("dead", Upload::Unreachable), ("no", Upload::Ignored), ("bad", Upload::Errored)];
            setup.writing.uploads = outcomes.map(|(name, what)| (name.to_owned(), what)).into();
            setup.writing.clusters = BTreeMap::from([("https://far:6443".to_owned(), "far-away".to_owned())]);
        });
        let said = upload(&server, &["prod", "far", "dead", "no", "bad"], "");
        assert!(said.body.contains("uploadedSecret"), "{said:?}");
        let old = generation == Generation::Graphql;
        let found: Vec<Vec<String>> = lists(&said).into_iter().map(|list| list.1).collect();
        // Registered, connected, ignored, errored.
        let registered: &[&str] = if old { &["prod", "far"] } else { &["prod", "far", "dead"] };
        assert_eq!(found, [registered, &[], &["no"], &["bad"]], "{generation:?}");
        let expected: &[&str] = if old {
            &["prod connected", "far connected", "no ignored"]
        } else {
            &["prod connected", "far connected", "dead discovered", "no ignored"]
        };
        assert_eq!(connections(&server), expected, "{generation:?}");
        assert_eq!(server.setup().connections[1].cluster, "far-away");
        let again = lists(&upload(&server, &["prod"], ""));
        let list = if old { "registered_contexts" } else { "connectedContexts" };
        assert!(again.contains(&(list.to_owned(), vec!["prod".to_owned()])), "{again:?}");
        assert_eq!(connections(&server).len(), expected.len());
        server.assert_written(&["upload prod, far, dead, no, bad", "upload prod"]);
    }
}

#[test]
fn uploads_that_are_no_kubeconfigs_are_refused_as_recorded() {
    let server = StandIn::start(Setup::of(Generation::Graphql, CLUSTER));
    let post = |headers: &str, body: &str| {
        let said = try_send(&server, "POST", "/api/system/kubernetes", LOCAL, headers, body).expect("an answer");
        (said.status, said.body.trim().to_owned())
    };
    let form = "Content-Type: multipart/form-data; boundary=xx\r\n";
    let part = |head: &str| format!("--xx\r\nContent-Disposition: form-data; {head}\r\n\r\n{{}}\r\n--xx--\r\n");
    assert_eq!(post("", "{}"), (400, "request Content-Type isn't multipart/form-data".into()));
    assert_eq!(post(form, &part("name=\"k8sfile\"")), (400, "http: no such file".into()));
    assert_eq!(post(form, &part("name=\"other\"; filename=\"a\"")), (400, "http: no such file".into()));
    let (status, empty) = post(form, &part("name=\"k8sfile\"; filename=\"a\""));
    assert!(status == 200 && empty.contains("\"registered_contexts\":[]"), "{empty}");
}

#[test]
fn newer_servers_take_modes_and_a_selection() {
    let server = StandIn::start(Setup { connections: Vec::new(), ..Setup::of(Generation::Controllers, CLUSTER) });
    upload(&server, &["a"], "");
    let id = server.setup().connections[0].context_id.clone();
    let field =
        |name: &str, text: &str| format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
    let more = field("selectedContexts", &json!([id]).to_string())
        + &field("contexts", &json!({ id: { "meshsyncDeploymentMode": "operator" } }).to_string());
    upload(&server, &["a", "b"], &more);
    let found = server.setup().connections;
    assert_eq!((found.len(), found[0].mode.as_deref()), (1, Some("operator")));
}

#[test]
fn statuses_change_as_in_each_generation() {
    for generation in Generation::ALL {
        let server = StandIn::start(Setup::of(generation, CLUSTER));
        let accepted = if generation == Generation::Graphql { 202 } else { 200 };
        let said = put_status(&server, generation, "disconnected");
        assert_eq!((said.status, said.body.as_str()), (accepted, ""));
        assert_eq!(connections(&server), ["bed disconnected"]);
        if generation == Generation::Graphql {
            let query = format!("query%7BgetMeshsyncStatus(connectionID:%22{ID}%22)%7Bstatus%7D%7D");
            let states = get(&server, &format!("/api/system/graphql/query?query={query}"), LOCAL);
            assert!(states.status == 200 && states.body.contains("internal system error"), "{states:?}");
            // What is not possible is accepted all the same.
            assert_eq!(put_status(&server, generation, "nonsense").status, 202);
            let by_id = format!("/api/integrations/connections/{ID}");
            assert_eq!(try_send(&server, "PUT", &by_id, LOCAL, "", "{}").err().as_deref(), Some(""));
        }
        assert_eq!(connections(&server), ["bed disconnected"]);
        assert_eq!(put_status(&server, generation, "connected").status, accepted);
        assert_eq!(connections(&server), ["bed connected"]);
        assert!(server.written().starts_with(&[format!("disconnect {ID}")]));
        assert_eq!(server.written().last().map(String::as_str), Some(format!("connect {ID}").as_str()));
    }
}

#[test]
fn deleted_connections_leave_what_real_servers_leave() {
    for generation in Generation::ALL {
        let old = generation == Generation::Graphql;
        let connection = format!("/api/integrations/connections/{ID}");
        let other = "/api/integrations/connections/11111111-2222-3333-4444-555555555555";
        let context = format!("/api/system/kubernetes/contexts/{}", ID.replace('-', ""));
        let server = StandIn::start(Setup::of(generation, CLUSTER));
        assert_eq!(send(&server, "DELETE", other, LOCAL, "").status, if old { 200 } else { 404 });
        assert_eq!(connections(&server), ["bed connected"]);
        assert_eq!(send(&server, "DELETE", &connection, LOCAL, "").status, 200);
        assert_eq!(connections(&server), [""; 0]);
        let contexts = get(&server, "/api/system/kubernetes/contexts?pagesize=50", LOCAL).json()["contexts"].clone();
        assert_eq!(contexts.as_array().map(Vec::len), Some(usize::from(old)));
        assert_eq!(stored(&server), if generation == Generation::Controllers { 0 } else { 33 });

        let server = StandIn::start(Setup::of(generation, CLUSTER));
        assert_eq!(send(&server, "DELETE", &context, LOCAL, "").status, 200);
        let expected: &[&str] = if old { &["bed deleted"] } else { &[] };
        assert_eq!(connections(&server), expected);
        let unknown = try_send(&server, "DELETE", "/api/system/kubernetes/contexts/abc", LOCAL, "", "");
        assert_eq!(unknown.map(|said| said.status), if old { Err(String::new()) } else { Ok(500) });

        // An ID that is no UUID deletes some connection.
        let server = StandIn::start(Setup::of(generation, CLUSTER));
        send(&server, "DELETE", "/api/integrations/connections/bed", LOCAL, "");
        assert_eq!(connections(&server), [""; 0]);
        server.assert_written(&["delete connection bed"]);
    }
}

#[test]
fn flushed_objects_come_back_or_not() {
    let server = StandIn::start(Setup::of(Generation::Controllers, CLUSTER));
    let flush = json!({ "action": "flushMeshsync" });
    server.change(|setup| setup.writing.refill = Some(Duration::from_millis(400)));
    assert_eq!(act(&server, &flush).json()["id"], ID);
    assert!(stored(&server) < 33);
    std::thread::sleep(Duration::from_millis(450));
    assert_eq!(stored(&server), 33);
    server.change(|setup| setup.writing.refill = None);
    act(&server, &flush);
    assert_eq!(stored(&server), 0);
    server.change(|setup| {
        setup.writing.refill = Some(Duration::ZERO);
        setup.receive_again();
    });
    assert_eq!(stored(&server), 33);
    server.change(|setup| setup.alive = false);
    let refused = act(&server, &flush);
    assert!(refused.status == 409 && refused.body.contains("no active session"), "{refused:?}");
    assert_eq!(act(&server, &json!({ "action": "other" })).status, 400);
    server.assert_written(&[
        &format!("flush {ID}"),
        &format!("flush {ID}"),
        &format!("flush {ID}"),
        &format!("POST /api/integrations/connections/{ID}/actions"),
    ]);

    // The generation of May flushes, and requests nothing.
    let may = StandIn::start(Setup::of(Generation::Connections, CLUSTER));
    assert_eq!(act(&may, &flush).status, 404);
    let resync = |id: &str, body: &str| {
        let said = send(&may, "POST", &format!("/api/system/kubernetes/contexts/{id}/resync"), LOCAL, body);
        (said.status, said.body.trim().to_owned())
    };
    assert_eq!(resync(ID, "x"), (400, "invalid request body".into()));
    assert_eq!(resync("other", r#"{"clearDb":true}"#), (404, "context not found".into()));
    assert_eq!(resync(ID, r#"{"clearDb":true,"reSync":true}"#), (200, r#"{"status":"processing"}"#.into()));
    assert_eq!(stored(&may), 0);
}

#[test]
fn graphql_of_2024_changes_as_recorded() {
    let setup = Setup { product: Product::Meshplay, ..Setup::of(Generation::Graphql, CLUSTER) };
    let server = StandIn::start(setup);
    let ask = |query: &str, variables: Value| {
        let body = json!({ "query": query, "variables": variables }).to_string();
        send(&server, "POST", "/api/system/graphql/query", "meshplay-provider=None", &body)
    };
    let query = "query($s:ReSyncActions,$c:String!){resyncCluster(selector:$s,k8scontextID:$c)}";
    let flags = |clear: &str, hard: &str| {
        let flags = json!({ "clearDB": clear, "ReSync": "true", "hardReset": hard });
        ask(query, json!({ "s": flags, "c": "abc" })).body
    };
    assert_eq!(flags("false", "false"), r#"{"data":{"resyncCluster":"PROCESSING"}}"#);
    assert!(flags("true", "false").contains("not able to get the current kubernetes context"));
    assert_eq!(ask(query, json!({ "s": { "clearDB": true }, "c": "" })).status, 422);
    assert_eq!(ask(&query.replace("query(", "mutation("), json!({})).status, 422);
    assert_eq!(ask(&query.replace("k8scontextID", "connectionID"), json!({})).status, 422);
    assert!(ask(query, json!({ "s": null, "c": "" })).body.contains("internal system error"));
    let operator = "mutation($i:OperatorStatusInput){changeOperatorStatus(input:$i)}";
    let operator = ask(operator, json!({ "i": { "targetStatus": "ENABLED", "contextID": "abc" } }));
    assert!(operator.body.contains("Kubernetes config is not initialized with Meshplay\""), "{operator:?}");
    assert_eq!(server.setup().writing.inventory, Inventory::Full);
    assert!(flags("true", "true").contains("PROCESSING"));
    assert_eq!(server.setup().connections, []);
    assert_eq!(server.written().iter().filter(|written| *written == "resync abc").count(), 3);
}

#[test]
fn reset_database_comes_back_as_in_each_generation() {
    for generation in Generation::ALL {
        let old = generation == Generation::Graphql;
        let server = StandIn::start(Setup::of(generation, CLUSTER));
        let said = send(&server, "DELETE", "/api/system/database/reset", LOCAL, "");
        assert!(said.status == 200 && said.head.contains("application/json"), "{said:?}");
        assert_eq!(said.body.starts_with("Database reset"), old, "{said:?}");
        assert_eq!(connections(&server), [""; 0]);
        assert_eq!(stored(&server), 0);
        let tables = get(&server, "/api/system/database?page=0&pagesize=100&pageSize=100", LOCAL).json();
        let listed = tables["tables"].as_array().expect("tables").clone();
        let count = |name: &str| listed.iter().find(|table| table["name"] == name).map(|table| table["count"].clone());
        assert_eq!((count("connections"), count("kubernetes_resources")), (Some(0.into()), Some(0.into())));
        assert_eq!(listed.len(), if old { 23 } else { 30 });
        let events = if old { "/api/v2/events?page=0" } else { "/api/system/events?page=0" };
        assert_eq!(get(&server, events, LOCAL).status, if old { 500 } else { 200 });
        assert_eq!(send(&server, "POST", "/api/system/database/reset", LOCAL, "").status, 404);
        // Without a kubeconfig of its own, nothing comes back.
        get(&server, "/api/system/sync", LOCAL);
        assert_eq!(connections(&server), [""; 0]);
        server.change(|setup| setup.writing.rediscoverable = vec![Link::to(CLUSTER, 1)]);
        get(&server, "/api/system/sync", LOCAL);
        assert_eq!(connections(&server), ["bed connected"]);
        assert_eq!(stored(&server), if old { 0 } else { 33 });
        server.change(Setup::receive_again);
        assert_eq!(stored(&server), 33);
        server.assert_written(&["reset", "POST /api/system/database/reset", "sync", "sync"]);
    }
}

#[test]
fn sleeping_server_is_woken_up() {
    for generation in Generation::ALL {
        for remote in [false, true] {
            let mut setup = Setup { alive: false, ..Setup::of(generation, CLUSTER) };
            let mut cookies = LOCAL.to_owned();
            if remote {
                setup.login = Login::Remote(token("good"));
                cookies = format!("meshery-provider=Meshery; token={}", token("good"));
            }
            let server = StandIn::start(setup);
            let said = get(&server, "/api/system/sync", &cookies);
            // Only newer servers show their contexts, with credentials.
            assert_eq!(said.body.contains(CLUSTER_SECRET), generation != Generation::Graphql);
            // With the local provider, that of 2024 does not know the states of a connection that it had before.
            assert_eq!(server.setup().alive, remote || generation != Generation::Graphql);
        }
    }
}

#[test]
fn mode_and_configuration_are_stored() {
    let server = StandIn::start(Setup::of(Generation::Controllers, CLUSTER));
    let config = format!("/api/integrations/connections/{ID}/controllers/config");
    let found = get(&server, &config, LOCAL).json();
    assert_eq!((found.get("override"), &found["effective"]["operator"]["deploymentMode"]), (None, &json!("embedded")));
    let mode = json!({ "action": "setMeshsyncMode", "mode": "operator" });
    assert_eq!(act(&server, &mode).json()["metadata"]["meshsyncDeploymentMode"], "operator");
    assert_eq!(act(&server, &json!({ "action": "setMeshsyncMode", "mode": "x" })).status, 400);
    send(&server, "PUT", "/api/system/controllers/config", LOCAL, r#"{"broker":{"replicas":2}}"#);
    send(&server, "PUT", &config, LOCAL, r#"{"broker":{"service":{"type":"NodePort"}}}"#);
    let found = get(&server, &config, LOCAL).json();
    assert_eq!(found["effective"]["broker"], json!({ "replicas": 2, "service": { "type": "NodePort" } }));
    assert_eq!(found["default"]["broker"]["replicas"], 2);
    assert_eq!(found["override"]["broker"]["service"]["type"], "NodePort");
    assert_eq!(found["effective"]["operator"]["deploymentMode"], "operator");
    for old in [Generation::Graphql, Generation::Connections] {
        let server = StandIn::start(Setup::of(old, CLUSTER));
        assert_eq!(get(&server, &config, LOCAL).status, 404);
        assert_eq!(act(&server, &mode).status, if old == Generation::Graphql { 405 } else { 404 });
    }
}

#[test]
fn changes_have_the_fate_that_a_test_wants() {
    let reset = |server: &StandIn| try_send(server, "DELETE", "/api/system/database/reset", LOCAL, "", "");
    let fates = [
        (Fate::Refused(403, Body::Text("no")), Ok(403), false),
        (Fate::Refused(500, Body::Html), Ok(500), false),
        (Fate::Refused(409, Body::Json("busy")), Ok(409), false),
        (Fate::Refused(401, Body::Nothing), Ok(401), false),
        (Fate::Redirected("http://127.0.0.1:1/".into()), Ok(302), false),
        (Fate::Ignored, Ok(200), false),
        (Fate::CutBefore, Err(String::new()), false),
        (Fate::Cut, Err(String::new()), true),
        (Fate::Hangs(Duration::from_millis(20)), Err(String::new()), true),
    ];
    for (fate, status, is_done) in fates {
        let server = StandIn::start(Setup::of(Generation::Controllers, CLUSTER));
        server.change(|setup| setup.writing.fates = BTreeMap::from([(Write::Reset, fate.clone())]));
        assert_eq!(reset(&server).map(|said| said.status), status, "{fate:?}");
        assert_eq!(server.setup().connections.is_empty(), is_done, "{fate:?}");
        server.assert_written(&["reset"]);
        server.assert_nothing_written_twice();
    }
    // What is done at once is stored, and what follows never happens.
    let server = StandIn::start(Setup { connections: Vec::new(), ..Setup::of(Generation::Controllers, CLUSTER) });
    server.change(|setup| setup.writing.fates = BTreeMap::from([(Write::Upload, Fate::Stuck)]));
    upload(&server, &["prod"], "");
    assert_eq!(connections(&server), ["prod registered"]);
    get(&server, "/api/system/sync", LOCAL);
    assert_eq!(connections(&server), ["prod connected"]);
}

#[tokio::test]
async fn changes_take_time_and_are_announced() {
    let server = StandIn::start(Setup::of(Generation::Graphql, CLUSTER));
    server.change(|setup| setup.writing.takes = Duration::from_millis(200));
    let (sender, receiver) = std::sync::mpsc::channel();
    server.on_write(move |written, setup| {
        setup.connections[0].ping = Ping::Unreachable;
        sender.send(written.to_string()).expect("a receiver");
    });
    put_status(&server, Generation::Graphql, "disconnected");
    assert_eq!(connections(&server), ["bed connected"]);
    server.until_written("disconnect").await;
    assert_eq!(receiver.try_recv().as_deref(), Ok(format!("disconnect {ID}").as_str()));
    assert_eq!(server.setup().connections[0].ping, Ping::Unreachable);
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(connections(&server), ["bed disconnected"]);
    server.forget();
    server.assert_written(&[]);
}

#[test]
fn changes_without_a_session_are_refused() {
    for generation in Generation::ALL {
        let setup = Setup { login: Login::Remote(token("good")), ..Setup::of(generation, CLUSTER) };
        let server = StandIn::start(setup);
        let refused = send(&server, "DELETE", "/api/system/database/reset", "", "");
        assert_eq!((refused.status, refused.body.as_str()), (302, ""));
        let refused = send(&server, "DELETE", "/api/system/database/reset", "meshery-provider=Meshery", "");
        assert_eq!((refused.status, refused.body.as_str()), (404, ""));
        assert_eq!(server.setup().connections.len(), 1);
        server.assert_written(&["reset", "reset"]);
    }
}
