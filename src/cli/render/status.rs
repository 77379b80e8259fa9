//! `system status` for people.

use owo_colors::OwoColorize;

use super::{
    check::heading,
    path,
    style::Look,
    tables::{age, table},
    text::Page,
};
use crate::{
    facts::redact::clean,
    report::{ComponentReport, Report, Workload},
};

/// The whole screen.
pub fn status(report: &Report, look: &Look) -> String {
    let mut page = Page::new(look);
    path::draw(&mut page, report);
    page.blank();
    heading(&mut page, report);
    reasons(&mut page, report);
    if !report.workloads.is_empty() {
        page.blank();
        page.raw(&workloads(report, look));
    }
    if !report.services.is_empty() {
        page.blank();
        page.raw(&services(report, look));
    }
    if !report.components.broker.servers.is_empty() {
        page.blank();
        page.raw(&clients(report, look));
    }
    missing(&mut page, report);
    page.done()
}

/// Why a state is no better.
fn reasons(page: &mut Page<'_>, report: &Report) {
    let look = page.look;
    let components = &report.components;
    let all: [(&str, &ComponentReport); 4] = [
        ("Operator", &components.operator),
        ("MeshSync", &components.meshsync),
        ("Broker", &components.broker.component),
        ("Meshery Server", &components.server),
    ];
    for (name, component) in all {
        if let Some(reason) = &component.reason {
            let at_least = if component.at_least { "at least " } else { "" };
            page.paragraph("  ", 4, &format!("{name} is {at_least}{}: {reason}", component.state), look.styles.dim);
        }
    }
}

fn created(report: &Report, time: Option<k8s_openapi::jiff::Timestamp>) -> String {
    time.map_or_else(|| "-".into(), |time| age(report.taken_at.duration_since(time).as_secs()))
}

fn workloads(report: &Report, look: &Look) -> String {
    if !look.wide {
        let rows: Vec<Vec<String>> = report.workloads.iter().map(|workload| row(report, workload)).collect();
        return table(&["name", "ready", "status", "restarts", "age"], &rows, look);
    }
    let dash = || "-".to_owned();
    let mut rows = Vec::new();
    for workload in &report.workloads {
        if workload.pods.is_empty() {
            let mut cells = row(report, workload);
            cells.extend([dash(), dash(), dash(), dash()]);
            rows.push(cells);
        }
        for pod in &workload.pods {
            rows.push(vec![
                workload.name.clone(),
                pod.ready.clone(),
                pod.status.clone(),
                pod.restarts.to_string(),
                created(report, pod.created),
                pod.name.clone(),
                pod.ip.clone().unwrap_or_else(dash),
                pod.node.clone().unwrap_or_else(dash),
                pod.image.clone().unwrap_or_else(dash),
            ]);
        }
    }
    table(&["name", "ready", "status", "restarts", "age", "pod", "ip", "node", "image"], &rows, look)
}

fn row(report: &Report, workload: &Workload) -> Vec<String> {
    vec![
        workload.name.clone(),
        workload.ready.clone(),
        workload.status.clone(),
        workload.restarts.to_string(),
        created(report, workload.created),
    ]
}

fn services(report: &Report, look: &Look) -> String {
    let rows: Vec<Vec<String>> = report
        .services
        .iter()
        .map(|service| {
            let external = match (service.kind.as_str(), service.external.is_empty()) {
                ("LoadBalancer", true) => "<pending>".into(),
                (_, true) => "<none>".into(),
                _ => service.external.join(","),
            };
            let mut row = vec![service.name.clone(), service.kind.clone(), external, service.ports.join(",")];
            if look.wide {
                row.push(service.cluster_ip.clone().unwrap_or_else(|| "-".into()));
            }
            row
        })
        .collect();
    let mut headings = vec!["service", "type", "external", "ports"];
    if look.wide {
        headings.push("cluster-ip");
    }
    table(&headings, &rows, look)
}

fn clients(report: &Report, look: &Look) -> String {
    let mut rows = Vec::new();
    for server in &report.components.broker.servers {
        let pod = server.pod.clone().or_else(|| server.address.clone());
        let pod = pod.unwrap_or_else(|| "-".into());
        let names: Vec<String> = server
            .clients
            .iter()
            .map(|client| {
                let since =
                    client.start.map(|start| format!(" ({})", created(report, Some(start)))).unwrap_or_default();
                let name = if client.name.is_empty() { "unnamed" } else { &client.name };
                format!("{name}{since}")
            })
            .collect();
        let more = server.client_count - server.clients.len();
        let mut shown = if names.is_empty() { "<none>".to_owned() } else { names.join(", ") };
        if more > 0 {
            shown.push_str(&format!(" and {more} more"));
        }
        rows.push(vec![pod, server.version.clone(), server.reached_by.to_string(), shown]);
    }
    table(&["broker server", "nats", "reached by", "clients"], &rows, look)
}

fn missing(page: &mut Page<'_>, report: &Report) {
    if report.permissions.missing.is_empty() {
        return;
    }
    let look = page.look;
    page.blank();
    page.raw(&format!("  {}", "Missing rights".style(look.styles.warning)));
    for right in &report.permissions.missing {
        page.paragraph(&format!("    {} ", look.glyphs.bullet), 6, &clean(&right.to_string()), look.styles.dim);
    }
    page.raw("  meshdoctor rbac status prints the smallest role that would do");
}
