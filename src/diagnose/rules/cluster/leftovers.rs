use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "cluster-leftovers",
    title: "Cluster-wide roles of a removed stack remain",
    explanation: include_str!("leftovers.md"),
    cure: Cure::Person(because::LOSS),
    ..Diagnosis::warning(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "no-leftovers",
    title: "no cluster-wide role of a removed stack remains",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    if !stack::is_gone(facts) {
        if !context.has_something() {
            facts.deployments.settled()?;
            facts.statefulsets.settled()?;
            known_unless(context.unseen_resources())?;
        }
        return Outcome::skip("the stack exists in this namespace and needs them");
    }
    if let Some(first) = facts.elsewhere.items().first() {
        return Outcome::skip(format!("the stack is in namespace {} and needs them", first.namespace));
    }
    let no_kinds = facts.broker_crd.is_absent() && facts.meshsync_crd.is_absent();
    if !no_kinds && facts.elsewhere.known().is_none() {
        return Outcome::unknown("whether the stack is in another namespace is unknown");
    }
    let roles = facts.rbac.cluster_roles.known_or_unknown()?;
    let bindings = facts.rbac.cluster_role_bindings.known_or_unknown()?;
    let names = &facts.profile.operator;
    let bindings: Vec<_> = bindings
        .iter()
        .filter(|binding| names.cluster_role_bindings.contains(&stack::name(&binding.metadata)))
        .collect();
    let elsewhere = bindings
        .iter()
        .flat_map(|binding| binding.subjects.iter().flatten())
        .filter_map(|subject| subject.namespace.as_deref())
        .find(|namespace| *namespace != facts.target.namespace);
    if let Some(namespace) = elsewhere {
        return Outcome::skip(format!("they are bound to an account in namespace {namespace}"));
    }
    let bindings: Vec<&str> = bindings.iter().map(|binding| stack::name(&binding.metadata)).collect();
    let roles: Vec<&str> = roles
        .iter()
        .map(|role| stack::name(&role.metadata))
        .filter(|name| names.cluster_roles.contains(name))
        .collect();
    if bindings.is_empty() && roles.is_empty() {
        return Outcome::pass();
    }
    let left = [("clusterrolebinding", &bindings), ("clusterrole", &roles)];
    let left = || left.iter().filter(|(_, found)| !found.is_empty());
    DIAGNOSIS.finding().message(format!(
        "They belong to no namespace, so deleting {} did not delete them. They grant permissions to an account that \
         anyone with permissions in the namespace can recreate, and they make the next Helm install fail.",
        facts.target.namespace
    ))
        .evidences(left().map(|(kind, found)| format!("remaining {kind}: {}", found.join(", "))))
        .evidence(format!(
            "no part of the stack in namespace {}, and no custom resource in any namespace",
            facts.target.namespace
        ))
        .remedy("delete them if the stack will not come back; the first command lists everything with that name")
        .command(
            context
                .kubectl_cluster()
                .inspect(format!("get clusterroles,clusterrolebindings -o name | grep {}", facts.profile.name)),
        )
        .commands(left().map(|(kind, found)| context.kubectl_cluster().delete(format!("{kind} {}", found.join(" ")))))
        .found()
}
