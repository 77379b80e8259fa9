//! The data path comes first on the screen and shows where the flow stops. The operator and the target are below it.

use std::borrow::Cow;

use owo_colors::{OwoColorize, Style};

use super::{
    style::Look,
    target,
    text::{Page, width_of},
};
use crate::{
    facts::redact::clean,
    report::{
        ComponentReport, Components, Finding, HubComponents, Kind, Report, Severity, StackComponents, State, Status,
    },
    stack::component::Component,
};

/// One station of the path.
struct Station {
    name: Cow<'static, str>,
    glyph: &'static str,
    style: Style,
    state: String,
    /// What is wrong here, in one or two words.
    note: Option<String>,
}

/// Whether data from one station reaches the next.
#[derive(Clone, Copy)]
enum Link {
    Flows,
    Broken,
    Unsure,
    Idle,
}

/// The name of the stack, above its path, if there are several.
pub(crate) fn heading(page: &mut Page<'_>, report: &Report) {
    let style = page.look.styles.strong;
    page.raw(&report.product().style(style).to_string());
}

/// Draws the path: horizontally if it fits, otherwise vertically.
pub(crate) fn draw(page: &mut Page<'_>, report: &Report) {
    let look = page.look;
    let (stations, links) = match &report.components {
        Components::Stack(components) => (stations(report, components, look), links(report, components)),
        Components::Hub(components) => (stations_of_hub(report, components, look), links_of_hub(components).to_vec()),
    };
    let gap = 2 + width_of(look.glyphs.flows);
    let widths: Vec<usize> = stations.iter().map(Station::width).collect();
    let total: usize = 2 + widths.iter().sum::<usize>() + gap * links.len();
    if look.width.is_none_or(|width| total <= width) {
        beside(page, &stations, &links, &widths);
    } else {
        below(page, &stations, &links);
    }
    let mut parts = match &report.components {
        Components::Stack(components) => vec![operator(report, components, look)],
        Components::Hub(components) => vec![discovery(report, components, look)],
    };
    parts.extend(target::target(report, look));
    page.parts(2, &format!(" {} ", look.glyphs.dot), &parts);
}

impl Station {
    fn width(&self) -> usize {
        [width_of(&self.name), 2 + width_of(&self.state), 2 + self.note.as_deref().map_or(0, width_of)]
            .into_iter()
            .max()
            .unwrap_or(0)
    }
}

fn pad(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(width_of(text)))
}

fn beside(page: &mut Page<'_>, stations: &[Station], links: &[Link], widths: &[usize]) {
    let look = page.look;
    let mut names = String::from("  ");
    let mut states = String::from("  ");
    let mut notes = String::from("  ");
    for (i, (station, width)) in stations.iter().zip(widths).enumerate() {
        names.push_str(&format!("{}", station.name.style(look.styles.strong)));
        states.push_str(&format!("{} {}", station.glyph.style(station.style), station.state.style(station.style)));
        let note = station.note.as_deref().unwrap_or_default();
        notes.push_str(&format!("  {}", note.style(station.style)));
        if let Some(link) = links.get(i) {
            let (arrow, style) = link.draw(look);
            names.push_str(&format!("{} {} ", pad(&station.name, *width), arrow.style(style)));
            let space = " ".repeat(2 + width_of(arrow));
            states.push_str(&format!("{}{space}", pad(&station.state, width - 2)));
            notes.push_str(&format!("{}{space}", pad(note, width - 2)));
        }
    }
    page.raw(&names);
    page.raw(&states);
    if stations.iter().any(|station| station.note.is_some()) {
        page.raw(&notes);
    }
}

/// Vertically, each station after the link that leads to it.
fn below(page: &mut Page<'_>, stations: &[Station], links: &[Link]) {
    let look = page.look;
    for (i, station) in stations.iter().enumerate() {
        let link = match i.checked_sub(1).and_then(|i| links.get(i)) {
            Some(link) => {
                let (arrow, style) = link.draw(look);
                arrow.style(style).to_string()
            }
            None => pad("", width_of(look.glyphs.flows)),
        };
        let note = station.note.as_deref().map(|note| format!(", {note}")).unwrap_or_default();
        page.raw(&format!(
            "  {link} {} {} {}{}",
            station.glyph.style(station.style),
            station.name.style(look.styles.strong),
            station.state.style(station.style),
            note.style(station.style)
        ));
    }
}

/// The operator. It reconciles MeshSync and the broker, and is not a station of the path.
fn operator(report: &Report, components: &StackComponents, look: &Look) -> String {
    let operator = &components.operator;
    let (glyph, style) = component(report, look, Component::Operator, operator.state, operator.at_least);
    let version = operator.version.as_deref().map(|version| format!(" {}", clean(version))).unwrap_or_default();
    let at_least = if operator.at_least { "at least " } else { "" };
    let state = format!("{at_least}{}", operator.state);
    let note = match worst(report, Component::Operator) {
        Some(finding) => format!(" ({})", short(finding)),
        None if operator.expected_absent => " (not needed)".to_owned(),
        None => String::new(),
    };
    format!(
        "{} {} {}{version}{}",
        "Operator".style(look.styles.strong),
        glyph.style(style),
        state.style(style),
        note.style(style)
    )
}

/// The controller of Service Mesh Hub that finds what the policies apply to, which is not a station of the path.
fn discovery(report: &Report, components: &HubComponents, look: &Look) -> String {
    let discovery = &components.discovery;
    let (glyph, style) = component(report, look, Component::Discovery, discovery.state, discovery.at_least);
    let version = discovery.version.as_deref().map(|version| format!(" {}", clean(version))).unwrap_or_default();
    let note = worst(report, Component::Discovery).map(|finding| format!(" ({})", short(finding)));
    let note = note.or_else(|| discovery.expected_absent.then(|| " (not needed)".to_owned())).unwrap_or_default();
    format!(
        "{} {} {}{version}{}",
        Component::Discovery.title(report.profile()).style(look.styles.strong),
        glyph.style(style),
        discovery.state.style(style),
        note.style(style)
    )
}

/// Policies, the controller that applies them, and the meshes.
fn stations_of_hub(report: &Report, components: &HubComponents, look: &Look) -> Vec<Station> {
    let station = |component: Component, of: &ComponentReport| {
        let (glyph, style) = self::component(report, look, component, of.state, of.at_least);
        let at_least = if of.at_least { "at least " } else { "" };
        let state = match of.state {
            State::Undeployed if component == Component::Policies => "none".to_owned(),
            state => format!("{at_least}{state}"),
        };
        let note = worst(report, component).map(short);
        Station { name: component.title(report.profile()), glyph, style, state, note }
    };
    let meshes = components.policies.meshes.len();
    let of_meshes = worst(report, Component::Agents);
    let (glyph, style) = match of_meshes {
        Some(finding) if finding.kind == Kind::Obstacle => (look.glyphs.unknown, look.styles.warning),
        Some(finding) => look.severity(finding.severity),
        None if meshes == 0 => (look.glyphs.skip, look.styles.dim),
        None => (look.glyphs.pass, look.styles.good),
    };
    let state = if meshes == 0 { "none found".to_owned() } else { format!("{meshes} found") };
    vec![
        station(Component::Policies, &components.policies.component),
        station(Component::Networking, &components.networking),
        Station { name: "Meshes".into(), glyph, style, state, note: of_meshes.map(short) },
    ]
}

fn links_of_hub(components: &HubComponents) -> [Link; 2] {
    let policies = components.policies.component.state;
    let read = match (policies, components.networking.state) {
        (State::Undeployed, _) => Link::Idle,
        (_, State::Deployed) => Link::Flows,
        (_, State::Unknown) => Link::Unsure,
        _ => Link::Broken,
    };
    let applied = match policies {
        State::Accepted => Link::Flows,
        State::Undeployed => Link::Idle,
        State::Invalid | State::Failed => Link::Broken,
        _ => Link::Unsure,
    };
    [read, applied]
}

/// Whether no operator reconciles the custom resources that exist.
fn is_unattended(report: &Report) -> bool {
    let Some(components) = report.components.stack() else { return false };
    let operator = &components.operator;
    matches!(operator.state, State::NotDeployed | State::Deploying)
        && !operator.at_least
        && !operator.expected_absent
        && !matches!(report.target.mode, "standalone" | "embedded")
}

impl Link {
    fn draw(self, look: &Look) -> (&'static str, Style) {
        match self {
            Self::Flows => (look.glyphs.flows, look.styles.good),
            Self::Broken => (look.glyphs.broken, look.styles.bad),
            Self::Unsure => (look.glyphs.unsure, look.styles.warning),
            Self::Idle => (look.glyphs.idle, look.styles.dim),
        }
    }
}

fn worst(report: &Report, component: Component) -> Option<&Finding> {
    report
        .findings()
        .iter()
        .filter(|finding| finding.component == component && finding.severity != Severity::Info)
        .min_by_key(|finding| finding.severity)
}

/// The code without its component: `cannot list`.
fn short(finding: &Finding) -> String {
    let prefix = format!("{}-", finding.component.code());
    let code = finding.code.strip_prefix(&prefix).or_else(|| finding.code.strip_prefix("smh-"));
    clean(code.unwrap_or(&finding.code)).replace('-', " ")
}

/// The glyph of a component: that of its worst finding, or of its state.
pub(crate) fn component(
    report: &Report,
    look: &Look,
    component: Component,
    state: State,
    at_least: bool,
) -> (&'static str, Style) {
    match worst(report, component) {
        Some(finding) if finding.kind == Kind::Obstacle => (look.glyphs.unknown, look.styles.warning),
        Some(finding) => look.severity(finding.severity),
        None if at_least => (look.glyphs.unknown, look.styles.warning),
        // Unless MeshSync is connected, no event arrives.
        None if component == Component::Meshsync && matches!(state, State::Deployed | State::Running) => {
            (look.glyphs.warn, look.styles.warning)
        }
        None => look.state(state),
    }
}

fn stations(report: &Report, components: &StackComponents, look: &Look) -> Vec<Station> {
    let unreachable = report.findings().iter().find(|finding| {
        finding.component == Component::Cluster
            && finding.code != "permission-missing"
            && finding.code != "observation-missing"
            && finding.kind == Kind::Obstacle
    });
    let (glyph, style, state) = match (unreachable, report.target.kubernetes_version.as_deref()) {
        (Some(finding), _) => (look.glyphs.unknown, look.styles.warning, short(finding)),
        (None, Some(version)) => (look.glyphs.pass, look.styles.good, clean(version)),
        (None, None) => (look.glyphs.unknown, look.styles.dim, "version not seen".to_owned()),
    };
    let kubernetes = Station { name: "Kubernetes".into(), glyph, style, state, note: None };
    let unattended = is_unattended(report);
    let station = |component: Component, of: &ComponentReport| {
        let name = component.title(report.profile());
        let (state, at_least) = (of.state, of.at_least);
        let (mut glyph, mut style) = self::component(report, look, component, state, at_least);
        let mut note = worst(report, component).map(short).or_else(|| not_needed(report, component, of));
        let reconciled = matches!(component, Component::Meshsync | Component::Broker);
        if unattended && reconciled && note.is_none() && state > State::Undeployed {
            (glyph, style) = (look.glyphs.warn, look.styles.warning);
            note = Some("not reconciled".to_owned());
        }
        let mut word = match state {
            State::NotSeen => "not seen".to_owned(),
            state => state.to_string(),
        };
        if at_least {
            word = format!("at least {word}");
        }
        Station { name, glyph, style, state: word, note }
    };
    vec![
        kubernetes,
        station(Component::Meshsync, &components.meshsync),
        station(Component::Broker, &components.broker.component),
        station(Component::Server, &components.server.component),
    ]
}

/// The note under an optional component.
fn not_needed(report: &Report, component: Component, of: &ComponentReport) -> Option<String> {
    of.expected_absent.then(|| {
        let stands = component == Component::Meshsync && report.target.mode == "standalone";
        if stands { "standalone" } else { "not needed" }.to_owned()
    })
}

fn links(report: &Report, components: &StackComponents) -> Vec<Link> {
    let status = |id: &str| {
        let check = report.checks().iter().find(|check| check.id == id);
        check.map(|check| check.status)
    };
    let may_list = status("meshsync-may-list");
    // Without a custom resource the state does not say whether it is connected.
    if report.target.mode == "standalone" {
        let link = |status: Option<Status>| match status {
            Some(Status::Pass | Status::Warn) => Link::Flows,
            Some(Status::Fail) => Link::Broken,
            Some(Status::Unknown) => Link::Unsure,
            Some(Status::Skip) | None => Link::Idle,
        };
        let reads = if components.server.component.state == State::Connected { Link::Flows } else { Link::Idle };
        return vec![link(may_list), link(status("meshsync-connected")), reads];
    }
    let meshsync = components.meshsync.state;
    let watches = match meshsync {
        State::Connected | State::Running => match may_list {
            Some(Status::Fail) => Link::Broken,
            Some(Status::Unknown) => Link::Unsure,
            _ => Link::Flows,
        },
        State::Unknown => Link::Unsure,
        State::Undeployed => Link::Idle,
        _ if components.meshsync.at_least => Link::Unsure,
        _ => Link::Broken,
    };
    let publishes = match meshsync {
        State::Connected => Link::Flows,
        State::Unknown => Link::Unsure,
        State::Undeployed => Link::Idle,
        _ if components.meshsync.at_least => Link::Unsure,
        _ => Link::Broken,
    };
    let reads = match components.broker.component.state {
        State::Connected => Link::Flows,
        // On a broker that does not belong to the stack.
        _ if components.server.component.state == State::Connected => Link::Flows,
        State::Unknown => Link::Unsure,
        _ if components.broker.component.at_least => Link::Unsure,
        _ if components.server.component.state == State::NotSeen => Link::Idle,
        State::Undeployed => Link::Idle,
        _ => Link::Broken,
    };
    vec![watches, publishes, reads]
}
