//! The verdict, from the findings and whether every state is determined.

use crate::report::{Finding, Kind, Severity, Verdict};

/// Whether a finding says that nothing is installed.
fn is_absence(finding: &Finding) -> bool {
    matches!(finding.code.as_str(), "not-installed" | "smh-not-installed")
}

/// The first that applies: unhealthy, unknown, not installed, degraded, healthy.
///
/// If the stack is not needed, its absence does not count.
pub(super) fn judge(findings: &[Finding], determined: bool, not_needed: bool) -> Verdict {
    let fault = |severity: Severity| {
        findings
            .iter()
            .any(|finding| finding.kind == Kind::Fault && finding.severity == severity && !is_absence(finding))
    };
    if fault(Severity::Error) {
        Verdict::Unhealthy
    } else if !determined {
        Verdict::Unknown
    } else if !not_needed && findings.iter().any(is_absence) {
        Verdict::NotInstalled
    } else if fault(Severity::Warning) {
        Verdict::Degraded
    } else {
        Verdict::Healthy
    }
}
