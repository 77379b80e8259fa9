//! What the server does when it is asked to change something.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    Generation, Inventory, Link, Ping, Setup, Write, Written, controllers,
    reply::{Reply, Whole, empty, error_only, json as json_reply, json_as_text, recorded, text},
    routes::{self, Asked},
    session::Session,
    upload,
};

/// A change of the server.
pub(super) type Effect = Box<dyn FnOnce(&mut Setup) + Send>;

/// What a request leads to.
pub(super) struct Done {
    pub(super) reply: Reply,
    /// What is done before the answer.
    pub(super) now: Option<Effect>,
    /// What is done after it.
    pub(super) later: Option<Effect>,
}

/// An answer without any change.
pub(super) fn done(reply: impl Into<Reply>) -> Done {
    Done { reply: reply.into(), now: None, later: None }
}

impl Done {
    fn now(self, effect: impl FnOnce(&mut Setup) + Send + 'static) -> Self {
        Self { now: Some(Box::new(effect)), ..self }
    }

    fn later(self, effect: impl FnOnce(&mut Setup) + Send + 'static) -> Self {
        Self { later: Some(Box::new(effect)), ..self }
    }
}

/// What a request with a session leads to. `None` if the server does not have its path.
pub(super) fn carry_out(asked: &Asked<'_>, session: Session, written: &Written) -> Option<Done> {
    let setup = asked.setup;
    let path = asked.request.path.as_str();
    let newest = setup.generation == Generation::Controllers;
    let id = written.about.rsplit(' ').next().unwrap_or_default();
    Some(match written.write {
        Write::Upload => upload::upload(asked),
        Write::Sync => sync(asked, session),
        Write::Connect | Write::Disconnect | Write::SetStatus if path.ends_with("/kubernetes/status") => {
            if !setup.is_old() {
                return None;
            }
            set_status_of_2024(asked)
        }
        // Its credential has no ID, for which the handler is not prepared.
        Write::Connect | Write::Disconnect | Write::SetStatus if setup.is_old() => done(Reply::Cut),
        Write::Connect | Write::Disconnect | Write::SetStatus => set_status(asked, id),
        Write::DeleteConnection => delete_connection(setup, id),
        Write::DeleteContext => delete_context(setup, id),
        Write::Flush | Write::Mode if newest => act(asked, written.write, id),
        Write::Other if newest && path.ends_with("/actions") => {
            done(error_only(400, "unsupported connection action \"\""))
        }
        Write::Flush | Write::Mode if setup.is_old() => done(recorded(setup, include_str!("../answers/actions.http"))),
        Write::Resync if path.ends_with("/resync") && setup.generation == Generation::Connections => resync(asked, id),
        Write::Resync if setup.is_old() && !path.ends_with("/resync") => resync_of_2024(asked),
        Write::Operator if setup.is_old() => {
            let answer = if asked.request.body.contains("contextID\":\"\"") {
                include_str!("../answers/operator-change-no-context.http")
            } else {
                include_str!("../answers/operator-change.http")
            };
            done(recorded(setup, answer))
        }
        Write::Reset => reset(setup),
        Write::Config if newest => configure(asked, path, id),
        _ => return None,
    })
}

impl Setup {
    /// Whether it is of 2024.
    pub(super) fn is_old(&self) -> bool {
        self.generation == Generation::Graphql
    }

    /// Whether the server does something for a connection, so that it has states of its controllers.
    pub(super) fn works_for(&self, link: &Link) -> bool {
        let stopped = ["disconnected", "deleted", "ignored", "registered", "discovered", "not found"];
        self.alive && !stopped.contains(&link.status.as_str())
    }

    /// Starts to receive all objects, as after a restart of `MeshSync`.
    pub(crate) fn receive_again(&mut self) {
        self.writing.inventory = Inventory::Filling(Instant::now());
    }

    /// The server begins to use a connection, and requests its objects. `fresh` is whether it knows its states then.
    pub(super) fn connect(&mut self, id: &str, fresh: bool) {
        let Some(link) = self.connections.iter_mut().find(|link| link.id == id) else { return };
        link.status = "connected".into();
        let cluster = link.cluster.clone();
        self.alive |= fresh;
        let goes_on = self.writing.removed.iter().any(|link| link.cluster == cluster);
        if self.writing.inventory == Inventory::Empty && (self.writing.requests_after_reset || !goes_on) {
            self.receive_again();
        }
    }

    /// Stores a connection, in place of the one with its ID.
    pub(super) fn store(&mut self, link: Link) {
        match self.connections.iter_mut().find(|stored| stored.id == link.id) {
            Some(stored) => *stored = link,
            None => self.connections.push(link),
        }
    }
}

/// Looks for kubeconfigs, and starts what the server does for its connections.
fn sync(asked: &Asked<'_>, session: Session) -> Done {
    let setup = asked.setup;
    // Its contexts lack the IDs of their connections with the local provider, so their states stay unknown.
    let fresh = !(setup.is_old() && session == Session::Local);
    let reply = if setup.is_old() {
        recorded(setup, include_str!("../answers/sync.http"))
    } else {
        let mut answer = json!({ "anonymousUsageStats": true, "anonymousPerfResults": true });
        answer["k8sConfig"] = routes::context_items(asked).into();
        json_as_text(&answer)
    };
    let finds = setup.connections.iter().all(|link| link.context_only) || !setup.is_old();
    let sleeping = !setup.alive;
    let now = move |setup: &mut Setup| {
        let found = if finds { std::mem::take(&mut setup.writing.rediscoverable) } else { Vec::new() };
        for link in &mut setup.connections {
            if link.context_only {
                link.context_only = false;
                link.status = "discovered".into();
            }
        }
        for link in &found {
            let is_same = |stored: &Link| stored.name == link.name && stored.server == link.server;
            if !setup.connections.iter().any(is_same) {
                setup.connections.push(Link { status: "discovered".into(), ..link.clone() });
            }
        }
        setup.writing.rediscoverable = found;
    };
    let later = move |setup: &mut Setup| {
        let found: Vec<String> = setup.writing.rediscoverable.iter().map(|link| link.id.clone()).collect();
        let goes_on = |link: &&Link| {
            let waits = ["discovered", "registered"].contains(&link.status.as_str());
            waits && link.ping != Ping::Unreachable && (!setup.is_old() || found.contains(&link.id))
        };
        let discovered: Vec<String> = setup.connections.iter().filter(goes_on).map(|link| link.id.clone()).collect();
        for id in &discovered {
            setup.connect(id, true);
        }
        if sleeping {
            let known = |link: &&Link| link.status == "connected" && !discovered.contains(&link.id);
            let known: Vec<String> = setup.connections.iter().filter(known).map(|link| link.id.clone()).collect();
            for id in &known {
                setup.connect(id, fresh);
            }
        }
    };
    done(reply).now(now).later(later)
}

/// Whether a connection of 2024 can change its status so.
fn is_possible(from: &str, to: &str, alive: bool) -> bool {
    // What has just started knows no status.
    !alive
        || match from {
            "discovered" => ["registered", "not found", "deleted"].contains(&to),
            "registered" => ["connected", "ignored"].contains(&to),
            "connected" => ["disconnected", "deleted", "not found", "ignored"].contains(&to),
            "disconnected" => ["connected", "deleted"].contains(&to),
            "ignored" => ["deleted", "registered"].contains(&to),
            "not found" => ["discovered", "deleted"].contains(&to),
            _ => false,
        }
}

/// Changes statuses: every answer is the same, and what is not possible is only an event.
fn set_status_of_2024(asked: &Asked<'_>) -> Done {
    let Ok(Value::Object(wanted)) = serde_json::from_str(&asked.request.body) else { return done(empty(200)) };
    done(empty(202)).later(move |setup| {
        for (id, status) in &wanted {
            let status = status.as_str().unwrap_or_default();
            let from = setup.link(id).map(|link| link.status.clone());
            if from.is_some_and(|from| is_possible(&from, status, setup.alive)) {
                change_status(setup, id, status);
            }
        }
    })
}

fn change_status(setup: &mut Setup, id: &str, status: &str) {
    if status == "connected" {
        setup.connect(id, true);
    } else if let Some(link) = setup.connections.iter_mut().find(|link| link.id == id) {
        link.status = status.into();
    }
}

/// Changes the status of a connection: the stored one at once, what the server does later.
fn set_status(asked: &Asked<'_>, id: &str) -> Done {
    let Ok(body) = serde_json::from_str::<Value>(&asked.request.body) else {
        return done(error_only(400, "Unable to unmarshal the connection"));
    };
    if asked.setup.link(id).is_none() {
        return done(error_only(500, "Failed to Save: connection"));
    }
    let (id, status) = (id.to_owned(), body["status"].as_str().unwrap_or_default().to_owned());
    // What it does is looked up by the ID of the body.
    let acts = body["id"] == id.as_str();
    let stored = (id.clone(), status.clone());
    let done = done(empty(200)).now(move |setup| {
        if let Some(link) = setup.connections.iter_mut().find(|link| link.id == stored.0) {
            link.status = stored.1;
        }
    });
    if acts { done.later(move |setup| change_status(setup, &id, &status)) } else { done }
}

fn is_uuid(id: &str) -> bool {
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && id.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// Deletes a connection, or some other one if the ID is no UUID.
fn delete_connection(setup: &Setup, id: &str) -> Done {
    let is_some = !is_uuid(id) || id.chars().all(|c| c == '-' || c == '0');
    let mut stored = setup.connections.iter().filter(|link| !link.context_only);
    let Some(link) = stored.find(|link| is_some || link.id == id).cloned() else {
        // The remote provider of newer servers says so.
        return done(if setup.is_old() { empty(200) } else { error_only(404, "Failed to Save: connection") });
    };
    done(empty(200)).now(move |setup| {
        if setup.is_old() {
            if let Some(link) = setup.connections.iter_mut().find(|stored| stored.id == link.id) {
                link.context_only = true;
            }
        } else {
            setup.connections.retain(|stored| stored.id != link.id);
            keep_objects(setup, &link);
        }
    })
}

/// What is stored of a cluster whose connection is gone: only the newest server deletes it with the last one.
fn keep_objects(setup: &mut Setup, gone: &Link) {
    if setup.connections.iter().any(|link| link.cluster == gone.cluster) {
        return;
    }
    if setup.generation == Generation::Controllers {
        setup.writing.inventory = Inventory::Empty;
    } else {
        setup.orphaned = Some(gone.cluster.clone());
    }
}

/// Deletes a context. In 2024 the rows stay, with another status.
fn delete_context(setup: &Setup, id: &str) -> Done {
    let Some(link) = setup.link(&id.replace('-', "")).or_else(|| setup.link(id)).cloned() else {
        return done(if setup.is_old() { Reply::Cut } else { error_only(500, "failed to get context").into() });
    };
    done(empty(200)).later(move |setup| {
        change_status(setup, &link.id, "deleted");
        if !setup.is_old() {
            setup.connections.retain(|stored| stored.id != link.id);
            keep_objects(setup, &link);
        }
    })
}

/// An action of the newest server.
fn act(asked: &Asked<'_>, write: Write, id: &str) -> Done {
    let setup = asked.setup;
    if !is_uuid(id) {
        return done(error_only(400, "invalid or missing connection id"));
    }
    let Some(link) = setup.link(id) else { return done(error_only(404, "Failed to Save: connection")) };
    let shown = |link: &Link| json_reply(200, &routes::connection(asked, link));
    if write == Write::Mode {
        let body: Value = serde_json::from_str(&asked.request.body).unwrap_or_default();
        let mode = body["mode"].as_str().unwrap_or_default().to_owned();
        if !["operator", "embedded"].contains(&mode.as_str()) {
            return done(error_only(400, &format!("invalid meshsync deployment mode \"{mode}\"")));
        }
        let changed = Link { mode: Some(mode), ..link.clone() };
        return done(shown(&changed)).now(move |setup| setup.store(changed));
    }
    if !setup.works_for(link) {
        let why = format!("no active session for connection {id}; connect the cluster before flushing MeshSync");
        return done(error_only(409, &why));
    }
    done(shown(link)).now(|setup| setup.writing.inventory = Inventory::Empty).later(Setup::receive_again)
}

/// Flushes in the generation of May 2026, which requests nothing again.
fn resync(asked: &Asked<'_>, id: &str) -> Done {
    let Ok(body) = serde_json::from_str::<Value>(&asked.request.body) else {
        return done(text(400, "invalid request body"));
    };
    let reply = done(json_as_text(&json!({ "status": "processing" })));
    if body["clearDb"] != true {
        return reply;
    }
    if asked.setup.link(id).is_none() {
        return done(text(404, "context not found"));
    }
    reply.now(|setup| setup.writing.inventory = Inventory::Empty)
}

/// `resyncCluster`, which flushes nothing, and resets the database if it is asked for both.
fn resync_of_2024(asked: &Asked<'_>) -> Done {
    let setup = asked.setup;
    let said = |answer: &str| done(recorded(setup, answer));
    let body: Value = serde_json::from_str(&asked.request.body).unwrap_or_default();
    let query = body["query"].as_str().unwrap_or_default();
    if query.trim_start().starts_with("mutation") {
        return said(include_str!("../answers/resync-mutation.http"));
    }
    if query.contains("connectionID:") {
        return said(include_str!("../answers/resync-connection-id.http"));
    }
    let variables = body["variables"].as_object();
    let selector = variables.and_then(|variables| variables.values().find_map(Value::as_object)).cloned();
    let Some(selector) = selector else { return said(include_str!("../answers/resync-no-selector.http")) };
    if selector.values().any(Value::is_boolean) {
        return said(include_str!("../answers/resync-bool.http"));
    }
    let is_set = |flag: &str| selector.get(flag).is_some_and(|value| value == "true");
    match (is_set("clearDB"), is_set("hardReset")) {
        (true, false) => said(include_str!("../answers/flush.http")),
        (true, true) => said(include_str!("../answers/resync.http")).now(drop_tables),
        (false, _) => said(include_str!("../answers/resync.http")),
    }
}

fn drop_tables(setup: &mut Setup) {
    let removed = std::mem::take(&mut setup.connections);
    if setup.alive {
        setup.writing.removed.extend(removed);
    }
    setup.orphaned = None;
    setup.writing.inventory = Inventory::Empty;
    setup.writing.default_config = json!({});
    setup.writing.overrides.clear();
}

/// Drops every table.
fn reset(setup: &Setup) -> Done {
    let said = if setup.is_old() {
        recorded(setup, include_str!("../answers/reset.http"))
    } else {
        json_reply(200, &json!({ "message": "Database reset successful" }))
    };
    done(said).now(|setup| {
        drop_tables(setup);
        setup.writing.was_reset = true;
        setup.events.clear();
    })
}

/// Replaces the configuration of the controllers.
fn configure(asked: &Asked<'_>, path: &str, id: &str) -> Done {
    let Ok(document) = serde_json::from_str::<Value>(&asked.request.body) else {
        return done(error_only(400, "invalid configuration"));
    };
    let everywhere = path == "/api/system/controllers/config";
    if !everywhere && asked.setup.link(id).is_none() {
        return done(error_only(404, "Failed to Save: connection"));
    }
    let id = id.to_owned();
    let change = move |setup: &mut Setup| {
        if everywhere {
            setup.writing.default_config = document;
        } else {
            setup.writing.overrides.insert(id, document);
        }
    };
    let mut after = asked.setup.clone();
    change.clone()(&mut after);
    let shown: Whole = controllers::config(&after, path);
    done(shown).now(change)
}
