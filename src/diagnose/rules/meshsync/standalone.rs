use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-standalone",
    title: "MeshSync runs without the operator on purpose",
    explanation: include_str!("standalone.md"),
    cure: Cure::Person(because::INFORMATION),
    ..Diagnosis::info(Component::Meshsync)
};

/// The finding about a standalone `MeshSync`.
pub(crate) fn standalone(context: &RuleContext<'_>, name: &str) -> Finding {
    DIAGNOSIS
        .finding()
        .message(
            "A self-managed Deployment runs MeshSync. It is checked separately, without comparing it with an \
             operator's deployment.",
        )
        .object(context.object("Deployment", name))
        .evidence(format!("Deployment {name} belongs to no MeshSync CR"))
        .evidences(context.destination.as_ref().map(|to| context.destination_setting(to)))
        .remedy("no action needed if this is intended")
        .command(context.kubectl().inspect(format!("get deployment/{name} -o yaml")))
        .done()
}
