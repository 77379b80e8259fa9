//! The permissions that `rbac test` prints are sufficient for every test. With fewer, each run says what it could not
//! do.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};

use super::{checked, dataflow, found, hop, objects, problem_codes, with_publisher};
use crate::{
    bed::{self, Stack},
    live::at,
    tool::Ran,
};

/// A user and the objects that `rbac test` prints for them, not yet applied.
async fn printed(bed: &bed::Lease, arguments: &str) -> Result<(String, Vec<Value>)> {
    let user = bed.user()?;
    let arguments = format!("rbac test -o json --to-user {user} {arguments}");
    let list = at(bed, bed.namespace(), &arguments).run_beside().await;
    let mut list = list.exits(0).json();
    let items = list["items"].as_array_mut().map(std::mem::take);
    Ok((user, items.expect("objects")))
}

/// Applies all objects and waits until the authorizer knows them.
async fn apply(bed: &bed::Lease, user: &str, objects: &[Value]) -> Result<PathBuf> {
    for object in objects {
        bed.apply_yaml(&object.to_string()).await?;
    }
    // The authorizer learns of the last binding last.
    let last = objects.last().expect("a binding");
    bed.until_allowed_in(last["metadata"]["namespace"].as_str(), user, "list pods", true).await?;
    bed.kubeconfig_for(user)
}

#[tokio::test]
async fn printed_permissions_are_sufficient_for_every_test() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher) = with_publisher(&bed).await?;
    let (user, roles) = printed(&bed, "").await?;
    let kubeconfig = apply(&bed, &user, &roles).await?;
    for command in [
        "test kubernetes",
        "test operator",
        "test broker",
        "test meshsync",
        "test dataflow",
        "system check --synthetic",
    ] {
        let ran = at(&bed, bed.namespace(), &format!("{command} -o json")).kubeconfig(&kubeconfig).run_beside().await;
        let report = ran.exits(0).json();
        assert_eq!(report["permissions"]["missing"], json!([]), "{command}");
        assert_eq!(problem_codes(&report), [""; 0], "{command}: {report:#}");
        let unknown: Vec<&Value> = report["checks"]
            .as_array()
            .into_iter()
            .chain(report["test"]["hops"].as_array())
            .flatten()
            .filter(|check| check["status"] == "unknown")
            .collect();
        assert!(unknown.is_empty(), "{command}: {unknown:#?}");
    }
    assert_eq!(objects(&stack).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn probe_namespace_needs_permissions_there_and_not_here() -> Result<()> {
    let bed = bed::lease().await?;
    let (_stack, _publisher) = with_publisher(&bed).await?;
    let elsewhere = format!("{}-probes", bed.namespace());
    bed.create_namespace(&elsewhere).await?;
    let (user, objects) = printed(&bed, &format!("--probe-namespace {elsewhere}")).await?;
    let makes = |object: &&Value| {
        object["rules"].as_array().into_iter().flatten().any(|rule| {
            let of = |field: &str, word| rule[field].as_array().is_some_and(|l| l.contains(&json!(word)));
            of("resources", "configmaps") && of("verbs", "create")
        })
    };
    let roles: Vec<_> = objects.iter().filter(makes).collect();
    assert_eq!(roles.len(), 1, "{roles:#?}");
    assert_eq!(roles[0]["metadata"]["namespace"], *elsewhere);
    for object in &objects {
        bed.apply_yaml(&object.to_string()).await?;
    }
    let place = Some(elsewhere.as_str());
    bed.until_allowed_in(place, &user, "create configmaps", true).await?;
    let kubeconfig = bed.kubeconfig_for(&user)?;
    let there = format!("--probe-namespace {elsewhere}");
    let report = dataflow(&bed, &kubeconfig, &there).run_beside().await.exits(0).json();
    assert_eq!(checked(&report, "flow-arrives")["reason"], "3 of 3");
    let here = dataflow(&bed, &kubeconfig, "").run_beside().await;
    assert_eq!(problem_codes(&here.exits(3).json()), ["flow-write-refused"]);
    Ok(())
}

/// A run of a user who has all permissions but one verb on `ConfigMaps`.
async fn without(bed: &bed::Lease, verb: &str) -> Result<Ran> {
    let (user, mut objects) = printed(bed, "").await?;
    let mut taken = 0;
    for object in &mut objects {
        let rules = object.get_mut("rules").and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            let verbs = rule["verbs"].clone();
            if rule["resources"] == json!(["configmaps"])
                && let Some(verbs) = verbs.as_array()
                && verbs.contains(&json!(verb))
            {
                let rest: Vec<_> = verbs.iter().filter(|other| **other != verb).collect();
                rule["verbs"] = json!(rest);
                taken += 1;
            }
        }
    }
    assert_eq!(taken, 1, "{verb} in {objects:#?}");
    let kubeconfig = apply(bed, &user, &objects).await?;
    let here = Some(bed.namespace());
    bed.until_allowed_in(here, &user, &format!("{verb} configmaps"), false).await?;
    Ok(dataflow(bed, &kubeconfig, "").run_beside().await)
}

/// The kubeconfig of a user who has all permissions but the one to create a port-forward.
pub(super) async fn without_port_forward(bed: &bed::Lease) -> Result<PathBuf> {
    let (user, mut roles) = printed(bed, "").await?;
    for role in &mut roles {
        let rules = role.get_mut("rules").and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            if rule["resources"] == json!(["pods/portforward"]) {
                rule["verbs"] = json!(["get"]);
            }
        }
    }
    apply(bed, &user, &roles).await
}

/// Asserts that the cluster refused the write. The title must contain these words.
#[track_caller]
fn assert_refused(report: &Value, words: &str) {
    let finding = found(report, "flow-write-refused");
    assert_eq!(finding["kind"], "obstacle");
    let title = finding["title"].as_str().unwrap_or_default();
    assert!(title.contains(words), "{title}");
    assert!(finding["remedy"].to_string().contains("rbac test"));
    assert_eq!(checked(report, "flow-arrives")["status"], "skip");
}

async fn lease() -> Result<(bed::Lease, Stack, bed::Publisher)> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    Ok((bed, stack, publisher))
}

#[tokio::test]
async fn without_create_permission_nothing_is_created() -> Result<()> {
    let (bed, stack, _publisher) = lease().await?;
    let report = without(&bed, "create").await?.exits(3).json();
    assert_refused(&report, "refused to create");
    assert_eq!(problem_codes(&report), ["flow-write-refused"]);
    assert_eq!(objects(&stack).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn without_patch_permission_the_object_is_removed_unchanged() -> Result<()> {
    let (bed, stack, _publisher) = lease().await?;
    let report = without(&bed, "patch").await?.exits(3).json();
    assert_refused(&report, "refused to change");
    assert_eq!(problem_codes(&report), ["flow-write-refused"]);
    assert_eq!(hop(&report, "added")["status"], "pass");
    assert_eq!(objects(&stack).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn without_delete_permission_the_leftover_is_reported_until_removed() -> Result<()> {
    let (bed, stack, _publisher) = lease().await?;
    let report = without(&bed, "delete").await?.exits(3).json();
    assert_refused(&report, "refused to delete");
    let left = objects(&stack).await?;
    assert_eq!(left.len(), 1, "{report:#}");
    let leftover = found(&report, "flow-probe-leftover");
    assert_eq!(leftover["object"]["name"], left[0]);
    let command = leftover["remedy"]["commands"][0]["run"].as_str();
    let command = command.expect("a command").to_owned();

    // Another user without this permission sees the same leftover and their own.
    let report = without(&bed, "delete").await?.exits(3).json();
    let leftovers = report["findings"].as_array().into_iter().flatten();
    let leftovers = leftovers.filter(|finding| finding["code"] == "flow-probe-leftover");
    assert_eq!(leftovers.count(), 2, "{report:#}");

    // The suggested command works.
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    bed.kubectl(&words)?;
    assert!(!objects(&stack).await?.contains(&left[0]), "{command}");
    let report = dataflow(&bed, &bed.kubeconfig(), "").run_beside().await;
    let report = report.exits(0).json();
    let clean = checked(&report, "flow-clean");
    assert_eq!(clean["reason"], "removed 1 left by an earlier run");
    Ok(())
}

#[tokio::test]
async fn without_list_or_watch_permission_events_are_still_received() -> Result<()> {
    let (bed, stack, _publisher) = lease().await?;
    let report = without(&bed, "list").await?.exits(0).json();
    let clean = checked(&report, "flow-clean");
    assert_eq!(clean["status"], "unknown", "{clean:#}");
    let reason = clean["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("list configmaps"), "{reason}");

    let report = without(&bed, "watch").await?.exits(0).json();
    assert_eq!(hop(&report, "watched")["status"], "unknown");
    assert_eq!(checked(&report, "flow-arrives")["reason"], "3 of 3");
    assert_eq!(objects(&stack).await?, [""; 0]);
    Ok(())
}
