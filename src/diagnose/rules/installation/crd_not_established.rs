use crate::{
    diagnose::rules::{
        installation::crd_terminating::{self, terminating},
        prelude::*,
    },
    facts::Crd,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "crd-not-established",
    title: "A CRD exists but is not served",
    explains: &["cr-missing", "operator-crash-loop", "operator-not-ready"],
    explanation: include_str!("crd_not_established.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "crds-usable",
    title: "the CRDs are served and not terminating",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS, &crd_terminating::DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let crds = [(&facts.broker_crd, facts.profile.broker_crd()), (&facts.meshsync_crd, facts.profile.meshsync_crd())];
    let findings: Vec<Finding> = crds
        .iter()
        .filter_map(|(crd, name)| Some((crd.known()?, name)))
        .filter_map(|(crd, name)| terminating(context, crd, name).or_else(|| unserved(context, crd, name)))
        .collect();
    if findings.is_empty() {
        known_unless(crds.iter().find_map(|(crd, _)| crd.why_unsettled()))?;
        if crds.iter().all(|(crd, _)| crd.is_absent()) {
            return Outcome::skip("there is no CRD");
        }
    }
    Outcome::of(findings)
}

/// A CRD that the API server does not serve; a CRD without conditions proves nothing.
fn unserved(context: &RuleContext<'_>, crd: &Crd, name: &str) -> Option<Finding> {
    let condition = |kind: &str| crd.status.conditions.iter().find(|condition| condition.kind == kind);
    let established = condition("Established").filter(|condition| condition.status != "True")?;
    let refused = condition("NamesAccepted").filter(|condition| condition.status != "True");
    let shown = [Some(established), refused].into_iter().flatten().map(|condition| {
        format!(
            "status.conditions: {}={} ({}): {}",
            condition.kind, condition.status, condition.reason, condition.message
        )
    });
    let draft = DIAGNOSIS
        .finding()
        .title(format!("CRD {name} exists but is not served"))
        .object(cluster_object("CustomResourceDefinition", name))
        .evidences(shown);
    let draft = if refused.is_some() {
        draft
            .message("Another CRD has taken one of its names, so its custom resources can be neither read nor \
                      created.")
            .remedy("find the CRD of the same group that uses the name, and check who needs it before you delete it")
            .command(context.kubectl_cluster().inspect("get crd -o \
                                                        custom-columns=NAME:.metadata.name,GROUP:.spec.group,KIND:.spec.names.kind,SHORT:.spec.names.shortNames"))
    } else {
        draft
            .message(
                "Its custom resources can be neither read nor created. This is normal for a moment after it is \
                 applied.",
            )
            .remedy("wait until it is served, then apply the custom resources")
            .command(
                context.kubectl_cluster().inspect(format!("wait --for=condition=Established --timeout=60s crd/{name}")),
            )
    };
    Some(draft.done())
}
