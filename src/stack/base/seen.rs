//! `Seen`: the outcome of an attempt to observe something.
//!
//! "It does not exist" and "it could not be checked" must never be confused, so the difference is a type.

use serde::{Deserialize, Serialize};

use super::{
    failure::{Failure, Kind},
    permission::Permission,
};

/// A denial: permissions of which at least one is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("no permission to {}", .missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))]
#[serde(rename_all = "camelCase")]
pub struct Denial {
    /// The permissions that the API server requires.
    pub missing: Vec<Permission>,
}

/// The outcome of an attempt to observe something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Seen<T> {
    /// It exists, with this value.
    Known(T),
    /// It was checked and does not exist.
    Absent,
    /// We do not have the permission.
    Denied(Denial),
    /// There was no usable answer, and why.
    Unreachable(Failure),
    /// It was not checked, for example because the recording does not contain it.
    #[default]
    NotLooked,
}

impl<T> Seen<T> {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it is known that it exists or does not exist.
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Known(_) | Self::Absent)
    }

    /// Whether it was not asked for.
    pub fn is_not_looked(&self) -> bool {
        matches!(self, Self::NotLooked)
    }

    /// Whether it is known that it does not exist.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Why the question was not answered. `None` if it was.
    pub fn why_unsettled(&self) -> Option<String> {
        self.as_ref().into_failure().map(|failure| failure.message)
    }

    /// The failure that left the question unanswered. `None` for every other outcome.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Unreachable(failure) => Some(failure),
            _ => None,
        }
    }

    /// Why the question was not answered, as a failure. `None` if it was.
    pub fn into_failure(self) -> Option<Failure> {
        match self {
            Self::Known(_) | Self::Absent => None,
            Self::Denied(denial) => Some(Failure::new(Kind::Forbidden, denial.to_string())),
            Self::Unreachable(failure) => Some(failure),
            Self::NotLooked => Some(Failure::from("not checked")),
        }
    }

    /// The same unanswered outcome for another type.
    pub fn failed(why: impl Into<Failure>) -> Self {
        Self::Unreachable(why.into())
    }

    /// The same outcome with the value converted.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Known(value) => Seen::Known(f(value)),
            Self::Absent => Seen::Absent,
            Self::Denied(denial) => Seen::Denied(denial),
            Self::Unreachable(why) => Seen::Unreachable(why),
            Self::NotLooked => Seen::NotLooked,
        }
    }

    /// The same outcome with a borrowed value.
    pub fn as_ref(&self) -> Seen<&T> {
        match self {
            Self::Known(value) => Seen::Known(value),
            Self::Absent => Seen::Absent,
            Self::Denied(denial) => Seen::Denied(denial.clone()),
            Self::Unreachable(why) => Seen::Unreachable(why.clone()),
            Self::NotLooked => Seen::NotLooked,
        }
    }
}

impl<T> Seen<Vec<T>> {
    /// The items, or an empty slice if the list is not known.
    pub fn items(&self) -> &[T] {
        self.known().map_or(&[], Vec::as_slice)
    }
}
