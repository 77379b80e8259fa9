//! A cluster that holds Meshery, Meshplay and Gloo Mesh: one check of all, compared with a check of Meshery alone.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    LATENCY,
    bed::{self, Cluster, FakeClient, Line, Stack, gloo_mesh},
    cluster_admin, count, fixture,
    measure::{self, Run},
    ms, requests,
    table::{Row, Unit},
    with_latency,
};

/// The verdicts of the products, each as it is installed.
const VERDICTS: [(&str, &str); 3] =
    [("meshery", "healthy"), ("meshplay", "unhealthy"), ("service-mesh-hub", "healthy")];

/// The figures. The options of the cluster are those of [`requests`].
pub(crate) async fn figures(options: &bed::Options, home: &Path, runs: usize) -> Result<Vec<Row>> {
    let cluster = Cluster::start_with(options).await?;
    let _stacks = start(&cluster).await?;
    let kubeconfig = cluster_admin(&cluster).await?;
    let tool = |args| Run::of(Path::new(env!("CARGO_BIN_EXE_meshdoctor")), args, &kubeconfig, home);
    until_judged(&tool("check -o json")).await?;
    // Meshplay's broker has no token, which is an error.
    let (all, one) = (tool("check").exits(1), tool("check --profile meshery"));
    let [all_cost, one_cost] = measure::compare([&all, &one], runs)?;
    let (three, alone) = (ms(all_cost.wall), ms(one_cost.wall));
    let far = with_latency(&cluster, &kubeconfig, home)?;
    let remote = |args| Run::of(Path::new(env!("CARGO_BIN_EXE_meshdoctor")), args, &far, home);
    let (far_all, far_one) = (remote("check").exits(1), remote("check --profile meshery"));
    let [far_all, far_one] = measure::compare([&far_all, &far_one], runs)?;
    let (far_three, far_alone) = (ms(far_all.wall), ms(far_one.wall));
    let latency = LATENCY.as_millis();
    let (of_all, of_one) = (requests::of(&all, &cluster)?, requests::of(&one, &cluster)?);
    Ok(vec![
        // On loopback, the API server answers twice as many requests on the cores that it shares with the program.
        Row::new("check of three products: wall", three / alone, Unit::Times)
            .note(format!("{three:.1} ms, one of them {alone:.1} ms")),
        Row::new(
            format!("check of three products: wall, +{latency} ms round trip"),
            far_three / far_alone,
            Unit::Times,
        )
        .at_most(1.3)
        .note(format!("{far_three:.1} ms, one of them {far_alone:.1} ms")),
        Row::new("check of three products: CPU", ms(all_cost.cpu) / ms(one_cost.cpu), Unit::Times).note(format!(
            "{:.1} ms, one of them {:.1} ms",
            ms(all_cost.cpu),
            ms(one_cost.cpu)
        )),
        count("check of three products: API requests", of_all),
        count("check of one of three: API requests", of_one),
    ])
}

/// The three products, and the clients of their brokers.
async fn start(cluster: &Cluster) -> Result<(Vec<Stack>, Vec<FakeClient>)> {
    let client = cluster.client().await?;
    gloo_mesh::create_crds(cluster, &client).await?;
    let list = fixture::compose(&fixture::folder(), "smh-healthy").map_err(anyhow::Error::msg)?;
    gloo_mesh::create_objects(cluster, &client, list["items"].as_array().context("items")?).await?;
    let mut stacks = Vec::new();
    let mut clients = Vec::new();
    for (line, namespace) in [(Line::Current, "meshery"), (Line::Meshplay, "meshplay")] {
        cluster.create_namespace(namespace).await?;
        let setup = Stack::of(line);
        let setup = if stacks.is_empty() { setup } else { setup.beside_another() };
        let stack = setup.start(cluster).await?;
        clients.push(stack.meshsync(0).await?);
        clients.push(stack.server(0)?);
        stacks.push(stack);
    }
    Ok((stacks, clients))
}

/// Waits until each product has its verdict: a figure of a wrong answer would be meaningless.
async fn until_judged(check: &Run) -> Result<()> {
    bed::until_every(Duration::from_millis(300), "the three verdicts", Duration::from_secs(30), || async {
        let list: Value = serde_json::from_str(&check.stdout()?)?;
        let stacks = list["stacks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is = |stack: &Value, (profile, verdict): (&str, &str)| {
            stack["target"]["profile"] == profile && stack["verdict"] == verdict
        };
        let all =
            stacks.len() == VERDICTS.len() && stacks.iter().zip(VERDICTS).all(|(stack, expected)| is(stack, expected));
        Ok(all.then_some(()))
    })
    .await
}
