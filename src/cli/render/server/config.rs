//! `server config` as text.

use serde_json::Value;

use super::super::{style::Look, tables::table, text::Page};
use crate::{
    report::{ConfigReport, Report},
    stack::base::words,
};

/// The maximum length of a value without `-o wide`, in characters.
const LENGTH: usize = 40;

/// The table of the fields that are set.
pub fn server_config(report: &Report, look: &Look) -> String {
    let mut page = Page::new(look);
    let Some(config) = report.server().and_then(|server| server.config.as_ref()) else {
        page.raw(&super::server_line(report, look));
        return page.done();
    };
    if config.is_empty() {
        page.raw("The server sets nothing for this cluster.");
        return page.done();
    }
    let rows: Vec<Vec<String>> = config.iter().map(|field| row(field, look)).collect();
    page.raw(&table(&["field", "default", "override", "effective", "cluster"], &rows, look));
    for field in config.iter().filter(|field| field.differs) {
        let glyph = format!("{} ", look.glyphs.warn);
        let text = format!("{}: the override is not in effect in the cluster", field.field);
        page.paragraph(&glyph, 2, &text, look.styles.warning);
    }
    if config.iter().any(|field| !field.compared) {
        page.paragraph("", 0, "A field whose value in the cluster is not known is not compared.", look.styles.dim);
    }
    page.done()
}

fn row(field: &ConfigReport, look: &Look) -> Vec<String> {
    let or_dash = |value: &Option<Value>| value.as_ref().map_or_else(|| "-".to_owned(), |value| shown(value, look));
    let live = match (&field.live, field.compared) {
        (Some(live), _) => shown(live, look),
        (None, true) => "not set".into(),
        (None, false) => "not compared".into(),
    };
    vec![field.field.clone(), or_dash(&field.general), or_dash(&field.own), or_dash(&field.effective), live]
}

/// A value on one line: of a long list its length, unless everything is shown.
fn shown(value: &Value, look: &Look) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    };
    if look.wide || text.chars().count() <= LENGTH {
        return text;
    }
    let list = |name: &str| value[name].as_array().filter(|items| !items.is_empty()).map(Vec::len);
    match (list("whitelist"), list("blacklist")) {
        (Some(length), _) => format!("whitelist of {}", words::count(length, "kind", "kinds")),
        (None, Some(length)) => format!("blacklist of {}", words::count(length, "kind", "kinds")),
        _ => text.chars().take(LENGTH).collect::<String>() + "…",
    }
}
