use crate::diagnose::{inventory::shown_version, rules::prelude::*, stack_view::Line};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "kubernetes-too-old",
    title: "Kubernetes is older than the stack supports",
    explanation: include_str!("kubernetes_too_old.md"),
    cure: Cure::Person(because::CAPACITY),
    profiles: profile::ALL,
    ..Diagnosis::fault(Component::Cluster)
};

pub(crate) static CHECK: Check = Check {
    id: "version-supported",
    title: "the Kubernetes version is supported",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// A Kubernetes version that a stack needs, and why.
struct Need {
    /// The oldest minor version.
    minor: u32,
    /// Why older ones do not work.
    why: &'static str,
}

/// The CRDs of the current operator line contain validation rules.
const CURRENT: Need =
    Need { minor: 25, why: "The CRDs contain validation rules (CEL) that this API server does not support." };

/// Those of the old operator line, and of the families that have only that line, do not.
const OLD: Need = Need { minor: 16, why: "This API server does not serve CRDs of apiextensions.k8s.io/v1." };

/// The check of the first releases of Service Mesh Hub asks for it. Later ones ask for nothing.
const HUB: Need = Need { minor: 13, why: "The controllers use APIs that this API server does not have." };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let version = context.facts.version.known_or_unknown()?;
    let shown = shown_version(version);
    let digits: String = version.minor.chars().take_while(char::is_ascii_digit).collect();
    let need = need(context);
    match (version.major.as_str(), digits.parse::<u32>()) {
        ("1", Ok(minor)) if minor < need.minor => DIAGNOSIS
            .finding()
            .title(format!("Kubernetes {shown} is older than 1.{}", need.minor))
            .message(need.why)
            .evidence(format!("/version reports {shown}"))
            .remedy(format!("upgrade the cluster to 1.{} or later", need.minor))
            .found(),
        ("1", Ok(minor)) if minor < CURRENT.minor && !context.facts.profile.is_hub() => {
            Outcome::pass_with(format!("{shown}; operator 1.0 needs 1.{} or later", CURRENT.minor))
        }
        (_, Ok(_)) => Outcome::pass_with(shown),
        _ => Outcome::unknown(format!("version {shown} cannot be parsed")),
    }
}

/// What the installed stack needs; for a preflight or if nothing is installed, the one that would be installed.
fn need(context: &RuleContext<'_>) -> Need {
    if context.facts.profile.is_hub() {
        return HUB;
    }
    let installs_current = context.facts.profile.has_current_line();
    let is_old = context.line == Some(Line::Old) && context.facts.preflight.is_none();
    if installs_current && !is_old { CURRENT } else { OLD }
}
