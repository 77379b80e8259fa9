//! Stacks that another tool owns: refused with that tool's own command, and taken over only on request.

use anyhow::Result;
use kube::Client;
use serde_json::{Value, json};

use super::{OPERATOR, assert_healthy, redeploy, versions};
use crate::{
    bed::{
        self, Lease,
        rest::{self, Writer},
        states,
    },
    live::at,
};

const ROLE: &str = "meshery-operator-role";

/// A tool and what it leaves on an object.
struct Owner {
    /// Its name as a field manager.
    manager: &'static str,
    labels: Value,
    annotations: Value,
    /// Its name in a refusal.
    called: &'static str,
    /// The command to use instead of redeploy, and the one instead of reset.
    deploys: &'static str,
    removes: &'static str,
}

#[tokio::test]
async fn argo_cd_is_found_by_its_tracking_id() -> Result<()> {
    cycle(&Owner {
        manager: "argocd-controller",
        labels: json!({}),
        annotations: json!({
            "argocd.argoproj.io/tracking-id": "mesh:apps/Deployment:somewhere/meshery-operator",
        }),
        called: "Argo CD (application mesh)",
        deploys: "argocd app sync mesh",
        removes: "argocd app delete mesh",
    })
    .await
}

#[tokio::test]
async fn argo_cd_in_another_namespace_is_found_by_its_label() -> Result<()> {
    cycle(&Owner {
        manager: "argocd-controller",
        labels: json!({ "app.kubernetes.io/instance": "teams_mesh" }),
        annotations: json!({}),
        called: "Argo CD (application teams/mesh)",
        deploys: "argocd app sync teams/mesh",
        removes: "argocd app delete teams/mesh",
    })
    .await
}

#[tokio::test]
async fn flux_is_found_by_a_kustomization() -> Result<()> {
    cycle(&Owner {
        manager: "kustomize-controller",
        labels: json!({
            "kustomize.toolkit.fluxcd.io/name": "mesh",
            "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        }),
        annotations: json!({}),
        called: "Flux (Kustomization flux-system/mesh)",
        deploys: "flux reconcile kustomization mesh -n flux-system",
        removes: "kubectl delete kustomizations.kustomize.toolkit.fluxcd.io mesh -n flux-system",
    })
    .await
}

#[tokio::test]
async fn flux_is_found_by_a_helm_release() -> Result<()> {
    cycle(&Owner {
        manager: "helm-controller",
        labels: json!({
            "app.kubernetes.io/managed-by": "Helm",
            "helm.toolkit.fluxcd.io/name": "mesh",
            "helm.toolkit.fluxcd.io/namespace": "flux-system",
        }),
        annotations: json!({
            "meta.helm.sh/release-name": "mesh",
            "meta.helm.sh/release-namespace": "somewhere",
        }),
        called: "Flux (HelmRelease flux-system/mesh)",
        deploys: "flux reconcile helmrelease mesh -n flux-system",
        removes: "kubectl delete helmreleases.helm.toolkit.fluxcd.io mesh -n flux-system",
    })
    .await
}

/// An owned stack: refused twice, taken over, healthy, and removed.
async fn cycle(owner: &Owner) -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let client = bed.client().await?;
    states::apply("nothing-installed", &bed, namespace).await?;
    let controller = bed.start_controller(namespace)?;
    redeploy(&bed, namespace, "").await.exits(0);
    apply_as_owner(&client, namespace, owner).await?;
    let before = versions(&bed, namespace).await?;

    let refused = redeploy(&bed, namespace, "").await.exits(4).json();
    assert_eq!(refused["outcome"], "refused", "{refused:#}");
    let reason = refused["reason"].to_string();
    assert!(reason.contains(owner.called), "{refused:#}");
    let instead = refused["instead"].to_string();
    for words in [owner.deploys, "--take-over"] {
        assert!(instead.contains(words), "{refused:#}");
    }
    let refused = reset(&bed, "").await.exits(4).json();
    let reason = refused["reason"].to_string();
    assert!(reason.contains(owner.called), "{refused:#}");
    assert_eq!(refused["instead"][0], owner.removes, "{refused:#}");
    assert!(refused["instead"][1].to_string().contains("--take-over"), "{refused:#}");
    assert_eq!(versions(&bed, namespace).await?, before);

    // `--take-over` alone is sufficient: it also takes over the tool's fields.
    redeploy(&bed, namespace, "--take-over").await.exits(0);
    for path in owned(namespace) {
        let metadata = rest::get(&client, &path).await?["metadata"].take();
        for (place, marks) in [("labels", &owner.labels), ("annotations", &owner.annotations)] {
            for mark in marks.as_object().into_iter().flatten().map(|(mark, _)| mark) {
                assert!(metadata[place][mark].is_null(), "{path}: {metadata:#}");
            }
        }
    }
    let operator = rest::get(&client, &owned(namespace)[0]).await?;
    let image = &operator["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "meshery/meshery-operator:1.0.5");
    assert_healthy(&bed, namespace).await?;
    let again = redeploy(&bed, namespace, "").await.exits(0).json();
    assert_eq!(again["outcome"], "unchanged", "{again:#}");

    let gone = reset(&bed, "").await.exits(0).json();
    assert_eq!(gone["outcome"], "done", "{gone:#}");
    assert!(rest::get(&client, &owned(namespace)[0]).await.is_err());
    drop(controller);
    Ok(())
}

async fn reset(bed: &Lease, arguments: &str) -> crate::tool::Ran {
    at(bed, bed.namespace(), &format!("system reset stack --yes --no-backup --wait 60s -o json {arguments}"))
        .run_beside()
        .await
}

/// The objects that the tool owns: a workload, a custom resource and a cluster-scoped object.
fn owned(namespace: &str) -> [String; 3] {
    [
        rest::path("apps/v1", "Deployment", namespace, OPERATOR),
        rest::path("meshery.io/v1alpha1", "Broker", namespace, "meshery-broker"),
        rest::path("rbac.authorization.k8s.io/v1", "ClusterRole", "", ROLE),
    ]
}

/// Applies objects as the tool does: with its labels and annotations, and with a field value of its own.
async fn apply_as_owner(client: &Client, namespace: &str, owner: &Owner) -> Result<()> {
    let metadata = |name: &str, namespace: Option<&str>| {
        let mut metadata = json!({
            "name": name, "labels": owner.labels, "annotations": owner.annotations,
        });
        if let Some(namespace) = namespace {
            metadata["namespace"] = namespace.into();
        }
        metadata
    };
    let manager = json!({ "name": "manager", "image": "meshery/meshery-operator:1.0.4" });
    let objects = [
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": metadata(OPERATOR, Some(namespace)),
            "spec": { "template": { "spec": { "containers": [manager] } } },
        }),
        json!({
            "apiVersion": "meshery.io/v1alpha1", "kind": "Broker",
            "metadata": metadata("meshery-broker", Some(namespace)),
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": metadata(ROLE, None),
        }),
    ];
    rest::write_all(client, Writer::Apply(owner.manager), &objects).await?;
    Ok(())
}

#[tokio::test]
async fn owner_of_the_namespace_does_not_own_the_stack() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let client = bed.client().await?;
    states::apply("nothing-installed", &bed, namespace).await?;
    let path = format!("/api/v1/namespaces/{namespace}");
    let marks = json!({
        "kustomize.toolkit.fluxcd.io/name": "tenants",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    });
    // The tool uses a Helm release, which must stay.
    let release = json!({ "meta.helm.sh/release-name": "tenants", "meta.helm.sh/release-namespace": namespace });
    let metadata = json!({ "metadata": { "labels": marks, "annotations": release } });
    rest::merge(&client, &path, &metadata).await?;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": "sh.helm.release.v1.tenants.v1", "namespace": namespace,
            "labels": { "owner": "helm", "name": "tenants", "version": "1", "status": "deployed" },
        },
    });
    bed.apply_yaml(&secret.to_string()).await?;
    let _controller = bed.start_controller(namespace)?;
    redeploy(&bed, namespace, "").await.exits(0);
    assert_healthy(&bed, namespace).await?;

    let before = versions(&bed, namespace).await?;
    let refused = reset(&bed, "--delete-namespace").await.exits(4).json();
    let reason = refused["reason"].to_string();
    assert!(reason.contains("Flux (Kustomization flux-system/tenants)"), "{refused:#}");
    // Other objects that this tool deploys must not be deleted with the stack.
    let instead = refused["instead"].to_string();
    assert!(instead.contains("omit --delete-namespace"), "{refused:#}");
    assert!(!instead.contains("delete kustomization"), "{refused:#}");
    assert_eq!(versions(&bed, namespace).await?, before);

    redeploy(&bed, namespace, "--take-over").await.exits(0);
    reset(&bed, "").await.exits(0);
    let metadata = rest::get(&client, &path).await?["metadata"].take();
    for (place, mark) in [("labels", "kustomize.toolkit.fluxcd.io/name"), ("annotations", "meta.helm.sh/release-name")]
    {
        assert_eq!(metadata[place][mark], "tenants", "{metadata:#}");
    }
    rest::get(&client, &rest::path_of(&secret)?).await?;
    Ok(())
}

#[tokio::test]
async fn reset_takes_over_from_several_owners_and_removes_release_records() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let client = bed.client().await?;
    states::apply("nothing-installed", &bed, namespace).await?;
    let _controller = bed.start_controller(namespace)?;
    redeploy(&bed, namespace, "").await.exits(0);
    let helm = json!({ "metadata": {
        "labels": { "app.kubernetes.io/managed-by": "Helm" },
        "annotations": { "meta.helm.sh/release-name": "mesh", "meta.helm.sh/release-namespace": namespace },
    } });
    let flux = json!({ "metadata": { "labels": {
        "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    } } });
    let [operator, broker, _] = owned(namespace);
    rest::merge(&client, &operator, &helm).await?;
    rest::merge(&client, &broker, &flux).await?;
    let record = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": "sh.helm.release.v1.mesh.v1", "namespace": namespace,
            "labels": { "owner": "helm", "name": "mesh", "version": "1", "status": "deployed" },
        },
    });
    bed.apply_yaml(&record.to_string()).await?;

    for refused in [reset(&bed, "").await.exits(4).json(), redeploy(&bed, namespace, "").await.exits(4).json()] {
        let reason = refused["reason"].to_string();
        assert!(reason.contains("Helm (release mesh) and by Flux (Kustomization flux-system/apps)"), "{refused:#}");
    }
    // Only MeshSync goes; what stays belongs to no tool any more.
    let arguments = "system reset meshsync --take-over --yes --no-backup --wait 60s -o json";
    let done = at(&bed, namespace, arguments).run_beside().await.exits(0).json();
    assert_eq!(done["steps"][0]["name"], "sh.helm.release.v1.mesh.v1", "{done:#}");
    assert!(rest::get(&client, &rest::path_of(&record)?).await.is_err());
    let annotations = rest::get(&client, &operator).await?["metadata"]["annotations"].take();
    assert!(annotations["meta.helm.sh/release-name"].is_null(), "{annotations:#}");
    let labels = rest::get(&client, &broker).await?["metadata"]["labels"].take();
    assert!(labels["kustomize.toolkit.fluxcd.io/name"].is_null(), "{labels:#}");
    reset(&bed, "").await.exits(0);
    Ok(())
}
