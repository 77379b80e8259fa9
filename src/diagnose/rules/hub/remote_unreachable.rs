use super::{hub_of, log_of};
use crate::{
    diagnose::rules::prelude::*,
    stack::{base::words::count, hub::Role},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-remote-unreachable",
    title: "Nothing is discovered in a registered cluster",
    explains: &["smh-target-not-discovered", "smh-target-not-selected", "smh-policy-no-workloads"],
    explanation: include_str!("remote_unreachable.md"),
    cure: Cure::Person(because::ACCESS),
    ..Diagnosis::fault(Component::Discovery).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-clusters-discovered",
    title: "a mesh is discovered in each registered cluster",
    ..Check::of_hub(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    let clusters = hub.of(Role::Cluster).known_or_skip("no cluster is registered")?;
    hub.of(Role::Mesh).known_or_unknown()?;
    if clusters.is_empty() {
        return Outcome::skip("no cluster is registered");
    }
    let log: Vec<String> = log_excerpt::of_component(context, Component::Discovery);
    if hub.of(Role::Mesh).items().is_empty() && clusters.len() > 1 {
        return DIAGNOSIS
            .finding()
            .title("No mesh is discovered in any registered cluster")
            .message(
                "Discovery waits for the Settings object, or for one cluster whose kubeconfig lacks permissions, which \
                 blocks it for all of them; or no cluster has an Istio that it recognizes.",
            )
            .evidence(format!("{} registered, and there is no Mesh", count(clusters.len(), "cluster is", "clusters are")))
            .evidences(log)
            .remedy(
                "read the log of discovery: \"is forbidden\" and \"Could not wait for Cache to sync\" name what is missing. \
                 After a correction, restart networking, then discovery",
            )
            .commands(log_of(context, &hub, Component::Discovery))
            .found();
    }
    let findings = clusters.iter().filter(|cluster| !hub.has_mesh_in(cluster.name())).map(|cluster| {
        let (name, namespace) = (cluster.name(), cluster.namespace());
        let own_log: Vec<&String> = log.iter().filter(|line| line.contains(name)).collect();
        DIAGNOSIS
            .finding()
            .title(format!("No mesh is discovered in cluster {name}"))
            .message(
                "Either the controllers cannot reach that cluster, or they find no mesh there. They connect with the \
                 kubeconfig in a Secret of type solo.io/kubeconfig that has the name of the cluster; without that Secret, \
                 no error is logged.",
            )
            .cluster(name)
            .object(ObjectRef { kind: "KubernetesCluster".into(), namespace: Some(namespace.into()), name: name.into() })
            .evidence(format!("KubernetesCluster {name} is registered, and no Mesh has spec.istio.installation.cluster {name}"))
            .evidences(own_log)
            .remedy(format!(
                "check that Secret {name} exists, has the type solo.io/kubeconfig, and works; then that Istio runs in \
                 {name}, with a version in the image tag of istiod"
            ))
            .command(context.kubectl_in(namespace).inspect(format!("get secret {name} -o custom-columns=NAME:.metadata.name,TYPE:.type")))
            .commands(log_of(context, &hub, Component::Discovery))
            .done()
    });
    Outcome::of(findings.collect())
}
