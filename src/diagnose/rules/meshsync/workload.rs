//! `MeshSync`'s Deployment.

use crate::diagnose::rules::prelude::*;

/// The Deployment of `MeshSync`, or why there is nothing to judge.
pub(crate) fn deployment<'a>(
    context: &RuleContext<'a>,
) -> Result<&'a k8s_openapi::api::apps::v1::Deployment, Undecided> {
    match &context.meshsync {
        Seen::Known(deployment) => Ok(deployment),
        Seen::Absent => Err(Undecided::Skip("MeshSync has no Deployment".into())),
        other => Err(Undecided::Unknown(other.why_unsettled().unwrap_or_default())),
    }
}
