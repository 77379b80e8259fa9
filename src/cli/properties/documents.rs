//! Files of whole documents: YAML and JSON, recordings, watch-lists, patches.

use std::time::{Duration, Instant};

use k8s_openapi::api::{core::v1::Pod, networking::v1::NetworkPolicy};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use crate::{
    cli::{
        output::{Redacted, exact_json, exact_yaml},
        render,
    },
    diagnose::{
        self, Expectation,
        network_policy::{Namespace, Policies, Port},
    },
    facts::{recording, redact, watch_list::standing},
    repair::diff,
    report::{Report, ReportList, Source},
    stack::{
        base::{
            properties::{bytes, distorted, holds, mutated, recordings, survives, text, tokens, values},
            reader,
        },
        profile,
        watch_list::{self, WatchList},
    },
};

#[test]
fn any_text_is_read_or_refused() {
    survives(&text(), |text| {
        let _ = reader::values(&text);
        let _ = reader::first_document(&text);
    });
}

#[test]
fn any_bytes_are_decoded_or_refused() {
    survives(&bytes(), |bytes| {
        let _ = reader::decode(bytes);
    });
    holds(&any::<String>(), |text| {
        let plain = reader::decode(text.clone().into_bytes()).expect("text");
        prop_assert_eq!(plain, text.strip_prefix('\u{feff}').unwrap_or(&text));
        Ok(())
    });
}

#[test]
fn documents_round_trip() {
    let documents = vec(values().prop_filter("an empty one", |value| !value.is_null()), 1..4);
    holds(&documents, |documents| {
        let documents: Vec<Value> = documents.into_iter().map(without_separators).collect();
        for document in &documents {
            prop_assert_eq!(&reader::first_document(&exact_yaml(document)).expect("YAML"), document);
            if document.is_object() || document.is_array() {
                let read = reader::values(&exact_json(document)).expect("JSON");
                prop_assert_eq!(&read, std::slice::from_ref(document));
            }
        }
        let stream: Vec<String> = documents.iter().map(|document| exact_yaml(document).to_string()).collect();
        let stream = format!("---\n{}", stream.join("---\n"));
        prop_assert_eq!(reader::values(&stream).expect("YAML"), documents);
        Ok(())
    });
}

/// Line breaks of YAML 1.1 alone are written as such, and are none in YAML 1.2.
fn without_separators(value: Value) -> Value {
    let plain = |text: String| text.replace(['\u{85}', '\u{2028}', '\u{2029}'], " ");
    match value {
        Value::String(text) => plain(text).into(),
        Value::Array(items) => items.into_iter().map(without_separators).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (plain(key), without_separators(value))).collect()
        }
        other => other,
    }
}

#[test]
fn yaml_means_what_it_means_to_the_library_that_writes_it() {
    let scalar = prop_oneof![
        "[-+.0-9a-fA-FxobeE_~]{0,12}",
        "[a-zA-Z]{1,6}",
        // YAML 1.1, which the library speaks, has three more line breaks.
        "['\"][^'\"\\\\\n\u{85}\u{2028}\u{2029}]{0,8}['\"]",
    ];
    holds(&scalar, |text| {
        let text = format!("a: {text}\n");
        if let (Ok(ours), Ok(theirs)) = (reader::first_document(&text), serde_yaml::from_str::<Value>(&text)) {
            prop_assert_eq!(ours, theirs);
        }
        Ok(())
    });
}

#[test]
fn reading_takes_time_in_proportion() {
    let repeated = (vec((proptest::sample::select(tokens()), 0_usize..20_000), 1..4), text());
    holds(&repeated, |(parts, end)| {
        let mut text: String = parts.iter().map(|(token, times)| token.repeat(*times)).collect();
        text.push_str(&end);
        let begun = Instant::now();
        let _ = reader::values(&text);
        let _ = reader::first_document(&text);
        // Four times as much as a debug build on a busy machine takes for the slowest.
        let limit = Duration::from_secs(4) + Duration::from_micros(20) * u32::try_from(text.len()).unwrap_or(u32::MAX);
        prop_assert!(begun.elapsed() < limit, "{:?} for {} bytes", begun.elapsed(), text.len());
        Ok(())
    });
}

fn whole(text: &str) -> Value {
    reader::first_document(text).expect("a fixture")
}

#[test]
fn recordings_that_were_changed_are_read_or_refused() {
    survives(&mutated(recordings()), |text| {
        judge(&text);
    });
}

/// Reads, judges and renders.
fn judge(text: &str) {
    let Ok(stacks) = recording::read_text("it", text, None, None) else {
        return;
    };
    let source = Source { kind: "recording", path: None };
    let judge = |facts| diagnose::diagnose(facts, &Expectation::default(), source.clone());
    let reports: Vec<Report> = stacks.iter().map(judge).collect();
    let (wide, narrow) =
        (render::Look::new(false, true, Some((80, 24)), false), render::Look::new(true, false, Some((1, 1)), true));
    for report in &reports {
        let _ = Redacted::json(report);
        let _ = render::check(report, &wide, true);
        let _ = render::status(report, &narrow);
        let _ = render::server(report, &narrow);
        let _ = render::server_line(report, &wide);
    }
    let _ = render::status_list(&reports, &narrow);
    let list = ReportList::of(reports, 0).expect("a stack");
    let _ = render::check_list(&list, &wide, false);
}

#[test]
fn recordings_with_odd_values_are_judged_and_round_trip() {
    let seeds: Vec<Value> = recordings().iter().map(|text| whole(text)).collect();
    holds(&distorted(seeds), |value| {
        let text = value.to_string();
        judge(&text);
        if let Ok(stacks) = recording::read_text("it", &text, None, None) {
            let written = recording::list(&stacks);
            if let Ok(again) = recording::read_text("it", &written.to_string(), None, None)
                && stacks.iter().all(|facts| !facts.taken_at_estimated)
            {
                prop_assert_eq!(recording::list(&again), written);
            }
        }
        Ok(())
    });
}

#[test]
fn dumps_with_odd_values_are_judged() {
    // Without our own object in it a recording is a dump.
    let seeds: Vec<Value> = recordings()
        .iter()
        .map(|text| {
            let mut list = whole(text);
            if let Some(items) = list["items"].as_array_mut() {
                items.retain(|item| item["kind"] != "Recording");
            }
            list
        })
        .collect();
    survives(&distorted(seeds), |value| {
        judge(&value.to_string());
    });
}

#[test]
fn watch_lists_are_read_and_round_trip() {
    let stock = profile::MESHERY.meshsync.default_watch_list;
    let seeds = vec![
        watch_list::whitelist(&watch_list::stock_without(&[], &profile::MESHERY)),
        json!(["pods.v1.", "secrets.v1."]).to_string(),
        json!([{ "Resource": "pods.v1.", "Events": ["ADDED"] }]).to_string(),
    ];
    let list = prop_oneof![mutated(seeds), text()];
    survives(&list, |list| {
        for key in ["whitelist", "blacklist"] {
            let data = json!({ key: list });
            let read = WatchList::of_data(Some(&data), "data", &profile::MESHERY);
            let _ = read.effective(&profile::MESHERY);
            let _ = read.silence(Some("v0.8.1"), &profile::MESHERY);
            if let WatchList::Whitelist(entries) | WatchList::Blacklist(entries) = &read {
                for entry in entries {
                    let _ = standing(&entry.resource, &crate::stack::base::seen::Seen::NotLooked, &profile::MESHERY);
                    let _ = watch_list::resource_and_group(&entry.resource);
                    let _ = entry.published();
                }
            }
        }
    });
    let names = proptest::sample::subsequence(stock.to_vec(), 1..stock.len());
    holds(&names, |names| {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let data = json!({ "whitelist": watch_list::whitelist(&names) });
        let read = WatchList::of_data(Some(&data), "data", &profile::MESHERY);
        let WatchList::Whitelist(entries) = read else {
            return Err(TestCaseError::fail("no whitelist"));
        };
        let read: Vec<String> = entries.into_iter().map(|entry| entry.resource).collect();
        prop_assert_eq!(read, names);
        Ok(())
    });
}

#[test]
fn merge_patches_lead_to_what_is_wanted() {
    holds(&(values(), values()), |(live, wanted)| {
        let (Value::Object(_), Value::Object(_)) = (&live, &wanted) else {
            return Ok(());
        };
        let patch = diff::merge_patch(&live, &wanted, true);
        // What an API server makes of it.
        let mut patched = live.clone();
        json_patch::merge(&mut patched, &patch);
        prop_assert_eq!(without_nulls(patched), without_nulls(wanted));
        let _ = diff::touched(&live, &patch);
        Ok(())
    });
}

/// A merge patch cannot write a null.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        other => other,
    }
}

#[test]
fn managed_fields_are_left_out_and_nothing_else() {
    holds(&(values(), values()), |(value, managed)| {
        let plain = json!({ "metadata": { "name": "x" }, "value": value });
        let mut full = plain.clone();
        full["metadata"]["managedFields"] = json!([managed]);
        let left = redact::without_managed_fields(&full.to_string());
        let mut left: Value = serde_json::from_str(&left).expect("JSON");
        prop_assert_eq!(left["metadata"]["managedFields"].take(), json!([]));
        left["metadata"].as_object_mut().expect("metadata").remove("managedFields");
        if !plain.to_string().contains("\"managedFields\":[") {
            prop_assert_eq!(left, plain);
        }
        Ok(())
    });
    survives(&text(), |text| {
        let _ = redact::without_managed_fields(&text);
    });
}

#[test]
fn network_policies_with_odd_values_are_judged() {
    let policy = json!({
        "metadata": { "name": "p", "namespace": "meshery" },
        "spec": {
            "podSelector": { "matchExpressions": [{ "key": "a", "operator": "In", "values": ["b"] }] },
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{
                "from": [
                    { "ipBlock": { "cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"] } },
                    { "namespaceSelector": { "matchLabels": { "a": "b" } }, "podSelector": {} },
                ],
                "ports": [{ "port": 4222, "endPort": 4300, "protocol": "TCP" }, { "port": "client" }],
            }],
            "egress": [{ "to": [{ "ipBlock": { "cidr": "::/0" } }], "ports": [{ "port": 53, "protocol": "UDP" }] }],
        },
    });
    let pod = json!({
        "metadata": { "name": "x", "labels": { "a": "b" } },
        "spec": { "containers": [{ "name": "c", "ports": [{ "name": "client", "containerPort": 4222 }] }] },
        "status": { "podIP": "10.2.3.4" },
    });
    holds(&(distorted(vec![policy]), distorted(vec![pod.clone()])), |(policy, other)| {
        let (Ok(policy), Ok(other)) = (
            serde_json::from_str::<NetworkPolicy>(&policy.to_string()),
            serde_json::from_str::<Pod>(&other.to_string()),
        ) else {
            return Ok(());
        };
        let pod: Pod = serde_json::from_value(pod.clone()).expect("a pod");
        let home = Namespace::new("meshery", None);
        let policies = [policy];
        let policies = Policies::new(&policies, &home);
        for (from, to) in [(&pod, &other), (&other, &pod)] {
            let port = Port { protocol: "TCP", number: 4222 };
            let _ = policies.between(from, to, port);
        }
        Ok(())
    });
}
