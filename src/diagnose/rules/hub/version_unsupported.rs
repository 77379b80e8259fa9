use super::hub_of;
use crate::{
    diagnose::{hub::HubView, inventory::shown_version, rules::prelude::*},
    stack::hub::Era,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-version-unsupported",
    title: "The release does not support this Kubernetes version",
    explanation: include_str!("version_unsupported.md"),
    cure: Cure::Person(because::RELEASE),
    ..Diagnosis::warning(Component::Installation).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-kubernetes-version",
    title: "the release supports the Kubernetes version",
    ..Check::of_hub(&[&DIAGNOSIS], judge)
};

/// The first minor version without CRDs of apiextensions.k8s.io/v1beta1.
const WITHOUT_V1BETA1: u32 = 22;

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    let version = context.facts.version.known_or_unknown()?;
    let shown = shown_version(version);
    let digits: String = version.minor.chars().take_while(char::is_ascii_digit).collect();
    let Ok(minor) = digits.parse::<u32>() else {
        return Outcome::unknown(format!("version {shown} cannot be parsed"));
    };
    match hub.era() {
        Some(era) if is_before_1_2(&hub, era) && minor >= WITHOUT_V1BETA1 => DIAGNOSIS
            .finding()
            .title(format!("{} {} does not support Kubernetes {shown}", era.product(), before_1_2(era)))
            .message(
                "Its manifests have CRDs of apiextensions.k8s.io/v1beta1, which Kubernetes 1.22 and later do not serve. \
                 The existing CRDs work; the release cannot be installed or registered again.",
            )
            .evidence(format!("/version reports {shown}"))
            .remedy("do not remove the CRDs; upgrade to a release with CRDs of apiextensions.k8s.io/v1")
            .found(),
        _ => Outcome::pass_with(shown),
    }
}

/// The releases of an era before 1.2.
fn before_1_2(era: Era) -> &'static str {
    if era == Era::D { "1.0 and 1.1" } else { era.releases() }
}

/// Whether the release has CRDs of the old version. Up to the last tag before 1.2 all have.
fn is_before_1_2(hub: &HubView<'_>, era: Era) -> bool {
    era < Era::D || hub.version().is_some_and(|version| version < (1, 2))
}
