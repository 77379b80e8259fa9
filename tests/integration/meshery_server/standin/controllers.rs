//! The controllers of the newest generation, and those of May 2026.

use serde_json::{Value, json};

use super::{
    Setup,
    reply::{Reply, Whole, error_only, json as json_reply, text},
    routes::Asked,
};

/// The names of the controllers, in the order of [`Setup::states`]: in an enumeration, on its path, and as a title.
const CONTROLLERS: [(&str, &str, &str); 3] = [
    ("OPERATOR", "operator", "MesheryOperator"),
    ("BROKER", "broker", "MesheryBroker"),
    ("MESHSYNC", "meshsync", "MeshSync"),
];

const VERSIONS: [&str; 3] = ["1.0.3", "2.14.2", "1.0.3"];

/// The broker's address behind the word that it is connected.
const ENDPOINT: &str = "nats://127.64.0.9:4222";

/// A state as a title, as servers show it.
pub(super) fn title(state: &str) -> String {
    match state {
        "NOTDEPLOYED" => "Not Deployed".into(),
        "UNKOWN" => "Unknown".into(),
        other => {
            let lower = other.to_lowercase();
            format!("{}{}", &other[..1], &lower[1..])
        }
    }
}

/// A state as the newest generation writes it outside its enumeration.
fn composed(state: &str) -> String {
    if state == "CONNECTED" { format!("Connected {ENDPOINT}") } else { title(state) }
}

/// The state of a controller: unknown if the server has no state machine.
fn state(setup: &Setup, id: &str, number: usize) -> (&'static str, &'static str) {
    let works = setup.alive && setup.link(id).is_none_or(|link| setup.works_for(link));
    if works { (setup.states[number], VERSIONS[number]) } else { ("UNKOWN", "") }
}

/// Every controller of a connection as a row of an enumeration.
fn rows(setup: &Setup, id: &str) -> Vec<Value> {
    if setup.link(id).is_none() {
        return Vec::new();
    }
    let row = |number: usize| {
        let (state, version) = state(setup, id, number);
        json!({ "connectionId": id, "controller": CONTROLLERS[number].0, "status": state, "version": version })
    };
    // The server sorts them.
    [1, 2, 0].map(row).into()
}

/// The newest generation. `None` if the path does not exist.
pub(super) fn newest(asked: &Asked<'_>) -> Option<Reply> {
    let setup = asked.setup;
    let path = asked.request.path.as_str();
    let id = asked.value("connectionId").unwrap_or_default();
    if path.ends_with("/controllers/config") {
        return Some(config(setup, path).into());
    }
    match path.strip_prefix("/api/system/controllers/")? {
        "diagnostics" => Some(diagnostics(setup, &id).into()),
        "status/subscribe" => {
            let id = asked.value("connectionIds").unwrap_or_default();
            Some(Reply::Stream(Value::Array(rows(setup, &id)).to_string()))
        }
        other => {
            let name = other.strip_suffix("/status")?;
            let number = CONTROLLERS.iter().position(|controller| controller.1 == name)?;
            if id.is_empty() {
                return Some(text(400, "connectionId is required").into());
            }
            let (word, version) = state(setup, &id, number);
            let (controller, _, title) = CONTROLLERS[number];
            let answer = match name {
                "operator" => {
                    json!({ "connectionId": id, "controller": controller, "status": word, "version": version })
                }
                _ => json!({ "name": title, "version": version, "status": composed(word), "connectionId": id }),
            };
            Some(json_reply(200, &answer).into())
        }
    }
}

fn diagnostics(setup: &Setup, id: &str) -> Whole {
    let link = setup.link(id).filter(|link| setup.works_for(link));
    let said = match link {
        None => vec![Setup::diagnostic("connection_inactive")],
        Some(link) if link.mode.as_deref() == Some("embedded") => Vec::new(),
        Some(_) => setup.diagnostics.clone(),
    };
    let healthy = said.iter().all(|diagnostic| diagnostic["severity"] == "info");
    json_reply(200, &json!({ "connectionId": id, "healthy": healthy, "diagnostics": said }))
}

/// The configuration of the controllers of a connection, or the default one.
pub(super) fn config(setup: &Setup, path: &str) -> Whole {
    let writing = &setup.writing;
    let id = path.strip_prefix("/api/integrations/connections/").and_then(|rest| rest.split('/').next());
    let Some(id) = id else { return json_reply(200, &writing.default_config) };
    let Some(link) = setup.link(id) else { return error_only(404, "Failed to get: connection") };
    let mode = link.mode.as_deref().unwrap_or("embedded");
    let built_in = json!({
        "schemaVersion": "controllers.meshery.io/v1alpha1", "operator": { "deploymentMode": mode },
        "meshsync": { "replicas": 1, "redactSecrets": false, "brokerContentDedup": false, "debugLogging": false },
        "broker": { "replicas": 1, "service": { "type": "ClusterIP" } },
    });
    let layer = |document: Option<&Value>| document.filter(|document| **document != json!({})).cloned();
    let layers = [layer(Some(&writing.default_config)), layer(writing.overrides.get(id))];
    let effective = layers.iter().flatten().fold(built_in, merged);
    let [default, own] = layers;
    let mut answer = json!({ "effective": effective });
    for (name, layer) in [("default", default), ("override", own)] {
        if let Some(layer) = layer {
            answer[name] = layer;
        }
    }
    json_reply(200, &answer)
}

/// A document with the fields of another one on top.
fn merged(mut under: Value, over: &Value) -> Value {
    match (under.as_object_mut(), over) {
        (Some(fields), Value::Object(over)) => {
            for (name, value) in over {
                let before = fields.remove(name).unwrap_or_default();
                fields.insert(name.clone(), merged(before, value));
            }
            under
        }
        _ => over.clone(),
    }
}

/// The generation of May 2026. `None` if the path does not exist.
pub(super) fn of_may(asked: &Asked<'_>) -> Option<Whole> {
    let setup = asked.setup;
    let rest = asked.request.path.strip_prefix("/api/system/kubernetes/")?;
    let rest = rest.strip_prefix("connections/").or_else(|| rest.strip_prefix("contexts/"))?;
    let (id, of) = rest.split_once('/')?;
    let number = match of {
        "operator/status" => 0,
        "nats/status" => 1,
        "meshsync/status" => 2,
        _ => return None,
    };
    if setup.link(id).is_none() {
        return Some(text(404, "context not found"));
    }
    let (word, version) = state(setup, id, number);
    let said = if number == 0 { title(word) } else { composed(word) };
    let name = CONTROLLERS[number].2;
    let answer = match number {
        0 => json!({ "connectionID": id, "controller": "OPERATOR", "status": said, "version": version }),
        _ => json!({ "connectionID": id, "name": name, "version": version, "status": said }),
    };
    Some(json_reply(200, &answer))
}
