//! `Seen`: what an attempt to look at something came to.
//!
//! The difference between "it is not there" and "we could not look" is the whole point of this tool, so it is a type.

use serde::{Deserialize, Serialize};

use super::{
    failure::{Failure, Kind},
    permission::Permission,
};

/// A refusal: the rights without which it could not be looked at, any one of them being missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("no permission to {}", .missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))]
#[serde(rename_all = "camelCase")]
pub struct Denial {
    /// What the API server wants.
    pub missing: Vec<Permission>,
}

/// What an attempt to look came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Seen<T> {
    /// Looked at, and here it is.
    Known(T),
    /// Looked at, and it does not exist.
    Absent,
    /// We are not allowed to look.
    Denied(Denial),
    /// No usable answer came, and why.
    Unreachable(Failure),
    /// Nobody looked, as when a recording does not hold it.
    #[default]
    NotLooked,
}

impl<T> Seen<T> {
    /// The value, when it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the question was answered: it is there, or it is not.
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Known(_) | Self::Absent)
    }

    /// Whether it is proven not to exist.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Why the question was not answered; none when it was.
    pub fn why_unsettled(&self) -> Option<String> {
        self.as_ref().into_failure().map(|failure| failure.message)
    }

    /// The failure because of which no usable answer came; `None` for every other outcome.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Unreachable(failure) => Some(failure),
            _ => None,
        }
    }

    /// Why the question was not answered, as a failure; `None` when it was.
    pub fn into_failure(self) -> Option<Failure> {
        match self {
            Self::Known(_) | Self::Absent => None,
            Self::Denied(denial) => Some(Failure::new(Kind::Forbidden, denial.to_string())),
            Self::Unreachable(failure) => Some(failure),
            Self::NotLooked => Some(Failure::from("it was not looked at")),
        }
    }

    /// An outcome without an answer, for this reason.
    pub fn failed(why: impl Into<Failure>) -> Self {
        Self::Unreachable(why.into())
    }

    /// The same outcome with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Known(value) => Seen::Known(f(value)),
            Self::Absent => Seen::Absent,
            Self::Denied(denial) => Seen::Denied(denial),
            Self::Unreachable(why) => Seen::Unreachable(why),
            Self::NotLooked => Seen::NotLooked,
        }
    }

    /// The same outcome, borrowed.
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
    /// The items, or none of them when the list is not known.
    pub fn items(&self) -> &[T] {
        self.known().map_or(&[], Vec::as_slice)
    }
}
