//! Who is accepted.

use super::{
    Generation, Login,
    reply::{Whole, error, json, json_as_text, recorded, redirect, redirect_alone},
    routes::Asked,
};

/// The provider of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Session {
    Local,
    Remote,
}

/// The value of one cookie.
fn cookie<'a>(asked: &Asked<'a>, name: &str) -> Option<&'a str> {
    let cookies = asked.request.header("cookie").unwrap_or_default();
    cookies.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|found| found.1)
}

/// The session of a request, or what is answered instead.
pub(super) fn session(asked: &Asked<'_>) -> Result<Session, Box<Whole>> {
    let setup = asked.setup;
    let old = setup.generation == Generation::Graphql;
    let provider = cookie(asked, &setup.cookie());
    let has_local = matches!(setup.login, Login::Local | Login::Both(_));
    let is_local = |name: &str| match setup.generation {
        Generation::Graphql => name == "None",
        _ => name.eq_ignore_ascii_case("none") || name == "Local",
    };
    match provider {
        Some(name) if has_local && is_local(name) => return Ok(Session::Local),
        // A newer server takes the provider that its environment demands.
        None if !old && setup.login == Login::Local => return Ok(Session::Local),
        Some("Meshery" | "Meshplay" | "Stub") if setup.login != Login::Local => (),
        _ if asked.request.method != "GET" => return Err(Box::new(redirect_alone("/provider?ref=L2FwaS91c2VyPw"))),
        _ => return Err(Box::new(redirect("/provider?ref=L2FwaS91c2VyPw", ""))),
    }
    // The handler of the login answers only GET.
    let posted = asked.request.method != "GET";
    let Some(token) = cookie(asked, "token") else {
        let answer = if posted {
            recorded(setup, include_str!("../answers/remote-post-no-token.http"))
        } else {
            recorded(setup, include_str!("../answers/remote-no-token.http"))
        };
        return Err(Box::new(answer));
    };
    if token.is_empty() {
        return Err(Box::new(recorded(setup, include_str!("../answers/remote-empty-token.http"))));
    }
    match &setup.login {
        Login::Remote(good) | Login::Both(good) if token == good => Ok(Session::Remote),
        Login::ProviderFails => Ok(Session::Remote),
        Login::ProviderDown if !old => {
            Err(Box::new(error(503, "meshery-server-1412", "the provider is not reachable")))
        }
        _ if posted => Err(Box::new(recorded(setup, include_str!("../answers/remote-post-expired.http")))),
        _ => Err(Box::new(recorded(setup, include_str!("../answers/remote-expired.http")))),
    }
}

/// `/api/user`.
pub(super) fn user(asked: &Asked<'_>, session: Session) -> Whole {
    let setup = asked.setup;
    match (session, &setup.login) {
        (_, Login::ProviderFails) => recorded(setup, include_str!("../answers/remote-provider-500.http")),
        (Session::Local, _) => recorded(setup, include_str!("../answers/user.http")),
        (Session::Remote, _) if setup.generation == Generation::Graphql => {
            recorded(setup, include_str!("../answers/remote-valid.http"))
        }
        (Session::Remote, _) => json(
            200,
            &serde_json::json!({
                "id": "00000000-0000-0000-0000-000000000001", "userId": "somebody", "firstName": "S",
                "lastName": "T", "email": "s@example.com", "provider": "Meshery",
            }),
        ),
    }
}

/// `/api/providers`.
pub(super) fn providers(asked: &Asked<'_>) -> Whole {
    let setup = asked.setup;
    match setup.login {
        Login::Local => recorded(setup, include_str!("../answers/providers.http")),
        Login::Both(_) => recorded(setup, include_str!("../answers/remote-providers.http")),
        _ => json_as_text(&serde_json::json!({ "Meshery": {
            "provider_type": "remote", "provider_name": "Meshery", "provider_url": "https://provider.example",
        } })),
    }
}
