//! What the server answered, in words.

use crate::facts::server::{Controlled, ControllerView, ServerFacts, ServerRelease, ServerSession, StoredData};

/// The number of kinds whose numbers differ that are shown.
const DIFFERENT: usize = 5;

/// The states of the controllers in the server's words.
pub(super) fn said(views: &[ControllerView]) -> String {
    let views = views.iter().map(|view| {
        let name = match view.controller {
            Controlled::Operator => "operator",
            Controlled::Broker => "broker",
            Controlled::Meshsync => "MeshSync",
        };
        format!("{name} {}", view.said)
    });
    views.collect::<Vec<_>>().join(", ")
}

/// Why there is no session, and what to do.
pub(super) fn why_no_session(session: &ServerSession) -> String {
    match session {
        ServerSession::NoToken => "it wants a login, and no token was sent".into(),
        ServerSession::Expired => "the token has expired: log in again".into(),
        ServerSession::Rejected(how) => {
            format!("the session was not accepted, or the server cannot reach the provider: {how}")
        }
        ServerSession::ProviderDown => "the server cannot reach the provider".into(),
        ServerSession::Unknown(why) => why.clone(),
        ServerSession::LoggedIn | ServerSession::Local | ServerSession::NotAsked => {
            "it does not accept us any more".into()
        }
    }
}

/// A release in words.
pub(super) fn of_release(release: &ServerRelease) -> String {
    match (release.outdated, &release.latest) {
        (Some(true), Some(latest)) => format!("{}, outdated: the newest is {latest}", release.build),
        (Some(true), None) => format!("{}, outdated", release.build),
        (Some(false), _) => format!("{}, the newest", release.build),
        (None, _) => format!("{}; the server cannot ask which is the newest", release.build),
    }
}

/// The numbers of objects, stored and in the cluster.
pub(super) fn counted(now: &StoredData, before: &ServerFacts) -> String {
    let mut words = Vec::new();
    if let Some(total) = now.total {
        let first = before.data.known().and_then(|data| data.total).filter(|first| *first != total);
        let first = first.map(|first| format!(", {first} at the start")).unwrap_or_default();
        words.push(format!("{total} objects{first}"));
    }
    let compared = before.served.iter().filter_map(|(kind, served)| {
        let stored = now.kinds.get(kind).copied().or(now.every_kind.then_some(0))?;
        Some((kind, stored, *served.known()?))
    });
    let (equal, different): (Vec<_>, Vec<_>) = compared.partition(|(_, stored, served)| stored == served);
    if !equal.is_empty() {
        let s = if equal.len() == 1 { "" } else { "s" };
        words.push(format!("{} kind{s} as in the cluster", equal.len()));
    }
    let shown = different.iter().take(DIFFERENT);
    words.extend(shown.map(|(kind, stored, served)| format!("{kind}: {stored} of {served}")));
    if different.len() > DIFFERENT {
        words.push(format!("{} more kinds differ", different.len() - DIFFERENT));
    }
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::base::seen::Seen;

    #[test]
    fn counts_name_the_kinds_that_differ() {
        let kinds = [("Pod", 9), ("Node", 1), ("Secret", 3)].map(|(kind, count)| (kind.to_owned(), count));
        let now = StoredData { total: Some(13), kinds: kinds.into(), ..StoredData::default() };
        let served =
            [("Pod", 12), ("Node", 1), ("Event", 4)].map(|(kind, count)| (kind.to_owned(), Seen::Known(count)));
        let mut before = ServerFacts { served: served.into(), ..ServerFacts::default() };
        assert_eq!(counted(&now, &before), "13 objects; 1 kind as in the cluster; Pod: 9 of 12");
        before.data = Seen::Known(StoredData { total: Some(11), ..StoredData::default() });
        // A kind that a complete list lacks has no objects.
        let now = StoredData { every_kind: true, ..now };
        let expected = "13 objects, 11 at the start; 1 kind as in the cluster; Event: 0 of 4; Pod: 9 of 12";
        assert_eq!(counted(&now, &before), expected);
    }

    #[test]
    fn release_says_whether_it_is_the_newest() {
        let release = |latest: Option<&str>, outdated| {
            of_release(&ServerRelease {
                build: "v0.7.1".into(),
                latest: latest.map(str::to_owned),
                outdated,
                channel: None,
            })
        };
        assert_eq!(release(Some("v0.8.0"), Some(true)), "v0.7.1, outdated: the newest is v0.8.0");
        assert_eq!(release(None, Some(false)), "v0.7.1, the newest");
        assert_eq!(release(None, None), "v0.7.1; the server cannot ask which is the newest");
    }
}
