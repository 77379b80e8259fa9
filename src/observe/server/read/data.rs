//! What the server stored, and its adapters.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Listed,
    fields::{Fields, Wanted},
    items, parse,
};
use crate::{
    facts::server::{Adapter, Tables},
    stack::base::{
        failure::{Failure, Kind},
        limits,
    },
};

struct CountFields;

impl Wanted for CountFields {
    const PATHS: &'static [&'static str] = &["total_count", "totalCount"];
}

/// The number of objects in a list, of which one page was requested.
pub(in crate::observe::server) fn resource_count(text: &str) -> Result<u64, Failure> {
    let page: Fields<CountFields> = parse(text)?;
    let none = || Failure::new(Kind::Malformed, "its answer contains no number of objects");
    page.number(CountFields::PATHS).ok_or_else(none)
}

struct KindFields;

impl Wanted for KindFields {
    const PATHS: &'static [&'static str] = &["kind", "Kind", "count", "Count"];
}

/// The number of objects by kind. One kind may have a row for each of its models.
pub(in crate::observe::server) fn summary(text: &str) -> Result<BTreeMap<String, u64>, Failure> {
    // Its labels may be several megabytes and are skipped.
    #[derive(Deserialize)]
    struct Summary {
        #[serde(default, alias = "Kinds")]
        kinds: Listed<Fields<KindFields>, { limits::SERVER_KINDS }>,
    }
    let summary: Summary = parse(text)?;
    if summary.kinds.is_none() {
        // The server answers like this if it fails to read its database.
        return Err(Failure::new(Kind::Malformed, "its summary contains no kinds"));
    }
    let (rows, _) = items(summary.kinds);
    let mut kinds = BTreeMap::<String, u64>::new();
    for row in rows {
        if let (Some(kind), Some(count)) = (row.text(&["kind", "Kind"]), row.number(&["count", "Count"])) {
            let all = kinds.entry(kind).or_default();
            *all = all.saturating_add(count);
        }
    }
    Ok(kinds)
}

struct TableFields;

impl Wanted for TableFields {
    const PATHS: &'static [&'static str] = &["name", "count"];
}

/// The tables of the database with their rows.
pub(in crate::observe::server) fn tables(text: &str) -> Result<Tables, Failure> {
    #[derive(Deserialize)]
    struct Page {
        tables: Listed<Fields<TableFields>, { limits::SERVER_KINDS }>,
        #[serde(default)]
        total_tables: Option<serde_json::Number>,
        #[serde(default, rename = "totalTables")]
        total: Option<serde_json::Number>,
    }
    let page: Page = parse(text)?;
    let counted = page.total_tables.or(page.total).and_then(|total| total.as_u64());
    let (tables, listed) = items(page.tables);
    let rows = tables.iter().filter_map(|table| Some((table.text(&["name"])?, table.number(&["count"])?)));
    Ok(Tables { total: counted.unwrap_or(listed).max(listed), rows: rows.collect() })
}

struct AdapterFields;

impl Wanted for AdapterFields {
    const PATHS: &'static [&'static str] = &["adapter_location", "adapterLocation", "location", "name", "version"];
}

/// The adapters that the server knows.
pub(in crate::observe::server) fn adapters(text: &str) -> Result<Vec<Adapter>, Failure> {
    let list: Listed<Fields<AdapterFields>, { limits::SERVER_STATEMENTS }> = parse(text)?;
    let (adapters, _) = items(list);
    let one = |item: &Fields<AdapterFields>| {
        Some(Adapter {
            location: item.text(&["adapter_location", "adapterLocation", "location"])?,
            name: item.text(&["name"]),
            version: item.text(&["version"]),
            ..Adapter::default()
        })
    };
    Ok(adapters.iter().filter_map(one).collect())
}
