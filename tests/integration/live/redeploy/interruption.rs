//! Killed after every single write, refused before the first, and run twice at once.

use anyhow::Result;

use super::{FORCE, assert_well, redeploy, versions, will_change};
use crate::{
    bed::{self, Cluster, states, users},
    fault_proxy::{Action, Fault, FaultProxy},
    live::at,
    tool::meshdoctor,
};

/// One run after another, each killed after its first write, until one has nothing left to write. All writes.
async fn killed_after_each_write(cluster: &Cluster, namespace: &str, arguments: &str) -> Result<Vec<String>> {
    let mut writes = Vec::new();
    for _ in 0..60 {
        let fault = Fault::after_write(1, Action::Signal("KILL"));
        let proxy = FaultProxy::start(cluster, users::ADMIN, fault)?;
        let tool = meshdoctor(&format!("system redeploy --yes --no-wait --wait 60s {arguments} -n {namespace}"));
        let ran = proxy.run(tool).await?;
        writes.extend(proxy.written());
        if !proxy.has_struck() {
            assert_eq!(ran.code, 0, "after {writes:#?}: {ran:?}");
            return Ok(writes);
        }
        assert_eq!(ran.code, -1, "after {writes:#?}: {ran:?}");
    }
    panic!("it does not converge: {writes:#?}");
}

#[tokio::test]
async fn killed_after_every_write_onto_an_empty_cluster() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    will_change(&bed).await;
    let _attendant = bed.attend(namespace)?;
    let writes = killed_after_each_write(&bed, namespace, "").await?;
    assert_eq!(writes.len(), 12, "{writes:#?}");
    let last = redeploy(&bed, namespace, "").await.exits(0);
    assert_eq!(last.json()["outcome"], "unchanged", "{}", last.stdout);
    assert_well(&bed, namespace).await
}

#[tokio::test]
async fn killed_after_every_write_over_the_old_line() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("old-line-connected", &bed, namespace).await?.expect("a stack");
    will_change(&bed).await;
    let _attendant = stack.attended()?;
    let arguments = "--force-conflicts --overwrite-crs";
    let writes = killed_after_each_write(&bed, namespace, arguments).await?;
    assert!(writes.iter().any(|write| write.starts_with("DELETE")), "{writes:#?}");
    redeploy(&bed, namespace, arguments).await.exits(0);
    assert_well(&bed, namespace).await
}

#[tokio::test]
async fn two_at_once_end_in_one_stack() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    will_change(&bed).await;
    let _attendant = bed.attend(namespace)?;
    let (one, other) = tokio::join!(redeploy(&bed, namespace, ""), redeploy(&bed, namespace, ""));
    assert!([0, 5].contains(&one.code), "{one:?}");
    assert!([0, 5].contains(&other.code), "{other:?}");
    assert!(one.code == 0 || other.code == 0, "{one:?} {other:?}");
    assert_well(&bed, namespace).await?;
    let last = redeploy(&bed, namespace, "").await.exits(0);
    assert_eq!(last.json()["outcome"], "unchanged", "{}", last.stdout);
    Ok(())
}

#[tokio::test]
async fn whoever_lacks_a_right_is_told_which_before_the_first_change() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("connected-but-blind-rbac", &bed, namespace).await?.expect("a stack");
    let _attendant = stack.attended()?;
    will_change(&bed).await;
    let user = bed.user()?;
    let kubeconfig = bed.kubeconfig_for(&user)?;
    let rights = at(&bed, namespace, &format!("rbac redeploy --to-user {user}")).run_beside().await.exits(0).stdout;
    for kind in ["clusterroles", "clusterrolebindings"] {
        bed.delete_on_return(format!("/apis/rbac.authorization.k8s.io/v1/{kind}/meshdoctor-redeploy"));
    }
    let file = bed.file(&format!("rbac-{namespace}.yaml"));
    let all = [
        "escalate clusterroles.rbac.authorization.k8s.io/meshery-operator-role",
        "patch customresourcedefinitions.apiextensions.k8s.io/brokers.meshery.io",
        "patch deployments.apps/meshery-operator",
    ];
    let run = async |rights: &str, lacking: Option<&str>| -> Result<_> {
        std::fs::write(&file, rights)?;
        bed.kubectl(&["apply", "-f", &file.to_string_lossy()])?;
        for right in all {
            bed.until_may_in(Some(namespace), &user, right, lacking != Some(right)).await?;
        }
        Ok(meshdoctor(&format!("system redeploy --yes --wait 60s -o json -n {namespace} {FORCE}"))
            .kubeconfig(&kubeconfig)
            .run_beside()
            .await)
    };
    let before = versions(&bed, namespace).await?;
    for (lacking, (without, instead, told)) in all.into_iter().zip([
        ("- escalate\n", "- bind\n", "attempting to grant"),
        ("customresourcedefinitions\n", "nothing\n", "resource \\\"customresourcedefinitions\\\""),
        ("- deployments\n", "- nothing\n", "deployments"),
    ]) {
        let fewer = rights.replace(without, instead);
        assert_ne!(fewer, rights, "{without}");
        let refused = run(&fewer, Some(lacking)).await?.exits(4);
        assert!(refused.stdout.contains(told), "{}", refused.stdout);
        assert_eq!(versions(&bed, namespace).await?, before);
    }
    // The authorizer's roles are the test's own; of the stack nothing was touched, and now all goes well.
    run(&rights, None).await?.exits(0);
    assert_well(&bed, namespace).await
}
