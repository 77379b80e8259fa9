use crate::diagnose::rules::{
    cluster::{
        answer_too_large, credentials_rejected, exec_plugin_failed, internal_error, interrupted, kubeconfig_invalid,
        kubeconfig_missing, not_an_api_server, tls_untrusted,
    },
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "cluster-unreachable",
    title: "Cannot connect to the API server",
    explanation: include_str!("unreachable.md"),
    remedy: "check that the cluster is running and reachable from this machine (VPN, proxy, firewall, DNS)",
    kubectl: Some("cluster-info"),
    cure: Cure::Person(because::OUTSIDE),
    profiles: profile::ALL,
    ..Diagnosis::obstacle(Component::Cluster)
};

pub(crate) static CHECK: Check = Check {
    id: "api-reachable",
    title: "the API server is reachable",
    after: &[],
    ..Check::of(
        &[
            &kubeconfig_missing::DIAGNOSIS,
            &kubeconfig_invalid::DIAGNOSIS,
            &exec_plugin_failed::DIAGNOSIS,
            &DIAGNOSIS,
            &tls_untrusted::DIAGNOSIS,
            &not_an_api_server::DIAGNOSIS,
            &credentials_rejected::DIAGNOSIS,
            &interrupted::DIAGNOSIS,
            &internal_error::DIAGNOSIS,
            &answer_too_large::DIAGNOSIS,
        ],
        judge,
    )
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let Some(obstacle) = &context.facts.obstacle else {
        return Ok(Outcome::Pass(context.facts.target.server.clone()));
    };
    let explain = context.facts.target.context.as_ref().map(|context| format!("context: {context}"));
    // A recording may contain an obstacle that this version does not know.
    let known = CHECK.finds.iter().copied().find(|diagnosis| diagnosis.code == obstacle.code);
    let diagnosis = known.unwrap_or(&DIAGNOSIS);
    diagnosis
        .finding()
        .title(fact(&obstacle.message))
        .message("Nothing could be checked, so every state is unknown.")
        .evidences(obstacle.evidence.iter().cloned())
        .evidences(explain)
        .remedy(obstacle.remedy.as_deref().unwrap_or(diagnosis.remedy))
        .commands(diagnosis.kubectl.map(|rest| context.kubectl_cluster().inspect(rest)))
        .found()
}

/// A title: with a capital letter, unless it starts with a name or an address, and without a full stop.
fn fact(text: &str) -> String {
    let text = text.trim_end_matches('.');
    if text.starts_with("meshdoctor ") || text.starts_with("http") {
        return text.into();
    }
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", chars.as_str())
}
