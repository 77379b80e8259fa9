//! Runs every situation of the recordings on a live cluster. The result is the same live and from a recording.

use anyhow::Result;
use serde_json::Value;

use super::{at, check, codes};
use crate::{
    bed::{self, states},
    schema,
    tool::{meshdoctor, roots, states as shown},
};

async fn assert_situation(name: &str) -> Result<()> {
    let situation = states::named(name)?;
    let bed = bed::lease().await?;
    let _stack = states::apply(name, &bed, bed.namespace()).await?;
    let profile = match situation.profile() {
        "meshplay" => " --profile meshplay",
        // The default.
        _ => "",
    };
    let live = at(&bed, bed.namespace(), &format!("system check -o json{profile}")).run_beside().await;
    let report = live.json();
    assert_eq!(shown(&report), situation.states, "{name}");
    assert_eq!(roots(&report).join(" "), situation.causes, "{name}");
    schema::assert_fits(schema::validator(), &report, name);
    assert_recording_matches(&bed, bed.namespace(), profile, name).await
}

/// A live report and the report of a recording from the same moment differ only in times and source.
async fn assert_recording_matches(cluster: &bed::Cluster, namespace: &str, profile: &str, name: &str) -> Result<()> {
    let recording = at(cluster, namespace, &format!("record{profile}")).run_beside().await.exits(0);
    for command in ["check", "status"] {
        let replayed = meshdoctor(&format!("system {command} -o json --from -")).stdin(&recording.stdout).run().json();
        let live = at(cluster, namespace, &format!("system {command} -o json{profile}")).run_beside().await.json();
        assert_eq!(without_times(replayed), without_times(live), "{name}: {command} live and recorded");
    }
    Ok(())
}

/// A report without times and source. Server counters that change with a probe are removed as well.
fn without_times(mut report: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for key in [
                    "takenAt",
                    "durationMs",
                    "ageSeconds",
                    // A real MeshSync keeps publishing between the two.
                    "messagesIn",
                    "messagesOut",
                ] {
                    fields.remove(key);
                }
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            Value::String(text) => *text = without_ages(text),
            _ => {}
        }
    }
    strip(&mut report);
    report["source"] = Value::Null;
    report
}

/// A text without what depends on the time of the run: `it started 8 s ago` becomes `it started ago`.
fn without_ages(text: &str) -> String {
    let parts: Vec<&str> = text.split(" ago").collect();
    let Some((last, before)) = parts.split_last() else {
        return text.to_owned();
    };
    let mut stripped: Vec<&str> =
        before.iter().map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit() || " smhd".contains(c))).collect();
    stripped.push(last);
    stripped.join(" ago")
}

macro_rules! situations {
    ($($test:ident: $name:literal,)*) => {$(
        #[tokio::test]
        async fn $test() -> Result<()> {
            assert_situation($name).await
        }
    )*
        #[test]
        fn every_situation_of_the_bed_is_tested() {
            let tested = [$($name),*];
            for situation in states::ALL {
                let name = situation.name;
                assert!(tested.contains(&name), "no test for {name}");
            }
        }
    };
}

situations! {
    healthy: "healthy",
    running_not_connected: "running-not-connected",
    orphaned_no_operator: "orphaned-no-operator",
    stuck_terminating: "stuck-terminating",
    undeployed_crs_absent: "undeployed-crs-absent",
    three_brokers: "three-brokers-lb-pending-bad-watchlist",
    meshsync_crashloop: "meshsync-crashloop",
    nothing_installed: "nothing-installed",
    old_line_connected: "old-line-connected",
    connected_but_blind: "connected-but-blind-rbac",
    upgraded_in_place: "upgraded-in-place",
    meshplay: "meshplay",
}

#[tokio::test]
async fn reading_server_makes_the_broker_connected() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = bed::Stack::of(bed::Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let _server = stack.server(0)?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(shown(&report), "DEPLOYED/CONNECTED/CONNECTED");
    assert_eq!(report["components"]["server"]["state"], "CONNECTED");
    assert_eq!(report["verdict"], "healthy");
    assert_eq!(codes(&report), ["watch-list-watches-secrets", "watch-list-high-churn"]);
    Ok(())
}

#[tokio::test]
async fn stack_in_another_namespace_is_found() -> Result<()> {
    let bed = bed::lease().await?;
    let _stack = bed::Stack::of(bed::Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let report = check(&bed, "default").await;
    assert_eq!(roots(&report), ["stack-in-other-namespace"]);
    let command = report["findings"][0]["remedy"]["commands"][0]["run"].as_str().expect("a command");
    assert!(command.contains(&format!("-n {}", bed.namespace())), "{command}");
    Ok(())
}
