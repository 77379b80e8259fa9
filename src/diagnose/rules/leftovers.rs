//! Rules about what upgrades and removals leave behind: old brokers, orphans, too many rights, tags that move.

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::{Draft, rollout},
    facts::{permissions, stack},
    report::Effect,
    stack::{
        base::{permission::Permission, seen::Seen},
        component::Component::Installation,
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "one-generation",
        category: Installation,
        title: "only one generation of the broker runs",
        codes: &["two-generations"],
        facts: &["statefulsets"],
        after: &["installed"],
        judge: one_generation,
    },
    Rule {
        id: "no-orphans",
        category: Installation,
        title: "no workload has lost its custom resource and operator",
        codes: &["orphaned-workloads"],
        facts: &["deployments", "statefulsets"],
        after: &["installed"],
        judge: no_orphans,
    },
    Rule {
        id: "no-leftovers",
        category: Installation,
        title: "no cluster-wide role outlives the stack",
        codes: &["cluster-leftovers"],
        facts: &["deployments"],
        after: &["api-reachable"],
        judge: no_leftovers,
    },
    Rule {
        id: "least-privilege",
        category: Installation,
        title: "the stack's ServiceAccount may not change everything",
        codes: &["over-privileged"],
        facts: &["clusterrolebindings"],
        after: &["installed"],
        judge: least_privilege,
    },
    Rule {
        id: "fixed-tags",
        category: Installation,
        title: "images are named by fixed tags",
        codes: &["moving-tag"],
        facts: &["deployments", "statefulsets"],
        after: &["installed"],
        judge: fixed_tags,
    },
];

fn one_generation(patient: &Patient<'_>, _: &States) -> Outcome {
    let profile = patient.facts.profile;
    let (Some(current), Seen::Known(sets)) = (profile.broker.current, &patient.statefulsets) else {
        return match patient.statefulsets.why_unsettled() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Pass,
        };
    };
    let old = profile.broker.old;
    let has = |name: &str| sets.iter().any(|set| stack::name(&set.metadata) == name);
    if !(has(current) && has(old)) {
        return Outcome::Pass;
    }
    let exposed = stack::broker_services(patient.facts)
        .into_iter()
        .find(|service| stack::name(&service.metadata) == old)
        .and_then(|service| service.spec.as_ref()?.type_.clone())
        .filter(|kind| kind != "ClusterIP");
    let no_token = patient.facts.broker.servers.iter().any(|server| {
        patient
            .pod_of(server)
            .is_some_and(|pod| pod.starts_with(old))
            && !server.varz.auth_required
    });
    let mut draft = Draft::new("two-generations")
        .title(format!("The old broker {old} runs beside the new {current}"))
        .message("An upgrade in place leaves the old broker behind. Whoever still uses it speaks past the new one.")
        .object(patient.object("StatefulSet", old))
        .evidence(format!("StatefulSets {old} and {current} are both there"));
    if let Some(kind) = exposed {
        draft = draft.evidence(format!(
            "Service {old} is of type {kind}: it is open to the outside"
        ));
    }
    if no_token {
        draft = draft.evidence(format!("the server of {old} asks for no token"));
    }
    Outcome::Found(vec![
        draft
            .remedy(format!(
                "see that nothing uses {old} any more, then remove it; the ConfigMap meshery-nats-config is the new one's as well and stays"
            ))
            .command(patient.kubectl(Effect::Destructive, &format!("delete statefulset/{old} service/{old}")))
            .done(),
    ])
}

fn no_orphans(patient: &Patient<'_>, _: &States) -> Outcome {
    let gone = patient.operator.is_absent()
        && matches!(&patient.brokers, Seen::Absent | Seen::Known(_))
        && matches!(&patient.meshsyncs, Seen::Absent | Seen::Known(_))
        && !patient.has_custom_resource();
    if !gone {
        let open = [
            patient.operator.why_unsettled(),
            patient.brokers.why_unsettled(),
            patient.meshsyncs.why_unsettled(),
        ];
        return match open.into_iter().flatten().next() {
            Some(why) if !patient.has_custom_resource() => Outcome::Unknown(why),
            _ => Outcome::Pass,
        };
    }
    let mut left: Vec<String> = patient
        .statefulsets
        .items()
        .iter()
        .map(|set| format!("statefulset/{}", stack::name(&set.metadata)))
        .collect();
    // A Deployment that no MeshSync object owned runs by somebody's intent.
    left.extend(
        patient
            .meshsync
            .known()
            .filter(|deployment| deployment.metadata.owner_references.is_some())
            .map(|deployment| format!("deployment/{}", stack::name(&deployment.metadata))),
    );
    if left.is_empty() {
        return Outcome::Pass;
    }
    Outcome::Found(vec![
        Draft::new("orphaned-workloads")
            .message("Their custom resource is gone and no operator is there: nobody changes, heals or removes them.")
            .evidence(format!("there are {}", left.join(", ")))
            .evidence("there is no operator and no custom resource")
            .remedy("deploy the operator and the custom resources again, which adopts them, or remove them")
            .command(patient.kubectl(Effect::Destructive, &format!("delete {}", left.join(" "))))
            .done(),
    ])
}

fn no_leftovers(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    if !stack::is_gone(facts) {
        let unseen = [
            facts.deployments.why_unsettled(),
            facts.statefulsets.why_unsettled(),
            patient.brokers.why_unsettled(),
            patient.meshsyncs.why_unsettled(),
        ];
        let something = patient.operator.known().is_some()
            || patient.has_custom_resource()
            || patient.has_workload();
        return match unseen.into_iter().flatten().next() {
            Some(why) if !something => Outcome::Unknown(why),
            _ => Outcome::Skip("the stack is here, and needs them".into()),
        };
    }
    if let Some(first) = facts.elsewhere.items().first() {
        return Outcome::Skip(format!("the stack is in namespace {first}, and needs them"));
    }
    let no_kinds = facts.broker_crd.is_absent() && facts.meshsync_crd.is_absent();
    if !no_kinds && facts.elsewhere.known().is_none() {
        return Outcome::Unknown("whether the stack is in another namespace was not seen".into());
    }
    let (Seen::Known(roles), Seen::Known(bindings)) =
        (&facts.rbac.cluster_roles, &facts.rbac.cluster_role_bindings)
    else {
        let why = facts.rbac.cluster_roles.why_unsettled();
        let why = why.or_else(|| facts.rbac.cluster_role_bindings.why_unsettled());
        return Outcome::Unknown(why.unwrap_or_default());
    };
    let names = &facts.profile.operator;
    let bindings: Vec<_> = bindings
        .iter()
        .filter(|binding| {
            names
                .cluster_role_bindings
                .contains(&stack::name(&binding.metadata))
        })
        .collect();
    let elsewhere = bindings
        .iter()
        .flat_map(|binding| binding.subjects.iter().flatten())
        .filter_map(|subject| subject.namespace.as_deref())
        .find(|namespace| *namespace != facts.target.namespace);
    if let Some(namespace) = elsewhere {
        return Outcome::Skip(format!(
            "they are bound to an account in namespace {namespace}"
        ));
    }
    let bindings: Vec<&str> = bindings
        .iter()
        .map(|binding| stack::name(&binding.metadata))
        .collect();
    let roles: Vec<&str> = roles
        .iter()
        .map(|role| stack::name(&role.metadata))
        .filter(|name| names.cluster_roles.contains(name))
        .collect();
    let mut draft = Draft::new("cluster-leftovers").message(format!(
        "They belong to no namespace, so deleting {} did not remove them. They grant rights to an account that anybody \
         with rights in the namespace can make again, and the next install by Helm stumbles over them.",
        facts.target.namespace
    ));
    for (kind, found) in [("clusterrolebinding", &bindings), ("clusterrole", &roles)] {
        if !found.is_empty() {
            draft = draft
                .evidence(format!("there are, by {kind}: {}", found.join(", ")))
                .command(patient.kubectl_cluster(
                    Effect::Destructive,
                    &format!("delete {kind} {}", found.join(" ")),
                ));
        }
    }
    if bindings.is_empty() && roles.is_empty() {
        return Outcome::Pass;
    }
    Outcome::Found(vec![
        draft
            .evidence(format!(
                "nothing of the stack is in namespace {}, and no custom resource anywhere",
                facts.target.namespace
            ))
            .remedy("if nothing of the stack is to come back, remove them; the last command shows what else bears the name")
            .command(patient.kubectl_cluster(
                Effect::Read,
                &format!("get clusterroles,clusterrolebindings -o name | grep {}", facts.profile.name),
            ))
            .done(),
    ])
}

fn least_privilege(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    let account = stack::meshsync_service_account(facts);
    let everything = Permission::to("delete", "*", "*");
    match permissions::may(facts, &account, &everything) {
        Seen::Known(false) => Outcome::Pass,
        Seen::Known(true) => {
            let bindings: Vec<&str> = facts
                .rbac
                .cluster_role_bindings
                .items()
                .iter()
                .filter(|binding| {
                    permissions::names(
                        binding.subjects.as_deref(),
                        &facts.target.namespace,
                        &account,
                    ) && permissions::grants(facts, binding, &everything) != Some(false)
                })
                .filter_map(|binding| binding.metadata.name.as_deref())
                .collect();
            let suspect = facts
                .profile
                .operator
                .cluster_role_bindings
                .first()
                .copied()
                .unwrap_or_default();
            let mut draft = Draft::new("over-privileged")
                .title(format!(
                    "ServiceAccount {account} may change everything in the cluster"
                ))
                .message(
                    "Whoever gets hold of a pod of the operator or of MeshSync owns the cluster.",
                )
                .object(patient.object("ServiceAccount", &account))
                .evidence(format!(
                    "serviceaccount {}/{account} may delete every resource of every group",
                    facts.target.namespace
                ));
            if !bindings.is_empty() {
                draft = draft.evidence(format!("bound by: {}", bindings.join(", ")));
            }
            draft = draft
                .remedy("give MeshSync a role that only reads, then remove the old line's binding: without the first, MeshSync would be blind")
                .command(reader_role(patient))
                .command(reader_binding(patient, &account));
            if bindings.contains(&suspect) {
                draft = draft.command(patient.kubectl_cluster(
                    Effect::Destructive,
                    &format!("delete clusterrolebinding {suspect}"),
                ));
            }
            Outcome::Found(vec![draft.done()])
        }
        other => Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    }
}

/// The command that makes a role which reads everything.
pub(super) fn reader_role(patient: &Patient<'_>) -> crate::report::Command {
    let name = patient.facts.profile.meshsync_reader();
    patient.kubectl_cluster(
        Effect::Write,
        &format!("create clusterrole {name} --verb=get,list,watch --resource='*.*'"),
    )
}

/// The command that binds that role.
pub(super) fn reader_binding(patient: &Patient<'_>, account: &str) -> crate::report::Command {
    let name = patient.facts.profile.meshsync_reader();
    let namespace = &patient.facts.target.namespace;
    patient.kubectl_cluster(
        Effect::Write,
        &format!("create clusterrolebinding {name} --clusterrole={name} --serviceaccount={namespace}:{account}"),
    )
}

fn fixed_tags(patient: &Patient<'_>, _: &States) -> Outcome {
    let profile = patient.facts.profile;
    let mut images: Vec<(String, &str)> = Vec::new();
    if let Some(deployment) = patient.operator.known()
        && let Some(image) = rollout::image(deployment, profile.operator.container)
    {
        images.push((
            format!("deployment/{}", stack::name(&deployment.metadata)),
            image,
        ));
    }
    if let Some(deployment) = patient.meshsync.known()
        && let Some(image) = rollout::image(deployment, profile.meshsync.container)
    {
        images.push((
            format!("deployment/{}", stack::name(&deployment.metadata)),
            image,
        ));
    }
    for set in patient.statefulsets.items() {
        let containers = set
            .spec
            .iter()
            .filter_map(|spec| spec.template.spec.as_ref())
            .flat_map(|pod| &pod.containers);
        for container in containers.filter(|container| container.name == profile.broker.container) {
            if let Some(image) = container.image.as_deref() {
                images.push((format!("statefulset/{}", stack::name(&set.metadata)), image));
            }
        }
    }
    let moving: Vec<String> = images
        .iter()
        .filter(|(_, image)| moves(image))
        .map(|(workload, image)| format!("{workload} runs {image}"))
        .collect();
    if moving.is_empty() {
        return match (images.is_empty(), patient.facts.deployments.why_unsettled()) {
            (true, Some(why)) => Outcome::Unknown(why),
            _ => Outcome::Pass,
        };
    }
    Outcome::Found(vec![
        Draft::new("moving-tag")
            .message("What runs tomorrow is not what runs today: the next restart may bring a version that does not fit its manifests.")
            .evidences(moving)
            .remedy("name the version: 1.0.5 for the operator, spec.version of the custom resources for Broker and MeshSync")
            .done(),
    ])
}

fn moves(image: &str) -> bool {
    if image.contains("@sha256:") {
        return false;
    }
    match stack::image_tag(image) {
        None => true,
        Some(tag) => {
            tag == "latest"
                || tag.ends_with("-latest")
                || tag == "edge"
                || tag == "stable"
                || tag == "main"
        }
    }
}
