//! GraphQL, through which servers until 2026 answered about their controllers.

use serde_json::{Map, Value, json};

use super::{
    Generation,
    controllers::title,
    reply::{Whole, json as json_reply},
    routes::Asked,
};

/// The fields of the query, and the numbers of their controllers in [`super::Setup::states`].
const FIELDS: [(&str, usize); 3] = [("getOperatorStatus", 0), ("getNatsStatus", 1), ("getMeshsyncStatus", 2)];

/// One field that a query asks for.
struct Field<'a> {
    alias: &'a str,
    name: &'static str,
    number: usize,
    argument: &'a str,
    id: String,
    wanted: Vec<&'a str>,
}

pub(super) fn reply(asked: &Asked<'_>) -> Whole {
    let setup = asked.setup;
    let (query, variables) = match asked.request.method.as_str() {
        "GET" => (asked.value("query").unwrap_or_default(), Value::Null),
        _ => {
            let body: Value = serde_json::from_str(&asked.request.body).unwrap_or_default();
            (body["query"].as_str().unwrap_or_default().to_owned(), body["variables"].clone())
        }
    };
    let fields = fields(&query, &variables);
    if let Some(errors) = invalid(asked, &fields) {
        return json_reply(422, &json!({ "errors": errors, "data": null }));
    }
    // It forgets what it does for a connection that is not used.
    let is_unused = |field: &Field<'_>| setup.link(&field.id).is_some_and(|link| link.status == "disconnected");
    if setup.panics || fields.iter().any(is_unused) {
        let error = json!({ "message": "internal system error", "path": ["m"] });
        return json_reply(200, &json!({ "errors": [error], "data": null }));
    }
    let mut data = Map::new();
    for field in fields {
        let known = setup.link(&field.id).is_some_and(|link| setup.works_for(link));
        let word = setup.states[field.number];
        let product = if setup.product.name() == "meshery" { "MesheryBroker" } else { "MeshplayBroker" };
        let (name, status, version) = match (field.number, known) {
            (0, true) => ("OPERATOR", word.to_owned(), ""),
            (1, true) => (product, title(word), "2.8.2-alpine3.15"),
            (_, true) => ("MeshSync", title(word), ""),
            (0, false) => ("OPERATOR", "UNKOWN".into(), ""),
            (1, false) => ("BROKER", "UNKOWN".into(), ""),
            (_, false) => ("MESHSYNC", "UNKOWN".into(), ""),
        };
        let mut answer = Map::new();
        for wanted in field.wanted {
            let value = match wanted {
                "name" | "controller" => name,
                "status" => status.as_str(),
                "version" => version,
                _ => field.id.as_str(),
            };
            answer.insert(wanted.to_owned(), value.into());
        }
        data.insert(field.alias.to_owned(), answer.into());
    }
    if query.contains("__typename") {
        data.insert("__typename".into(), "Query".into());
    }
    json_reply(200, &json!({ "data": data }))
}

/// The errors of a query that does not fit the schema.
fn invalid(asked: &Asked<'_>, fields: &[Field<'_>]) -> Option<Vec<Value>> {
    let mut errors = Vec::new();
    let mut error = |message: String| {
        errors.push(json!({
            "message": message, "locations": [{ "line": 1, "column": 19 }],
            "extensions": { "code": "GRAPHQL_VALIDATION_FAILED" },
        }));
    };
    let argument = if asked.setup.old_argument { "k8scontextID" } else { "connectionID" };
    for field in fields {
        if asked.setup.generation != Generation::Graphql {
            error(format!("Cannot query field \"{}\" on type \"Query\".", field.name));
            continue;
        }
        if field.argument != argument {
            error(format!("Unknown argument \"{}\" on field \"Query.{}\".", field.argument, field.name));
            error(format!(
                "Field \"{}\" argument \"{argument}\" of type \"String!\" is required, but it was not provided.",
                field.name
            ));
        }
        let first = if field.number == 0 { "controller" } else { "name" };
        for wanted in &field.wanted {
            if ![first, "status", "version", argument].contains(wanted) {
                error(format!("Cannot query field \"{wanted}\" on the type of \"{}\".", field.name));
            }
        }
    }
    (!errors.is_empty()).then_some(errors)
}

/// The fields of a query, as far as a client of this server writes it.
fn fields<'a>(query: &'a str, variables: &Value) -> Vec<Field<'a>> {
    let mut found = Vec::new();
    for (name, number) in FIELDS {
        for (at, _) in query.match_indices(name) {
            let before = query[..at].trim_end();
            let alias = before.strip_suffix(':').map(str::trim_end).map(|before| {
                let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
                &before[start..]
            });
            let between = |text: &'a str, open: char, close: char| -> Option<&'a str> {
                let (_, rest) = text.split_once(open)?;
                rest.split_once(close).map(|(inside, _)| inside)
            };
            let after = &query[at + name.len()..];
            let (argument, value) =
                between(after, '(', ')').and_then(|inside| inside.split_once(':')).unwrap_or_default();
            let value = value.trim();
            let id = match value.strip_prefix('$') {
                Some(variable) => variables[variable].as_str().unwrap_or_default().to_owned(),
                None => value.trim_matches('"').to_owned(),
            };
            let wanted = between(after, '{', '}').unwrap_or_default();
            found.push(Field {
                alias: alias.unwrap_or(name),
                name,
                number,
                argument: argument.trim(),
                id,
                wanted: wanted.split([' ', ',', '\n']).filter(|word| !word.is_empty()).collect(),
            });
        }
    }
    found
}
