//! `test server`: the way to Meshery Server, its answers, and its adapters.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

use anyhow::Result;
use serde_json::Value;

use super::{assert_valid, hop, problem_codes};
use crate::{
    bed::{self, Lease, Line, Stack, rest},
    hostile::peer::Peer,
    live::at,
    meshery_server::{
        installed,
        standin::{AdapterReply, Data, Generation, Link, Login, Ping, Setup, StandIn, token},
    },
    tool::Ran,
};

/// A stack with MeshSync and a server at its broker.
async fn stack(bed: &Lease) -> Result<(Stack, String)> {
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(bed).await?;
    let namespace = rest::get(&stack.client, "/api/v1/namespaces/kube-system").await?;
    let cluster = namespace["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    Ok((stack, cluster))
}

/// A run against this server. Its document must match the schema.
async fn test(bed: &Lease, arguments: &str) -> Ran {
    let ran = at(bed, bed.namespace(), &format!("test server -o json {arguments}")).run_beside().await;
    let report = ran.json();
    assert_valid(&report);
    assert_eq!(report["test"]["subject"], "server");
    ran
}

/// The status of these steps.
fn steps(report: &Value, ids: &[&str]) -> String {
    ids.iter().map(|id| hop(report, id)["status"].as_str().unwrap_or("?")).collect::<Vec<_>>().join(" ")
}

const ANSWERS: [&str; 8] = ["ready", "request", "version", "session", "ping", "controllers", "adapters", "counts"];

#[tokio::test]
async fn each_step_of_every_generation_is_timed() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, cluster) = stack(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let _server = stack.server(0)?;
    for generation in Generation::ALL {
        let standin = StandIn::start(Setup::of(generation, &cluster));
        let report = test(&bed, &format!("--count 3 --meshery-server {}", standin.url())).await.json();
        assert_eq!(steps(&report, &["resolve", "connect", "tls"]), "pass pass skip", "{report:#}");
        let expected = match generation {
            // It does not offer its readiness.
            Generation::Graphql => "skip pass pass pass pass pass pass pass",
            _ => "pass pass pass pass pass pass pass pass",
        };
        assert_eq!(steps(&report, &ANSWERS), expected, "{generation:?} {report:#}");
        assert_eq!(hop(&report, "request")["timing"]["count"], 3);
        assert!(hop(&report, "ping")["detail"].to_string().contains("Kubernetes v1."), "{report:#}");
        standin.assert_only_read();
    }
    Ok(())
}

#[tokio::test]
async fn server_in_the_cluster_is_tested_through_a_port_forward() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, cluster) = stack(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let none = test(&bed, "").await.exits(3).json();
    assert_eq!(steps(&none, &["reach"]), "unknown");
    let standin = StandIn::start(Setup::of(Generation::Controllers, &cluster));
    installed::install(&bed, &standin).await?;
    let report = test(&bed, "").await.json();
    assert_eq!(steps(&report, &["port-forward"]), "pass", "{report:#}");
    assert_eq!(steps(&report, &ANSWERS), "pass pass pass pass pass pass pass pass", "{report:#}");
    Ok(())
}

#[tokio::test]
async fn server_without_a_session_is_undetermined() -> Result<()> {
    let bed = bed::lease().await?;
    let (_stack, cluster) = stack(&bed).await?;
    let setup = Setup::of(Generation::Controllers, &cluster);
    let standin = StandIn::start(Setup { login: Login::Remote(token("secret0123456789")), ..setup });
    let report = test(&bed, &format!("--meshery-server {}", standin.url())).await.exits(3).json();
    assert_eq!(steps(&report, &["connect", "request", "session"]), "pass pass fail", "{report:#}");
    assert_eq!(steps(&report, &["ping", "controllers", "counts"]), "skip skip skip", "{report:#}");
    assert!(problem_codes(&report).contains(&"server-not-logged-in"), "{report:#}");
    let refused = test(&bed, "--meshery-server http://127.0.0.1:1").await.exits(3).json();
    assert_eq!(steps(&refused, &["connect", "session"]), "fail skip", "{refused:#}");
    Ok(())
}

#[tokio::test]
async fn faults_of_the_server_are_found() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, cluster) = stack(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let _server = stack.server(0)?;
    let setup = Setup::of(Generation::Graphql, &cluster);
    let link = |ping| vec![Link { ping, ..Link::to(&cluster, 1) }];
    for (setup, step, code) in [
        (Setup { connections: link(Ping::Unreachable), ..setup.clone() }, "ping", "server-cannot-reach-cluster"),
        (Setup { connections: link(Ping::KubeconfigInvalid), ..setup.clone() }, "ping", "server-kubeconfig-invalid"),
        (Setup { data: Data::Malformed, ..setup.clone() }, "counts", "database-corrupt"),
    ] {
        let standin = StandIn::start(setup);
        let report = test(&bed, &format!("--meshery-server {}", standin.url())).await.exits(1).json();
        assert_eq!(steps(&report, &[step]), "fail", "{code} {report:#}");
        assert!(problem_codes(&report).contains(&code), "{code} {report:#}");
    }
    let adapters = vec![
        ("meshery-istio:10000".to_owned(), AdapterReply::NotReached),
        ("meshery-consul:10002".to_owned(), AdapterReply::Reached),
        ("meshery-kuma:10007".to_owned(), AdapterReply::Unknown),
    ];
    let standin = StandIn::start(Setup { adapters, ..setup });
    let report = test(&bed, &format!("--meshery-server {}", standin.url())).await.json();
    let hops = report["test"]["hops"].as_array().cloned().unwrap_or_default();
    let adapters: Vec<_> =
        hops.iter().filter(|hop| hop["id"] == "adapter").filter_map(|hop| hop["status"].as_str()).collect();
    assert_eq!(adapters, ["fail", "pass", "skip"], "{report:#}");
    assert!(problem_codes(&report).contains(&"adapter-unreachable"), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn ports_of_adapters_are_reached_through_a_port_forward() -> Result<()> {
    let bed = bed::lease().await?;
    let (_stack, cluster) = stack(&bed).await?;
    // A server of gRPC sends its settings first.
    let istio = Peer::raw(|mut stream| {
        let _ = stream.write_all(b"\0\0\0\x04\0\0\0\0\0");
        let _ = stream.read(&mut [0; 64]);
    });
    let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    installed::install_as(&bed, "meshery-istio", istio.port()).await?;
    installed::install_as(&bed, "meshery-consul", nobody).await?;
    let adapter = |name: &str, reply| (format!("meshery-{name}:9081"), reply);
    let adapters = vec![adapter("istio", AdapterReply::NotReached), adapter("consul", AdapterReply::Reached)];
    let standin = StandIn::start(Setup { adapters, ..Setup::of(Generation::Controllers, &cluster) });
    let named = format!("--meshery-server {}", standin.url());
    let report = test(&bed, &named).await.json();
    let hops = report["test"]["hops"].as_array().cloned().unwrap_or_default();
    let ports: Vec<_> =
        hops.iter().filter(|hop| hop["id"] == "adapter-port").filter_map(|hop| hop["status"].as_str()).collect();
    assert_eq!(ports, ["pass", "fail"], "{report:#}");
    // `check` asks the server about its adapters only if they are selected.
    let check = async |only: &str| {
        let arguments = format!("system check -o json --fail-on never {only} {named}");
        at(&bed, bed.namespace(), &arguments).run_beside().await.json()
    };
    assert!(problem_codes(&check("--only adapter").await).contains(&"adapter-unreachable"));
    assert!(!problem_codes(&check("").await).contains(&"adapter-unreachable"));
    Ok(())
}
