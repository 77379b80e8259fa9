//! The few fields of a JSON object that are needed, read leniently.
//!
//! Releases of the server differ in spelling and nesting, and some objects contain credentials beside what is needed. So
//! only the named fields are kept, whatever type they have, and everything else is skipped while it is read.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use k8s_openapi::jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::{observe::server::answer::shown, stack::base::limits};

/// The fields that are kept of an object.
pub(super) trait Wanted {
    /// Their paths: `metadata.kubernetes_server_id`. The elements of an array have the path of the array.
    const PATHS: &'static [&'static str];
}

/// The wanted fields of one object, as texts that are redacted and cut.
#[derive(Clone, Debug)]
pub(super) struct Fields<W> {
    texts: Vec<(&'static str, String)>,
    wanted: PhantomData<W>,
}

impl<W: Wanted> Fields<W> {
    /// The first of these fields that has a text which is not empty.
    pub(super) fn text(&self, paths: &[&str]) -> Option<String> {
        let of = |path: &&str| self.all(path).find(|text| !text.is_empty());
        paths.iter().find_map(of).map(str::to_owned)
    }

    /// Every text of a field.
    pub(super) fn all(&self, path: &str) -> impl Iterator<Item = &str> {
        self.texts.iter().filter(move |(own, _)| *own == path).map(|(_, text)| text.as_str())
    }

    /// The first of these fields that is a number.
    pub(super) fn number(&self, paths: &[&str]) -> Option<u64> {
        paths.iter().flat_map(|path| self.all(path)).find_map(|text| text.parse().ok())
    }

    /// The first of these fields that can be part of a path or a query: an ID.
    pub(super) fn id(&self, paths: &[&str]) -> Option<String> {
        let usable = |id: &&str| {
            (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        paths.iter().flat_map(|path| self.all(path)).find(usable).map(str::to_owned)
    }

    /// The first of these fields that is a time.
    pub(super) fn time(&self, paths: &[&str]) -> Option<Timestamp> {
        paths.iter().flat_map(|path| self.all(path)).find_map(|text| text.parse().ok())
    }
}

impl<'de, W: Wanted> Deserialize<'de> for Fields<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut texts = Vec::new();
        Below { wanted: W::PATHS, path: "", texts: &mut texts }.deserialize(deserializer)?;
        Ok(Self { texts, wanted: PhantomData })
    }
}

/// A value at a path, which adds the wanted texts in it.
struct Below<'a> {
    wanted: &'static [&'static str],
    path: &'a str,
    texts: &'a mut Vec<(&'static str, String)>,
}

impl Below<'_> {
    fn keep(self, text: &str) {
        let path = self.wanted.iter().find(|wanted| **wanted == self.path);
        if let Some(path) = path
            && self.texts.iter().filter(|(own, _)| own == path).count() < limits::SERVER_STATEMENTS
        {
            self.texts.push((path, shown(text)));
        }
    }
}

impl<'de> DeserializeSeed<'de> for Below<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Below<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.keep(text);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.keep(&value.to_string());
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.keep(&value.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.keep(&value.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.keep(&value.to_string());
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { wanted, path, texts } = self;
        while seq.next_element_seed(Below { wanted, path, texts: &mut *texts })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { wanted, path, texts } = self;
        while let Some(key) = map.next_key::<String>()? {
            let below = if path.is_empty() { key } else { format!("{path}.{key}") };
            let is_wanted = |wanted: &&str| {
                wanted.strip_prefix(below.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            if wanted.iter().any(is_wanted) {
                map.next_value_seed(Below { wanted, path: &below, texts: &mut *texts })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// An object whose keys are names, of which at most `N` are kept.
#[derive(Clone, Debug)]
pub(super) struct ByName<T, const N: usize>(pub(super) BTreeMap<String, T>);

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for ByName<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names<T, const N: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Names<T, N> {
            type Value = ByName<T, N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut kept = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if kept.len() < N {
                        kept.insert(shown(&name), map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(ByName(kept))
            }
        }
        deserializer.deserialize_map(Names(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Some_;

    impl Wanted for Some_ {
        const PATHS: &'static [&'static str] = &["id", "a.b", "aBc", "list"];
    }

    fn fields(text: &str) -> Fields<Some_> {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn wanted_fields_of_any_type_are_kept() {
        let found = fields(
            r#"{"id": 7, "a": {"b": "x\u001b[2J", "token": "secret"}, "aB": 1, "aBc": true, "list": ["one", {"two": 2}, null, "three"],
                "a.b": 1}"#,
        );
        assert_eq!(found.number(&["id"]), Some(7));
        assert_eq!(found.text(&["none", "a.b"]).as_deref(), Some("x[2J"));
        assert_eq!(found.text(&["aBc"]).as_deref(), Some("true"));
        assert_eq!(found.all("list").collect::<Vec<_>>(), ["one", "three"]);
        assert!(!format!("{found:?}").contains("secret"));
    }

    #[test]
    fn only_plain_ids_and_numbers_are_used() {
        assert_eq!(fields(r#"{"id": "../../x?y"}"#).id(&["id"]), None);
        assert_eq!(fields(r#"{"id": "535bca23-d3bd"}"#).id(&["id"]).as_deref(), Some("535bca23-d3bd"));
        assert_eq!(fields(r#"{"id": -1}"#).number(&["id"]), None);
        assert_eq!(fields(r#"{"id": 1e30}"#).number(&["id"]), None);
        assert_eq!(fields(r#"{"id": 18446744073709551615}"#).number(&["id"]), Some(u64::MAX));
        assert!(serde_json::from_str::<Fields<Some_>>(r#"{"id": "#).is_err());
    }

    #[test]
    fn long_lists_and_texts_are_cut() {
        let many = serde_json::json!({ "list": vec!["x".repeat(5000); 100] }).to_string();
        let found = fields(&many);
        assert_eq!(found.all("list").count(), limits::SERVER_STATEMENTS);
        assert!(found.all("list").all(|text| text.len() <= limits::SERVER_TEXT));
    }
}
