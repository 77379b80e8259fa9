//! Logs in findings: the relevant lines, and the meaning of known ones.

use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};

use super::stack_view::StackView;
use crate::{
    facts::{Facts, Log, LogLine, stack},
    stack::{
        component::Component,
        signatures::{self, Signature},
    },
};

/// The maximum number of lines of one log in a finding.
const SHOWN: usize = 3;

/// The relevant lines of a container's logs.
pub(crate) struct LogExcerpt {
    /// The lines, as evidence.
    pub(crate) evidence: Vec<String>,
    /// The meaning of the first known line.
    pub(crate) signature: Option<&'static Signature>,
    /// When that line was last written.
    pub(crate) signature_at: Option<Timestamp>,
}

/// The relevant lines of a pod's container; the previous container's log comes before the current one.
pub(crate) fn of(facts: &Facts, component: Component, pod: &str, container: &str) -> LogExcerpt {
    let logs = |previous: bool| {
        facts.logs.iter().filter(move |log| log.pod == pod && log.container == container && log.previous == previous)
    };
    let mut words = LogExcerpt { evidence: Vec::new(), signature: None, signature_at: None };
    for log in logs(true).chain(logs(false)) {
        for line in log.lines.items() {
            let known = signatures::find(Some(component), &line.message);
            // A line that only this component writes says more than one that any program can write.
            let is_own = |signature: &Signature| signature.component.is_some();
            let telling =
                known.is_some_and(|known| words.signature.is_none_or(|first| is_own(known) && !is_own(first)));
            if telling {
                words.signature = known;
                words.signature_at = line.last;
                // The line that explains the problem comes first.
                words.evidence.insert(0, shown(log, line));
            } else if words.evidence.len() < SHOWN {
                words.evidence.push(shown(log, line));
            }
        }
    }
    words.evidence.truncate(SHOWN);
    words
}

/// The relevant lines of a container in the first of these pods that has any.
pub(crate) fn of_pods(facts: &Facts, component: Component, pods: &[&Pod], container: &str) -> Option<LogExcerpt> {
    pods.iter()
        .map(|pod| of(facts, component, stack::name(&pod.metadata), container))
        .find(|words| !words.evidence.is_empty())
}

/// The relevant lines of the logs of a component's pods, as evidence.
pub(crate) fn of_component(context: &StackView<'_>, component: Component) -> Vec<String> {
    let pods = context.pods_of(component);
    let containers = pods.iter().flat_map(|pod| stack::container_statuses(pod).map(move |status| (pod, status)));
    let mut excerpts =
        containers.map(|(pod, status)| of(context.facts, component, stack::name(&pod.metadata), &status.name));
    excerpts.find(|words| !words.evidence.is_empty()).map(|words| words.evidence).unwrap_or_default()
}

fn shown(log: &Log, line: &LogLine) -> String {
    let run = if log.previous { "log of the previous container" } else { "log" };
    let code = line.code.as_deref().map(|code| format!(" [{code}]")).unwrap_or_default();
    let count = if line.count > 1 { format!(" ({} times)", line.count) } else { String::new() };
    let last = line.last.map(|last| format!(" at {last:.0}")).unwrap_or_default();
    format!("{run}{last}: {}{code}{count}", line.message)
}
