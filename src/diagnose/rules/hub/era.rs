use super::hub_of;
use crate::{diagnose::rules::prelude::*, stack::hub::Era};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-era",
    title: "An old release of Gloo Mesh is installed",
    explanation: include_str!("era.md"),
    cure: Cure::Person(because::RELEASE),
    ..Diagnosis::info(Component::Installation).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-release",
    title: "the installed release is of the last era",
    ..Check::of_hub(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    let Some(generation) = hub.generation() else {
        return Outcome::skip("its CRDs are not served");
    };
    let era = generation.era;
    let shown = format!("{} {}", era.product(), era.releases());
    if era == Era::D {
        return Outcome::pass_with(shown);
    }
    DIAGNOSIS
        .finding()
        .title(format!("The custom resources are those of {shown}"))
        .message(
            "Its statuses and controllers are judged by the rules of that release. Later releases have other kinds, so \
             an upgrade means to write the policies again.",
        )
        .evidence(format!("/apis: {} is served", generation.group_version()))
        .remedy("plan an upgrade; nothing is broken")
        .found()
}
