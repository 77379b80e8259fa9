//! A registered cluster of Gloo Mesh whose API server misbehaves, beside a well management cluster.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{
    super::{
        empty_cluster,
        peer::{self, Peer, Request},
    },
    behaviors::{ENDLESS, TABLE},
    faults, kubeconfig,
};
use crate::tool::meshdoctor;

/// The management cluster: the controllers run, and there are no policies.
fn management(request: &Request, to: &mut dyn Write) -> io::Result<()> {
    let list = |items: Value| json!({ "metadata": {}, "items": items }).to_string();
    match request.path.as_str() {
        "/apis" => {
            let group = "discovery.mesh.gloo.solo.io";
            let version = json!({ "groupVersion": format!("{group}/v1"), "version": "v1" });
            let group = json!({ "name": group, "versions": [version], "preferredVersion": version });
            peer::json(to, 200, &json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [group] }).to_string())
        }
        "/api/v1/namespaces/gloo-mesh" => peer::json(
            to,
            200,
            &json!({ "metadata": { "name": "gloo-mesh" }, "status": { "phase": "Active" } }).to_string(),
        ),
        "/apis/apps/v1/namespaces/gloo-mesh/deployments" => {
            peer::json(to, 200, &list(json!([deployment("discovery"), deployment("networking")])))
        }
        "/apis/settings.mesh.gloo.solo.io/v1/settings" => {
            let settings = json!({
                "metadata": { "name": "settings", "namespace": "gloo-mesh", "generation": 1 },
                "status": { "observedGeneration": 1, "state": "ACCEPTED" },
            });
            peer::json(to, 200, &list(json!([settings])))
        }
        _ => empty_cluster::answer(request, to),
    }
}

fn deployment(name: &str) -> Value {
    json!({
        "metadata": { "name": name, "namespace": "gloo-mesh", "generation": 1 },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": name } },
            "template": { "spec": { "containers": [{ "name": name, "image": "example.com/gloo-mesh:1.2.0" }] } },
        },
        "status": {
            "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
        },
    })
}

/// Without an agent there is a finding, and whatever cannot be read is unknown.
#[test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
fn check_handles_every_behavior_of_a_registered_cluster() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let management = Peer::start(management);
    let mut found = Vec::new();
    for (name, codes, answer) in TABLE {
        let registered = Peer::start(*answer);
        let files =
            [&management, &registered].map(|peer| kubeconfig(folder.path(), &format!("http://{}", peer.endpoint())));
        let text = std::fs::read_to_string(&files[1]).expect("a kubeconfig");
        let other = text.replace("here", "remote").replace("there", "registered").replace("me,", "other,");
        let other = other.replace("user: me", "user: other");
        std::fs::write(&files[1], other).expect("a kubeconfig");
        let (run, request) = if ENDLESS.contains(name) { (3, 2) } else { (30, 20) };
        for command in ["check -o json --remote-context remote", "status -o json --remote-context remote"] {
            let started = std::time::Instant::now();
            let ran = meshdoctor(command)
                .env("KUBECONFIG", std::env::join_paths(&files).expect("paths"))
                .arg(format!("--timeout={run}s"))
                .arg(format!("--request-timeout={request}s"))
                .run();
            let of_status = command.starts_with("status");
            // What the check of a management cluster cannot determine, that of a registered cluster cannot either.
            let expected = match (codes.of(&format!("system {command}")), of_status) {
                (3, _) => 3,
                (_, true) => 0,
                (_, false) => 1,
            };
            let faults = faults(command, &ran, started.elapsed(), expected);
            if !faults.is_empty() {
                found.push(format!("{name} × {command}: {}", faults.join("; ")));
            }
        }
    }
    assert!(found.is_empty(), "{} rows:\n{}", found.len(), found.join("\n"));
}
