use crate::diagnose::rules::{installation::stack_in_other_namespace, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "not-installed",
    title: "Nothing of the stack is installed",
    explanation: include_str!("not_installed.md"),
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "installed",
    title: "the stack is installed in this namespace",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS, &stack_in_other_namespace::DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    if context.has_something() {
        return Outcome::pass();
    }
    if let Some(finding) = stack_in_other_namespace::elsewhere(context) {
        return Outcome::found(vec![finding]);
    }
    let unsettled = [
        ("Deployments", facts.deployments.why_unsettled()),
        ("Broker objects", context.brokers.why_unsettled()),
        ("MeshSync objects", context.meshsyncs.why_unsettled()),
    ];
    if let Some((what, Some(why))) = unsettled.iter().find(|(_, why)| why.is_some()) {
        return Outcome::unknown(format!("{what}: {why}"));
    }
    let namespace = &facts.target.namespace;
    let expected = context.expect.embedded;
    let product = facts.profile.product;
    let draft = DIAGNOSIS.finding()
        .title(format!("Nothing of the stack is in namespace {namespace}"))
        .message(if context.expect.operator {
            "The operator is expected here: it was never deployed, was removed, or is in another cluster or namespace."
                .to_owned()
        } else if expected {
            format!("{product} runs MeshSync in its server, so nothing needs to be here.")
        } else {
            format!(
                "Either {product} runs MeshSync embedded in its server, which is the default and needs nothing here, or the \
                 operator was never deployed or was removed."
            )
        })
        .evidence(format!(
            "no operator, no Broker, no MeshSync and none of their workloads in namespace {namespace}"
        ))
        .evidence(match (&facts.broker_crd, &facts.meshsync_crd) {
            (Seen::Absent, Seen::Absent) => "neither custom resource definition is there".to_owned(),
            (Seen::Known(_), _) | (_, Seen::Known(_)) => {
                "custom resource definitions are there: left by an earlier installation, or made ahead of one".to_owned()
            }
            _ => "whether the custom resource definitions are there was not seen".to_owned(),
        });
    if expected {
        return Outcome::expected_absent(vec![
            draft
                .severity(Severity::Info)
                .evidence("--expect embedded")
                .remedy("nothing: with --expect embedded this is as it should be")
                .done(),
        ]);
    }
    if context.expect.operator {
        return draft
            .evidence("--expect operator")
            .remedy("deploy the operator; or look into the cluster and namespace that you mean")
            .command(context.kubectl_cluster().inspect("get deployments -A | grep operator"))
            .found();
    }
    draft
            .remedy("if MeshSync is to run in the server, say so with --expect embedded; else deploy the operator, and see first whether it may be")
            .command(context.meshdoctor(Effect::Read, "system check --expect embedded"))
            .command(context.meshdoctor(Effect::Read, "system check --preflight"))
            .command(context.redeploy(None))
            .found()
}
