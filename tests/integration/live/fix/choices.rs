//! What `--fix` does without asking, and what it asks at a terminal.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::{causes, faults, fix, fixed};
use crate::{
    bed::{self, Line, Stack, rest, users},
    fault_proxy::{Action, Fault, FaultProxy, Moment},
    live::{
        at, check,
        pty_session::{CTRL_C, PtySession, emulated},
    },
    tool::meshdoctor,
};

#[tokio::test]
async fn safe_level_creates_and_leaves_what_must_be_reviewed() -> Result<()> {
    let mut patient = faults::patient("operator-deleted").await?;
    patient.cause("operator-deleted").await?;
    patient.cause("cluster-admin").await?;
    patient.until_found("operator-missing").await?;
    let report = fix(&patient.bed, patient.namespace(), "--fix --yes").await.exits(0).json();
    assert_eq!(fixed(&report), ["operator-missing"], "{:#}", report["fixes"]);
    let last = &report["fixes"][1];
    assert_eq!((&last["code"], &last["outcome"]), (&json!("over-privileged"), &json!("refused")), "{last:#}");
    assert_eq!(last["safety"], "review");
    assert!(last["reason"].as_str().is_some_and(|why| why.contains("ClusterRoleBinding")), "{last:#}");
    assert_eq!(causes(&report), ["over-privileged"]);
    // A warning does not fail the check, unless the user says so.
    fix(&patient.bed, patient.namespace(), "--fix --yes --fail-on warning").await.exits(1);
    Ok(())
}

#[tokio::test]
async fn dry_run_shows_every_fix_and_changes_nothing() -> Result<()> {
    let mut patient = faults::patient("custom-resources-deleted").await?;
    patient.cause("custom-resources-deleted").await?;
    patient.until_found("cr-missing").await?;
    let proxy = FaultProxy::start(&patient.bed, users::ADMIN, Fault::None)?;
    let command = |arguments: &str| meshdoctor(&format!("check {arguments} -n {}", patient.namespace()));
    let report = proxy.run(command("--fix --dry-run -o json")).await?.exits(1).json();
    let planned: Vec<&str> = report["fixes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|fix| fix["outcome"] == "dry-run" && fix["safety"] == "safe")
        .filter_map(|fix| fix["steps"][0]["objectKind"].as_str())
        .collect();
    assert_eq!(planned, ["Broker", "MeshSync"], "{:#}", report["fixes"]);
    let shown = proxy.run(command("--fix --dry-run")).await?.exits(1);
    assert!(shown.stdout.contains("create  Broker meshery-broker"), "{}", shown.stdout);
    // Without a terminal and without --yes, nothing is changed either.
    let refused = proxy.run(command("--fix")).await?.exits(4);
    assert!(refused.stdout.contains("--yes was not given"), "{}", refused.stdout);
    assert_eq!(proxy.writes(), 0);
    Ok(())
}

#[tokio::test]
async fn healthy_stack_has_nothing_to_fix() -> Result<()> {
    let patient = faults::patient("meshsync-gave-up").await?;
    let report = fix(&patient.bed, patient.namespace(), "--fix=review --yes").await.exits(0).json();
    assert_eq!(report["fixes"], json!([]));
    assert_eq!(report["verdict"], "healthy");
    Ok(())
}

/// A test deletes what an earlier one left. Here that deletion loses its connection.
#[tokio::test]
async fn test_object_of_an_earlier_run_is_deleted() -> Result<()> {
    let mut patient = faults::patient("meshsync-gave-up").await?;
    // Only a MeshSync that publishes ends the test early.
    drop(patient.controller.take());
    let controller = patient.bed.start_publishing_controller(patient.namespace())?;
    controller.until_settled().await?;
    patient.controller = Some(controller);
    let name = "meshdoctor-probe-0a1b2c3d4e-1";
    let left = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": name, "namespace": patient.namespace(),
            "labels": {
                "app.kubernetes.io/managed-by": "meshdoctor", "app.kubernetes.io/component": "dataflow-probe",
                "meshdoctor/run": "0a1b2c3d4e",
            },
            "annotations": { "meshdoctor/expires-at": "2020-01-01T00:00:00Z" },
        },
    });
    patient.bed.apply_yaml(&left.to_string()).await?;
    let cut = Fault::AtWrite(1, Moment::Intercepted, Action::Disconnect);
    let proxy = FaultProxy::start(&patient.bed, users::ADMIN, cut)?;
    let command = "check --synthetic --fix --yes --wait 30s -o json -n";
    let report = proxy.run(meshdoctor(command).arg(patient.namespace())).await?.json();
    assert!(fixed(&report).contains(&"flow-probe-leftover"), "{:#} {:?}", report["fixes"], report["rootCauses"]);
    let path = rest::path("v1", "ConfigMap", patient.namespace(), name);
    assert!(rest::get(&patient.bed.client().await?, &path).await.is_err());
    Ok(())
}

#[tokio::test]
async fn missing_permission_refuses_the_fix_and_names_the_roles() -> Result<()> {
    let mut patient = faults::patient("operator-deleted").await?;
    patient.cause("operator-deleted").await?;
    patient.until_found("operator-missing").await?;
    let user = patient.bed.user()?;
    let roles = at(&patient.bed, patient.namespace(), &format!("rbac check --to-user {user}")).run_beside().await;
    patient.bed.apply_yaml(&roles.exits(0).stdout).await?;
    patient.bed.until_allowed_in(Some(patient.namespace()), &user, "list pods", true).await?;
    let tool = meshdoctor(&format!("check --fix --yes -o json -n {}", patient.namespace()));
    let report = tool.kubeconfig(&patient.bed.kubeconfig_for(&user)?).run_beside().await.exits(4).json();
    let only = &report["fixes"][0];
    assert_eq!((&only["code"], &only["outcome"]), (&json!("operator-missing"), &json!("refused")), "{only:#}");
    assert!(only["reason"].as_str().is_some_and(|why| why.contains("permissions are missing")), "{only:#}");
    Ok(())
}

#[tokio::test]
async fn user_chooses_a_cause_and_confirms_it_at_a_terminal() -> Result<()> {
    let mut patient = faults::patient("custom-resources-deleted").await?;
    patient.cause("custom-resources-deleted").await?;
    patient.until_found("cr-missing").await?;
    let start = || PtySession::start(at(&patient.bed, patient.namespace(), "check --fix --wait 60s"));
    let question = "Which root cause should be fixed?";
    // Stopping is no failure of the fix; the check still fails.
    let mut session = start()?;
    session.until_shown(question).await?;
    let shown = session.screen();
    assert!(shown.contains("1  There is no Broker CR") && shown.contains("2  There is no MeshSync CR"), "{shown}");
    session.type_in("q\r")?;
    let (code, screen) = session.end().await?;
    assert_eq!(code, 1, "{screen}");
    // An interrupted question changes nothing.
    let mut session = start()?;
    session.until_shown(question).await?;
    session.type_in(CTRL_C)?;
    let (code, screen) = session.end().await?;
    assert_eq!(code, 130, "{screen}");
    assert!(screen.contains("Stopped. Nothing was changed."), "{screen}");
    // Enter takes the first one; declining it goes on to the next.
    let mut session = start()?;
    session.until_shown(question).await?;
    session.type_in("\r")?;
    session.until_shown("Create 1 object in context").await?;
    session.type_in("n\r")?;
    session.until_shown("Fixing cr-missing: There is no MeshSync CR").await?;
    session.type_in("n\r")?;
    let (code, screen) = session.end().await?;
    assert_eq!(code, 4, "{screen}");
    let mut session = start()?;
    session.until_shown(question).await?;
    session.type_in("1\r")?;
    session.until_shown("Create 1 object in context").await?;
    session.type_in("y\r")?;
    session.until_shown("Fixing cr-missing: There is no MeshSync CR").await?;
    session.type_in("y\r")?;
    let (code, screen) = session.end().await?;
    assert_eq!(code, 0, "{screen}");
    let shown = emulated(&screen);
    assert!(shown.contains("There is no Broker CR (cr-missing): fixed"), "{shown}");
    assert!(shown.contains("There is no MeshSync CR (cr-missing): fixed"), "{shown}");
    Ok(())
}

/// Until the deletion ends, the stack looks healthy.
#[tokio::test]
async fn deletion_that_is_under_way_is_waited_for_and_then_fixed() -> Result<()> {
    let bed = bed::lease().await?;
    let mut stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let meshsync = stack.meshsync(0).await?;
    stack.keep(meshsync);
    rest::delete(&stack.client, &stack.custom_path("MeshSync")).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!((&report["verdict"], causes(&report)), (&json!("degraded"), vec!["cr-stuck-terminating".to_owned()]));
    // The operator needs a moment to finish the deletion.
    let finishing = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        stack.start_controller()
    };
    let (ran, controller) = tokio::join!(fix(&bed, bed.namespace(), "--fix=review --yes"), finishing);
    let _controller = controller?;
    let report = ran.exits(0).json();
    assert!(fixed(&report).contains(&"cr-missing"), "{:#}", report["fixes"]);
    Ok(())
}
