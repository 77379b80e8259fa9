//! The answers of the first wave, parsed and redacted.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    cluster::ask::{self, ApiError, seen},
    facts::redact::{self, Redact},
    stack::base::{failure::Kind, permission::Permission, seen::Seen},
};

/// The answers of the first wave, still as text.
pub(super) struct FirstWave {
    pub(super) version: Result<String, ApiError>,
    pub(super) answers: BTreeMap<String, (Permission, Result<Vec<String>, ApiError>)>,
    pub(super) bindings: Vec<(Permission, Result<Vec<String>, ApiError>)>,
    pub(super) roles: Vec<(Permission, Result<Vec<String>, ApiError>)>,
    pub(super) former_crds: Vec<(Permission, Result<Vec<String>, ApiError>)>,
    pub(super) reviews: Seen<Vec<crate::facts::Review>>,
    pub(super) timings: BTreeMap<String, u64>,
}

impl FirstWave {
    /// Whether anything was answered at all.
    pub(super) fn has_answers(&self) -> bool {
        let answered = |(_, answer): &(Permission, Result<Vec<String>, ApiError>)| {
            answer.as_ref().map_or_else(ApiError::is_refusal, |_| true)
        };
        self.answers.values().any(answered)
    }

    /// Has every question end in this failure.
    pub(super) fn forget(&mut self, failure: &ApiError) {
        let single = self
            .bindings
            .iter_mut()
            .chain(&mut self.roles)
            .chain(&mut self.former_crds);
        for (_, answer) in self.answers.values_mut().chain(single) {
            *answer = Err(failure.clone());
        }
        self.reviews = seen(Err(failure.clone()), &Permission::default());
    }

    pub(super) fn one<T: DeserializeOwned>(&mut self, name: &str, secrets: &[String]) -> Seen<T> {
        match self.answers.remove(name) {
            Some((right, answer)) => seen(
                answer.and_then(|pages| {
                    let body = pages.first().map_or("", String::as_str);
                    parse(&redact::without_managed_fields(body), secrets)
                }),
                &right,
            ),
            None => Seen::NotLooked,
        }
    }

    pub(super) fn one_redacted<T: DeserializeOwned + Redact>(
        &mut self,
        name: &str,
        secrets: &[String],
    ) -> Seen<T> {
        self.one(name, secrets).map(|mut item: T| {
            item.redact();
            item
        })
    }

    pub(super) fn list<T: DeserializeOwned + Redact>(
        &mut self,
        name: &str,
        secrets: &[String],
    ) -> Seen<Vec<T>> {
        if let Some((_, Ok(pages))) = self.answers.get_mut(name) {
            for page in pages {
                *page = redact::without_managed_fields(page);
            }
        }
        self.whole_list(name, secrets)
    }

    /// A list of which it also matters who wrote what.
    pub(super) fn whole_list<T: DeserializeOwned + Redact>(
        &mut self,
        name: &str,
        secrets: &[String],
    ) -> Seen<Vec<T>> {
        match self.answers.remove(name) {
            Some((right, answer)) => {
                seen(answer.and_then(|pages| parse_list(&pages, secrets)), &right)
            }
            None => Seen::NotLooked,
        }
    }
}

/// Whether a failure may be one connection's alone.
pub(super) fn may_be_of_the_connection(failure: &ApiError) -> bool {
    !failure.is_refusal() && !matches!(failure.kind(), Kind::NotAnApiServer | Kind::Unauthorized)
}

/// Those of the objects that exist; each was asked for by name.
pub(super) fn existing<T: DeserializeOwned + Redact>(
    answers: Vec<(Permission, Result<Vec<String>, ApiError>)>,
    secrets: &[String],
) -> Seen<Vec<T>> {
    let mut found = Vec::new();
    for (right, answer) in answers {
        match seen(
            answer.and_then(|pages| parse::<T>(pages.first().map_or("", String::as_str), secrets)),
            &right,
        ) {
            Seen::Known(mut object) => {
                object.redact();
                found.push(object);
            }
            Seen::Absent => {}
            other => return other.map(|_: T| Vec::new()),
        }
    }
    Seen::Known(found)
}

pub(super) fn parse<T: DeserializeOwned>(body: &str, secrets: &[String]) -> Result<T, ApiError> {
    let text = redact::secrets(body.to_owned(), secrets);
    ask::parse(&text)
}

fn parse_list<T: DeserializeOwned + Redact>(
    pages: &[String],
    secrets: &[String],
) -> Result<Vec<T>, ApiError> {
    let lists = pages
        .iter()
        .map(|page| parse(page, secrets))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(items(lists))
}

/// A list as the API server writes it.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) items: Option<Vec<T>>,
}

/// Every item of these lists, redacted.
pub(super) fn items<T: Redact>(lists: Vec<List<T>>) -> Vec<T> {
    lists
        .into_iter()
        .flat_map(|list| list.items.into_iter().flatten())
        .map(|mut item| {
            item.redact();
            item
        })
        .collect()
}
