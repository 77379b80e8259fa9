//! The tests of single components, and data flow tests that are stopped halfway.

mod broker;
mod concurrent_runs;
mod cut_short;
mod hostile;
mod killed;
mod kubernetes;
mod live_list;
mod meshsync;
mod network;
mod operator;
mod permissions;
mod server;
mod stopped;

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::at;
use crate::{
    bed::{self, Faults, Line, Publisher, Stack, rest},
    schema,
    tool::Tool,
};

/// A stack with a MeshSync that publishes without faults.
async fn with_publisher(bed: &bed::Lease) -> Result<(Stack, Publisher)> {
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(bed).await?;
    let publisher = stack.start_publisher(0, &Faults::default()).await?;
    Ok((stack, publisher))
}

/// `test dataflow -o json` with more arguments, as the user of this kubeconfig.
fn dataflow(bed: &bed::Lease, kubeconfig: &Path, arguments: &str) -> Tool {
    let arguments = format!("test dataflow -o json {arguments}");
    at(bed, bed.namespace(), &arguments).kubeconfig(kubeconfig)
}

/// The names of the existing probe objects.
async fn objects(stack: &Stack) -> Result<Vec<String>> {
    let all = rest::collection("v1", "ConfigMap", Some(&stack.namespace));
    let all = rest::list(&stack.client, &all).await?;
    let names = all.iter().filter_map(|object| object["metadata"]["name"].as_str());
    Ok(names.filter(|name| name.starts_with("meshdoctor-probe-")).map(str::to_owned).collect())
}

/// Fails unless the document matches the schema.
#[track_caller]
fn assert_valid(report: &Value) {
    schema::assert_fits(schema::validator(), report, "the report");
}

/// The codes of the findings above severity `info`. Most of those with `info` have nothing to do with the test.
fn problem_codes(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().into_iter().flatten();
    findings.filter(|finding| finding["severity"] != "info").filter_map(|finding| finding["code"].as_str()).collect()
}

/// The finding with this code.
#[track_caller]
fn found<'r>(report: &'r Value, code: &str) -> &'r Value {
    report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|finding| finding["code"] == code)
        .unwrap_or_else(|| panic!("no {code} in {report:#}"))
}

/// The check with this id.
#[track_caller]
fn checked<'r>(report: &'r Value, id: &str) -> &'r Value {
    report["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|check| check["id"] == id)
        .unwrap_or_else(|| panic!("no check {id} in {report:#}"))
}

/// The step with this id.
#[track_caller]
fn hop<'r>(report: &'r Value, id: &str) -> &'r Value {
    report["test"]["hops"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|hop| hop["id"] == id)
        .unwrap_or_else(|| panic!("no step {id} in {report:#}"))
}
