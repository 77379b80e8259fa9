//! Redeploys that are killed after every single write, refused before the first one, or run twice at once.

use anyhow::Result;

use super::{FORCE, assert_healthy, redeploy, versions};
use crate::{
    bed::{self, Cluster, states, users},
    fault_proxy::{Action, Fault, FaultProxy},
    live::{
        at,
        pty_session::{CTRL_C, PtySession, emulated, emulated_at},
    },
    tool::meshdoctor,
};

/// Runs redeploy again and again, each time killed after the first write, until nothing is left to write. Returns all
/// writes.
pub(super) async fn killed_after_each_write(
    cluster: &Cluster,
    namespace: &str,
    arguments: &str,
) -> Result<Vec<String>> {
    let mut writes = Vec::new();
    for _ in 0..60 {
        let fault = Fault::after_write(1, Action::Signal("KILL"));
        let proxy = FaultProxy::start(cluster, users::ADMIN, fault)?;
        let tool = meshdoctor(&format!("system redeploy --yes --no-wait --wait 60s {arguments} -n {namespace}"));
        let ran = proxy.run(tool).await?;
        writes.extend(proxy.written());
        if !proxy.has_injected() {
            // MeshSync may still be starting: a stack that is not healthy yet is no success.
            assert!([0, 1].contains(&ran.code), "after {writes:#?}: {ran:?}");
            assert_eq!(proxy.writes(), 0, "after {writes:#?}: {ran:?}");
            return Ok(writes);
        }
        assert_eq!(ran.code, -1, "after {writes:#?}: {ran:?}");
    }
    panic!("it does not converge: {writes:#?}");
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn redeploy_killed_after_each_write_installs_on_an_empty_cluster() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    bed.crds_will_change().await;
    let _controller = bed.start_controller(namespace)?;
    let writes = killed_after_each_write(&bed, namespace, "").await?;
    assert_eq!(writes.len(), 12, "{writes:#?}");
    assert_healthy(&bed, namespace).await?;
    let last = redeploy(&bed, namespace, "").await.exits(0);
    assert_eq!(last.json()["outcome"], "unchanged", "{}", last.stdout);
    Ok(())
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn redeploy_killed_after_each_write_upgrades_the_old_line() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("old-line-connected", &bed, namespace).await?.expect("a stack");
    bed.crds_will_change().await;
    let _controller = stack.start_controller()?;
    let arguments = "--force-conflicts --overwrite-crs";
    let writes = killed_after_each_write(&bed, namespace, arguments).await?;
    assert!(writes.iter().any(|write| write.starts_with("DELETE")), "{writes:#?}");
    assert_healthy(&bed, namespace).await?;
    redeploy(&bed, namespace, arguments).await.exits(0);
    Ok(())
}

#[tokio::test]
async fn concurrent_redeploys_end_in_one_stack() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    bed.crds_will_change().await;
    let _controller = bed.start_controller(namespace)?;
    let (one, other) = tokio::join!(redeploy(&bed, namespace, ""), redeploy(&bed, namespace, ""));
    assert!([0, 5].contains(&one.code), "{one:?}");
    assert!([0, 5].contains(&other.code), "{other:?}");
    assert!(one.code == 0 || other.code == 0, "{one:?} {other:?}");
    assert_healthy(&bed, namespace).await?;
    let last = redeploy(&bed, namespace, "").await.exits(0);
    assert_eq!(last.json()["outcome"], "unchanged", "{}", last.stdout);
    Ok(())
}

#[tokio::test]
async fn missing_permission_is_named_before_the_first_change() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("connected-but-blind-rbac", &bed, namespace).await?.expect("a stack");
    let _controller = stack.start_controller()?;
    bed.crds_will_change().await;
    let user = bed.user()?;
    let kubeconfig = bed.kubeconfig_for(&user)?;
    let permissions =
        at(&bed, namespace, &format!("rbac redeploy --to-user {user}")).run_beside().await.exits(0).stdout;
    let file = bed.file(&format!("rbac-{namespace}.yaml"));
    let all = [
        "escalate clusterroles.rbac.authorization.k8s.io/meshery-operator-role",
        "patch customresourcedefinitions.apiextensions.k8s.io/brokers.meshery.io",
        "patch deployments.apps/meshery-operator",
    ];
    let run = async |permissions: &str, lacking: Option<&str>| -> Result<_> {
        std::fs::write(&file, permissions)?;
        bed.kubectl(&["apply", "-f", &file.to_string_lossy()])?;
        for right in all {
            bed.until_allowed_in(Some(namespace), &user, right, lacking != Some(right)).await?;
        }
        Ok(meshdoctor(&format!("system redeploy --yes --wait 60s -o json -n {namespace} {FORCE}"))
            .kubeconfig(&kubeconfig)
            .run_beside()
            .await)
    };
    let before = versions(&bed, namespace).await?;
    for (lacking, (without, instead, words)) in all.into_iter().zip([
        ("- escalate\n", "- bind\n", "attempting to grant"),
        ("customresourcedefinitions\n", "nothing\n", "resource \\\"customresourcedefinitions\\\""),
        ("- deployments\n", "- nothing\n", "deployments"),
    ]) {
        let fewer = permissions.replace(without, instead);
        assert_ne!(fewer, permissions, "{without}");
        let refused = run(&fewer, Some(lacking)).await?.exits(4);
        assert!(refused.stdout.contains(words), "{}", refused.stdout);
        assert_eq!(versions(&bed, namespace).await?, before);
    }
    // The user's roles belong to the test. Nothing of the stack was changed, and with all permissions the redeploy
    // succeeds.
    run(&permissions, None).await?.exits(0);
    assert_healthy(&bed, namespace).await
}

/// At a terminal, completed steps stay on the screen while a later one waits. Ctrl-C leaves them and one sentence.
#[tokio::test]
async fn ctrl_c_leaves_the_completed_steps_and_one_sentence() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    bed.crds_will_change().await;
    // Without a controller, nobody creates the StatefulSet.
    let mut session = PtySession::start(at(&bed, namespace, "system redeploy --wait 60s"))?;
    session.until_shown("[y/N]").await?;
    session.type_in("y\r")?;
    session.until_shown("waiting for StatefulSet meshery-nats: not created yet (2 s of 1m)").await?;
    let waiting = emulated(&session.screen());
    let (steps, last) = waiting.rsplit_once('\n').expect("more than one line");
    assert!(last.contains("waiting for StatefulSet meshery-nats"), "{waiting}");
    assert!(steps.ends_with("MeshSync meshery-meshsync created"), "{waiting}");
    session.type_in(CTRL_C)?;
    let (code, screen) = session.end().await?;
    assert_eq!(code, 130, "{screen}");
    let shown = emulated(&screen);
    let steps = shown.lines().filter(|line| line.starts_with('✓')).count();
    let end: Vec<&str> = shown.lines().rev().take(2).collect();
    let sentence = format!(
        "Stopped at step {} of {} (waiting for StatefulSet meshery-nats). Run the same command again to continue.",
        steps + 1,
        steps + 2
    );
    assert_eq!(end[0], sentence, "{shown}");
    assert!(end[1].starts_with('✓') && end[1].ends_with("MeshSync meshery-meshsync created"), "{shown}");
    for columns in [80, 200] {
        let shown = emulated_at(&screen, columns);
        assert_eq!(shown.matches("waiting for").count(), 1, "{columns}: {shown}");
    }
    Ok(())
}
