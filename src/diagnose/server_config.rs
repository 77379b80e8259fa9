//! Compares the server's configuration of the controllers with the objects in the cluster that it is applied to.
//!
//! The server writes the fields of its configuration to objects with fixed names, in a fixed namespace. Fields whose
//! counterpart is not known or was not read are not compared.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::{Value, json};

use super::{RuleContext, rollout};
use crate::{
    facts::{
        Broker, Meshsync,
        server::config::{ConfigField, TOO_LARGE},
        stack,
    },
    report::ConfigReport,
    stack::{
        output_filter::OutputFilter,
        profile::Profile,
        watch_list::{Entry, WatchList},
    },
};

/// What an object in the cluster has in place of a field.
#[derive(Clone, Debug, PartialEq)]
struct Live {
    /// The object: `MeshSync meshery-meshsync`.
    object: String,
    /// The value. `None` if it is not set.
    value: Option<Value>,
}

/// An override that differs from the object in the cluster, as evidence.
pub(super) fn differing(context: &RuleContext<'_>) -> Vec<String> {
    let fields = context.facts.server.as_deref().map(|server| server.config.items()).unwrap_or_default();
    let differing = fields.iter().filter_map(|field| {
        let (own, live) = (field.own.as_ref()?, live(context, &field.field)?);
        differs(&field.field, own, live.value.as_ref(), context.facts.profile).then(|| {
            let has = live
                .value
                .as_ref()
                .map_or_else(|| "does not set it".to_owned(), |value| format!("has {}", shown(value)));
            format!("{}: the server's override is {}, and {} {has}", field.field, shown(own), live.object)
        })
    });
    differing.collect()
}

/// The number of overrides that were compared.
pub(super) fn compared(context: &RuleContext<'_>) -> usize {
    let fields = context.facts.server.as_deref().map(|server| server.config.items()).unwrap_or_default();
    fields.iter().filter(|field| field.own.is_some() && live(context, &field.field).is_some()).count()
}

/// The fields with their counterparts in the cluster, for the report.
pub(super) fn report(context: &RuleContext<'_>, fields: &[ConfigField]) -> Vec<ConfigReport> {
    let one = |field: &ConfigField| {
        let live = live(context, &field.field);
        let differs = match (&field.own, &live) {
            (Some(own), Some(live)) => differs(&field.field, own, live.value.as_ref(), context.facts.profile),
            _ => false,
        };
        ConfigReport {
            field: field.field.clone(),
            general: field.general.clone(),
            own: field.own.clone(),
            effective: field.effective.clone(),
            compared: live.is_some(),
            live: live.and_then(|live| live.value),
            differs,
        }
    };
    fields.iter().map(one).collect()
}

/// What the cluster has in place of a field. `None` if that is not known, or if the mode does not use it.
fn live(context: &RuleContext<'_>, field: &str) -> Option<Live> {
    let profile = context.facts.profile;
    if context.facts.target.namespace != profile.namespace || context.server_is_embedded() == Some(true) {
        return None;
    }
    let meshsync = || {
        let all = context.meshsyncs.items();
        all.iter().find(|meshsync| stack::name(&meshsync.metadata) == profile.meshsync.resource)
    };
    let broker = || {
        let all = context.brokers.items();
        all.iter().find(|broker| stack::name(&broker.metadata) == profile.broker.resource)
    };
    let of_meshsync = |of: fn(&Meshsync, &Profile) -> Option<Value>| {
        let meshsync = meshsync()?;
        let object = format!("MeshSync {}", stack::name(&meshsync.metadata));
        Some(Live { object, value: of(meshsync, profile) })
    };
    let of_broker = |of: fn(&Broker) -> Option<Value>| {
        let broker = broker()?;
        let object = format!("Broker {}", stack::name(&broker.metadata));
        Some(Live { object, value: of(broker) })
    };
    let of_deployment = |of: &dyn Fn(&Deployment) -> Option<Value>| {
        let deployment = context.meshsync.known()?;
        let object = format!("Deployment {}", stack::name(&deployment.metadata));
        Some(Live { object, value: of(deployment) })
    };
    let variable = |name: &str| {
        let container = profile.meshsync.container;
        let containers = rollout::containers(context.meshsync.known()?);
        let mut all = containers.iter().filter(|own| own.name == container).flat_map(|own| own.env.iter().flatten());
        // The last of several definitions is in effect. A value from elsewhere is not known.
        let found = all.rfind(|variable| variable.name == name);
        if found.is_some_and(|variable| variable.value_from.is_some()) {
            return None;
        }
        let text = found.and_then(|variable| variable.value.as_deref());
        let value = text.map(|text| text.parse().map_or_else(|_| text.into(), Value::Bool));
        of_deployment(&|_| value.clone())
    };
    match field {
        "operator.version" => {
            let operator = context.operator.known()?;
            let chart = operator.metadata.labels.as_ref()?.get("helm.sh/chart")?;
            let version = chart.strip_prefix(profile.operator.deployment)?.strip_prefix('-')?;
            let object = format!("Deployment {}", stack::name(&operator.metadata));
            Some(Live { object: format!("the chart of {object}"), value: Some(version.into()) })
        }
        "meshsync.version" => of_meshsync(|meshsync, _| meshsync.spec.version.clone().map(Value::from)),
        "meshsync.replicas" => of_meshsync(|meshsync, _| meshsync.spec.size.map(Value::from)),
        "meshsync.watchList" => of_meshsync(|meshsync, profile| shown_list(&meshsync.watch_list(profile))),
        "meshsync.outputNamespaces" => {
            of_deployment(&|deployment| list(OutputFilter::of(deployment, profile).namespaces.as_deref()))
        }
        "meshsync.outputResources" => {
            of_deployment(&|deployment| list(OutputFilter::of(deployment, profile).resources.as_deref()))
        }
        "meshsync.redactSecrets" => variable("MESHSYNC_REDACT_SECRETS"),
        "meshsync.brokerContentDedup" => variable("MESHSYNC_BROKER_CONTENT_DEDUP"),
        "meshsync.debugLogging" => variable("DEBUG"),
        "broker.version" => of_broker(|broker| broker.spec.version.clone().map(Value::from)),
        "broker.replicas" => of_broker(|broker| broker.spec.size.map(Value::from)),
        "broker.service.type" => of_broker(|broker| Some(broker.spec.service.as_ref()?.kind.clone()?.into())),
        "broker.service.externalEndpointOverride" => {
            of_broker(|broker| Some(broker.spec.service.as_ref()?.external_endpoint_override.clone()?.into()))
        }
        _ => None,
    }
}

/// Whether an override differs from what the cluster has.
fn differs(field: &str, own: &Value, live: Option<&Value>, profile: &Profile) -> bool {
    if own == TOO_LARGE {
        return false;
    }
    match field {
        "meshsync.watchList" => {
            // An entry or a list that MeshSync does not understand is a finding of its own.
            let wanted = WatchList::of_data(Some(&as_data(own)), "watchList", profile);
            !matches!(wanted, WatchList::Invalid(_)) && shown_list(&wanted).as_ref() != live
        }
        "meshsync.outputNamespaces" | "meshsync.outputResources" => {
            let words = own.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
            list(Some(&words.join(","))).as_ref() != live
        }
        "meshsync.version" | "broker.version" | "operator.version" => {
            let plain = |value: &Value| value.as_str().map(|text| text.trim_start_matches('v').to_owned());
            Some(own).and_then(plain) != live.and_then(plain)
        }
        // A flag that is not set is off.
        _ if own == &Value::Bool(false) => live.is_some_and(|live| live != own),
        _ => Some(own) != live,
    }
}

/// The server's watch-list as the data of a custom resource.
fn as_data(own: &Value) -> Value {
    let entry = |entry: &Value| json!({ "Resource": entry["resource"], "Events": entry["events"] });
    let whitelist: Vec<Value> = own["whitelist"].as_array().into_iter().flatten().map(entry).collect();
    let mut data = json!({});
    if !whitelist.is_empty() {
        data["whitelist"] = Value::Array(whitelist).to_string().into();
    }
    if own["blacklist"].as_array().is_some_and(|names| !names.is_empty()) {
        data["blacklist"] = own["blacklist"].to_string().into();
    }
    data
}

/// A watch-list in the form of the server, sorted. `None` if it is empty.
fn shown_list(list: &WatchList) -> Option<Value> {
    fn sorted(entries: &[Entry]) -> Vec<(&str, Vec<&str>)> {
        let mut entries: Vec<(&str, Vec<&str>)> = entries
            .iter()
            .map(|entry| {
                let mut events: Vec<&str> = entry.events.iter().map(String::as_str).collect();
                events.sort_unstable();
                (entry.resource.as_str(), events)
            })
            .collect();
        entries.sort_unstable();
        entries
    }
    match list {
        WatchList::Whitelist(entries) => {
            let entry = |(resource, events)| json!({ "resource": resource, "events": events });
            let entries: Vec<Value> = sorted(entries).into_iter().map(entry).collect();
            Some(json!({ "whitelist": entries }))
        }
        WatchList::Blacklist(entries) => {
            let names: Vec<&str> = sorted(entries).into_iter().map(|(resource, _)| resource).collect();
            Some(json!({ "blacklist": names }))
        }
        WatchList::Empty => None,
        WatchList::Invalid(invalid) => Some(format!("unreadable: {invalid}").into()),
    }
}

/// The words of a list with commas, sorted. `None` if there are none.
fn list(text: Option<&str>) -> Option<Value> {
    let mut words: Vec<&str> = text?.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    (!words.is_empty()).then(|| json!(words))
}

/// A value on one line.
fn shown(value: &Value) -> String {
    const MOST: usize = 80;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() <= MOST {
        return text;
    }
    text.chars().take(MOST).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::profile::MESHERY;

    fn differ(field: &str, own: &Value, live: Option<&Value>) -> bool {
        differs(field, own, live, &MESHERY)
    }

    #[test]
    fn values_are_compared_as_the_server_writes_them() {
        for (field, own, live, expected) in [
            ("meshsync.replicas", json!(2), Some(json!(2)), false),
            ("meshsync.replicas", json!(2), Some(json!(1)), true),
            ("meshsync.replicas", json!(2), None, true),
            ("meshsync.version", json!("v1.0.3"), Some(json!("1.0.3")), false),
            ("meshsync.version", json!("v1.0.3"), Some(json!("v1.0.4")), true),
            ("meshsync.debugLogging", json!(false), None, false),
            ("meshsync.debugLogging", json!(true), None, true),
            ("meshsync.debugLogging", json!(false), Some(json!(true)), true),
            ("meshsync.outputNamespaces", json!(["b", "a"]), Some(json!(["a", "b"])), false),
            ("meshsync.outputNamespaces", json!([]), None, false),
            ("meshsync.outputResources", json!(["pod"]), None, true),
            ("broker.service.type", json!("NodePort"), Some(json!("ClusterIP")), true),
            ("broker.replicas", TOO_LARGE.into(), Some(json!(1)), false),
        ] {
            assert_eq!(differ(field, &own, live.as_ref()), expected, "{field} {own} {live:?}");
        }
    }

    #[test]
    fn watch_lists_are_compared_whatever_their_order() {
        let events = ["MODIFIED", "ADDED"];
        let own = json!({ "whitelist": [
            { "resource": "pods.v1.", "events": events }, { "resource": "nodes.v1.", "events": ["ADDED"] },
        ] });
        let data = json!({ "whitelist": json!([
            { "Resource": "nodes.v1.", "Events": ["ADDED"] }, { "Resource": "pods.v1.", "Events": ["ADDED", "MODIFIED"] },
        ]).to_string(), "blacklist": "" });
        let live = |data: &Value| shown_list(&WatchList::of_data(Some(data), "data", &MESHERY));
        assert!(!differ("meshsync.watchList", &own, live(&data).as_ref()));
        assert!(differ("meshsync.watchList", &own, live(&json!({})).as_ref()));
        let less = json!({ "blacklist": ["secrets.v1."] });
        assert!(differ("meshsync.watchList", &less, live(&data).as_ref()));
        let same = json!({ "blacklist": "[\"secrets.v1.\"]" });
        assert!(!differ("meshsync.watchList", &less, live(&same).as_ref()));
        assert!(!differ("meshsync.watchList", &json!({ "whitelist": [{ "resource": 7 }] }), live(&data).as_ref()));
    }
}
