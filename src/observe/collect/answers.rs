//! The answers of the first round, parsed and redacted.

use std::{collections::BTreeMap, convert::Infallible};

use serde::de::DeserializeOwned;

use crate::{
    cluster::ask::{self, ApiError, List, seen},
    facts::{
        observed::{Object, Observed, Source, Versions},
        redact::{self, Redact},
    },
    stack::{
        base::{failure::Kind, permission::Permission, seen::Seen},
        profile::Profile,
    },
};

/// The permission that a query needs, and the pages of the answer.
type Answer = (Permission, Result<Vec<String>, ApiError>);

/// The answers of the first round, not yet parsed.
pub(super) struct FirstRound {
    pub(super) version: Result<String, ApiError>,
    pub(super) answers: BTreeMap<String, Answer>,
    /// The answers for single objects, by the name of the row.
    pub(super) each: BTreeMap<&'static str, Vec<Answer>>,
    pub(super) reviews: Seen<Vec<crate::facts::Review>>,
    pub(super) timings: BTreeMap<String, u64>,
}

impl FirstRound {
    /// Whether any query was answered.
    pub(super) fn has_answers(&self) -> bool {
        let answered = |(_, answer): &Answer| answer.as_ref().map_or_else(ApiError::is_refusal, |_| true);
        self.answers.values().any(answered)
    }

    /// Replaces every answer by this failure.
    pub(super) fn forget(&mut self, failure: &ApiError) {
        let each = self.each.values_mut().flatten();
        for (_, answer) in self.answers.values_mut().chain(each) {
            *answer = Err(failure.clone());
        }
        self.reviews = seen(Err(failure.clone()), &Permission::default());
    }

    pub(super) fn one<T: DeserializeOwned>(&mut self, name: &str, secrets: &[String]) -> Seen<T> {
        match self.answers.remove(name) {
            Some((permission, answer)) => seen(
                answer.and_then(|pages| {
                    let body = pages.first().map_or("", String::as_str);
                    parse(&redact::without_managed_fields(body), secrets)
                }),
                &permission,
            ),
            None => Seen::NotLooked,
        }
    }

    fn list<T: DeserializeOwned + Redact>(&mut self, name: &str, secrets: &[String]) -> Seen<Vec<T>> {
        if let Some((_, Ok(pages))) = self.answers.get_mut(name) {
            for page in pages {
                *page = redact::without_managed_fields(page);
            }
        }
        self.whole_list(name, secrets)
    }

    /// A list of which the managed fields matter as well.
    fn whole_list<T: DeserializeOwned + Redact>(&mut self, name: &str, secrets: &[String]) -> Seen<Vec<T>> {
        match self.answers.remove(name) {
            Some((permission, answer)) => seen(answer.and_then(|pages| parse_list(&pages, secrets)), &permission),
            None => Seen::NotLooked,
        }
    }
}

/// The first round as a source of facts.
pub(super) struct Answers<'a> {
    pub(super) first: &'a mut FirstRound,
    /// The token to remove from every answer.
    pub(super) secrets: &'a [String],
    pub(super) profile: &'static Profile,
}

impl Source for Answers<'_> {
    type Error = Infallible;

    fn one<T: Object>(&mut self, row: &Observed) -> Result<Seen<T>, Infallible> {
        let seen = self.first.one(row.name, self.secrets);
        Ok(seen.map(|mut item: T| {
            item.redact();
            item
        }))
    }

    fn many<T: Object>(&mut self, row: &Observed) -> Result<Seen<Vec<T>>, Infallible> {
        Ok(match self.first.each.remove(row.name) {
            Some(answers) if answers.is_empty() && row.shared => Seen::Absent,
            Some(answers) => existing(answers, self.secrets),
            None => self.first.list(row.name, self.secrets),
        })
    }

    fn versions<T: Object>(&mut self, row: &Observed) -> Result<Versions<T>, Infallible> {
        let versions = self.profile.versions.iter().map(|version| {
            let seen = self.first.whole_list(&row.in_version(version), self.secrets);
            ((*version).to_owned(), seen)
        });
        Ok(versions.collect())
    }
}

/// Whether a failure may be limited to one connection.
pub(super) fn may_be_of_the_connection(failure: &ApiError) -> bool {
    !failure.is_refusal() && !matches!(failure.kind(), Kind::NotAnApiServer | Kind::Unauthorized)
}

/// The existing ones of the objects that were queried by name.
fn existing<T: DeserializeOwned + Redact>(answers: Vec<Answer>, secrets: &[String]) -> Seen<Vec<T>> {
    let mut found = Vec::new();
    for (permission, answer) in answers {
        match seen(answer.and_then(|pages| parse::<T>(pages.first().map_or("", String::as_str), secrets)), &permission)
        {
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

fn parse_list<T: DeserializeOwned + Redact>(pages: &[String], secrets: &[String]) -> Result<Vec<T>, ApiError> {
    let lists = pages.iter().map(|page| parse(page, secrets)).collect::<Result<Vec<_>, _>>()?;
    Ok(items(lists))
}

/// Every item of these lists, redacted.
fn items<T: Redact>(lists: Vec<List<T>>) -> Vec<T> {
    lists
        .into_iter()
        .flat_map(|list| list.items.into_iter().flatten())
        .map(|mut item| {
            item.redact();
            item
        })
        .collect()
}
