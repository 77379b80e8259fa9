use crate::{diagnose::rules::prelude::*, stack::output_filter::OutputFilter};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-output-filter",
    title: "MeshSync publishes only part of what it watches",
    explains: &["database-empty", "database-stale"],
    explanation: include_str!("output_filter.md"),
    cure: Cure::Person(because::CHOICE),
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::info(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-whole",
    title: "MeshSync publishes everything that it watches",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let deployment = context.meshsync_deployment()?;
    let filter = OutputFilter::of(deployment, context.facts.profile);
    let mut means = Vec::new();
    let mut evidence = Vec::new();
    let mut severity = Severity::Info;
    if filter.to_file {
        severity = Severity::Warning;
        means.push("it writes to a file and publishes nothing to the broker".to_owned());
        evidence.push("-output is file".to_owned());
    }
    if let Some(namespaces) = &filter.namespaces {
        means.push(format!(
            "only objects in the namespaces {namespaces} are published, and no cluster-scoped objects such as nodes \
             and persistent volumes"
        ));
        evidence.push(format!("-outputNamespaces is {namespaces}"));
    }
    if let Some(resources) = &filter.resources {
        means.push(format!("only {resources} are watched"));
        evidence.push(format!("-outputResources is {resources}"));
    }
    if means.is_empty() {
        return Outcome::pass();
    }
    let name = stack::name(&deployment.metadata);
    DIAGNOSIS
        .finding()
        .severity(severity)
        .message(format!("Someone configured this filter, and it explains gaps: {}.", means.join("; ")))
        .object(context.object("Deployment", name))
        .evidences(evidence.into_iter().map(|line| format!("Deployment {name}: {line}")))
        .remedy("no action needed if intended; else remove it from the connection's configuration or the Deployment")
        .command(context.kubectl().change(format!("edit deployment/{name}")))
        .found()
}
