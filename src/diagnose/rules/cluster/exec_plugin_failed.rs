use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "exec-plugin-failed",
    title: "The credential plugin failed",
    explanation: include_str!("exec_plugin_failed.md"),
    remedy: "run the plugin's command by hand; it must print an ExecCredential",
    cure: Cure::Person(because::OUTSIDE),
    profiles: profile::ALL,
    ..Diagnosis::obstacle(Component::Cluster)
};
