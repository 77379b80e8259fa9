use super::virtual_mesh::{TrustingMesh, for_each_trusting};
use crate::{diagnose::rules::prelude::*, facts::hub::SecretFact};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-istiod-older-than-cacerts",
    title: "istiod was started before its certificate was written",
    explanation: include_str!("istiod_older_than_cacerts.md"),
    cure: Cure::Person(because::OWNER),
    ..Diagnosis::warning(Component::Agents).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-istiod-restarted",
    title: "istiod was restarted after its certificate was written",
    ..Check::of_hub(&[&DIAGNOSIS], |context| for_each_trusting(context, |mesh, _| tell(context, mesh)))
};

fn tell(context: &RuleContext<'_>, mesh: &TrustingMesh<'_>) -> Result<Option<Finding>, String> {
    // istiod has to be restarted when the certificate is finished, and sometimes the agent does it.
    if mesh.waits_for_certificate() {
        return Ok(None);
    }
    let istio = mesh.istio;
    if let Some(why) = istio.cacerts.why_unsettled().or_else(|| istio.istiod.why_unsettled()) {
        return Err(why);
    }
    let Some(written) = istio.cacerts.known().and_then(SecretFact::since) else {
        return Ok(None);
    };
    let pods = istio.istiod.items();
    let older: Vec<_> = pods.iter().filter(|pod| pod.started.is_some_and(|started| started < written)).collect();
    let Some(first) = older.first() else { return Ok(None) };
    let inside = mesh.remote.rules(context.expect);
    let (namespace, place) = (&istio.namespace, mesh.remote.shown());
    let evidence = older.iter().map(|pod| {
        let started = pod.started.map(|time| time.to_string()).unwrap_or_default();
        format!("{place}: pod {} was started at {started}", pod.name)
    });
    Ok(Some(
        DIAGNOSIS
            .finding()
            .title(format!("istiod of {place} was started before its certificate was written"))
            .message(
                "istiod reads Secret cacerts when it starts. It still signs with the certificate from before, which the \
                 other meshes do not trust if it is from another root or istiod's own. Typical errors in the logs of istiod and istio-proxy are \
                 \"tls: error decrypting message\" and \"certificate signed by unknown authority\".",
            )
            .object(ObjectRef { kind: "Pod".into(), namespace: Some(namespace.clone()), name: first.name.clone() })
            .cluster(mesh.cluster())
            .evidence(format!("{place}: Secret {namespace}/cacerts was written at {written}"))
            .evidences(evidence)
            .remedy("restart istiod, then the workloads of the mesh, which get their certificates from it")
            .command(inside.kubectl_in(namespace).change(format!("rollout restart deployment/{}", deployment(&first.name))))
            .done(),
    ))
}

/// The Deployment of a pod, whose name it has before two hashes.
fn deployment(pod: &str) -> &str {
    pod.rsplitn(3, '-').nth(2).unwrap_or("istiod")
}
