//! Nobody can grant permissions that they do not have. This is found before the first change, even if roles and
//! bindings cannot be tested yet.

use anyhow::Result;
use serde_json::json;

use super::{empty_with_controller, versions};
use crate::{
    bed::{self, Lease, rest, states},
    fault_proxy::{Fault, FaultProxy},
    live::at,
    tool::{Ran, meshdoctor},
};

/// Runs redeploy as this user. A refused run must not have written anything.
async fn run(bed: &Lease, user: &str, namespace: &str) -> Result<Ran> {
    let proxy = FaultProxy::start(bed, user, Fault::None)?;
    let ran = meshdoctor("system redeploy --yes --no-wait --wait 60s -o json -n")
        .arg(namespace)
        .kubeconfig(&proxy.kubeconfig)
        .run_beside()
        .await;
    assert!(ran.code != 4 || proxy.writes() == 0, "{}", ran.stdout);
    Ok(ran)
}

#[tokio::test]
async fn user_without_escalate_sees_the_missing_rules_before_the_namespace_is_created() -> Result<()> {
    let bed = bed::lease().await?;
    states::apply("nothing-installed", &bed, bed.namespace()).await?;
    bed.crds_will_change().await;
    let client = bed.client().await?;
    let namespace = format!("{}-later", bed.namespace());
    let path = format!("/api/v1/namespaces/{namespace}");
    bed.delete_on_return(path.clone());
    let _controller = bed.start_controller(&namespace)?;
    let user = bed.user()?;
    let name = format!("writes-{namespace}");
    let mut verbs = vec!["get", "list", "watch", "create", "patch", "delete"];
    for complete in [false, true] {
        if complete {
            verbs.push("update");
        }
        let group = "rbac.authorization.k8s.io";
        let role = json!({
            "apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": { "name": name },
            "rules": [{ "apiGroups": ["*"], "resources": ["*"], "verbs": verbs }],
        });
        let binding = json!({
            "apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": { "name": name },
            "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": name },
            "subjects": [{ "apiGroup": group, "kind": "User", "name": user }],
        });
        bed.apply_yaml(&format!("{role}\n---\n{binding}\n")).await?;
        bed.until_allowed(&user, &format!("{} deployments.apps", verbs[verbs.len() - 1]), true).await?;
        let ran = run(&bed, &user, &namespace).await?;
        if complete {
            ran.exits(0);
            rest::get(&client, &path).await?;
            break;
        }
        let refused = ran.exits(4).json();
        let lines: Vec<&str> =
            refused["instead"].as_array().into_iter().flatten().filter_map(|line| line.as_str()).collect();
        // The ClusterRole, in the API server's words, and the Role of the namespace, which does not exist yet.
        for (role, missing) in [("meshery-operator-role", "deployments"), ("meshery-leader-election-role", "leases")] {
            let line = lines.iter().find(|line| line.contains(role));
            let line = line.unwrap_or_else(|| panic!("{role} is not mentioned: {refused:#}"));
            assert!(line.contains(missing) && line.contains("update"), "{line}");
            assert!(!line.contains("create"), "a permission that the user has is not missing: {line}");
        }
        assert!(rest::get(&client, &path).await.is_err());
    }
    Ok(())
}

#[tokio::test]
async fn user_without_bind_is_refused_before_the_first_change() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let _controller = empty_with_controller(&bed, namespace).await?;
    let user = bed.user()?;
    let permissions =
        at(&bed, namespace, &format!("rbac redeploy --to-user {user}")).run_beside().await.exits(0).stdout;
    let fewer = permissions.replace("- bind\n", "- escalate\n");
    assert_ne!(fewer, permissions);
    bed.apply_yaml(&fewer).await?;
    let role = "clusterroles.rbac.authorization.k8s.io/meshery-operator-role";
    bed.until_allowed(&user, &format!("patch {role}"), true).await?;
    let before = versions(&bed, namespace).await?;
    let refused = run(&bed, &user, namespace).await?.exits(4).json();
    let instead = refused["instead"].to_string();
    for role in ["meshery-operator-role", "meshery-leader-election-role"] {
        assert!(instead.contains(role), "{refused:#}");
    }
    assert!(instead.contains("cannot bind"), "{refused:#}");
    assert_eq!(versions(&bed, namespace).await?, before);
    bed.apply_yaml(&permissions).await?;
    bed.until_allowed(&user, &format!("bind {role}"), true).await?;
    run(&bed, &user, namespace).await?.exits(0);
    Ok(())
}
