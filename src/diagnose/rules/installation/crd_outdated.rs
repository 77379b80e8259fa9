use crate::{
    diagnose::rules::{installation::crd_missing, prelude::*},
    facts::Crd,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "crd-outdated",
    title: "The MeshSync CRD has no watch-list field",
    explains: &["watch-list-empty", "meshsync-silent", "flow-nothing-seen", "flow-store-incomplete"],
    explanation: include_str!("crd_outdated.md"),
    cure: Cure::Automatic,
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "crd-current",
    title: "the MeshSync CRD has the watch-list field",
    after: &[&crd_missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// Whether the schema of any served version contains `spec.watch-list`; `None` if no schema was recorded.
pub(crate) fn has_watch_list(crd: &Crd) -> Option<bool> {
    let served = crd.spec.versions.iter().filter(|version| version.served);
    let schemas: Vec<_> = served.filter_map(|version| version.schema.as_ref()).collect();
    (!schemas.is_empty()).then(|| {
        schemas.iter().any(|schema| {
            let spec = schema.open_api_v3_schema.properties.get("spec");
            spec.is_some_and(|spec| spec.properties.contains_key("watch-list"))
        })
    })
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let name = context.facts.profile.meshsync_crd();
    let crd = context.facts.meshsync_crd.known_or_unknown()?;
    match has_watch_list(crd) {
        None => Outcome::skip("the CRD's schema was not recorded"),
        Some(true) => Outcome::pass(),
        Some(false) => DIAGNOSIS
            .finding()
            .message(if context.facts.profile.has_current_line() {
                "The API server drops the watch-list of every MeshSync CR, so MeshSync uses its defaults. Versions \
                 0.6.23 to 1.0.1 then publish nothing."
            } else {
                "kubectl refuses a MeshSync CR with a watch-list, or the API server drops the list. MeshSync uses its \
                 defaults, with which it publishes nothing but the kinds of CRDs."
            })
            .object(cluster_object("CustomResourceDefinition", &name))
            .evidence("spec.versions[].schema has no field spec.watch-list")
            .remedy(
                "apply CRDs that have the field; then check again, which shows how to set the watch-list and restart \
                 MeshSync",
            )
            .fix(context.redeploy(None))
            .command(
                context
                    .kubectl_cluster()
                    .inspect(format!("explain meshsyncs.spec --api-version={}/v1alpha1", context.facts.profile.group)),
            )
            .found(),
    }
}
