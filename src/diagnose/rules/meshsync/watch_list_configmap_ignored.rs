use crate::{diagnose::rules::prelude::*, stack::base::words::quoted};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-configmap-ignored",
    title: "A ConfigMap contains a watch-list that nothing reads",
    explanation: include_str!("watch_list_configmap_ignored.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-in-object",
    title: "no ConfigMap contains an unused watch-list",
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
    DIAGNOSIS
        .finding()
        .title(format!("ConfigMap {} contains a watch-list that nothing reads", map.name))
        .message(format!(
            "Public guides say to edit it, but MeshSync reads its list only from spec.watch-list of the MeshSync CR \
             {name}."
        ))
        .object(context.object("ConfigMap", &map.name))
        .evidence(match map.keys.as_slice() {
            [] => format!("ConfigMap {} exists, without data", map.name),
            keys => format!("ConfigMap {} exists, with {}", map.name, keys.join(", ")),
        })
        .remedy("copy its entries into the MeshSync CR, restart MeshSync, then delete the ConfigMap")
        .command(context.kubectl().inspect(format!("get configmap {} -o yaml", quoted(&map.name))))
        .command(context.kubectl().change(format!("edit meshsyncs.{group} {name}")))
        .command(context.restart(Component::Meshsync))
        .found()
}
