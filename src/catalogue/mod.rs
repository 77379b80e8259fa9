//! The catalogue of diagnoses: for each code what it is about, how much it matters, and what it explains.
//!
//! A code is stable and never reused. Its full text, for `explain`, is the file of its name under `text/`.

mod entries;
mod external;

pub use entries::ENTRIES;

use crate::{
    report::{Kind, Severity},
    stack::{base::words::distance, component::Component},
};

/// One diagnosis.
#[derive(Debug)]
pub struct Entry {
    /// The code; in a template `{component}` stands for the component.
    pub code: &'static str,
    /// What it is about; none for a template, which serves every workload.
    pub component: Option<Component>,
    /// Wrong, or not seen.
    pub kind: Kind,
    /// How much it matters, unless the rule knows better.
    pub severity: Severity,
    /// One line for the list of checks.
    pub title: &'static str,
    /// The findings that are its consequences when both are there.
    pub folds: &'static [&'static str],
    /// The text of `explain`.
    pub text: &'static str,
}

/// The components that run as workloads, and so share the diagnoses of workloads.
pub const WORKLOADS: [Component; 5] = [
    Component::Operator,
    Component::Broker,
    Component::Meshsync,
    Component::Server,
    Component::Adapter,
];

/// A code with its entry and, for a diagnosis of workloads, the component.
#[derive(Clone, Copy, Debug)]
pub struct Diagnosis {
    /// The entry.
    pub entry: &'static Entry,
    /// What it is about.
    pub component: Component,
}

impl Diagnosis {
    /// The code: `meshsync-crash-loop`.
    pub fn code(&self) -> String {
        self.fill(self.entry.code)
    }

    /// One line for the list of checks.
    pub fn title(&self) -> String {
        self.fill(self.entry.title)
    }

    /// The text of `explain`.
    pub fn text(&self) -> String {
        self.fill(self.entry.text)
    }

    /// The codes of its consequences. Of a template's, some exist for one component only.
    pub fn folds(&self) -> impl Iterator<Item = String> {
        self.entry.folds.iter().map(|code| self.fill(code))
    }

    fn fill(&self, text: &str) -> String {
        let workload = match self.component {
            Component::Operator => "deployment/meshery-operator",
            Component::Broker => "statefulset/meshery-nats",
            Component::Meshsync => "deployment/meshery-meshsync",
            Component::Adapter => "deployment/meshery-istio",
            _ => "deployment/meshery",
        };
        text.replace("{component}", self.component.code())
            .replace("{Component}", self.component.title())
            .replace("{workload}", workload)
    }
}

/// Every diagnosis, templates spread over the workloads.
pub fn all() -> impl Iterator<Item = Diagnosis> {
    ENTRIES.iter().flat_map(|entry| {
        let components: Vec<Component> = match entry.component {
            Some(component) => vec![component],
            None => WORKLOADS.to_vec(),
        };
        components
            .into_iter()
            .map(move |component| Diagnosis { entry, component })
    })
}

/// The diagnosis of that code.
pub fn find(code: &str) -> Option<Diagnosis> {
    all().find(|diagnosis| diagnosis.code() == code)
}

/// Texts that explain words rather than codes.
pub fn topic(word: &str) -> Option<&'static str> {
    external::topic(word)
}

/// The codes that look most like this one.
pub fn nearest(word: &str) -> Vec<String> {
    let mut near: Vec<(usize, String)> = all()
        .map(|diagnosis| diagnosis.code())
        .map(|code| (distance(word, &code), code))
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

    #[test]
    fn codes_are_unique_and_what_they_fold_exists() {
        let codes: Vec<String> = all().map(|d| d.code()).collect();
        let set: BTreeSet<&String> = codes.iter().collect();
        assert_eq!(codes.len(), set.len());
        for diagnosis in all() {
            for (template, code) in diagnosis.entry.folds.iter().zip(diagnosis.folds()) {
                if template.contains("{component}") && !set.contains(&code) {
                    assert!(
                        WORKLOADS
                            .iter()
                            .any(|w| set.contains(&template.replace("{component}", w.code())))
                    );
                    continue;
                }
                assert!(
                    set.contains(&code),
                    "{} folds the unknown {code}",
                    diagnosis.code()
                );
            }
        }
    }

    #[test]
    fn every_text_begins_with_its_code_and_has_every_part() {
        for diagnosis in all() {
            let text = diagnosis.text();
            let code = diagnosis.code();
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
}
