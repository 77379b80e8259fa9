use super::{OF_TRAFFIC, for_each_policy, show};
use crate::{
    diagnose::{hub::Policy, rules::prelude::*},
    facts::hub::Approval,
    stack::hub::Role,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-policy-no-workloads",
    title: "A policy applies to no client",
    explanation: include_str!("policy_no_workloads.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Policies).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-policies-have-workloads",
    title: "each policy applies to the traffic of a workload",
    ..Check::of_hub(&[&DIAGNOSIS], |context| for_each_policy(context, OF_TRAFFIC, |_, policy| judge(context, policy)))
};

fn judge(context: &RuleContext<'_>, policy: &Policy<'_>) -> Option<Finding> {
    let status = &policy.status;
    // With several selectors of sources, the status of an access policy lists too few workloads.
    let sources = policy.object.spec["sourceSelector"].as_array().map_or(0, Vec::len);
    let by_request = policy.object.spec.pointer("/sourceSelector/0/requestIdentityMatcher").is_some();
    if policy.kind.role == Role::AccessPolicy && (sources > 1 || by_request) {
        return None;
    }
    let none = status.workloads.as_ref().is_none_or(Vec::is_empty);
    if !none || status.approval != Approval::Accepted || status.targets.is_empty() {
        return None;
    }
    Some(
        DIAGNOSIS
            .finding()
            .title(format!("{} applies to no workload", policy.shown()))
            .message(
                "It selects services, but no workload whose requests it would change. The workloads must match \
                 spec.sourceSelector, and be in the mesh of the service or in the same virtual mesh.",
            )
            .object(policy.reference())
            .evidence(format!("the status lists {} targets and no workloads", status.targets.len()))
            .evidence(format!("spec.sourceSelector: {}", policy.object.spec["sourceSelector"]))
            .remedy(if sources == 0 {
                "put the meshes of the clients into the virtual mesh, and check that their workloads are discovered"
            } else {
                "widen spec.sourceSelector, or put the meshes of the clients into the virtual mesh"
            })
            .command(show(context, policy))
            .done(),
    )
}
