//! Diagnoses: what each code is about, how severe it is, and what it explains.
//!
//! A code is stable and never reused. Each diagnosis is declared in the file of its code under `rules/`, next to its
//! explanation.

use crate::{
    report::{Kind, Severity},
    stack::{
        component::Component,
        profile::{self, Profile},
        wording,
    },
};

/// A diagnosis, as declared in the file of its code.
pub struct Diagnosis {
    /// The code; in a diagnosis of workloads, `{component}` stands for the component.
    pub code: &'static str,
    /// The component that it is about; `None` for a diagnosis of workloads, which applies to all of them.
    pub component: Option<Component>,
    /// A fault or an obstacle.
    pub kind: Kind,
    /// The severity, unless the rule sets another one.
    pub severity: Severity,
    /// One line for the list of checks.
    pub title: &'static str,
    /// The codes that it explains if both are found.
    pub explains: &'static [&'static str],
    /// The text of `explain`.
    pub explanation: &'static str,
    /// The remedy of an obstacle that has no remedy of its own.
    pub remedy: &'static str,
    /// The arguments of a kubectl command that shows more about such an obstacle.
    pub kubectl: Option<&'static str>,
    /// Who fixes it.
    pub cure: Cure,
    /// Whether events flow in spite of it: others can read or change too much. Errors that stop the flow come first.
    pub exposes: bool,
    /// The profiles whose stacks can have it.
    pub profiles: &'static [&'static Profile],
}

/// Who fixes what a diagnosis finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cure {
    /// `check --fix`.
    Automatic,
    /// `check --fix`, except in this case, as a clause.
    Except(&'static str),
    /// A person, for this reason, as a clause.
    Person(&'static str),
}

/// Why a person must fix something.
pub(crate) mod because {
    pub(crate) const ACCESS: &str = "only an administrator can grant the access that is missing";
    pub(crate) const CAPACITY: &str = "the cluster must provide more, or be asked for less";
    pub(crate) const CHOICE: &str = "there is more than one right answer";
    pub(crate) const CLIENT: &str = "the cause is in {product} Server";
    pub(crate) const INFORMATION: &str = "nothing is broken";
    pub(crate) const LOG: &str = "the cause can be anything; the logs show it";
    pub(crate) const LOSS: &str = "objects would be lost";
    pub(crate) const OUTSIDE: &str = "the cause is outside the cluster's stack: on this machine or in the network";
    pub(crate) const OWNER: &str = "it belongs to another tool or team";
    pub(crate) const RELEASE: &str = "it depends on the release";
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
        cure: Cure::Person(""),
        exposes: false,
        profiles: profile::WITH_MESHSYNC,
    };

    /// Defaults of a component's faults: severity error.
    pub(crate) const fn fault(component: Component) -> Self {
        Self { component: Some(component), ..Self::EMPTY }
    }

    /// Defaults of a component's warnings.
    pub(crate) const fn warning(component: Component) -> Self {
        Self { severity: Severity::Warning, ..Self::fault(component) }
    }

    /// Defaults of a component's notes.
    pub(crate) const fn info(component: Component) -> Self {
        Self { severity: Severity::Info, ..Self::fault(component) }
    }

    /// Defaults of obstacles.
    pub(crate) const fn obstacle(component: Component) -> Self {
        Self { component: Some(component), kind: Kind::Obstacle, ..Self::EMPTY }
    }

    /// Defaults of diagnoses of workloads.
    pub(crate) const fn of_workloads() -> Self {
        Self::EMPTY
    }
}

/// The components that run as workloads and share the diagnoses of workloads.
pub const WORKLOADS: [Component; 5] =
    [Component::Operator, Component::Broker, Component::Meshsync, Component::Server, Component::Adapter];

/// A code: a diagnosis together with its component.
#[derive(Clone, Copy)]
pub struct Code {
    /// The diagnosis.
    pub diagnosis: &'static Diagnosis,
    /// The component that it is about.
    pub component: Component,
}

impl Code {
    /// The full code, for example `meshsync-crash-loop`.
    pub fn code(&self) -> String {
        self.fill(self.diagnosis.code)
    }

    /// Whether a stack of a profile can have it.
    pub fn is_of(&self, profile: &Profile) -> bool {
        self.diagnosis.profiles.contains(&profile)
    }

    /// One line for the list of checks of a profile.
    pub fn title(&self, profile: &Profile) -> String {
        filled(&self.title_template(), profile)
    }

    /// [`Self::title`], in which `{product}` stands for the product's name.
    pub(super) fn title_template(&self) -> String {
        self.fill(self.diagnosis.title)
    }

    /// The text of `explain` for a profile.
    pub fn explanation(&self, profile: &Profile) -> String {
        wording::of(profile, &filled(&self.fill(self.diagnosis.explanation), profile))
    }

    /// Who fixes it in a stack of a profile, as a sentence.
    pub fn cure(&self, profile: &Profile) -> String {
        let command = "`meshdoctor check --fix` can fix it";
        match self.diagnosis.cure {
            Cure::Automatic => format!("{command}."),
            Cure::Except(case) => format!("{command}, except {case}."),
            Cure::Person(why) => format!("A person must fix it: {}.", filled(why, profile)),
        }
    }

    /// The codes that it explains. Some codes of a template exist only for one component.
    pub fn explains(&self) -> impl Iterator<Item = String> {
        self.diagnosis.explains.iter().map(|code| self.fill(code))
    }

    fn fill(&self, text: &str) -> String {
        // Texts contain the names of the default profile.
        let names = &profile::MESHERY;
        let workload = match self.component {
            Component::Operator => format!("deployment/{}", names.operator.deployment),
            Component::Broker => format!("statefulset/{}", names.broker_workload()),
            Component::Meshsync => format!("deployment/{}", names.meshsync.resource),
            Component::Adapter => format!("deployment/{}istio", names.server.adapter_prefix),
            _ => format!("deployment/{}", names.server.deployment),
        };
        let title = match self.component {
            Component::Server => "{product} Server".into(),
            component => component.title(names),
        };
        text.replace("{component}", self.component.code())
            .replace("{Component}", &title)
            .replace("{workload}", &workload)
    }
}

/// A text in which `{product}` stands for the product's name.
pub(crate) fn filled(text: &str, profile: &Profile) -> String {
    text.replace("{product}", profile.product)
}
