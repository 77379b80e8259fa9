//! Diagnoses: what each code is about, how much it matters, what it explains, and which checks find it.
//!
//! A code is stable and never reused. Each diagnosis is declared in the file of its code under `rules/`, with its
//! explanation beside it.

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
    /// What to do about an obstacle that says nothing about that itself.
    pub remedy: &'static str,
    /// A command of kubectl that shows more of such an obstacle.
    pub kubectl: Option<&'static str>,
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
        remedy: "",
        kubectl: None,
    };

    /// What all faults of a component have in common: an error, unless the diagnosis says otherwise.
    pub(crate) const fn fault(component: Component) -> Self {
        Self { component: Some(component), ..Self::EMPTY }
    }

    /// What all faults of a component have in common that are a warning.
    pub(crate) const fn warning(component: Component) -> Self {
        Self { severity: Severity::Warning, ..Self::fault(component) }
    }

    /// What all notes about a component have in common.
    pub(crate) const fn info(component: Component) -> Self {
        Self { severity: Severity::Info, ..Self::fault(component) }
    }

    /// What all obstacles have in common.
    pub(crate) const fn obstacle(component: Component) -> Self {
        Self { component: Some(component), kind: Kind::Obstacle, ..Self::EMPTY }
    }

    /// What all faults of workloads have in common.
    pub(crate) const fn of_workloads() -> Self {
        Self::EMPTY
    }
}

/// The components that run as workloads, and so share the diagnoses of workloads.
pub const WORKLOADS: [Component; 5] =
    [Component::Operator, Component::Broker, Component::Meshsync, Component::Server, Component::Adapter];

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

    fn fill(&self, text: &str) -> String {
        // Explanations name the objects of the usual profile.
        let names = &profile::MESHERY;
        let workload = match self.component {
            Component::Operator => format!("deployment/{}", names.operator.deployment),
            Component::Broker => format!("statefulset/{}", names.broker.current.unwrap_or(names.broker.old)),
            Component::Meshsync => format!("deployment/{}", names.meshsync.resource),
            Component::Adapter => format!("deployment/{}istio", names.server.adapter_prefix),
            _ => format!("deployment/{}", names.server.deployment),
        };
        text.replace("{component}", self.component.code())
            .replace("{Component}", self.component.title())
            .replace("{workload}", &workload)
    }
}
