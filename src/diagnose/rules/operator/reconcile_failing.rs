use crate::{
    diagnose::rules::{operator::missing, prelude::*},
    stack::component::Component::Operator,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "operator-reconcile-failing",
    title: "The operator cannot do what the custom resources ask",
    explains: &["broker-no-workload", "meshsync-no-workload", "cr-failed"],
    explanation: include_str!("reconcile_failing.md"),
    ..Diagnosis::fault(Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "operator-reconciles",
    title: "the operator can do what the custom resources ask",
    after: &[&missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let container = context.facts.profile.operator.container;
    if context.operator_is_up() != Some(true) {
        return Outcome::skip("the operator is not up");
    }
    // Its log is read only when the custom resources show that something is amiss.
    let words = context
        .pods_of(Operator)
        .iter()
        .map(|pod| last_words::of(context.facts, Operator, stack::name(&pod.metadata), container))
        .find(|words| !words.evidence.is_empty());
    let Some(words) = words else {
        return Outcome::pass();
    };
    let name = context.facts.profile.operator.deployment;
    let means = words.signature.map(|signature| signature.says);
    let remedy = words.signature.map_or("mend what the lines name; the operator tries again by itself", |s| s.remedy);
    DIAGNOSIS
        .finding()
        .message(match means {
            Some(means) => format!("The operator runs and fails again and again: {means}."),
            None => "The operator runs and fails again and again; its log says at what.".to_owned(),
        })
        .object(context.object("Deployment", name))
        .evidences(words.evidence)
        .remedy(remedy)
        .command(context.kubectl().inspect(format!("logs deployment/{name} -c {container} --tail=50")))
        .found()
}
