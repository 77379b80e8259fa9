use crate::diagnose::{inventory::shown_version, rules::prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "kubernetes-too-old",
    title: "Kubernetes is older than the stack supports",
    explanation: include_str!("kubernetes_too_old.md"),
    ..Diagnosis::fault(Component::Cluster)
};

pub(crate) static CHECK: Check = Check {
    id: "version-supported",
    title: "the Kubernetes version is supported",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// The oldest minor version whose API servers accept the CRDs' validation rules.
const OLDEST_MINOR: u32 = 25;

fn judge(context: &RuleContext<'_>) -> Judgement {
    let version = context.facts.version.known_or_unknown()?;
    let shown = shown_version(version);
    let digits: String = version.minor.chars().take_while(char::is_ascii_digit).collect();
    match (version.major.as_str(), digits.parse::<u32>()) {
        ("1", Ok(minor)) if minor < OLDEST_MINOR => DIAGNOSIS
            .finding()
            .title(format!("Kubernetes {shown} is older than 1.{OLDEST_MINOR}"))
            .message("The CRDs contain validation rules that this API server does not support.")
            .evidence(format!("/version reports {shown}"))
            .remedy(format!("upgrade the cluster to 1.{OLDEST_MINOR} or later"))
            .found(),
        (_, Ok(_)) => Outcome::pass_with(shown),
        _ => Outcome::unknown(format!("version {shown} cannot be parsed")),
    }
}
