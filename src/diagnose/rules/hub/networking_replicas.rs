use super::hub_of;
use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-networking-replicas",
    title: "Several replicas of a controller work against each other",
    explanation: include_str!("networking_replicas.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Networking).of_hub()
};

pub(crate) static CHECK: Check =
    Check { id: "smh-one-replica", title: "each controller has one replica", ..Check::of_hub(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    context.facts.deployments.settled()?;
    if hub.is_enterprise() {
        return Outcome::skip("the controller of the enterprise release is not known");
    }
    let mut findings = Vec::new();
    for component in [Component::Discovery, Component::Networking] {
        for deployment in hub.deployments(component) {
            let (name, wanted) = (stack::name(&deployment.metadata), rollout::wanted(deployment));
            if wanted < 2 {
                continue;
            }
            findings.push(
                DIAGNOSIS
                    .finding()
                    .component(component)
                    .title(format!("Deployment {name} has {wanted} replicas"))
                    .message(
                        "The public release has no leader election, so every replica writes statuses, certificates and roots \
                         of trust. Two replicas of networking can give the clusters of one virtual mesh different roots.",
                    )
                    .object(context.object("Deployment", name))
                    .evidence(format!("Deployment {name}: spec.replicas is {wanted}"))
                    .remedy("scale it to one replica")
                    .command(context.kubectl().change(format!("scale deployment/{name} --replicas=1")))
                    .done(),
            );
        }
    }
    Outcome::of(findings)
}
