use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "old-crd-group",
    title: "CRDs of the old API group remain",
    explanation: include_str!("old_crd_group.md"),
    cure: Cure::Person(because::LOSS),
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::warning(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "no-former-group",
    title: "no CRDs of the old API group remain",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let profile = context.facts.profile;
    let Some(group) = profile.former_group else {
        return Outcome::skip(format!("{} has had only one API group", profile.product));
    };
    context.facts.former_crds.settled()?;
    let names: Vec<&str> = context.facts.former_crds.items().iter().map(|crd| stack::name(&crd.metadata)).collect();
    let Some(first) = names.first() else {
        return Outcome::pass();
    };
    let image = context.operator.known().and_then(|deployment| rollout::image(deployment, profile.operator.container));
    let alive = image.is_some_and(reads_former_group);
    let all = names.join(",");
    let draft = DIAGNOSIS
        .finding()
        .title(format!("CRDs of the old API group {group} remain"))
        .object(cluster_object("CustomResourceDefinition", first))
        .evidences(names.iter().map(|name| format!("CustomResourceDefinition {name} exists")))
        .evidences(image.map(|image| format!("the operator uses {image}")));
    let draft = if alive {
        draft
            .message(
                "The operator here is so old that it reads these CRDs. They are in use until you upgrade the \
                     operator.",
            )
            .remedy("back up the custom resources, then upgrade the operator; do not delete the CRDs before that")
            .command(context.kubectl_cluster().inspect(format!("get {all} -A -o yaml > old-crs.yaml")))
    } else {
        draft
            .message(format!(
                "No operator since 0.8.2 reads them: their custom resources have no effect, even if they look valid. \
                 Only the group {} counts.",
                profile.group
            ))
            .remedy(
                "back up the custom resources, check that the new ones are correct, then delete these CRDs, which also \
                 deletes their CRs in the whole cluster",
            )
            .command(context.kubectl_cluster().inspect(format!("get {all} -A -o yaml > old-crs.yaml")))
            .command(context.kubectl_cluster().delete(format!("crd {}", names.join(" "))))
    };
    draft.found()
}

/// Whether an operator of this image is older than 0.8.2, in which the group changed.
fn reads_former_group(image: &str) -> bool {
    let numbers: Option<Vec<u32>> = stack::image_tag(image)
        .and_then(|tag| tag.trim_start_matches('v').split('.').map(|number| number.parse().ok()).collect());
    numbers.is_some_and(|numbers| numbers.len() == 3 && numbers < vec![0, 8, 2])
}
