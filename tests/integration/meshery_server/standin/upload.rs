//! An uploaded kubeconfig.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Map, Value, json};

use super::{
    Link, Ping, Setup, Upload,
    changes::{Done, Effect, done},
    reply::{json_as_text, recorded, text},
    routes::Asked,
};
use crate::hostile::peer::Request;

/// A context of a kubeconfig.
pub(super) struct Context {
    pub(super) name: String,
    /// The address of the API server.
    server: String,
    user: Value,
    cluster: Value,
}

/// One part of a form.
struct Part<'a> {
    name: &'a str,
    file: bool,
    content: &'a str,
}

/// The parts of a form. `None` if the request is no form.
fn parts(request: &Request) -> Option<Vec<Part<'_>>> {
    let kind = request.header("content-type")?;
    let boundary = kind.strip_prefix("multipart/form-data")?.split_once("boundary=")?.1.trim_matches('"');
    let boundary = format!("--{boundary}");
    let parts = request.body.split(&boundary).filter_map(|part| {
        let (head, content) = part.split_once("\r\n\r\n")?;
        let quoted = |key: &str| Some(head.split_once(key)?.1.split('"').next().unwrap_or_default());
        Some(Part {
            name: quoted(" name=\"")?,
            file: head.contains("filename="),
            content: content.strip_suffix("\r\n").unwrap_or(content),
        })
    });
    Some(parts.collect())
}

/// The contexts of the kubeconfig in a request, or what the server says if there is none.
pub(super) fn contexts(request: &Request) -> Result<Vec<Context>, &'static str> {
    let parts = parts(request).ok_or("request Content-Type isn't multipart/form-data")?;
    let file = parts.iter().find(|part| part.name == "k8sfile" && part.file).ok_or("http: no such file")?;
    let config: Value = serde_yaml::from_str(file.content).unwrap_or_default();
    let named = |list: &str, name: &Value| -> Option<Value> {
        config[list].as_array()?.iter().find(|item| item["name"] == *name).cloned()
    };
    let contexts = config["contexts"].as_array().into_iter().flatten().filter_map(|context| {
        let cluster = named("clusters", &context["context"]["cluster"])?;
        Some(Context {
            name: context["name"].as_str()?.to_owned(),
            server: cluster["cluster"]["server"].as_str()?.to_owned(),
            user: named("users", &context["context"]["user"])?,
            cluster,
        })
    });
    Ok(contexts.collect())
}

impl Context {
    /// The connection of this context: the stored one, or a new one.
    fn link(&self, setup: &Setup) -> Link {
        let known = setup.connections.iter().chain(&setup.writing.removed);
        if let Some(link) = known.into_iter().find(|link| link.name == self.name && link.server == self.server) {
            return link.clone();
        }
        let hash = |of: &str| {
            let mut hasher = DefaultHasher::new();
            (of, &self.name, &self.server).hash(&mut hasher);
            hasher.finish()
        };
        let context_id = format!("{:016x}{:016x}", hash("first"), hash("second"));
        let part = |from: usize, to: usize| &context_id[from..to];
        let id = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-");
        let cluster = setup.writing.clusters.get(&self.server).unwrap_or(&setup.writing.home);
        Link { id, context_id, name: self.name.clone(), server: self.server.clone(), ..Link::to(cluster, 0) }
    }

    /// It as the server shows it, with its credentials.
    fn shown(&self, setup: &Setup, link: &Link, reachable: bool) -> Value {
        let old = setup.is_old();
        let product = setup.product.name();
        let instance = if old { format!("{product}_instance_id") } else { format!("{product}InstanceId") };
        let mut shown = json!({
            "id": link.context_id, "name": link.name, "auth": self.user, "cluster": self.cluster,
            "server": link.server, "version": "v1.35.4",
            instance.as_str(): "eec5a58f-b257-4c46-ac84-4effeebfaf8e",
            (if old { "kubernetes_server_id" } else { "kubernetesServerId" }): link.cluster,
            (if old { "connection_id" } else { "connectionId" }): link.id,
        });
        if !old {
            shown["reachable"] = reachable.into();
        }
        shown
    }
}

/// Uploads a kubeconfig: its contexts are stored at once, and connected later.
pub(super) fn upload(asked: &Asked<'_>) -> Done {
    let setup = asked.setup;
    let found = match contexts(asked.request) {
        Ok(found) => found,
        Err("http: no such file") => {
            return done(recorded(setup, include_str!("../answers/upload-no-file.http")));
        }
        Err(_) => return done(recorded(setup, include_str!("../answers/upload-no-multipart.http"))),
    };
    let parts = parts(asked.request).unwrap_or_default();
    let field = |name: &str| parts.iter().find(|part| part.name == name).map(|part| part.content);
    let options: Value = match field("contexts").map(serde_json::from_str) {
        None => Value::Null,
        Some(Ok(options)) => options,
        Some(Err(_)) => return done(text(400, "contexts is not a JSON object")),
    };
    let selected: Option<Vec<String>> = field("selectedContexts").and_then(|list| serde_json::from_str(list).ok());
    let mut lists: [Vec<Value>; 4] = Default::default();
    let (mut stored, mut connected) = (Vec::new(), Vec::new());
    for context in found {
        let mut link = context.link(setup);
        if !setup.is_old() {
            if selected.as_ref().is_some_and(|selected| !selected.contains(&link.context_id)) {
                continue;
            }
            let mode = options[&link.context_id]["meshsyncDeploymentMode"].as_str();
            if let Some(mode) = mode.or(field("meshsync_deployment_mode")) {
                link.mode = Some(mode.to_owned());
            }
        }
        let before = setup.connections.iter().find(|stored| stored.id == link.id).map(|link| link.status.clone());
        let list = match setup.writing.uploads.get(&context.name) {
            Some(Upload::Unreachable) => {
                if !setup.is_old() {
                    lists[0].push(context.shown(setup, &link, false));
                    stored.push(Link { status: "discovered".into(), ping: Ping::Unreachable, ..link });
                }
                continue;
            }
            Some(Upload::Ignored) => {
                lists[2].push(context.shown(setup, &link, true));
                stored.push(Link { status: "ignored".into(), ..link });
                continue;
            }
            Some(Upload::Errored) => 3,
            None if !setup.is_old() && before.as_deref() == Some("connected") => 1,
            None => 0,
        };
        lists[list].push(context.shown(setup, &link, true));
        if list == 3 {
            continue;
        }
        connected.push(link.id.clone());
        let status = before.filter(|_| list == 1).unwrap_or_else(|| "registered".into());
        stored.push(Link { status, context_only: false, ..link });
    }
    let now: Effect = Box::new(move |setup| {
        for link in stored {
            setup.store(link);
        }
    });
    let later: Effect = Box::new(move |setup| {
        for id in &connected {
            setup.connect(id, true);
        }
    });
    let names = if setup.is_old() {
        ["registered_contexts", "connected_contexts", "ignored_contexts", "errored_contexts"]
    } else {
        ["registeredContexts", "connectedContexts", "ignoredContexts", "erroredContexts"]
    };
    let answer: Map<String, Value> =
        names.into_iter().zip(lists).map(|(name, list)| (name.to_owned(), list.into())).collect();
    Done { now: Some(now), later: Some(later), ..done(json_as_text(&answer.into())) }
}
