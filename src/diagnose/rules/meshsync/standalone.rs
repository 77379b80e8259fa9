use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-standalone",
    title: "MeshSync runs without operator, by intent",
    explanation: include_str!("standalone.md"),
    ..Diagnosis::info(Component::Meshsync)
};

/// The finding that says that a `MeshSync` runs by somebody's own intent.
pub(crate) fn standalone(context: &RuleContext<'_>, name: &str) -> Finding {
    DIAGNOSIS.finding()
        .message("A Deployment of somebody's own runs MeshSync. It is judged by what it does, not by what an operator would have made.")
        .object(context.object("Deployment", name))
        .evidence(format!("Deployment {name} belongs to no MeshSync object"))
        .evidences(context.destination.as_ref().map(|to| context.told(to)))
        .remedy("nothing, if that is what you want")
        .command(context.kubectl().inspect(format!("get deployment/{name} -o yaml")))
        .done()
}
