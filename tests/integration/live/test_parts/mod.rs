//! The tests of single parts, and what becomes of a test of the flow that is stopped half-way.

mod broker;
mod cut_short;
mod hostile;
mod killed;
mod kubernetes;
mod meshsync;
mod neighbours;
mod operator;
mod rights;
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

/// A stack with a MeshSync that publishes as it should.
async fn publishing(bed: &bed::Lease) -> Result<(Stack, Publisher)> {
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(bed).await?;
    let publisher = stack.publishing(0, &Faults::default()).await?;
    Ok((stack, publisher))
}

/// `test dataflow -o json` and more arguments, as the user of this kubeconfig.
fn dataflow(bed: &bed::Lease, kubeconfig: &Path, arguments: &str) -> Tool {
    let arguments = format!("test dataflow -o json {arguments}");
    at(bed, bed.namespace(), &arguments).kubeconfig(kubeconfig)
}

/// The names of the objects of tests that are there.
async fn objects(stack: &Stack) -> Result<Vec<String>> {
    let all = rest::collection("v1", "ConfigMap", Some(&stack.namespace));
    let all = rest::list(&stack.client, &all).await?;
    let names = all.iter().filter_map(|object| object["metadata"]["name"].as_str());
    Ok(names.filter(|name| name.starts_with("meshdoctor-probe-")).map(str::to_owned).collect())
}

/// Fails unless the document is as the schema has it.
#[track_caller]
fn fits(report: &Value) {
    schema::assert_fits(&schema::validator(), report, "the report");
}

/// The codes of what is wrong; much of what is merely worth knowing has nothing to do with the test.
fn wrong(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().into_iter().flatten();
    findings.filter(|finding| finding["severity"] != "info").filter_map(|finding| finding["code"].as_str()).collect()
}

/// The finding of a code.
#[track_caller]
fn found<'r>(report: &'r Value, code: &str) -> &'r Value {
    report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|finding| finding["code"] == code)
        .unwrap_or_else(|| panic!("no {code} in {report:#}"))
}

/// A check of the report, by its id.
#[track_caller]
fn checked<'r>(report: &'r Value, id: &str) -> &'r Value {
    report["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|check| check["id"] == id)
        .unwrap_or_else(|| panic!("no check {id} in {report:#}"))
}

/// A step of the test, by its id.
#[track_caller]
fn hop<'r>(report: &'r Value, id: &str) -> &'r Value {
    report["test"]["hops"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|hop| hop["id"] == id)
        .unwrap_or_else(|| panic!("no step {id} in {report:#}"))
}
