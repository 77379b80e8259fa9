//! The answers of Meshery Server as facts, in every spelling that its releases use.

mod config;
mod data;
mod fields;
mod session;
mod upload;
mod view;

use serde::de::DeserializeOwned;

pub(crate) use self::upload::{UploadedContext, uploaded};
pub(super) use self::{
    config::config,
    data::{adapters, resource_count, summary, tables},
    session::{providers, release, user},
    view::{connections, context_ids, diagnostics, events, graphql, kubernetes_version, status, stream},
};
use crate::stack::base::{
    bounded::AtMost,
    failure::{Failure, Kind},
    words,
};

/// A list that may be `null` or missing.
type Listed<T, const N: usize> = Option<AtMost<T, N>>;

fn items<T, const N: usize>(list: Listed<T, N>) -> (Vec<T>, u64) {
    let list = list.unwrap_or_default();
    (list.items, u64::try_from(list.count).unwrap_or(u64::MAX))
}

/// JSON as a type.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::new(Kind::Malformed, format!("its answer is malformed: {}", words::malformed(&error)))
    })
}

#[cfg(test)]
mod tests;
