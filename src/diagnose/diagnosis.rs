//! Diagnoses: what each code is about, how much it matters, what it explains, and which checks find it.
//!
//! A code is stable and never reused. Each diagnosis is declared in the file of its code under `rules/`, with its
//! explanation beside it.

use super::{Check, Draft, rules};
use crate::stack::profile;
use crate::{
    report::{Kind, Severity},
    stack::component::Component,
};

/// A diagnosis, as the file of its code declares it.
pub struct Diagnosis {
    /// The code; in a diagnosis of workloads `{component}` stands for the component.
    pub code: &'static str,
    /// What it is about; none for a diagnosis of workloads, which serves every one of them.
    pub component: Option<Component>,
    /// Wrong, or not seen.
    pub kind: Kind,
    /// How much it matters, unless the rule knows better.
    pub severity: Severity,
    /// One line for the list of checks.
    pub title: &'static str,
    /// The codes of its consequences, when both are found.
    pub explains: &'static [&'static str],
    /// The text of `explain`.
    pub explanation: &'static str,
}

impl Diagnosis {
    const EMPTY: Self = Self {
        code: "",
        component: None,
        kind: Kind::Fault,
        severity: Severity::Error,
        title: "",
        explains: &[],
        explanation: "",
    };

    /// What all faults of a component have in common: an error, unless the diagnosis says otherwise.
    pub(crate) const fn fault(component: Component) -> Self {
        Self {
            component: Some(component),
            ..Self::EMPTY
        }
    }

    /// What all obstacles have in common.
    pub(crate) const fn obstacle(component: Component) -> Self {
        Self {
            component: Some(component),
            kind: Kind::Obstacle,
            ..Self::EMPTY
        }
    }

    /// What all faults of workloads have in common.
    pub(crate) const fn of_workloads() -> Self {
        Self::EMPTY
    }

    /// Begins a finding of this diagnosis.
    pub(crate) fn finding(&'static self) -> Draft {
        debug_assert!(self.component.is_some(), "{} needs a component", self.code);
        self.finding_of(self.component.unwrap_or(Component::Cluster))
    }

    /// Begins a finding of this diagnosis about a workload of a component.
    pub(crate) fn finding_of(&'static self, component: Component) -> Draft {
        Draft::new(Code {
            diagnosis: self,
            component,
        })
    }
}

/// The components that run as workloads, and so share the diagnoses of workloads.
pub const WORKLOADS: [Component; 5] = [
    Component::Operator,
    Component::Broker,
    Component::Meshsync,
    Component::Server,
    Component::Adapter,
];

/// A code: a diagnosis and, for one of workloads, the component.
#[derive(Clone, Copy)]
pub struct Code {
    /// The diagnosis.
    pub diagnosis: &'static Diagnosis,
    /// What it is about.
    pub component: Component,
}

impl Code {
    /// The code in words: `meshsync-crash-loop`.
    pub fn code(&self) -> String {
        self.fill(self.diagnosis.code)
    }

    /// One line for the list of checks.
    pub fn title(&self) -> String {
        self.fill(self.diagnosis.title)
    }

    /// The text of `explain`.
    pub fn explanation(&self) -> String {
        self.fill(self.diagnosis.explanation)
    }

    /// The codes of its consequences. Of a diagnosis of workloads, some exist for one component only.
    pub fn explains(&self) -> impl Iterator<Item = String> {
        self.diagnosis.explains.iter().map(|code| self.fill(code))
    }

    /// Whether a check finds it.
    pub(crate) fn is_found_by(&self, check: &Check) -> bool {
        let of_workloads = self.diagnosis.component.is_none();
        check
            .finds
            .iter()
            .any(|found| found.code == self.diagnosis.code)
            && (!of_workloads || self.component == check.component)
    }

    fn fill(&self, text: &str) -> String {
        // Explanations name the objects of the usual profile.
        let names = &profile::MESHERY;
        let workload = match self.component {
            Component::Operator => format!("deployment/{}", names.operator.deployment),
            Component::Broker => format!(
                "statefulset/{}",
                names.broker.current.unwrap_or(names.broker.old)
            ),
            Component::Meshsync => format!("deployment/{}", names.meshsync.resource),
            Component::Adapter => format!("deployment/{}istio", names.server.adapter_prefix),
            _ => format!("deployment/{}", names.server.deployment),
        };
        text.replace("{component}", self.component.code())
            .replace("{Component}", self.component.title())
            .replace("{workload}", &workload)
    }
}

/// Every code, diagnoses of workloads spread over the components.
pub fn all() -> impl Iterator<Item = Code> {
    rules::diagnoses().flat_map(|diagnosis| {
        let components = match &diagnosis.component {
            Some(component) => std::slice::from_ref(component),
            None => WORKLOADS.as_slice(),
        };
        components.iter().map(move |component| Code {
            diagnosis,
            component: *component,
        })
    })
}

/// The code of that name.
pub fn find(code: &str) -> Option<Code> {
    all().find(|known| known.code() == code)
}

/// Texts that explain words rather than codes.
pub fn topic(word: &str) -> Option<&'static str> {
    match word {
        "state" | "states" => Some(include_str!("states.md")),
        _ => None,
    }
}

/// The codes that look most like this one.
pub fn nearest(word: &str) -> Vec<String> {
    let mut near: Vec<(usize, String)> = all()
        .map(|known| known.code())
        .map(|code| (strsim::levenshtein(word, &code), code))
        .filter(|(distance, code)| *distance <= code.len() / 4 || code.contains(word))
        .collect();
    near.sort();
    near.truncate(3);
    near.into_iter().map(|(_, code)| code).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::stack::error_codes::STACK_CODES;

    #[test]
    fn codes_are_unique_and_what_they_explain_exists() {
        let codes: Vec<String> = all().map(|known| known.code()).collect();
        let set: BTreeSet<&String> = codes.iter().collect();
        assert_eq!(codes.len(), set.len());
        for known in all() {
            for (template, code) in known.diagnosis.explains.iter().zip(known.explains()) {
                // Of a template's codes, some exist for one component only.
                let exists = set.contains(&code)
                    || WORKLOADS
                        .iter()
                        .any(|w| set.contains(&template.replace("{component}", w.code())));
                assert!(exists, "{} explains the unknown {code}", known.code());
            }
        }
    }

    #[test]
    fn every_explanation_begins_with_its_code_and_has_every_part() {
        for known in all() {
            let text = known.explanation();
            let code = known.code();
            assert!(text.starts_with(&format!("# {code}\n")), "{code}");
            for part in [
                "## What it means",
                "## How it comes about",
                "## How to confirm by hand",
                "## How to fix",
                "## Versions",
            ] {
                assert!(text.contains(part), "{code} lacks {part}");
            }
            assert!(!text.contains("{component}"), "{code}");
        }
    }

    #[test]
    fn a_typing_error_finds_the_code() {
        assert_eq!(nearest("meshsync-cant-list"), ["meshsync-cannot-list"]);
        assert!(nearest("zzz").is_empty());
    }

    #[test]
    fn what_error_codes_refer_to_exists() {
        for code in STACK_CODES {
            for see in code.see {
                let program = code.program;
                assert!(
                    find(see).is_some(),
                    "{program} {} refers to {see}",
                    code.code
                );
            }
        }
    }
}
