//! `status` as text.

use owo_colors::OwoColorize;

use super::{
    hub, path, server,
    style::Look,
    tables::{age, table},
    text::{Page, width_of},
};
use crate::{
    facts::redact::clean,
    report::{Components, ObjectRef, PodReport, Report, ServerReport, Severity, Workload},
    stack::{base::words::quoted, component::Component},
};

/// The whole screen. The report still has its findings: the marks in the data path come from them.
pub fn status(report: &Report, look: &Look) -> String {
    let mut page = Page::new(look);
    states(&mut page, report);
    next(&mut page, report);
    page.done()
}

/// The screen of several stacks, one below the other.
pub fn status_list(reports: &[Report], look: &Look) -> String {
    let mut page = Page::new(look);
    for report in reports {
        page.gap();
        path::heading(&mut page, report);
        states(&mut page, report);
    }
    if let Some(report) = reports.first() {
        next(&mut page, report);
    }
    page.done()
}

/// The data path with the states, and the workloads, Services and clients.
fn states(page: &mut Page<'_>, report: &Report) {
    let look = page.look;
    path::draw(page, report);
    server::line(page, report);
    reasons(page, report);
    if !report.workloads.is_empty() {
        page.blank();
        page.raw(&workloads(report, look));
    }
    if !report.services.is_empty() {
        page.blank();
        page.raw(&services(report, look));
    }
    match &report.components {
        Components::Stack(components) if !components.broker.servers.is_empty() => {
            page.blank();
            page.raw(&clients(report, &components.broker.servers, look));
        }
        Components::Stack(_) => {}
        Components::Hub(components) => hub::tables(page, components),
    }
    missing(page, report);
}

/// The diagnosing command.
fn next(page: &mut Page<'_>, report: &Report) {
    let invocation = &report.target.invocation;
    let clusters = report.components.hub().into_iter().flat_map(|hub| &hub.clusters);
    let contexts = clusters.filter_map(|cluster| cluster.context.as_deref());
    let mut command = format!("{} check{}", invocation.program, invocation.flags());
    for context in contexts {
        command.push_str(" --remote-context ");
        command.push_str(&quoted(context));
    }
    let command = clean(&command).style(page.look.styles.command).to_string();
    page.gap();
    page.raw(&format!("  States only. Diagnose: {command}"));
}

/// The states of each stack in one line (`--quiet`).
pub fn states_lines(reports: &[Report], look: &Look) -> String {
    let lines: Vec<String> =
        reports.iter().map(|report| format!("{}: {}", report.product(), states_line(report, look))).collect();
    lines.concat()
}

/// The states in one line (`--quiet`).
pub fn states_line(report: &Report, look: &Look) -> String {
    let states = report.components.each().map(|(component, of)| {
        let name = component.code();
        let (glyph, style) = path::component(report, look, component, of.state, of.at_least);
        let at_least = if of.at_least { "at least " } else { "" };
        format!("{} {name} {at_least}{}", glyph.style(style), of.state)
    });
    states.join(&format!(" {} ", look.glyphs.dot)) + "\n"
}

/// Why a state is not higher.
fn reasons(page: &mut Page<'_>, report: &Report) {
    let look = page.look;
    for (named, component) in report.components.each() {
        let name = named.title(report.profile());
        if let Some(reason) = &component.reason {
            let at_least = if component.at_least { "at least " } else { "" };
            let are = if matches!(named, Component::Agents | Component::Policies) { "are" } else { "is" };
            page.paragraph("  ", 4, &format!("{name} {are} {at_least}{}: {reason}", component.state), look.styles.dim);
        }
    }
}

fn created(report: &Report, time: Option<k8s_openapi::jiff::Timestamp>) -> String {
    time.map_or_else(|| "-".into(), |time| age(report.taken_at.duration_since(time).as_secs()))
}

const WORKLOAD: [&str; 5] = ["name", "ready", "status", "restarts", "age"];
const POD: [&str; 4] = ["pod", "ip", "node", "image"];

/// The workloads. With `-o wide`, the pods are beside their workload, or below all workloads on a narrow screen.
fn workloads(report: &Report, look: &Look) -> String {
    let rows: Vec<Vec<String>> = report.workloads.iter().map(|workload| row(report, workload, look)).collect();
    let plain = colored(&table(&WORKLOAD, &rows, look), look);
    if !look.wide {
        return plain;
    }
    let pods = |workload: &Workload| match workload.pods.as_slice() {
        [] => vec![POD.map(|_| "-".to_owned()).to_vec()],
        pods => pods.iter().map(pod_row).collect(),
    };
    let beside: Vec<Vec<String>> = report
        .workloads
        .iter()
        .flat_map(|workload| pods(workload).into_iter().map(|pod| [row(report, workload, look), pod].concat()))
        .collect();
    let wide = table(&[&WORKLOAD[..], &POD].concat(), &beside, &Look { width: None, ..look.clone() });
    if look.width.is_none_or(|width| wide.lines().all(|line| width_of(line) <= width)) {
        return colored(&wide, look);
    }
    let pods: Vec<Vec<String>> = report.workloads.iter().flat_map(|it| it.pods.iter().map(pod_row)).collect();
    format!("{plain}\n{}", table(&POD, &pods, look))
}

fn pod_row(pod: &PodReport) -> Vec<String> {
    let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
    vec![pod.name.clone(), cell(&pod.ip), cell(&pod.node), cell(&pod.image)]
}

fn row(report: &Report, workload: &Workload, look: &Look) -> Vec<String> {
    vec![
        workload.name.clone(),
        format!("{} {}", mark(report, workload, look), workload.ready),
        workload.status.clone(),
        workload.restarts.to_string(),
        created(report, workload.created),
    ]
}

/// The same table with colored marks. The table itself cannot measure cells with colors.
fn colored(table: &str, look: &Look) -> String {
    let marks = [Severity::Error, Severity::Warning].map(|severity| look.severity(severity));
    let marks = [marks[0], marks[1], (look.glyphs.pass, look.styles.good)];
    let line = |line: &str| {
        let mark = marks.iter().find_map(|(glyph, style)| {
            let (before, after) = line.split_once(&format!("  {glyph} "))?;
            Some(format!("{before}  {} {after}\n", glyph.style(*style)))
        });
        mark.unwrap_or_else(|| format!("{line}\n"))
    };
    table.lines().map(line).collect()
}

/// The glyph of a workload: that of the worst finding about it or one of its pods, or of its replicas.
fn mark(report: &Report, workload: &Workload, look: &Look) -> &'static str {
    let is_about = |object: &ObjectRef| {
        let is_pod = object.kind == "Pod" && workload.pods.iter().any(|pod| pod.name == object.name);
        is_pod || (object.kind == workload.kind && object.name == workload.name)
    };
    let severities = report
        .findings()
        .iter()
        .filter(|finding| finding.severity != Severity::Info && finding.object.as_ref().is_some_and(is_about))
        .map(|finding| finding.severity);
    match severities.min() {
        Some(severity) => look.severity(severity).0,
        None if workload.ready_replicas < workload.desired_replicas => look.glyphs.warn,
        None => look.glyphs.pass,
    }
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

fn clients(report: &Report, servers: &[ServerReport], look: &Look) -> String {
    let mut rows = Vec::new();
    for server in servers {
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
    page.raw(&format!("  {}", "Missing permissions".style(look.styles.warning)));
    for permission in &report.permissions.missing {
        page.paragraph(&format!("    {} ", look.glyphs.bullet), 6, &clean(&permission.to_string()), look.styles.dim);
    }
    let program = &report.target.invocation.program;
    page.raw(&format!("  Print the smallest role that grants them: {program} rbac status"));
}
