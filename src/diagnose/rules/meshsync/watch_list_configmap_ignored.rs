use crate::{diagnose::rules::prelude::*, stack::base::words::quoted};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-configmap-ignored",
    title: "A ConfigMap holds a watch-list that nothing reads",
    explanation: include_str!("watch_list_configmap_ignored.md"),
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-in-object",
    title: "no ConfigMap passes for the watch-list",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.facts.watch_list_config_map.settled()?;
    let Some(map) = context.facts.watch_list_config_map.known() else {
        return Outcome::pass();
    };
    let name = context
        .meshsyncs
        .items()
        .first()
        .map_or(context.facts.profile.meshsync.resource, |meshsync| stack::name(&meshsync.metadata));
    let group = context.facts.profile.group;
    DIAGNOSIS.finding()
            .title(format!("ConfigMap {} is read by nobody", map.name))
            .message(format!("Public pages say to edit it. MeshSync reads its list from one place only: spec.watch-list of the MeshSync object {name}."))
            .object(context.object("ConfigMap", &map.name))
            .evidence(match map.keys.as_slice() {
                [] => format!("ConfigMap {} is there, without data", map.name),
                keys => format!("ConfigMap {} is there, with {}", map.name, keys.join(", ")),
            })
            .remedy("carry what it says over into the object, restart MeshSync, and remove it")
            .command(context.kubectl().inspect(format!("get configmap {} -o jsonpath='{{.data}}'", quoted(&map.name))))
            .command(context.kubectl().change(format!("edit meshsyncs.{group} {name}")))
            .command(context.restart(Component::Meshsync))
            .command(context.kubectl().delete(format!("configmap {}", quoted(&map.name))))
            .found()
}
