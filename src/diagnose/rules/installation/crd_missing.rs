use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "crd-missing",
    title: "A CRD is missing",
    explains: &["cr-missing", "operator-crash-loop", "operator-not-ready"],
    explanation: include_str!("crd_missing.md"),
    cure: Cure::Automatic,
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "crds-present",
    title: "both CRDs exist",
    after: &[&API_REACHABLE, &INSTALLED],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    if context.is_standalone() {
        return Outcome::skip("MeshSync runs without the operator here and does not need one");
    }
    let facts = context.facts;
    let crds = [(&facts.broker_crd, facts.profile.broker_crd()), (&facts.meshsync_crd, facts.profile.meshsync_crd())];
    let findings = crds
        .iter()
        .filter(|(crd, _)| crd.is_absent())
        .map(|(_, name)| {
            DIAGNOSIS
                .finding()
                .title(format!("CRD {name} is missing"))
                .message("Its custom resources cannot exist or be created, and the operator cannot watch them.")
                .object(cluster_object("CustomResourceDefinition", name))
                .evidence(format!(
                    "the API server has no CustomResourceDefinition {name}, although other parts of the stack exist"
                ))
                .remedy(
                    "redeploy the stack, which creates the CRD and its custom resource; this does not affect custom \
                     resources of the other kind",
                )
                .fix(context.redeploy(None))
                .command(context.kubectl_cluster().inspect(format!("get crd {name}")))
                .done()
        })
        .collect::<Vec<_>>();
    if findings.is_empty()
        && let Some((crd, name)) = crds.iter().find(|(crd, _)| !crd.is_settled())
    {
        return Outcome::unknown(format!("{name}: {}", crd.why_unsettled().unwrap_or_default()));
    }
    Outcome::of(findings)
}
