use crate::diagnose::rules::server_commands::{ask, change};
use crate::{diagnose::rules::prelude::*, facts::server::ApiGeneration};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-mode-embedded",
    title: "{product} Server runs MeshSync itself",
    explains: &["not-installed", "cr-missing", "broker-server-not-connected"],
    explanation: include_str!("mode_embedded.md"),
    cure: Cure::Person(because::INFORMATION),
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::info(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "server-mode",
    title: "the server uses the operator of this cluster",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.server_facts()?;
    let Some(mode) = context.server_mode() else {
        return Outcome::skip("the server's mode for this cluster is unknown");
    };
    if !mode.embedded {
        return Outcome::pass_with(mode.evidence);
    }
    let beside = context.has_workload();
    let newest = context.server_facts()?.generation.known() == Some(&ApiGeneration::Controllers);
    DIAGNOSIS
        .finding()
        .title("{product} Server watches this cluster in embedded mode")
        .message(if beside {
            "It runs MeshSync itself, so it does not use the operator, broker and MeshSync that are in the cluster. It \
             watches only while it runs, with the permissions of its kubeconfig."
        } else {
            "It runs MeshSync itself, so no operator, broker or MeshSync is needed in the cluster. It watches only while \
             it runs, with the permissions of its kubeconfig."
        })
        .evidence(mode.evidence)
        .remedy(if beside {
            "set the connection to operator mode in the server, or remove the stack from the cluster"
        } else {
            "no action needed"
        })
        .commands((beside && newest && context.operator_forbidden().is_none()).then(|| change(context, ServerChange::OperatorMode)))
        .command(ask(context, "server status"))
        .found()
}
