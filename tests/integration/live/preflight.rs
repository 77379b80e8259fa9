//! `system check --preflight` on a real API server: its access reviews, dry runs and admission.

use std::{path::Path, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};

use super::{at, codes};
use crate::{
    bed::{self, Cluster, Line, Stack, rest, states},
    schema,
    tool::{Ran, meshdoctor, roots},
};
use meshdoctor::stack::{
    manifests::{self, manifests},
    profile,
};

async fn preflight(cluster: &Cluster, namespace: &str) -> Ran {
    let ran = at(cluster, namespace, "system check --preflight -o json").run_beside().await;
    let report = ran.json();
    schema::assert_fits(schema::validator(), &report, "a preflight");
    assert_eq!(report["exitCode"], ran.code);
    ran
}

async fn preflight_as(cluster: &Cluster, namespace: &str, kubeconfig: &Path) -> Ran {
    at(cluster, namespace, "system check --preflight -o json").kubeconfig(kubeconfig).run_beside().await
}

/// The action for each object, as `action kind`.
fn actions(report: &Value) -> Vec<String> {
    report["preflight"]["objects"]
        .as_array()
        .expect("objects")
        .iter()
        .map(|object| {
            format!("{} {}", object["action"].as_str().unwrap_or("?"), object["kind"].as_str().unwrap_or("?"))
        })
        .collect()
}

/// The objects that would change, as `action kind`.
fn changed(report: &Value) -> Vec<String> {
    actions(report).into_iter().filter(|action| !action.starts_with("keep ")).collect()
}

fn status<'a>(report: &'a Value, id: &str) -> &'a str {
    report["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|check| check["id"] == id)
        .unwrap_or_else(|| panic!("no check {id} in {report:#}"))["status"]
        .as_str()
        .unwrap_or_default()
}

fn evidence(report: &Value, code: &str) -> String {
    report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|finding| finding["code"] == code)
        .unwrap_or_else(|| panic!("no {code} in {report:#}"))["evidence"]
        .to_string()
}

/// Applies the objects that `rbac preflight` prints for a user.
async fn printed_roles(cluster: &Cluster, namespace: &str, user: &str) -> Result<Vec<Value>> {
    let ran = at(cluster, namespace, &format!("rbac preflight -o json --to-user {user}")).run_beside().await.exits(0);
    let items = ran.json()["items"].as_array().expect("items").clone();
    for item in &items {
        cluster.apply_yaml(&item.to_string()).await?;
    }
    Ok(items)
}

/// Every object of the kinds that an installation or its pods touch, with its resource version.
async fn everything(cluster: &Cluster) -> Result<Vec<String>> {
    let client = cluster.client().await?;
    let rbac = "rbac.authorization.k8s.io";
    let mut all = Vec::new();
    for path in [
        "/api/v1/namespaces".to_owned(),
        "/api/v1/pods".into(),
        "/api/v1/serviceaccounts".into(),
        "/api/v1/secrets".into(),
        "/api/v1/configmaps".into(),
        "/apis/apps/v1/deployments".into(),
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions".into(),
        format!("/apis/{rbac}/v1/roles"),
        format!("/apis/{rbac}/v1/rolebindings"),
        format!("/apis/{rbac}/v1/clusterroles"),
        format!("/apis/{rbac}/v1/clusterrolebindings"),
    ] {
        for object in rest::list(&client, &path).await? {
            let metadata = &object["metadata"];
            all.push(format!("{path} {} {} {}", metadata["namespace"], metadata["name"], metadata["resourceVersion"]));
        }
    }
    Ok(all)
}

#[tokio::test]
async fn preflight_of_an_empty_cluster_passes_and_changes_nothing() -> Result<()> {
    let bed = bed::lease_as_new().await?;
    let namespace = bed.namespace();
    // Wait until the cluster has finished its own work after the start.
    let still = bed::until_stable("the cluster to settle", Duration::from_millis(700), Duration::from_secs(20), || {
        everything(&bed)
    })
    .await?;
    let before = bed.audit()?.len();
    let report = preflight(&bed, namespace).await.exits(0).json();
    assert_eq!(report["verdict"], "healthy");
    assert_eq!(codes(&report), [""; 0]);
    assert_eq!(
        actions(&report),
        [
            "keep Namespace",
            "create ServiceAccount",
            "create CustomResourceDefinition",
            "create CustomResourceDefinition",
            "create Role",
            "create ClusterRole",
            "create ClusterRole",
            "create RoleBinding",
            "create ClusterRoleBinding",
            "create ClusterRoleBinding",
            "create Deployment",
            "unverifiable Broker",
            "unverifiable MeshSync",
        ]
    );
    assert_eq!(report["preflight"]["user"], "admin");
    assert_eq!(status(&report, "takes-resources"), "skip");

    // In a namespace that does not exist, namespaced objects cannot be tested. They are not reported as passed.
    let nowhere = preflight(&bed, "nowhere").await.exits(0).json();
    let waiting = actions(&nowhere).iter().filter(|action| action.starts_with("unverifiable")).count();
    assert_eq!(waiting, 6, "{nowhere:#}");
    for check in ["takes-account", "takes-operator", "pod-security"] {
        assert_eq!(status(&nowhere, check), "skip", "{nowhere:#}");
    }

    let sent: Vec<Value> = bed.audit()?.into_iter().skip(before).collect();
    let ours: Vec<&str> = sent
        .iter()
        .filter_map(|entry| entry["requestURI"].as_str())
        .filter(|uri| uri.contains("fieldManager=meshdoctor"))
        .collect();
    assert!(ours.len() > 20, "{ours:?}");
    assert!(ours.iter().all(|uri| uri.contains("dryRun=All")), "{ours:?}");
    assert_eq!(everything(&bed).await?, still, "nothing has changed");
    Ok(())
}

#[tokio::test]
async fn preflight_and_redeploy_agree_on_what_changes() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.expect("a stack");
    let _controller = stack.start_controller()?;
    bed.crds_will_change().await;
    at(&bed, namespace, "system redeploy --yes --wait 60s --force-conflicts").run_beside().await.exits(0);
    let planned = async |arguments: &str| {
        let ran = at(&bed, namespace, &format!("system redeploy --dry-run -o json {arguments}")).run_beside().await;
        let plan = ran.exits(0).json();
        let steps = plan["steps"].as_array().expect("steps").clone();
        let changes = steps.iter().filter(|step| step["action"] != "wait");
        changes
            .map(|step| format!("{} {}", step["action"], step["objectKind"]).replace('"', ""))
            .collect::<Vec<String>>()
    };
    let report = preflight(&bed, namespace).await.exits(0).json();
    assert_eq!(roots(&report), [""; 0], "{report:#}");
    assert_eq!((changed(&report), planned("").await), (Vec::new(), Vec::new()), "{report:#}");
    assert_eq!(crate::tool::states(&report), "DEPLOYED/CONNECTED/DEPLOYED");

    // A field that has another value, another watch-list, and a container that apply would leave in place.
    let role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/meshery-operator-role";
    rest::merge(&stack.client, role, &json!({ "rules": [] })).await?;
    let list = json!({ "spec": { "watch-list": { "data": { "whitelist": null, "blacklist": "[\"pods.v1.\"]" } } } });
    rest::merge(&stack.client, &stack.custom_path("MeshSync"), &list).await?;
    let operator = stack.path("apps/v1", "Deployment", "meshery-operator");
    let mut containers = rest::get(&stack.client, &operator).await?["spec"]["template"]["spec"]["containers"].clone();
    containers.as_array_mut().expect("containers").push(json!({ "name": "proxy", "image": "example.com/proxy:1" }));
    let sidecar = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
    rest::merge(&stack.client, &operator, &sidecar).await?;
    let report = preflight(&bed, namespace).await.json();
    assert_eq!(
        changed(&report),
        ["update ClusterRole", "update ClusterRole", "replace Deployment"],
        "{:#}",
        report["preflight"]
    );
    let planned = planned("--force-conflicts").await;
    assert_eq!(planned, ["change ClusterRole", "change ClusterRole", "replace Deployment"]);
    Ok(())
}

#[tokio::test]
async fn preflight_objects_can_be_applied_and_then_stay_unchanged() -> Result<()> {
    let bed = bed::lease_as_new().await?;
    bed.crds_will_change().await;
    let namespace = bed.namespace();
    for object in manifests(&profile::MESHERY, namespace, &manifests::Options::default()) {
        // The API server serves a new CRD a moment after it has accepted it.
        bed::until("the object to be accepted", Duration::from_secs(15), || async {
            let written = bed.apply_yaml(&object.body.to_string()).await;
            Ok(written.ok())
        })
        .await?;
    }
    let report = preflight(&bed, namespace).await.exits(0).json();
    assert_eq!(changed(&report), [""; 0]);
    // The result does not depend on who wrote the objects.
    for object in report["preflight"]["objects"].as_array().expect("objects") {
        assert_eq!(object.get("reason"), None, "{object}");
    }
    Ok(())
}

#[tokio::test]
async fn preflight_of_an_old_line_plans_an_upgrade() -> Result<()> {
    for line in [Line::Old, Line::Meshplay] {
        let bed = bed::lease().await?;
        let _stack = Stack::of(line).namespace(bed.namespace()).start(&bed).await?;
        let profile = match line {
            Line::Meshplay => "meshplay",
            _ => "meshery",
        };
        let ran = at(&bed, bed.namespace(), &format!("system check --preflight -o json --profile {profile}"))
            .run_beside()
            .await;
        let report = ran.json();
        assert_eq!(ran.code, 0, "{report:#}");
        let actions = actions(&report);
        assert!(actions.contains(&"replace Deployment".to_owned()), "{actions:?}");
        assert!(actions.iter().all(|action| !action.starts_with("rejected")), "{actions:?}");
    }
    Ok(())
}

#[tokio::test]
async fn crds_with_a_conversion_webhook_are_not_testable_yet() -> Result<()> {
    let bed = bed::lease().await?;
    let client = bed.client().await?;
    bed.ensure_crds(&client, Line::Current).await?;
    bed.crds_will_change().await;
    let conversion = json!({ "spec": { "conversion": { "strategy": "Webhook", "webhook": {
        "conversionReviewVersions": ["v1"],
        "clientConfig": { "service": { "name": "meshery-webhook-service", "namespace": bed.namespace(), "path": "/convert" } },
    } } } });
    for plural in ["brokers", "meshsyncs"] {
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.meshery.io");
        rest::merge(&client, &path, &conversion).await?;
    }
    let report = preflight(&bed, bed.namespace()).await.exits(0).json();
    let waiting: Vec<String> = actions(&report).into_iter().filter(|action| action.ends_with("Definition")).collect();
    assert_eq!(waiting, ["unverifiable CustomResourceDefinition"; 2]);
    Ok(())
}

#[tokio::test]
async fn printed_roles_allow_installation_and_a_missing_permission_is_named() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    let user = bed.user()?;
    let kubeconfig = bed.kubeconfig_for(&user)?;
    let items = printed_roles(&bed, namespace, &user).await?;
    let ran = preflight_as(&bed, namespace, &kubeconfig).await;
    let report = ran.json();
    assert_eq!(ran.code, 0, "{report:#}");
    assert_eq!(report["permissions"]["missing"], json!([]));
    assert!(report["checks"].as_array().into_iter().flatten().all(|check| check["status"] != "unknown"), "{report:#}");

    let mut role = items.iter().find(|item| item["kind"] == "Role").expect("a role").clone();
    let rules = role["rules"].as_array_mut().expect("rules");
    for rule in rules.iter_mut() {
        if rule["resourceNames"] == json!(["meshery-operator"]) && rule["resources"] == json!(["deployments"]) {
            rule["verbs"] = json!(["get", "patch"]);
        }
    }
    bed.apply_yaml(&role.to_string()).await?;
    // The authorizer sees a changed role a moment later.
    let report = bed::until("the permission to be gone", Duration::from_secs(10), || async {
        let ran = preflight_as(&bed, namespace, &kubeconfig).await;
        Ok((ran.code == 1).then(|| ran.json()))
    })
    .await?;
    assert_eq!(roots(&report), ["install-permission-missing"]);
    assert_eq!(
        report["permissions"]["missing"],
        json!([{ "verb": "create", "group": "apps", "resource": "deployments", "namespace": namespace, "name": "meshery-operator" }])
    );
    assert!(actions(&report).contains(&"denied Deployment".to_owned()));
    Ok(())
}

#[tokio::test]
async fn user_without_escalate_sees_which_rules_are_not_held() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    let user = bed.user()?;
    let kubeconfig = bed.kubeconfig_for(&user)?;
    let mut items = printed_roles(&bed, namespace, &user).await?;
    for item in &mut items {
        let rules = item.get_mut("rules").and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            if let Some(verbs) = rule["verbs"].as_array_mut() {
                verbs.retain(|verb| verb != "escalate" && verb != "bind");
            }
        }
        bed.apply_yaml(&item.to_string()).await?;
    }
    let report = bed::until("the verbs to be gone", Duration::from_secs(10), || async {
        let ran = preflight_as(&bed, namespace, &kubeconfig).await;
        Ok((ran.code == 1).then(|| ran.json()))
    })
    .await?;
    assert_eq!(roots(&report), ["privilege-escalation"], "{report:#}");
    assert_eq!(report["permissions"]["missing"], json!([]));
    let evidence = evidence(&report, "privilege-escalation");
    assert!(evidence.contains("ClusterRole meshery-operator-role"));
    // The rules of the reader role, kind by kind.
    assert!(evidence.contains("storageclasses.storage.k8s.io"), "{evidence}");
    assert!(evidence.contains("secrets"), "{evidence}");
    Ok(())
}

#[tokio::test]
async fn pod_security_and_quota_violations_are_found_by_dry_runs() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    let client = bed.client().await?;
    let path = format!("/api/v1/namespaces/{namespace}");
    let label = |level: Value| json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": level } } });
    rest::merge(&client, &path, &label(json!("restricted"))).await?;
    let report = preflight(&bed, namespace).await.exits(1).json();
    assert_eq!(roots(&report), ["pod-security-blocks"]);
    let found = evidence(&report, "pod-security-blocks");
    assert!(found.contains("meshery-meshsync: "), "{found}");
    assert!(!found.contains("meshery-operator: "), "{found}");
    assert!(!found.contains("meshery-broker: "), "{found}");

    // The remedy is sufficient.
    rest::merge(&client, &path, &label(json!("baseline"))).await?;
    preflight(&bed, namespace).await.exits(0);

    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": { "name": "small", "namespace": namespace },
        "spec": { "hard": { "requests.cpu": "200m" } },
    });
    bed.apply_yaml(&quota.to_string()).await?;
    let report = bed::until("the quota to take effect", Duration::from_secs(10), || async {
        let ran = preflight(&bed, namespace).await;
        Ok((ran.code == 1).then(|| ran.json()))
    })
    .await?;
    assert_eq!(roots(&report), ["install-rejected"]);
    assert!(evidence(&report, "install-rejected").contains("exceeded quota: small"), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn small_nodes_and_blocking_policies_are_found() -> Result<()> {
    let bed = bed::private().await?;
    let namespace = bed.namespace();
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": { "name": "closed", "namespace": namespace },
        "spec": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"] },
    });
    bed.apply_yaml(&policy.to_string()).await?;
    let report = preflight(&bed, namespace).await.exits(1).json();
    assert_eq!(roots(&report), ["network-policy-blocks"]);
    assert!(evidence(&report, "network-policy-blocks").contains("to the API server"), "{report:#}");
    let client = bed.client().await?;
    let policies = format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/closed");
    rest::delete(&client, &policies).await?;

    let node = "/api/v1/nodes/node-1/status";
    rest::merge(&client, node, &json!({ "status": { "allocatable": { "cpu": "400m" } } })).await?;
    let report = preflight(&bed, namespace).await.exits(1).json();
    assert_eq!(roots(&report), ["node-capacity"]);
    let found = evidence(&report, "node-capacity");
    assert!(found.contains("meshery-meshsync requests 500m CPU"), "{found}");
    assert!(found.contains("node node-1 has 400m CPU"), "{found}");
    Ok(())
}

#[tokio::test]
async fn recorded_preflight_equals_the_live_one_and_plain_recordings_have_none() -> Result<()> {
    let bed = bed::lease().await?;
    states::apply("nothing-installed", &bed, bed.namespace()).await?;
    let recording = at(&bed, bed.namespace(), "record --preflight").run_beside().await.exits(0);
    let mut replayed =
        meshdoctor("system check --preflight -o json --from -").stdin(&recording.stdout).run().exits(0).json();
    let mut live = preflight(&bed, bed.namespace()).await.json();
    for report in [&mut replayed, &mut live] {
        for key in ["takenAt", "durationMs", "source"] {
            report[key].take();
        }
        for check in report["checks"].as_array_mut().into_iter().flatten() {
            check["durationMs"].take();
        }
    }
    assert_eq!(replayed, live);
    let plain = at(&bed, bed.namespace(), "record").run_beside().await.exits(0);
    let ran = meshdoctor("system check --preflight --from -").stdin(&plain.stdout).run().exits(2);
    assert!(ran.stderr.contains("record --preflight"), "{}", ran.stderr);
    Ok(())
}

#[tokio::test]
async fn preflight_of_an_unreachable_cluster_is_unknown() -> Result<()> {
    let bed = bed::private().await?;
    bed.kill_api_server();
    let report = preflight(&bed, bed.namespace()).await.exits(3).json();
    assert_eq!(report["verdict"], "unknown");
    assert_eq!(roots(&report), ["cluster-unreachable"]);
    Ok(())
}
