//! Which profiles the API server serves custom resources of: one request for all.

use crate::{
    cluster::{discovery, session::Session, transport},
    stack::profile::{self, Profile},
};

/// The profiles whose custom resources the API server serves. `None` if that is not known, or if the user named the
/// profile.
pub(crate) async fn served(session: &Session<'_>) -> Option<Vec<&'static Profile>> {
    if session.scope.profile_is_named {
        return None;
    }
    let over_http1 = session.api.beside();
    let groups = match discovery::group_versions(&session.api).await {
        Err(failure) if session.clients.two && transport::may_want_http1(failure.kind()) => {
            over_http1.switch(session.clients.streams.clone());
            discovery::group_versions(&over_http1).await
        }
        answer => answer,
    };
    let groups = groups.ok()?;
    let has = |profile: &&Profile| groups.iter().any(|group| profile.has_resources_in(group));
    Some(profile::ALL.iter().copied().filter(has).collect())
}

/// The first profile with `MeshSync`, other than the session's, whose custom resources the API server serves.
pub async fn other(session: &Session<'_>) -> Option<&'static Profile> {
    let own = session.scope.profile;
    served(session).await?.into_iter().find(|profile| *profile != own && !profile.is_hub())
}

/// Another profile whose custom resources the API server serves, if it serves none of the session's profile.
pub async fn only_other(session: &Session<'_>) -> Option<&'static Profile> {
    let served = served(session).await?;
    // Service Mesh Hub is another product, which does not replace Meshery.
    let other = served.iter().copied().find(|profile| !profile.is_hub());
    if served.contains(&session.scope.profile) { None } else { other }
}
