//! What a report is about: cluster, user, namespace, recording.

use owo_colors::OwoColorize;

use super::style::Look;
use crate::{facts::redact::clean, report::Report};

/// Which cluster, namespace and recording the report is about.
pub(crate) fn target(report: &Report, look: &Look) -> Vec<String> {
    let mut parts = place(report, None);
    if let "custom-broker" | "standalone" | "embedded" = report.target.mode {
        let why = report.target.mode_evidence.as_ref().filter(|_| report.not_needed);
        let why = why.map(|why| format!(" ({})", clean(why))).unwrap_or_default();
        parts.push(format!("mode {}{why}", report.target.mode.replace('-', " ")));
    }
    parts.extend(recording(report));
    parts.into_iter().map(|part| part.style(look.styles.dim).to_string()).collect()
}

/// Context, user, namespace and profile.
pub(crate) fn place(report: &Report, user: Option<&String>) -> Vec<String> {
    let target = &report.target;
    let profile = (target.profile != "meshery").then(|| target.profile.to_owned());
    [
        ("context", target.context.as_ref()),
        ("user", user),
        ("namespace", Some(&target.namespace)),
        ("profile", profile.as_ref()),
    ]
    .into_iter()
    .filter_map(|(word, value)| Some(format!("{word} {}", clean(value?))))
    .collect()
}

/// The path and time of the recording that the report is about.
pub(crate) fn recording(report: &Report) -> Option<String> {
    let path = report.source.path.as_ref()?;
    let about = if report.taken_at_estimated { "about " } else { "" };
    Some(format!("recording {}, {about}{:.0}", clean(path), report.taken_at))
}
