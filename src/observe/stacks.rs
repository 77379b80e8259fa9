//! Observes the stacks of every profile that the cluster has.

use futures_util::future::{join, join_all};

use super::{
    Depth,
    look::{look, look_with_server},
    served::served,
};
use crate::{cluster::session::Session, diagnose, facts::Facts, stack::profile::Profile};

/// A stack that may be in the cluster.
struct Candidate {
    facts: Facts,
    /// Whether the API server serves custom resources of this profile. `None` if that is not known.
    served: Option<bool>,
}

/// Observes the stack of the session's profile and, unless the user named it, those of the other profiles whose custom
/// resources are served. Returns those that are installed; if none is, the one that was most probably meant.
///
/// The other profiles need one request: the list of the served groups. Meshery Server is asked as well, if one was named
/// or found in the cluster. If the user named it, its facts are kept on one stack.
pub async fn look_at_all(session: &Session<'_>, depth: Depth) -> Vec<Facts> {
    let mut stacks = look_at_each(session, depth, true).await;
    if session.scope.server.named.is_some() {
        keep_one_server(&mut stacks);
    }
    stacks
}

/// Keeps the facts of a server that was asked in the words of several products on the stack whose words it accepted,
/// otherwise on the first one.
fn keep_one_server(stacks: &mut [Facts]) {
    let accepted = |facts: &Facts| facts.server.as_ref().is_some_and(|server| server.has_session());
    let of = stacks.iter().position(accepted).unwrap_or_default();
    for (at, facts) in stacks.iter_mut().enumerate() {
        if at != of {
            facts.server = None;
        }
    }
}

async fn look_at_each(session: &Session<'_>, depth: Depth, with_server: bool) -> Vec<Facts> {
    let own = session.scope.profile;
    // Service Mesh Hub has no watch-list.
    let is_meant = |profile: &Profile| depth > Depth::WatchList || !profile.is_hub();
    let (facts, (served, others)) = join(look_at(session, depth, with_server), async {
        let served = served(session).await;
        let others = served.iter().flatten().filter(|profile| **profile != own && is_meant(profile));
        let others = join_all(others.map(async |profile| {
            let scope = session.scope.of(profile);
            look_at(&session.beside(&scope), depth, with_server).await
        }))
        .await;
        (served, others)
    })
    .await;
    let of_own = served.map(|served| served.contains(&own));
    let first = Candidate { facts, served: of_own };
    let others = others.into_iter().map(|facts| Candidate { facts, served: Some(true) });
    installed([first].into_iter().chain(others).collect(), session.scope.namespace_is_named)
}

/// Observes the stack of the session's profile.
async fn look_at(session: &Session<'_>, depth: Depth, with_server: bool) -> Facts {
    if with_server { Box::pin(look_with_server(session, depth)).await } else { Box::pin(look(session, depth)).await }
}

/// The installed ones of these, which are at least one. If the user named the namespace, those in others do not count.
fn installed(mut candidates: Vec<Candidate>, namespace_is_named: bool) -> Vec<Facts> {
    let is_elsewhere = |facts: &Facts| !namespace_is_named && !facts.elsewhere.items().is_empty();
    // Whoever has no access to a namespace in which nothing should be does not miss anything.
    let is_installed = |candidate: &Candidate| match diagnose::is_installed(&candidate.facts) {
        Some(installed) => installed || is_elsewhere(&candidate.facts),
        None => candidate.served == Some(true),
    };
    if candidates.first().is_some_and(|candidate| candidate.facts.obstacle.is_some()) {
        candidates.truncate(1);
    } else if candidates.iter().any(is_installed) {
        candidates.retain(is_installed);
    } else {
        // Custom resources are served for a stack that was removed, or that is in another namespace.
        let meant = candidates.iter().position(|candidate| candidate.served != Some(false));
        candidates.swap(0, meant.unwrap_or_default());
        candidates.truncate(1);
    }
    candidates.into_iter().map(|candidate| candidate.facts).collect()
}

/// The profiles of the installed stacks, which are at least one, and whether Meshery Server is asked about each. A server
/// that the user named belongs to one of them.
pub async fn profiles(session: &Session<'_>) -> Vec<(&'static Profile, bool)> {
    let own = session.scope.profile;
    let is_named = session.scope.server.named.is_some();
    match served(session).await {
        Some(served) if served.iter().any(|profile| *profile != own) => {
            let mut stacks = look_at_each(session, Depth::Check, is_named).await;
            if is_named {
                keep_one_server(&mut stacks);
            }
            stacks.iter().map(|facts| (facts.profile, !is_named || facts.server.is_some())).collect()
        }
        _ => vec![(own, true)],
    }
}

#[cfg(test)]
mod tests {
    use super::{Candidate, installed, keep_one_server};
    use crate::{
        facts::{
            Elsewhere, Facts,
            server::{ServerFacts, ServerSession},
        },
        stack::{
            base::seen::{Denial, Seen},
            profile::{MESHERY, MESHPLAY, Profile},
        },
    };

    /// A candidate whose Deployments are these, in a namespace that contains nothing else.
    fn candidate(profile: &'static Profile, served: Option<bool>, deployments: Seen<Vec<&str>>) -> Candidate {
        let deployments = deployments.map(|names| {
            let named = |name: &str| serde_json::json!({ "metadata": { "name": name } });
            let objects = names.into_iter().map(|name| serde_json::from_value(named(name)).expect("a Deployment"));
            objects.collect()
        });
        let facts = Facts {
            profile,
            deployments,
            statefulsets: Seen::Known(Vec::new()),
            pods: Seen::Known(Vec::new()),
            brokers: [("v1alpha1".to_owned(), Seen::Absent)].into(),
            meshsyncs: [("v1alpha1".to_owned(), Seen::Absent)].into(),
            ..Facts::default()
        };
        Candidate { facts, served }
    }

    #[track_caller]
    fn assert_chosen(candidates: Vec<Candidate>, expected: &[&str]) {
        let chosen: Vec<&str> = installed(candidates, false).iter().map(|facts| facts.profile.name).collect();
        assert_eq!(chosen, expected);
    }

    const NOTHING: Seen<Vec<&str>> = Seen::Known(Vec::new());

    #[test]
    fn installed_stacks_are_chosen() {
        let meshery = || candidate(&MESHERY, Some(true), Seen::Known(vec!["meshery-operator"]));
        let meshplay = || candidate(&MESHPLAY, Some(true), Seen::Known(vec!["meshplay-operator"]));
        assert_chosen(vec![meshery()], &["meshery"]);
        assert_chosen(vec![meshery(), meshplay()], &["meshery", "meshplay"]);
        assert_chosen(vec![candidate(&MESHERY, Some(false), NOTHING), meshplay()], &["meshplay"]);
        assert_chosen(vec![candidate(&MESHERY, Some(true), NOTHING), meshplay()], &["meshplay"]);
        assert_chosen(vec![meshery(), candidate(&MESHPLAY, Some(true), NOTHING)], &["meshery"]);
    }

    #[test]
    fn without_an_installed_stack_the_served_one_is_meant() {
        let meshery = |served| candidate(&MESHERY, served, NOTHING);
        let meshplay = || candidate(&MESHPLAY, Some(true), NOTHING);
        assert_chosen(vec![meshery(None)], &["meshery"]);
        assert_chosen(vec![meshery(Some(false))], &["meshery"]);
        assert_chosen(vec![meshery(Some(true)), meshplay()], &["meshery"]);
        assert_chosen(vec![meshery(Some(false)), meshplay()], &["meshplay"]);
    }

    #[test]
    fn stack_in_another_namespace_counts_unless_the_namespace_is_named() {
        let both = || {
            let mut meshery = candidate(&MESHERY, Some(true), NOTHING);
            let elsewhere = Elsewhere { namespace: "other".into(), kind: None, name: None };
            meshery.facts.elsewhere = Seen::Known(vec![elsewhere]);
            vec![meshery, candidate(&MESHPLAY, Some(true), Seen::Known(vec!["meshplay-operator"]))]
        };
        assert_chosen(both(), &["meshery", "meshplay"]);
        let named: Vec<&str> = installed(both(), true).iter().map(|facts| facts.profile.name).collect();
        assert_eq!(named, ["meshplay"]);
    }

    #[test]
    fn denied_stack_counts_only_if_its_resources_are_served() {
        let denied = |served| candidate(&MESHERY, served, Seen::Denied(Denial { missing: Vec::new() }));
        let meshplay = || candidate(&MESHPLAY, Some(true), Seen::Known(vec!["meshplay-operator"]));
        assert_chosen(vec![denied(Some(false)), meshplay()], &["meshplay"]);
        assert_chosen(vec![denied(Some(true)), meshplay()], &["meshery", "meshplay"]);
    }

    #[test]
    fn named_server_belongs_to_the_stack_whose_cookies_it_accepted() {
        let with = |session| Facts {
            server: Some(Box::new(ServerFacts { session, ..ServerFacts::default() })),
            ..Facts::default()
        };
        let kept = |sessions: [ServerSession; 2]| {
            let mut stacks = sessions.map(with);
            keep_one_server(&mut stacks);
            stacks.map(|facts| facts.server.is_some())
        };
        assert_eq!(kept([ServerSession::NoToken, ServerSession::Local]), [false, true]);
        assert_eq!(kept([ServerSession::LoggedIn, ServerSession::LoggedIn]), [true, false]);
        assert_eq!(kept([ServerSession::NoToken, ServerSession::NotAsked]), [true, false]);
    }
}
