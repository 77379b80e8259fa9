//! Stored objects.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Data, Probe,
    reply::{Whole, error, json as json_reply, recorded, recorded_item},
    routes::Asked,
};

/// The stored objects of the clusters with these IDs, by kind.
fn counts(asked: &Asked<'_>, clusters: &[String]) -> BTreeMap<String, u64> {
    let setup = asked.setup;
    let owner = setup.orphaned.as_ref().or_else(|| setup.connections.first().map(|link| &link.cluster));
    let is_stored = owner.is_some_and(|owner| clusters.iter().any(|cluster| cluster == owner));
    match setup.data {
        Data::Empty => BTreeMap::new(),
        _ if !is_stored => BTreeMap::new(),
        Data::Growing => {
            let more = |(kind, count): (&String, &u64)| (kind.clone(), count.saturating_add(asked.counted));
            setup.counts.iter().map(more).collect()
        }
        _ => setup.counts.iter().map(stored_of(asked)).filter(|of| of.1 > 0).collect(),
    }
}

/// How many objects of a kind are stored.
fn stored_of<'a>(asked: &'a Asked<'_>) -> impl Fn((&String, &u64)) -> (String, u64) + 'a {
    |(kind, count)| (kind.clone(), asked.setup.writing.stored(*count))
}

/// The counts of a page `summary`.
pub(super) fn summary(asked: &Asked<'_>) -> Whole {
    let setup = asked.setup;
    let Some(cluster) = asked.value("clusterId") else {
        return error(400, "meshery-server-1260", "clusterId is required");
    };
    if let Some(failure) = setup.data.failure(setup) {
        return failure;
    }
    let [kind, model, count] = if setup.capitals { ["Kind", "Model", "Count"] } else { ["kind", "model", "count"] };
    let kinds: Vec<Value> = counts(asked, &[cluster])
        .into_iter()
        .map(|(name, number)| json!({ kind: name, model: "kubernetes", count: number }))
        .collect();
    let kinds = if setup.data == Data::Null { Value::Null } else { kinds.into() };
    json_reply(
        200,
        &json!({ "kinds": kinds, "namespaces": ["default", "kube-system"], "labels": [{ "key": "app", "value": "a" }] }),
    )
}

/// The IDs of clusters in a query, which are one JSON array.
fn clusters(asked: &Asked<'_>) -> Result<Vec<String>, Box<Whole>> {
    let Some(ids) = asked.value("clusterIds") else { return Ok(Vec::new()) };
    serde_json::from_str(&ids).map_err(|_| {
        Box::new(if asked.is_old() {
            recorded(asked.setup, include_str!("../answers/resources-bare-id.http"))
        } else {
            error(400, "meshery-server-1261", "clusterIds is not a list")
        })
    })
}

/// The kinds of the generation of 2024, whose number is always 0.
pub(super) fn kinds(asked: &Asked<'_>) -> Whole {
    let clusters = match clusters(asked) {
        Ok(clusters) => clusters,
        Err(refused) => return *refused,
    };
    if let Some(failure) = asked.setup.data.failure(asked.setup) {
        return failure;
    }
    let (page, size) = asked.page(&["pagesize"]).unwrap_or((0, 25));
    let kinds: Vec<String> = counts(asked, &clusters).into_keys().take(usize::try_from(size).unwrap_or(25)).collect();
    json_reply(200, &json!({ "kinds": kinds, "page": page, "page_size": size, "total_count": 0 }))
}

/// Stored objects, of which at most one is shown.
pub(super) fn resources(asked: &Asked<'_>) -> Whole {
    let setup = asked.setup;
    let old = asked.is_old();
    let clusters = match clusters(asked) {
        Ok(clusters) => clusters,
        Err(refused) => return *refused,
    };
    let (page, size) = match asked.page(if old { &["pagesize"] } else { &["pagesize", "pageSize"] }) {
        Ok(found) => found,
        Err(_) if old => (0, u64::MAX),
        Err(size) => return error(400, "meshery-server-1262", &format!("invalid page size {size}")),
    };
    if let Some(failure) = setup.data.failure(setup) {
        return failure;
    }
    let counts = counts(asked, &clusters);
    let kind = asked.value("kind");
    let search = asked.value("search").filter(|search| !search.is_empty());
    let total: u64 = match (&search, &setup.probe) {
        (Some(_), Some(Probe { stored, removed })) => {
            (!clusters.is_empty() && (*stored..*removed).contains(&asked.searched)).into()
        }
        (Some(_), None) => 0,
        (None, _) => counts
            .iter()
            .filter(|(name, _)| kind.as_ref().is_none_or(|kind| kind == *name))
            .map(|of| *of.1)
            .fold(0, u64::saturating_add),
    };
    let shown: Vec<Value> = match setup.connections.first() {
        Some(link) if total > 0 && size > 0 => {
            let mut item =
                recorded_item(setup, include_str!("../answers/resources-data-kind.http"), link)["resources"][0].take();
            if let Some(kind) = kind {
                item["kind"] = kind.into();
            }
            if let Some(name) = search {
                item["metadata"]["name"] = name.into();
            }
            vec![item]
        }
        _ => Vec::new(),
    };
    let mut answer = json!({ "page": page, "resources": shown });
    answer[if old { "page_size" } else { "pageSize" }] = size.into();
    answer[if old { "total_count" } else { "totalCount" }] = total.into();
    if !old {
        answer["design"] = Value::Null;
    }
    json_reply(200, &answer)
}

/// The tables of the database, of which a damaged one is counted as if it were sound.
pub(super) fn database(asked: &Asked<'_>) -> Whole {
    let setup = asked.setup;
    let old = asked.is_old();
    let search = asked.value("search");
    let answer = if setup.writing.was_reset && old {
        include_str!("../answers/database-after-reset.http")
    } else {
        include_str!("../answers/database-data.http")
    };
    let body = answer.split_once("\n\n").map_or("", |(_, body)| body);
    let body: Value = serde_json::from_str(&setup.named(body)).expect("JSON");
    let stored = match setup.data {
        Data::Empty => 0,
        _ => setup.counts.iter().map(stored_of(asked)).fold(0, |sum, of| u64::saturating_add(sum, of.1)),
    };
    let kept = ["keys", "registries"];
    let tables = body["tables"].as_array().expect("tables").iter().cloned().map(|mut table| {
        if table["name"] == "kubernetes_resources" {
            table["count"] = stored.into();
        } else if table["name"] == "connections" {
            table["count"] = setup.connections.iter().filter(|link| !link.context_only).count().into();
        } else if table["name"] == "k8s_contexts" {
            table["count"] = setup.connections.len().into();
        } else if setup.writing.was_reset && !kept.iter().any(|kept| table["name"] == *kept) {
            table["count"] = 0.into();
        }
        table
    });
    let tables: Vec<Value> = tables
        .filter(|table| {
            let name = table["name"].as_str().unwrap_or_default();
            let exists = setup.data != Data::NoTable || name != "kubernetes_resources";
            exists && search.as_ref().is_none_or(|search| name.contains(search.as_str()))
        })
        .collect();
    let total = tables.len();
    let (page, size) = asked.page(if old { &["pagesize"] } else { &["pageSize", "pagesize"] }).unwrap_or((0, 0));
    let limit = if size == 0 { total } else { usize::try_from(size).unwrap_or(total) };
    let shown: Vec<Value> = tables.into_iter().take(limit).collect();
    let records = shown.iter().filter_map(|table| table["count"].as_u64()).fold(0, u64::saturating_add);
    json_reply(
        200,
        &json!({
            "page": page, "tables": shown,
            (if old { "page_size" } else { "pageSize" }): size,
            (if old { "total_tables" } else { "totalTables" }): total,
            (if old { "record_count" } else { "recordCount" }): records,
        }),
    )
}
