//! `system reset` on a real API server.

mod backups;
mod crds;
mod meshplay;
mod parts;
mod reading;

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::listing::{get_if_exists, listing, settled, until_as_before};
use crate::{
    bed::{self, Cluster, Lease, Line, Stack, rest, states},
    fault_proxy::{Action, Fault, FaultProxy},
    schema,
    tool::{Ran, Tool},
};

/// `system reset` with these arguments. Returns the exit code and the document.
async fn reset(cluster: &Cluster, namespace: &str, arguments: &str) -> (i32, Value) {
    let tool = reset_tool(cluster, namespace, arguments);
    document(&tool.run_beside().await)
}

fn reset_tool(cluster: &Cluster, namespace: &str, arguments: &str) -> Tool {
    let arguments = format!("system reset {arguments} -o json --wait 60s");
    super::at(cluster, namespace, &arguments)
}

/// The exit code and the document, which must contain the same exit code.
#[track_caller]
fn document(ran: &Ran) -> (i32, Value) {
    let document = ran.json();
    assert_eq!(document["kind"], "Change");
    assert_eq!(document["exitCode"], ran.code, "{document:#}");
    schema::assert_fits(schema::change_validator(), &document, "a change");
    (ran.code, document)
}

#[track_caller]
fn assert_ended(outcome: &(i32, Value), code: i32, word: &str) {
    let (actual, document) = outcome;
    assert_eq!((*actual, &document["outcome"]), (code, &word.into()), "{document:#}");
}

async fn terminating(bed: &Lease, path: &str) -> Result<()> {
    let client = bed.client().await?;
    bed::until("it to be terminating", Duration::from_secs(20), || async {
        let object = rest::get(&client, path).await?;
        Ok(object["metadata"]["deletionTimestamp"].as_str().map(drop))
    })
    .await
}

#[tokio::test]
async fn reset_removes_a_healthy_stack_and_nothing_else() -> Result<()> {
    let bed = bed::lease_as_new().await?;
    let client = bed.client().await?;
    let namespace = bed.namespace();
    bed.ensure_crds(&client, Line::Current).await?;
    bed.apply_yaml(&format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: foreign, namespace: {namespace}}}}}
---
{{apiVersion: v1, kind: Secret, metadata: {{name: webhook-server-cert, namespace: {namespace}}}}}
"
    ))
    .await?;
    let before = settled(&client).await?;
    let setup = Stack::of(Line::Current).namespace(namespace);
    let _controller = setup.start_with_controller(&bed).await?;
    let arguments = "stack --yes --no-backup --as auditee --as-group system:masters";
    assert_ended(&reset(&bed, namespace, arguments).await, 0, "done");
    until_as_before(&client, &before).await?;
    let outcome = reset(&bed, namespace, "stack --yes --no-backup").await;
    assert_ended(&outcome, 0, "unchanged");
    assert_eq!(outcome.1["target"]["context"], "bed");

    let audit = bed.audit()?;
    let ours: Vec<&Value> = audit
        .iter()
        .filter(|event| event["impersonatedUser"]["username"] == "auditee")
        .map(|event| &event["objectRef"])
        .filter(|object| object["resource"] != "selfsubjectaccessreviews")
        .collect();
    assert!(ours.len() > 10, "{ours:#?}");
    for object in ours {
        let name = object["name"].as_str().unwrap_or_default();
        let place = object["namespace"].as_str().unwrap_or(namespace);
        assert!(name.starts_with("meshery-") && place == namespace, "{object:#}");
    }
    Ok(())
}

#[tokio::test]
async fn printed_permissions_are_sufficient_for_reset() -> Result<()> {
    let bed = bed::lease_as_new().await?;
    let client = bed.client().await?;
    let before = settled(&client).await?;
    bed.create_namespace("away").await?;
    let setup = Stack::of(Line::Current).namespace("away");
    let _controller = setup.start_with_controller(&bed).await?;
    bed.crds_will_change().await;
    let user = bed.user()?;
    let printed = super::at(&bed, "away", "rbac reset --crds --delete-namespace")
        .arg("--to-user")
        .arg(&user)
        .run_beside()
        .await
        .exits(0);
    bed.apply_yaml(&printed.stdout).await?;
    let arguments = "stack --crds --delete-namespace --yes --no-backup";
    let tool = reset_tool(&bed, "away", arguments).kubeconfig(&bed.kubeconfig_for(&user)?);
    assert_ended(&document(&tool.run_beside().await), 0, "done");
    for kind in ["ClusterRole", "ClusterRoleBinding"] {
        let api_version = "rbac.authorization.k8s.io/v1";
        let path = rest::path(api_version, kind, "", "meshdoctor-reset");
        rest::delete(&client, &path).await?;
    }
    until_as_before(&client, &before).await
}

#[tokio::test]
async fn crds_and_namespace_are_deleted_on_request() -> Result<()> {
    let bed = bed::lease_as_new().await?;
    let client = bed.client().await?;
    let before = settled(&client).await?;
    bed.create_namespace("away").await?;
    let setup = Stack::of(Line::Current).namespace("away");
    let _controller = setup.start_with_controller(&bed).await?;
    bed.crds_will_change().await;
    let outcome = reset(&bed, "away", "stack --crds --delete-namespace --yes --no-backup").await;
    assert_ended(&outcome, 0, "done");
    until_as_before(&client, &before).await
}

#[tokio::test]
async fn stuck_custom_resources_are_removed_with_clear_finalizers() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = states::apply("stuck-terminating", &bed, bed.namespace()).await?;
    let stack = stack.context("a stack")?;
    let outcome = reset(&bed, bed.namespace(), "stack --yes --no-backup").await;
    assert_ended(&outcome, 4, "refused");
    let instead = outcome.1["instead"].to_string();
    assert!(instead.contains("--clear-finalizers"), "{instead}");
    for kind in ["MeshSync", "Broker"] {
        assert!(get_if_exists(&stack.client, &stack.custom_path(kind)).await.is_some());
    }
    let outcome = reset(&bed, bed.namespace(), "stack --yes --no-backup --clear-finalizers").await;
    assert_ended(&outcome, 0, "done");
    for kind in ["MeshSync", "Broker"] {
        assert!(get_if_exists(&stack.client, &stack.custom_path(kind)).await.is_none());
    }
    Ok(())
}

#[tokio::test]
async fn stuck_terminating_namespace_is_released() -> Result<()> {
    let bed = bed::lease_as_new().await?;
    let client = bed.client().await?;
    let before = {
        bed.ensure_crds(&client, Line::Current).await?;
        settled(&client).await?
    };
    bed.create_namespace("hanging").await?;
    let _stack = states::apply("stuck-terminating", &bed, "hanging").await?;
    let path = "/api/v1/namespaces/hanging";
    rest::delete(&client, path).await?;
    terminating(&bed, path).await?;
    let arguments = "stack --yes --no-backup --clear-finalizers --delete-namespace";
    let outcome = reset(&bed, "hanging", arguments).await;
    assert_ended(&outcome, 0, "done");
    until_as_before(&client, &before).await
}

#[tokio::test]
async fn dead_conversion_webhook_does_not_block_a_reset() -> Result<()> {
    let bed = bed::lease_as_new().await?;
    let namespace = bed.namespace();
    let mut stack = Stack::of(Line::Current).namespace(namespace).start(&bed).await?;
    stack.delete_operator().await?;
    // One object is stored in the current version and one in the previous version, so no version shows both.
    let mut crds = Line::Current.crds()?;
    for version in crds.iter_mut().filter_map(|crd| crd["spec"]["versions"].as_array_mut()).flatten() {
        version["storage"] = (version["name"] == "v1alpha1").into();
    }
    rest::write_all(&stack.client, rest::BED, &crds).await?;
    bed::until_stored_as(&stack.client, "meshery.io", "MeshSync", "v1alpha1").await?;
    let second = json!({
        "apiVersion": "meshery.io/v1alpha1", "kind": "MeshSync",
        "metadata": {"name": "second", "namespace": namespace},
        "spec": {"size": 1},
    });
    rest::write(&stack.client, rest::BED, &second).await?;
    stack.break_conversion().await?;
    let arguments = "stack --yes --no-backup --clear-finalizers";
    let ran = reset_tool(&bed, namespace, arguments).run_beside().await;
    assert!(ran.stderr.contains("Planning the remaining steps."), "{}", ran.stderr);
    let outcome = document(&ran);
    assert_ended(&outcome, 0, "done");
    let steps = outcome.1["steps"].as_array().context("steps")?;
    assert_eq!(steps[0]["objectKind"], "CustomResourceDefinition", "{steps:#?}");
    assert!(steps.iter().all(|step| step["done"] == true), "{steps:#?}");
    for kind in ["MeshSync", "Broker"] {
        let path = rest::collection("meshery.io/v1alpha2", kind, Some(namespace));
        assert!(rest::list(&stack.client, &path).await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn orphans_are_removed_with_clear_finalizers() -> Result<()> {
    let bed = bed::lease_as_new().await?;
    let client = bed.client().await?;
    bed.ensure_crds(&client, Line::Current).await?;
    let before = settled(&client).await?;
    let mut stack = states::apply("orphaned-no-operator", &bed, bed.namespace()).await?.context("a stack")?;
    let _controller = stack.start_controller()?;
    let outcome = reset(&bed, bed.namespace(), "stack --yes --no-backup").await;
    assert_ended(&outcome, 4, "refused");
    let arguments = "stack --yes --no-backup --clear-finalizers";
    assert_ended(&reset(&bed, bed.namespace(), arguments).await, 0, "done");
    until_as_before(&client, &before).await
}

#[tokio::test]
async fn both_lines_are_removed_after_an_in_place_upgrade() -> Result<()> {
    let bed = bed::lease_as_new().await?;
    let client = bed.client().await?;
    let before = settled(&client).await?;
    let mut stack = states::apply("upgraded-in-place", &bed, bed.namespace()).await?.context("a stack")?;
    let controller = stack.start_controller()?;
    controller.until_connected().await?;
    let outcome = reset(&bed, bed.namespace(), "stack --crds --yes --no-backup").await;
    assert_ended(&outcome, 0, "done");
    drop(controller);
    bed.crds_will_change().await;
    // The port-forwards to its servers belong to the bed.
    let forwards = rest::collection("kwok.x-k8s.io/v1alpha1", "PortForward", Some(bed.namespace()));
    rest::delete(&client, &forwards).await?;
    until_as_before(&client, &before).await
}

#[tokio::test]
async fn missing_permission_is_named_before_the_first_change() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let _stack = states::apply("healthy", &bed, namespace).await?;
    let user = bed.user()?;
    bed.apply_yaml(&format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: all-but-one-{namespace}}}
rules:
- {{apiGroups: ['*'], resources: ['*'], verbs: [get, list, watch]}}
- {{apiGroups: [meshery.io, rbac.authorization.k8s.io, coordination.k8s.io], resources: ['*'], verbs: [delete, patch]}}
- {{apiGroups: [''], resources: ['*'], verbs: [delete]}}
- {{apiGroups: [apps], resources: [deployments], verbs: [delete]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: all-but-one-{namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all-but-one-{namespace}}}
subjects:
- {{apiGroup: rbac.authorization.k8s.io, kind: User, name: {user}}}
"
    ))
    .await?;
    let proxy = FaultProxy::start(&bed, &user, Fault::None)?;
    let tool = reset_tool(&bed, namespace, "stack --yes --no-backup").kubeconfig(&proxy.kubeconfig);
    let outcome = document(&tool.run_beside().await);
    assert_ended(&outcome, 4, "refused");
    assert_eq!(
        outcome.1["reason"],
        format!("permissions are missing: delete statefulsets.apps \"meshery-nats\" in namespace {namespace}")
    );
    assert_eq!(proxy.writes(), 0);
    Ok(())
}

#[tokio::test]
async fn nothing_is_changed_without_confirmation() -> Result<()> {
    let bed = bed::lease_as_new().await?;
    let client = bed.client().await?;
    let _stack = states::apply("healthy", &bed, bed.namespace()).await?;
    let before = settled(&client).await?;
    for (arguments, code, word) in [
        ("stack --no-backup", 4, "refused"),
        ("stack --crds --delete-namespace --no-backup", 4, "refused"),
        ("operator --yes --no-backup", 4, "refused"),
        ("stack --dry-run", 0, "dry-run"),
        ("stack --dry-run --yes", 0, "dry-run"),
    ] {
        let proxy = FaultProxy::start(&bed, bed::users::ADMIN, Fault::None)?;
        let tool = reset_tool(&bed, bed.namespace(), arguments).kubeconfig(&proxy.kubeconfig);
        assert_ended(&document(&tool.run_beside().await), code, word);
        assert_eq!(proxy.writes(), 0, "{arguments}");
    }
    assert_eq!(listing(&client).await?, before);
    Ok(())
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn reset_killed_after_any_write_can_be_completed() -> Result<()> {
    let bed = bed::lease_as_new().await?;
    let client = bed.client().await?;
    let namespace = bed.namespace();
    bed.ensure_crds(&client, Line::Current).await?;
    let before = settled(&client).await?;
    for after in 1.. {
        let setup = Stack::of(Line::Current).namespace(namespace);
        let controller = setup.start_with_controller(&bed).await?;
        let proxy = FaultProxy::start(&bed, bed::users::ADMIN, Fault::after_write(after, Action::Signal("KILL")))?;
        let tool = reset_tool(&bed, namespace, "stack --yes --no-backup").kubeconfig(&proxy.kubeconfig);
        let ran = proxy.run(tool).await?;
        if !proxy.has_injected() {
            assert_eq!(ran.code, 0, "{}", ran.stdout);
            assert!(after > 10, "only {after} writes");
            println!("{} writes, killed after each", after - 1);
            break;
        }
        let outcome = reset(&bed, namespace, "stack --yes --no-backup --clear-finalizers").await;
        assert_eq!(outcome.0, 0, "killed after write {after}: {:#}", outcome.1);
        until_as_before(&client, &before).await.with_context(|| format!("killed after write {after}"))?;
        drop(controller);
    }
    Ok(())
}

#[tokio::test]
async fn interrupted_reset_reports_what_is_done_and_what_is_not() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let _controller = setup.start_with_controller(&bed).await?;
    let proxy = FaultProxy::start(&bed, bed::users::ADMIN, Fault::after_write(3, Action::Signal("INT")))?;
    let tool = reset_tool(&bed, bed.namespace(), "stack --yes --no-backup").kubeconfig(&proxy.kubeconfig);
    let ran = proxy.run(tool).await?;
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    // The completed steps, then one sentence.
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(lines[0].ends_with("MeshSync meshery-meshsync deleted"), "{}", ran.stderr);
    let (last, completed) = lines.split_last().context("a line")?;
    assert!(completed.iter().all(|line| line.starts_with('✓')), "{}", ran.stderr);
    assert!(last.starts_with(&format!("Stopped at step {} of ", lines.len())), "{}", ran.stderr);
    assert!(last.ends_with("). Run the same command again to continue."), "{}", ran.stderr);
    let interrupted = document(&ran);
    assert_ended(&interrupted, 130, "partial");
    assert_eq!(interrupted.1["steps"][0]["done"], true);
    assert!(interrupted.1["reason"].to_string().contains("stopped by SIGINT at step"), "{:#}", interrupted.1);
    let outcome = reset(&bed, bed.namespace(), "stack --yes --no-backup").await;
    assert_ended(&outcome, 0, "done");
    Ok(())
}

#[tokio::test]
async fn connection_lost_midway_is_reported_and_the_next_run_completes() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let _controller = setup.start_with_controller(&bed).await?;
    let proxy = FaultProxy::start(&bed, bed::users::ADMIN, Fault::after_write(3, Action::ShutDown))?;
    let tool = reset_tool(&bed, bed.namespace(), "stack --yes --no-backup").kubeconfig(&proxy.kubeconfig);
    let outcome = document(&tool.run_beside().await);
    assert_ended(&outcome, 5, "partial");
    let steps = outcome.1["steps"].as_array().context("steps")?;
    assert_eq!(steps[0]["done"], true);
    assert!(steps.iter().any(|step| step["done"] == false));
    assert!(outcome.1["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    let outcome = reset(&bed, bed.namespace(), "stack --yes --no-backup").await;
    assert_ended(&outcome, 0, "done");
    Ok(())
}

#[tokio::test]
async fn backup_is_written_first_and_contains_no_secret() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.context("a stack")?;
    let token = stack.token.clone().context("a token")?;
    let folder = tempfile::tempdir()?;
    let nowhere = folder.path().join("no-such-folder").join("copy.json");
    let _controller = stack.start_controller()?;

    let proxy = FaultProxy::start(&bed, bed::users::ADMIN, Fault::None)?;
    let tool = reset_tool(&bed, namespace, "stack --yes").arg("--backup").arg(&nowhere).kubeconfig(&proxy.kubeconfig);
    let outcome = document(&tool.run_beside().await);
    assert_ended(&outcome, 4, "refused");
    assert_eq!(proxy.writes(), 0);
    drop(proxy);

    // The backup exists even if the run is killed right after the first deletion.
    let copy = folder.path().join("copy.json");
    let proxy = FaultProxy::start(&bed, bed::users::ADMIN, Fault::after_write(1, Action::Signal("KILL")))?;
    let tool = reset_tool(&bed, namespace, "stack --yes").arg("--backup").arg(&copy).kubeconfig(&proxy.kubeconfig);
    proxy.run(tool).await?;
    let text = std::fs::read_to_string(&copy)?;
    for secret in [token.as_str(), bed::users::base64(&token).as_str()] {
        assert!(!text.contains(secret), "the token is in the backup");
    }
    let list: Value = serde_json::from_str(&text)?;
    let kinds: Vec<&str> =
        list["items"].as_array().into_iter().flatten().filter_map(|item| item["kind"].as_str()).collect();
    for kind in ["MeshSync", "Broker", "Secret", "StatefulSet", "Deployment", "ClusterRole"] {
        assert!(kinds.contains(&kind), "no {kind} in {kinds:?}");
    }
    // The same command continues and leaves the first backup alone.
    let tool = reset_tool(&bed, namespace, "stack --yes").arg("--backup").arg(&copy);
    let outcome = document(&tool.run_beside().await);
    assert_ended(&outcome, 0, "done");
    assert!(outcome.1["backup"].as_str().is_some_and(|path| path.ends_with("copy-2.json")));
    // The end says what was kept and how to restore the rest.
    let kept = outcome.1["kept"].to_string();
    assert!(kept.contains("CustomResourceDefinition brokers.meshery.io"), "{kept}");
    assert!(kept.contains(&format!("Namespace {namespace}")), "{kept}");
    assert_eq!(std::fs::read_to_string(&copy)?, text);

    let ran = crate::tool::meshdoctor("system check -o json --from").arg(&copy).arg("-n").arg(namespace).run();
    assert_eq!(ran.json()["components"]["operator"]["state"], "DEPLOYED");
    Ok(())
}
