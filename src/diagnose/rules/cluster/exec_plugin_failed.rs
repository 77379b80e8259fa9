use crate::diagnose::rules::{cluster::Advice, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "exec-plugin-failed",
    title: "The credential plugin failed",
    explanation: include_str!("exec_plugin_failed.md"),
    ..Diagnosis::obstacle(Component::Cluster)
};

/// What to do where nothing else is known.
pub(super) const ADVICE: Advice =
    Advice { text: "run the plugin's command by hand; it must print an ExecCredential", kubectl: None };
