//! `NetworkPolicies`, as the API server stores them.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{at, check, codes};
use crate::{
    bed::{self, Lease, Line, Stack, rest, rest::BED},
    tool::{meshdoctor, roots, states},
};

async fn apply(bed: &Lease, name: &str, spec: &Value) -> Result<()> {
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": { "name": name, "namespace": bed.namespace() }, "spec": spec,
    });
    bed.apply_yaml(&policy.to_string()).await?;
    Ok(())
}

fn policy_finding(report: &Value) -> &Value {
    let findings = report["findings"].as_array().expect("findings");
    findings
        .iter()
        .find(|finding| finding["code"] == "network-policy-blocks")
        .unwrap_or_else(|| panic!("no policy blocks: {report:#}"))
}

#[tokio::test]
async fn policy_that_blocks_the_monitor_is_found_and_the_remedy_opens_it() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let broker = json!({ "matchLabels": { "app.kubernetes.io/name": "nats" } });
    let from = json!([{ "podSelector": { "matchLabels": { "component": "meshsync" } } }]);
    // The fields that the API server fills in, such as protocols and types, are read as well.
    apply(&bed, "deny-all", &json!({ "podSelector": {} })).await?;
    apply(
        &bed,
        "clients",
        &json!({ "podSelector": broker, "ingress": [{ "from": from, "ports": [{ "port": 4222 }] }] }),
    )
    .await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(states(&report), "DEPLOYED/RUNNING/DEPLOYED");
    assert_eq!(roots(&report)[0], "network-policy-blocks", "{report:#}");
    let found = policy_finding(&report);
    assert_eq!(found["severity"], "error");
    assert_eq!(found["title"], "A NetworkPolicy blocks MeshSync from port 8222 of meshery-nats-0");
    assert!(
        found["evidence"][0]
            .as_str()
            .is_some_and(|line| line.contains("clients, deny-all") && line.contains("ingress")),
        "{found}"
    );

    // If MeshSync connected before the policy was created, or nothing enforces the policy, it is a warning.
    let meshsync = stack.meshsync(0).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(policy_finding(&report)["severity"], "warning");
    drop(meshsync);

    // A recording gives the same finding.
    let recording = at(&bed, bed.namespace(), "record").run_beside().await.exits(0);
    let replayed = meshdoctor("system check -o json --from -").stdin(&recording.stdout).run().json();
    assert_eq!(policy_finding(&replayed)["code"], "network-policy-blocks");

    // Applying the policy from the remedy opens the port.
    let command = found["remedy"]["commands"][1]["run"].as_str().expect("a command");
    let policy = command.strip_prefix("echo '").and_then(|rest| rest.split("' |").next()).expect("a policy");
    bed.apply_yaml(policy).await?;
    let report = check(&bed, bed.namespace()).await;
    assert!(!codes(&report).contains(&"network-policy-blocks"), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn egress_policy_blocks_both_ports() -> Result<()> {
    let bed = bed::lease().await?;
    let _stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let spec = json!({ "podSelector": { "matchLabels": { "component": "meshsync" } }, "policyTypes": ["Egress"],
        "egress": [{ "ports": [{ "port": 443 }] }] });
    apply(&bed, "only-https", &spec).await?;
    let report = check(&bed, bed.namespace()).await;
    let found = policy_finding(&report);
    assert_eq!(found["object"]["name"], "only-https");
    let evidence = found["evidence"].to_string();
    assert!(evidence.contains("port 4222") && evidence.contains("port 8222"), "{evidence}");
    // The broker's address is an IP address, so DNS does not matter.
    assert!(!evidence.contains("port 53"), "{evidence}");
    Ok(())
}

/// A CRD of a network plugin.
fn plugin_crd(group: &str, version: &str, plural: &str, kind: &str, scope: &str) -> Value {
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": scope,
            "names": { "plural": plural, "kind": kind },
            "versions": [{ "name": version, "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    })
}

/// The status and the reason of the check of policies.
fn policies_check(report: &Value) -> (&str, &str) {
    let checks = report["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["id"] == "network-policies-open").expect("the check");
    (check["status"].as_str().unwrap_or_default(), check["reason"].as_str().unwrap_or_default())
}

/// The policies of Cilium and Calico are not evaluated, so their presence leaves the check open.
#[tokio::test]
async fn policies_of_the_network_plugin_leave_the_check_unknown() -> Result<()> {
    let bed = bed::private().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    // Without such a plugin, only the list of groups is read.
    let ran = at(&bed, bed.namespace(), "system check -v -o json").run_beside().await.exits(0);
    assert_eq!(policies_check(&ran.json()).0, "pass", "{}", ran.stdout);
    let log = ran.stderr;
    let requests = log.lines().filter(|line| line.starts_with("GET ")).count();
    assert!((20..=30).contains(&requests), "{requests}: {log}");
    assert!(log.contains("GET /apis: ") && !log.contains("cilium") && !log.contains("calico"), "{log}");

    for (group, version, plural, kind, scope, shown) in [
        ("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy", "Namespaced", "CiliumNetworkPolicy"),
        (
            "cilium.io",
            "v2",
            "ciliumclusterwidenetworkpolicies",
            "CiliumClusterwideNetworkPolicy",
            "Cluster",
            "CiliumClusterwideNetworkPolicy",
        ),
        ("crd.projectcalico.org", "v1", "networkpolicies", "NetworkPolicy", "Namespaced", "Calico NetworkPolicy"),
        (
            "crd.projectcalico.org",
            "v1",
            "globalnetworkpolicies",
            "GlobalNetworkPolicy",
            "Cluster",
            "GlobalNetworkPolicy",
        ),
    ] {
        bed.apply(BED, &[plugin_crd(group, version, plural, kind, scope)]).await?;
        let place = (scope == "Namespaced").then_some(bed.namespace());
        let path = rest::collection(&format!("{group}/{version}"), kind, place)
            .replace(&format!("/{}s", kind.to_lowercase()), &format!("/{plural}"));
        let policy = |name: &str| json!({ "apiVersion": format!("{group}/{version}"), "kind": kind, "metadata": { "name": name }, "spec": {} });
        bed::until("the policies to be served", Duration::from_secs(20), || async {
            Ok(rest::post(&stack.client, &path, &policy("knp.default.copy")).await.ok())
        })
        .await?;
        // A copy of a policy of Kubernetes is evaluated as such.
        assert_eq!(policies_check(&check(&bed, bed.namespace()).await).0, "pass", "{kind}");
        rest::post(&stack.client, &path, &policy("default-deny")).await?;
        let report = check(&bed, bed.namespace()).await;
        let (status, reason) = policies_check(&report);
        assert_eq!(status, "unknown", "{report:#}");
        assert!(reason.starts_with(&format!("{shown} default-deny may block it")), "{reason}");
        assert_eq!(report["exitCode"], 0, "{report:#}");
        rest::delete(&stack.client, &format!("{path}/default-deny")).await?;
    }

    // A user who may not list them learns that the check is open; no permission is reported as missing.
    let user = bed.user()?;
    let kubeconfig = bed.kubeconfig_for(&user)?;
    let roles = at(&bed, bed.namespace(), &format!("rbac check --to-user {user}")).run_beside().await.exits(0).stdout;
    for (roles, status) in [(roles.replace("cilium.io", "none.example"), "unknown"), (roles, "pass")] {
        bed.apply_yaml(&roles).await?;
        bed::until("the permissions to be in effect", Duration::from_secs(10), || async {
            let tool = at(&bed, bed.namespace(), "system check -o json").kubeconfig(&kubeconfig);
            let report = tool.run_beside().await.json();
            Ok((policies_check(&report).0 == status && !codes(&report).contains(&"permission-missing")).then_some(()))
        })
        .await?;
    }
    Ok(())
}
