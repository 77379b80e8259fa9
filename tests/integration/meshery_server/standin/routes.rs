//! The paths.

use serde_json::{Value, json};

use super::{
    AdapterReply, Data, Generation, Link, Login, Ping, Setup, Ui, controllers, data, graphql,
    reply::{Reply, Whole, error, html, json as json_reply, json_as_text, recorded, recorded_item, text},
    session::{self, Session},
};
use crate::hostile::peer::Request;

/// A request, and what the server is like at that moment.
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request,
    pub(super) setup: &'a Setup,
    /// How often the object of this search was searched for.
    pub(super) searched: usize,
    /// How often stored objects were asked for.
    pub(super) counted: u64,
}

impl Asked<'_> {
    pub(super) fn is_old(&self) -> bool {
        self.setup.generation == Generation::Graphql
    }

    /// A parameter of the query.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        value(self.request, name)
    }

    /// The page and its size, from the spelling that this handler reads, or the size that is not a number.
    pub(super) fn page(&self, spellings: &[&str]) -> Result<(u64, u64), String> {
        let page = self.value("page").and_then(|page| page.parse().ok()).unwrap_or_default();
        let size = spellings.iter().find_map(|name| self.value(name));
        match size {
            None => Ok((page, 25)),
            Some(size) => size.parse().map(|size| (page, size)).map_err(|_| size),
        }
    }
}

/// A parameter of a query, decoded.
pub(super) fn value(request: &Request, name: &str) -> Option<String> {
    let mut pairs = request.query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The answer to a request.
pub(super) fn reply(asked: &Asked<'_>) -> Reply {
    let path = asked.request.path.as_str();
    match path {
        "/api/providers" => return session::providers(asked).into(),
        "/api/system/version" => return version(asked),
        "/healthz/live" | "/healthz/ready" if !asked.is_old() => return health(asked).into(),
        "/healthz/live" | "/healthz/ready" => return text(404, "404 page not found").into(),
        _ => (),
    }
    let session = match session::session(asked) {
        Ok(session) => session,
        Err(refused) => return Reply::Whole(*refused),
    };
    // What a user of the local provider sees beside a remote one.
    let nothing;
    let alone = session == Session::Local && matches!(asked.setup.login, Login::Both(_));
    let asked = if alone {
        nothing = Setup { connections: Vec::new(), ..asked.setup.clone() };
        &Asked { setup: &nothing, ..*asked }
    } else {
        asked
    };
    within(asked, session).unwrap_or_else(|| absent(asked).into())
}

/// The answer to a request with a session, if the path exists.
fn within(asked: &Asked<'_>, session: Session) -> Option<Reply> {
    let setup = asked.setup;
    let generation = setup.generation;
    let path = asked.request.path.as_str();
    let whole = match path {
        "/api/user" => session::user(asked, session),
        "/api/identity/users/profile" if !asked.is_old() => session::user(asked, session),
        "/api/system/kubernetes/contexts" => contexts(asked),
        "/api/integrations/connections" => connections(asked),
        "/api/system/kubernetes/ping" => return Some(ping(asked)),
        "/api/system/graphql/query" => graphql::reply(asked),
        "/api/system/meshsync/resources/summary" if !asked.is_old() => data::summary(asked),
        "/api/system/meshsync/resources/kinds" if asked.is_old() => data::kinds(asked),
        "/api/system/meshsync/resources" => data::resources(asked),
        "/api/system/database" => data::database(asked),
        "/api/v2/events" if asked.is_old() => events(asked),
        "/api/events" if asked.is_old() => return Some(Reply::Stream("{}".into())),
        "/api/system/events" if !asked.is_old() => events(asked),
        "/api/system/adapters" => adapters(asked),
        _ if generation == Generation::Controllers => return controllers::newest(asked),
        _ if generation == Generation::Connections => controllers::of_may(asked)?,
        _ => return None,
    };
    Some(whole.into())
}

/// The answer on a path that does not exist.
pub(super) fn absent(asked: &Asked<'_>) -> Whole {
    match asked.setup.ui {
        Ui::Absent => recorded(asked.setup, include_str!("../answers/diagnostics-absent.http")),
        Ui::NotFound => html(404, "<!DOCTYPE html><html><head><title>404</title></head><body></body></html>"),
        Ui::Index => html(200, "<!DOCTYPE html><html><head><title>Server</title></head><body></body></html>"),
    }
}

fn version(asked: &Asked<'_>) -> Reply {
    let setup = asked.setup;
    let mut version = json!({ "build": setup.build, "commitsha": "0123456789abcdef" });
    version[if asked.is_old() { "release_channel" } else { "releaseChannel" }] = "stable".into();
    if let Some(outdated) = setup.outdated {
        version["outdated"] = outdated.into();
        version["latest"] = if outdated { "v9.9.9" } else { setup.build.as_str() }.into();
    }
    let whole = json_reply(200, &version);
    if setup.version_takes.is_zero() { whole.into() } else { Reply::Late(setup.version_takes, whole) }
}

fn health(asked: &Asked<'_>) -> Whole {
    match (asked.setup.ready, asked.value("verbose").is_some()) {
        (true, false) => text(200, "ok"),
        (true, true) => text(200, "[+]capabilities ok\n[i]extension not loaded\nhealthz check passed"),
        (false, _) => text(503, "healthz check failed: capabilities: provider capabilities not loaded"),
    }
}

/// The list of contexts, with the credentials of each.
fn contexts(asked: &Asked<'_>) -> Whole {
    let setup = asked.setup;
    if asked.page(&["pagesize"]).is_err() && asked.is_old() {
        return recorded(setup, include_str!("../answers/no-contexts-all.http"));
    }
    let items = context_items(asked);
    envelope(asked, "contexts", &items, items.len(), (0, 50))
}

/// The contexts, with the credentials of each.
pub(super) fn context_items(asked: &Asked<'_>) -> Vec<Value> {
    let setup = asked.setup;
    setup
        .connections
        .iter()
        .map(|link| {
            let mut item = recorded_item(setup, include_str!("../answers/contexts.http"), link)["contexts"][0].take();
            if !asked.is_old() {
                rename(&mut item, "kubernetes_server_id", "kubernetesServerId");
                item["connectionId"] = link.id.as_str().into();
                item["reachable"] = (link.ping != Ping::Unreachable).into();
            }
            item
        })
        .collect()
}

/// The list of connections, filtered by kind.
fn connections(asked: &Asked<'_>) -> Whole {
    let setup = asked.setup;
    let kinds = asked.value("kind");
    let filter: Option<Vec<String>> = match kinds.as_deref().map(serde_json::from_str) {
        None => None,
        Some(Ok(kinds)) => Some(kinds),
        Some(Err(_)) if asked.is_old() => {
            return recorded(setup, include_str!("../answers/connections-bare-kind.http"));
        }
        Some(Err(_)) => return error(400, "meshery-server-1046", "invalid filter"),
    };
    let (page, size) = match asked.page(if asked.is_old() { &["pagesize"] } else { &["pageSize", "pagesize"] }) {
        Ok((page, size)) => (page, size.min(50)),
        Err(_) if asked.is_old() => (0, 50),
        Err(size) => return error(400, "meshery-server-1047", &format!("invalid page size {size}")),
    };
    let is_wanted = filter.is_none_or(|kinds| kinds.is_empty() || kinds.iter().any(|kind| kind == "kubernetes"));
    let links: Vec<&Link> = setup.connections.iter().filter(|link| is_wanted && !link.context_only).collect();
    let skipped = usize::try_from(page.saturating_mul(size)).unwrap_or(usize::MAX);
    let shown = links.iter().skip(skipped).take(usize::try_from(size).unwrap_or(50));
    let items: Vec<Value> = shown.map(|link| connection(asked, link)).collect();
    envelope(asked, "connections", &items, links.len(), (page, size))
}

/// A connection as the server shows it.
pub(super) fn connection(asked: &Asked<'_>, link: &Link) -> Value {
    let recorded = include_str!("../answers/connections.http");
    let mut item = recorded_item(asked.setup, recorded, link)["connections"][0].take();
    item["status"] = link.status.as_str().into();
    item["updated_at"] = link.updated.as_str().into();
    let mut mode_key = "meshsync_deployment_mode";
    if !asked.is_old() {
        for (old, new) in [
            ("sub_type", "subType"),
            ("created_at", "createdAt"),
            ("updated_at", "updatedAt"),
            ("user_id", "userId"),
            ("credential_id", "credentialId"),
            ("deleted_at", "deletedAt"),
        ] {
            rename(&mut item, old, new);
        }
        mode_key = "meshsyncDeploymentMode";
    }
    if let Some(mode) = &link.mode {
        item["metadata"][mode_key] = mode.as_str().into();
    }
    item
}

fn rename(item: &mut Value, old: &str, new: &str) {
    if let Some(value) = item.as_object_mut().and_then(|item| item.remove(old)) {
        item[new] = value;
    }
}

/// A list with its page, in the spelling of the generation.
pub(super) fn envelope(
    asked: &Asked<'_>,
    name: &str,
    items: &[Value],
    total: usize,
    (page, size): (u64, u64),
) -> Whole {
    let old = asked.is_old();
    json_as_text(&json!({
        name: items,
        "page": page,
        (if old { "page_size" } else { "pageSize" }): size,
        (if old { "total_count" } else { "totalCount" }): total,
    }))
}

fn ping(asked: &Asked<'_>) -> Reply {
    let setup = asked.setup;
    let old = asked.is_old();
    // The generation of 2024 reads only the first spelling.
    let id = asked.value("connection_id").or_else(|| if old { None } else { asked.value("connectionId") });
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        return recorded(setup, include_str!("../answers/ping-no-id.http")).into();
    };
    let Some(link) = setup.link(&id) else {
        return if old {
            recorded(setup, include_str!("../answers/ping-unknown-id.http")).into()
        } else {
            error(404, "meshery-server-1232", "failed to get kubernetes context for the given ID").into()
        };
    };
    let version = |version: &str| json_as_text(&json!({ "server_version": version }));
    match &link.ping {
        Ping::Version(found) => version(found).into(),
        Ping::Late(time) => Reply::Late(*time, version("v1.35.4")),
        Ping::KubeconfigInvalid if old => text(400, "failed to get kubernetes config for the user").into(),
        Ping::KubeconfigInvalid => {
            error(400, "meshery-server-1233", "failed to get kubernetes config for the user").into()
        }
        Ping::Unreachable => {
            let why = format!("Get \"{}/version\": dial tcp 127.0.0.1:45927: connect: connection refused", link.server);
            if old { text(500, &why).into() } else { error(500, "meshery-server-1235", &why).into() }
        }
    }
}

fn events(asked: &Asked<'_>) -> Whole {
    let old = asked.is_old();
    if old && asked.setup.writing.was_reset {
        return recorded(asked.setup, include_str!("../answers/events-after-reset.http"));
    }
    let (page, size) = asked.page(&["pagesize", "pageSize"]).unwrap_or((0, 25));
    let total = asked.setup.events.len();
    let shown: Vec<&Value> = asked.setup.events.iter().take(usize::try_from(size).unwrap_or(25)).collect();
    json_as_text(&json!({
        "events": shown, "page": page,
        (if old { "page_size" } else { "pageSize" }): size,
        (if old { "total_count" } else { "totalCount" }): total,
        (if old { "count_by_severity_level" } else { "countBySeverityLevel" }): [],
    }))
}

fn adapters(asked: &Asked<'_>) -> Whole {
    let setup = asked.setup;
    let Some(wanted) = asked.value("adapter").filter(|wanted| !wanted.is_empty()) else {
        let adapters = setup.adapters.iter().map(|(location, reply)| {
            let (name, version) = match reply {
                AdapterReply::Reached => (location.split(':').next().unwrap_or_default(), "v0.8.0"),
                _ => ("", ""),
            };
            json!({
                "adapter_location": location, "name": name, "version": version, "git_commit_sha": "", "ops": null,
            })
        });
        return json_as_text(&adapters.collect());
    };
    match setup.adapters.iter().find(|(location, _)| *location == wanted) {
        Some((_, AdapterReply::Reached)) => json_as_text(&json!({})),
        Some((_, AdapterReply::NotReached)) => text(500, "unable to connect to the adapter: connection refused"),
        _ => recorded(setup, include_str!("../answers/adapter-ping-unknown.http")),
    }
}

impl Data {
    /// The error of a query of stored objects, in the words of the generation.
    pub(super) fn failure(self, setup: &Setup) -> Option<Whole> {
        let (recorded_answer, words) = match self {
            Self::Malformed => {
                (include_str!("../answers/malformed-resources.http"), "database disk image is malformed")
            }
            Self::NoTable => (include_str!("../answers/corrupt-resources.http"), "no such table: kubernetes_resources"),
            _ => return None,
        };
        Some(match setup.generation {
            Generation::Graphql => recorded(setup, recorded_answer),
            _ => error(500, "meshery-server-1263", &format!("Error fetching MeshSync resources. {words}")),
        })
    }
}
