//! Rules about the watch-list: that it can be read, does something, and is the one in force.

use k8s_openapi::jiff::SignedDuration;
use semver::Version;

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::{Draft, patient::Line, rollout},
    facts::{
        Meshsync, stack,
        watch_list::{Standing, standing},
    },
    report::{Effect, Finding, Severity},
    stack::{
        base::{seen::Seen, words::quoted},
        component::Component,
        watch_list::{self, Entry, WatchList},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "watch-list-readable",
        category: Component::Meshsync,
        title: "the watch-list can be read and has entries",
        codes: &[
            "watch-list-invalid",
            "watch-list-empty",
            "meshsync-version-bug",
        ],
        facts: &["meshsyncs.v1alpha1"],
        after: &["installed"],
        judge: readable,
    },
    Rule {
        id: "watch-list-chooses",
        category: Component::Meshsync,
        title: "the watch-list chooses kinds that MeshSync can watch",
        codes: &[
            "watch-list-matches-nothing",
            "watch-list-unknown-resource",
            "watch-list-entry-ignored",
        ],
        facts: &["meshsyncs.v1alpha1"],
        after: &["installed"],
        judge: chooses,
    },
    Rule {
        id: "watch-list-events",
        category: Component::Meshsync,
        title: "every entry of the watch-list names all events",
        codes: &["watch-list-no-events", "watch-list-partial-events"],
        facts: &["meshsyncs.v1alpha1"],
        after: &["installed"],
        judge: events,
    },
    Rule {
        id: "watch-list-secrets",
        category: Component::Meshsync,
        title: "Secrets are published to nobody who should not have them",
        codes: &["watch-list-watches-secrets"],
        facts: &["meshsyncs.v1alpha1", "services"],
        after: &["installed"],
        judge: secrets,
    },
    Rule {
        id: "watch-list-churn",
        category: Component::Meshsync,
        title: "the watch-list is no more costly than need be",
        codes: &["watch-list-high-churn"],
        facts: &["meshsyncs.v1alpha1"],
        after: &["installed"],
        judge: churn,
    },
    Rule {
        id: "watch-list-in-force",
        category: Component::Meshsync,
        title: "MeshSync has started since the watch-list was changed",
        codes: &["watch-list-edited-since-start"],
        facts: &["meshsyncs.v1alpha1", "pods"],
        after: &["installed"],
        judge: in_force,
    },
    Rule {
        id: "watch-list-in-object",
        category: Component::Meshsync,
        title: "no ConfigMap passes for the watch-list",
        codes: &["watch-list-configmap-ignored"],
        facts: &["watchListConfigMap"],
        after: &["installed"],
        judge: in_object,
    },
];

/// The rules that judge a list before it is applied: by what it says, not by what became of it.
pub(crate) const OF_THE_LIST: [&str; 3] = [
    "watch-list-readable",
    "watch-list-chooses",
    "watch-list-events",
];

/// How far two clocks, the API server's and a node's, may differ.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// The newest `MeshSync` whose table is known.
const NEWEST_KNOWN: Version = Version::new(1, 0, 3);

/// Kinds that change with every pod that comes, goes or fails a probe.
const BUSY: [&str; 2] = ["endpoints.v1.", "endpointslices.v1.discovery.k8s.io"];

/// The `MeshSync` object, or why there is nothing to judge.
fn object<'a>(patient: &'a Patient<'_>) -> Result<&'a Meshsync, Outcome> {
    patient
        .meshsyncs
        .items()
        .first()
        .ok_or_else(|| match patient.meshsyncs.why_unsettled() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("there is no MeshSync object".into()),
        })
}

/// The entries of a whitelist, or why there are none to judge.
fn whitelist<'a>(
    patient: &'a Patient<'_>,
    list: &'a WatchList,
) -> Result<(&'a Meshsync, &'a [Entry]), Outcome> {
    let meshsync = object(patient)?;
    match list {
        WatchList::Whitelist(entries) => Ok((meshsync, entries)),
        WatchList::Blacklist(_) => Err(Outcome::Skip("the list is a blacklist".into())),
        _ => Err(Outcome::Skip("there is no list that can be read".into())),
    }
}

fn list_of(patient: &Patient<'_>) -> WatchList {
    patient
        .meshsyncs
        .items()
        .first()
        .map_or(WatchList::Empty, |meshsync| {
            meshsync.watch_list(patient.facts.profile)
        })
}

fn version(states: &States) -> &str {
    states.meshsync.report.version.as_deref().unwrap_or("")
}

/// Why nothing can be said of a `MeshSync` that is newer than what is known here.
fn too_new(states: &States) -> Option<String> {
    let release = watch_list::release(version(states))?;
    (release > NEWEST_KNOWN).then(|| {
        format!("what MeshSync {release} can watch is not known here, only up to {NEWEST_KNOWN}")
    })
}

/// A finding's remedy: to change the list, and to have it read.
fn with_restart(draft: Draft, patient: &Patient<'_>, meshsync: &Meshsync) -> Finding {
    let name = stack::name(&meshsync.metadata);
    let group = patient.facts.profile.group;
    draft
        .command(patient.kubectl(Effect::Write, &format!("edit meshsyncs.{group} {name}")))
        .command(restart(patient, meshsync))
        .done()
}

fn restart(patient: &Patient<'_>, meshsync: &Meshsync) -> crate::report::Command {
    let name = stack::name(&meshsync.metadata);
    patient.kubectl(Effect::Write, &format!("rollout restart deployment/{name}"))
}

fn named(states: &States) -> String {
    match version(states) {
        "" => "MeshSync".into(),
        version => format!("MeshSync {version}"),
    }
}

fn readable(patient: &Patient<'_>, states: &States) -> Outcome {
    let meshsync = match object(patient) {
        Ok(meshsync) => meshsync,
        Err(outcome) => return outcome,
    };
    let profile = patient.facts.profile;
    let name = stack::name(&meshsync.metadata);
    let list = meshsync.watch_list(profile);
    let silence = list.silence(Some(version(states))).unwrap_or_default();
    match &list {
        WatchList::Whitelist(entries) => {
            let malformed: Vec<&Entry> = entries
                .iter()
                .filter(|entry| !watch_list::is_well_formed(&entry.resource))
                .collect();
            if malformed.is_empty() {
                return Outcome::PassWith(format!("{} kinds", entries.len()));
            }
            let draft = Draft::new("watch-list-invalid")
                .title(match malformed.as_slice() {
                    [one] => format!("The watch-list's entry \"{}\" is not of the form that MeshSync reads", one.resource),
                    many => format!("{} entries of the watch-list are not of the form that MeshSync reads", many.len()),
                })
                .message("MeshSync passes over it without a word. An entry is <plural>.<version>.<group>, all in lower case; for the core group it ends with a dot.")
                .object(patient.object("MeshSync", name))
                .evidences(malformed.iter().map(|entry| {
                    let meant = match standing(&entry.resource, &patient.facts.served, profile) {
                        Standing::Malformed(Some(meant)) => format!("; did you mean {meant}?"),
                        _ => String::new(),
                    };
                    format!("spec.watch-list.data.whitelist, {}: \"{}\"{meant}", entry.place, entry.resource)
                }))
                .remedy("mend the entry, then restart MeshSync, which reads the list only when it starts");
            Outcome::Found(vec![with_restart(draft, patient, meshsync)])
        }
        WatchList::Blacklist(entries) => {
            if let Some(why) = too_new(states) {
                return Outcome::Unknown(why);
            }
            let without: Vec<String> = entries.iter().map(|entry| entry.resource.clone()).collect();
            let draft = Draft::new("meshsync-version-bug")
                .title("No MeshSync up to 1.0.3 publishes anything with a blacklist")
                .message(format!("{} is connected and publishes nothing: {silence}.", named(states)))
                .object(patient.object("MeshSync", name))
                .evidence(format!("spec.watch-list.data.blacklist names {}", without.join(", ")))
                .remedy("use a whitelist of what is left, then restart MeshSync, which reads it only when it starts");
            let left = watch_list::stock_without(&without, profile);
            Outcome::Found(vec![set_whitelist(draft, patient, meshsync, &left)])
        }
        WatchList::Invalid(invalid) => {
            let mut draft = Draft::new("watch-list-invalid")
                .message(format!(
                    "{} logs code 1000 and falls back to its built-in list, with which it stays connected and publishes \
                     nothing: {silence}.",
                    named(states)
                ))
                .object(patient.object("MeshSync", name))
                .evidence(invalid.to_string())
                .remedy("mend the list, then restart MeshSync, which reads it only when it starts");
            if let Some(instead) = &invalid.instead {
                draft = draft
                    .evidence(format!("as a whitelist, what was meant is: {}", instead.join(", ")))
                    .remedy("write that whitelist, with all events, instead; then restart MeshSync, which reads it only when it starts");
                return Outcome::Found(vec![set_whitelist(draft, patient, meshsync, instead)]);
            }
            Outcome::Found(vec![with_restart(draft, patient, meshsync)])
        }
        WatchList::Empty => {
            // Where the definition of the old line drops the field, an empty list is no decision of anybody's.
            if patient.line == Some(Line::Old) {
                return Outcome::Skip("the old line's definition may have no such field".into());
            }
            let draft = Draft::new("watch-list-empty")
                .message(format!(
                    "{} then falls back to its built-in list, with which it stays connected and publishes nothing: \
                     {silence}. An upgrade from 0.8 leaves the list empty.",
                    named(states)
                ))
                .object(patient.object("MeshSync", name))
                .evidence("spec.watch-list.data has neither a whitelist nor a blacklist with entries")
                .remedy("set the whitelist, here the stock one, then restart MeshSync, which reads it only when it starts");
            let stock = watch_list::stock_without(&[], profile);
            Outcome::Found(vec![set_whitelist(draft, patient, meshsync, &stock)])
        }
    }
}

/// The commands that put a whitelist in place of whatever is there.
fn set_whitelist(
    draft: Draft,
    patient: &Patient<'_>,
    meshsync: &Meshsync,
    resources: &[String],
) -> Finding {
    let profile = patient.facts.profile;
    let stock = watch_list::stock_without(&[], profile);
    let missing: Vec<&str> = stock
        .iter()
        .filter(|name| !resources.contains(name))
        .map(String::as_str)
        .collect();
    let target = format!(
        "patch meshsyncs.{} {} --type merge",
        profile.group,
        stack::name(&meshsync.metadata)
    );
    // The stock list is too long for a line that somebody reads before pasting it.
    let draft = if resources.iter().all(|name| stock.contains(name)) && resources.len() > 3 {
        let without = if missing.is_empty() {
            String::new()
        } else {
            format!(" --without {}", missing.join(","))
        };
        draft
            .command(crate::report::Command {
                run: format!("meshdoctor watch-list --stock{without} > watch-list.yaml"),
                effect: Effect::Read,
            })
            .command(patient.kubectl(
                Effect::Write,
                &format!("{target} --patch-file watch-list.yaml"),
            ))
    } else {
        let patch = watch_list::patch(resources).to_string();
        draft.command(patient.kubectl(Effect::Write, &format!("{target} -p {}", quoted(&patch))))
    };
    draft.command(restart(patient, meshsync)).done()
}

fn chooses(patient: &Patient<'_>, states: &States) -> Outcome {
    let list = list_of(patient);
    let (meshsync, entries) = match whitelist(patient, &list) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    if let Some(why) = too_new(states).filter(|_| list.goes_beyond(patient.facts.profile)) {
        return Outcome::Unknown(why);
    }
    let profile = patient.facts.profile;
    let name = stack::name(&meshsync.metadata);
    let (mut ignored, mut unknown, mut unresolved, mut all) = (vec![], vec![], vec![], vec![]);
    for entry in entries {
        let resource = entry.resource.as_str();
        let said = match standing(resource, &patient.facts.served, profile) {
            Standing::Watched => continue,
            Standing::Malformed(_) => "not of the form <plural>.<version>.<group>".to_owned(),
            Standing::Ignored => {
                ignored.push(entry);
                "served here, and not among the kinds built into MeshSync".to_owned()
            }
            Standing::Unresolved => {
                unresolved.push(resource);
                "not among the kinds built into MeshSync".to_owned()
            }
            Standing::Unknown(meant) => {
                unknown.push((entry, meant.clone()));
                match meant {
                    Some(meant) => format!("not served by this cluster; did you mean {meant}?"),
                    None => "not served by this cluster".to_owned(),
                }
            }
        };
        all.push(format!(
            "whitelist, {}: \"{resource}\": {said}",
            entry.place
        ));
    }
    let mut findings = Vec::new();
    if list.watched(profile).next().is_none() {
        let draft = Draft::new("watch-list-matches-nothing")
            .message(format!(
                "A whitelist only chooses from MeshSync's own kinds, and this one chooses none: {} is connected, complains of nothing, and publishes no object of any built-in kind.",
                named(states)
            ))
            .object(patient.object("MeshSync", name))
            .evidences(all)
            .remedy("choose among the stock kinds, here all of them, then restart MeshSync, which reads the list only when it starts");
        let stock = watch_list::stock_without(&[], profile);
        findings.push(set_whitelist(draft, patient, meshsync, &stock));
    }
    if let [(first, _), ..] = unknown.as_slice() {
        let draft = Draft::new("watch-list-unknown-resource")
            .title(match unknown.len() {
                1 => format!("The watch-list names {}, which this cluster does not serve", first.resource),
                n => format!("The watch-list names {n} resources that this cluster does not serve"),
            })
            .message("MeshSync passes over it without a word, and nothing of that kind reaches the server.")
            .object(patient.object("MeshSync", name))
            .evidences(unknown.iter().map(|(entry, meant)| {
                let meant = meant.as_ref().map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
                format!("spec.watch-list.data.whitelist, {}: \"{}\" is not served{meant}", entry.place, entry.resource)
            }))
            .remedy("correct the entry, then restart MeshSync, which reads the list only when it starts")
            .command(patient.kubectl_cluster(Effect::Read, "api-resources"));
        findings.push(with_restart(draft, patient, meshsync));
    }
    if let [first, ..] = ignored.as_slice() {
        let draft = Draft::new("watch-list-entry-ignored")
            .title(match ignored.len() {
                1 => format!("MeshSync ignores {}, which the watch-list names", first.resource),
                n => format!("MeshSync ignores {n} entries of the watch-list"),
            })
            .message("The cluster serves it, but a whitelist only chooses among the kinds that are built into MeshSync. Kinds of custom resource definitions are watched whatever the list says.")
            .object(patient.object("MeshSync", name))
            .evidences(ignored.iter().map(|entry| {
                format!("spec.watch-list.data.whitelist, {}: \"{}\"", entry.place, entry.resource)
            }))
            .remedy("remove the entry: it has no effect");
        findings.push(with_restart(draft, patient, meshsync));
    }
    match (findings.is_empty(), unresolved.first()) {
        (true, Some(first)) => Outcome::Unknown(format!(
            "whether the cluster serves {first} is not known: {}",
            patient
                .facts
                .served
                .why_unsettled()
                .unwrap_or_else(|| "the server of that API did not answer".into())
        )),
        (true, None) => Outcome::PassWith(format!("{} kinds", list.watched(profile).count())),
        (false, _) => Outcome::Found(findings),
    }
}

fn events(patient: &Patient<'_>, _: &States) -> Outcome {
    let list = list_of(patient);
    let meshsync = match whitelist(patient, &list) {
        Ok((meshsync, _)) => meshsync,
        Err(outcome) => return outcome,
    };
    let watched: Vec<&Entry> = list.watched(patient.facts.profile).collect();
    if watched.is_empty() {
        return Outcome::Skip("no entry is watched".into());
    }
    let (silent, partial): (Vec<&Entry>, Vec<&Entry>) = watched
        .into_iter()
        .filter(|entry| !entry.missing().is_empty())
        .partition(|entry| entry.published().is_empty());
    let object = || patient.object("MeshSync", stack::name(&meshsync.metadata));
    let line = |entry: &&Entry| {
        let written = if entry.events.is_empty() {
            "it names none".to_owned()
        } else {
            format!("it names {}", entry.events.join(", "))
        };
        format!(
            "spec.watch-list.data.whitelist, {}: {}: {written}",
            entry.place, entry.resource
        )
    };
    let mut findings = Vec::new();
    if let [first, ..] = silent.as_slice() {
        let draft = Draft::new("watch-list-no-events")
            .title(match silent.len() {
                1 => format!("The watch-list names no event of {}", first.resource),
                n => format!("The watch-list names no event of {n} kinds"),
            })
            .message("MeshSync watches it and publishes nothing of it. Only ADDED, MODIFIED and DELETED count, spelled just so; to name none means none.")
            .object(object())
            .evidences(silent.iter().map(line))
            .remedy("name all three events, then restart MeshSync, which reads the list only when it starts");
        findings.push(with_restart(draft, patient, meshsync));
    }
    if let [first, ..] = partial.as_slice() {
        let lacks = |event: &str| partial.iter().any(|entry| entry.missing().contains(&event));
        let mut so = Vec::new();
        if lacks("DELETED") {
            so.push("without DELETED what is gone stays in the server's data for ever");
        }
        if lacks("MODIFIED") {
            so.push("without MODIFIED an object stays as it was first seen");
        }
        if lacks("ADDED") {
            so.push("without ADDED an object appears only with its first change");
        }
        let draft = Draft::new("watch-list-partial-events")
            .title(match partial.len() {
                1 => format!("The watch-list leaves out {} of {}", first.missing().join(" and "), first.resource),
                n => format!("The watch-list leaves out events of {n} kinds"),
            })
            .message(format!("The server's picture is wrong where nobody sees it: {}.", so.join("; ")))
            .object(object())
            .evidences(partial.iter().map(line))
            .remedy("name all three events, then restart MeshSync, which reads the list only when it starts");
        findings.push(with_restart(draft, patient, meshsync));
    }
    Outcome::of(findings)
}

fn secrets(patient: &Patient<'_>, states: &States) -> Outcome {
    let list = list_of(patient);
    let meshsync = match whitelist(patient, &list) {
        Ok((meshsync, _)) => meshsync,
        Err(outcome) => return outcome,
    };
    let published = list
        .watched(patient.facts.profile)
        .any(|entry| entry.resource == "secrets.v1." && !entry.published().is_empty());
    if !published {
        return Outcome::PassWith("Secrets are not watched".into());
    }
    let Seen::Known(deployment) = &patient.meshsync else {
        return match patient.meshsync.why_unsettled() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("MeshSync has no Deployment".into()),
        };
    };
    let variable = rollout::containers(deployment)
        .iter()
        .flat_map(|container| container.env.iter().flatten())
        .find(|variable| variable.name == "MESHSYNC_REDACT_SECRETS")
        .and_then(|variable| variable.value.as_deref());
    let hides =
        watch_list::release(version(states)).is_none_or(|release| release >= Version::new(1, 0, 2));
    if hides && matches!(variable, Some("true" | "1")) {
        return Outcome::PassWith("MESHSYNC_REDACT_SECRETS hides their values".into());
    }
    let exposed = stack::broker_services(patient.facts)
        .into_iter()
        .find_map(|service| {
            let kind = service.spec.as_ref()?.type_.as_deref()?;
            (kind != "ClusterIP").then(|| (stack::name(&service.metadata), kind))
        });
    let open = patient
        .facts
        .broker
        .servers
        .iter()
        .any(|server| !server.varz.auth_required);
    let name = stack::name(&deployment.metadata);
    let mut draft = Draft::new("watch-list-watches-secrets")
        .message("Whoever may read from the broker reads every Secret that MeshSync may read; the connection is not encrypted. This is the default.")
        .object(patient.object("MeshSync", stack::name(&meshsync.metadata)))
        .evidence("spec.watch-list.data.whitelist names secrets.v1.")
        .evidence(format!("Deployment {name} does not set MESHSYNC_REDACT_SECRETS"));
    if let Some((service, kind)) = exposed {
        draft = draft.severity(Severity::Warning).evidence(format!(
            "Service {service} is of type {kind}: the broker is open to the outside"
        ));
    }
    if open {
        draft = draft
            .severity(Severity::Warning)
            .evidence("the broker asks for no token");
    }
    Outcome::Found(vec![
        draft
            .remedy("have MeshSync hide the values (1.0.2 and later), or take secrets.v1. off the list; look again after the operator's next turn, which may put its own environment back")
            .command(patient.kubectl(
                Effect::Write,
                &format!("set env deployment/{name} MESHSYNC_REDACT_SECRETS=true"),
            ))
            .done(),
    ])
}

fn churn(patient: &Patient<'_>, _: &States) -> Outcome {
    let list = list_of(patient);
    let (meshsync, entries) = match whitelist(patient, &list) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let profile = patient.facts.profile;
    let busy: Vec<&str> = list
        .watched(profile)
        .map(|entry| entry.resource.as_str())
        .filter(|resource| BUSY.contains(resource))
        .collect();
    if busy.is_empty() {
        return Outcome::Pass;
    }
    // Who chose a few kinds has chosen these; who only left some out of the stock list has not.
    let chosen = entries.len() * 2 <= profile.meshsync.default_watch_list.len();
    let draft = Draft::new("watch-list-high-churn")
        .severity(if chosen { Severity::Warning } else { Severity::Info })
        .message(format!(
            "{} {} with every pod that comes, goes or fails a probe, and each change is a message with the whole object.{}",
            busy.join(" and "),
            if busy.len() == 1 { "changes" } else { "change" },
            if list.is_stock(profile) { " The stock list has them; on a large cluster they are worth leaving out." } else { "" }
        ))
        .object(patient.object("MeshSync", stack::name(&meshsync.metadata)))
        .evidence(format!("spec.watch-list.data.whitelist names {}", busy.join(" and ")))
        .remedy("if nobody looks at them, take them off the list and restart MeshSync, which reads it only when it starts");
    Outcome::Found(vec![with_restart(draft, patient, meshsync)])
}

fn in_force(patient: &Patient<'_>, _: &States) -> Outcome {
    let meshsync = match object(patient) {
        Ok(meshsync) => meshsync,
        Err(outcome) => return outcome,
    };
    // The generation counts the changes of a spec.
    if meshsync.metadata.generation == Some(1) {
        return Outcome::PassWith("it was never changed".into());
    }
    let profile = patient.facts.profile;
    let since = patient
        .meshsync_pods
        .iter()
        .filter_map(|pod| Some((*pod, stack::running_since(pod, profile.meshsync.container)?)))
        .min_by_key(|(_, since)| *since);
    let Some((pod, since)) = since else {
        return match patient.facts.pods.why_unsettled() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("no pod of MeshSync runs".into()),
        };
    };
    let Some((written, by)) = stack::watch_list_written(meshsync) else {
        return Outcome::Skip(
            "when it was changed is not known: the object came without managed fields".into(),
        );
    };
    if written <= since + CLOCK_SKEW {
        return Outcome::Pass;
    }
    let name = stack::name(&meshsync.metadata);
    Outcome::Found(vec![
        Draft::new("watch-list-edited-since-start")
            .message("MeshSync reads its list once, when it starts, and so still works by the former one; the operator restarts nothing for it.")
            .object(patient.object("MeshSync", name))
            .evidence(format!("metadata.managedFields: {by} wrote spec.watch-list at {written:.0}"))
            .evidence(format!("pod {}: container {} runs since {since:.0}", stack::name(&pod.metadata), profile.meshsync.container))
            .remedy("restart MeshSync")
            .command(restart(patient, meshsync))
            .done(),
    ])
}

fn in_object(patient: &Patient<'_>, _: &States) -> Outcome {
    let map = match &patient.facts.watch_list_config_map {
        Seen::Known(map) => map,
        Seen::Absent => return Outcome::Pass,
        other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    };
    let name = patient
        .meshsyncs
        .items()
        .first()
        .map_or(patient.facts.profile.meshsync.resource, |meshsync| {
            stack::name(&meshsync.metadata)
        });
    let group = patient.facts.profile.group;
    Outcome::Found(vec![
        Draft::new("watch-list-configmap-ignored")
            .title(format!("ConfigMap {} is read by nobody", map.name))
            .message(format!("Public pages say to edit it. MeshSync reads its list from one place only: spec.watch-list of the MeshSync object {name}."))
            .object(patient.object("ConfigMap", &map.name))
            .evidence(match map.keys.as_slice() {
                [] => format!("ConfigMap {} is there, without data", map.name),
                keys => format!("ConfigMap {} is there, with {}", map.name, keys.join(", ")),
            })
            .remedy("carry what it says over into the object, restart MeshSync, and remove it")
            .command(patient.kubectl(Effect::Read, &format!("get configmap {} -o jsonpath='{{.data}}'", quoted(&map.name))))
            .command(patient.kubectl(Effect::Write, &format!("edit meshsyncs.{group} {name}")))
            .command(patient.kubectl(Effect::Write, &format!("rollout restart deployment/{name}")))
            .command(patient.kubectl(Effect::Destructive, &format!("delete configmap {}", quoted(&map.name))))
            .done(),
    ])
}
