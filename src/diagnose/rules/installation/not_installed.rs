use crate::diagnose::rules::{installation::stack_in_other_namespace, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "not-installed",
    title: "The stack is not installed",
    explains: &["database-empty", "database-stale"],
    explanation: include_str!("not_installed.md"),
    cure: Cure::Person(because::CHOICE),
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
        ("Broker CRs", context.brokers.why_unsettled()),
        ("MeshSync CRs", context.meshsyncs.why_unsettled()),
    ];
    if let Some((what, Some(why))) = unsettled.iter().find(|(_, why)| why.is_some()) {
        return Outcome::unknown(format!("{what}: {why}"));
    }
    let namespace = &facts.target.namespace;
    let expected = context.expect.embedded;
    let product = facts.profile.product;
    let server = context.server_mode();
    let by_server = context.is_embedded_by_server();
    let draft = DIAGNOSIS
        .finding()
        .title(if by_server {
            format!("The stack is not needed: {product} runs MeshSync in its server")
        } else {
            format!("The stack is not installed in namespace {namespace}")
        })
        .message(if by_server {
            "The server's configuration says so, so nothing is needed in this namespace.".to_owned()
        } else if context.expect.operator {
            "The operator is expected here, but it was never deployed, was removed, or is in another cluster or \
             namespace."
                .to_owned()
        } else if expected {
            format!("{product} runs MeshSync in its server, so nothing is needed here.")
        } else if server.as_ref().is_some_and(|server| !server.embedded) {
            format!(
                "{product} Server is configured for operator mode, but the operator was never deployed or was removed."
            )
        } else if !facts.profile.has_current_line() {
            "The operator was never deployed or was removed.".to_owned()
        } else {
            format!(
                "Either {product} runs MeshSync embedded in its server, which is the default and needs nothing here, \
                 or the operator was never deployed or was removed."
            )
        })
        .evidence(format!("namespace {namespace} contains no operator, Broker, MeshSync or any of their workloads"))
        .evidence(match (&facts.broker_crd, &facts.meshsync_crd) {
            (Seen::Absent, Seen::Absent) => "neither CRD exists".to_owned(),
            (Seen::Known(_), _) | (_, Seen::Known(_)) => {
                "CRDs exist, either left from an earlier installation or created for a new one".to_owned()
            }
            _ => "whether the CRDs exist is unknown".to_owned(),
        })
        .evidences(server.as_ref().map(|server| server.evidence.as_str()));
    if by_server {
        return Outcome::expected_absent(vec![draft.severity(Severity::Info).remedy("no action needed").done()]);
    }
    if expected {
        return Outcome::expected_absent(vec![
            draft
                .severity(Severity::Info)
                .evidence("--expect embedded")
                .remedy("no action needed with --expect embedded")
                .done(),
        ]);
    }
    if context.expect.operator {
        return draft
            .evidence("--expect operator")
            .remedy("deploy the operator, or check the cluster and namespace that you mean")
            .command(context.kubectl_cluster().inspect("get deployments -A | grep operator"))
            .found();
    }
    // Only the servers of the current line can run MeshSync themselves.
    if server.is_some_and(|server| !server.embedded) || !facts.profile.has_current_line() {
        return draft
            .remedy("deploy the operator after a preflight check")
            .command(context.meshdoctor(Effect::Read, "check --preflight"))
            .command(context.redeploy(None))
            .found();
    }
    draft
        .remedy(
            "use --expect embedded if MeshSync runs in the server; else deploy the operator after a preflight check",
        )
        .command(context.meshdoctor(Effect::Read, "check --expect embedded"))
        .command(context.meshdoctor(Effect::Read, "check --preflight"))
        .command(context.redeploy(None))
        .found()
}
