//! Deserializes JSON from other programs and keeps no more of it than is needed.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

use crate::stack::base::limits;

/// A list that keeps its first `N` items and counts the rest.
#[derive(Clone, Debug)]
pub(crate) struct AtMost<T, const N: usize> {
    /// The items that were kept.
    pub(crate) items: Vec<T>,
    /// The total number of items.
    pub(crate) count: usize,
}

impl<T, const N: usize> Default for AtMost<T, N> {
    fn default() -> Self {
        Self { items: Vec::new(), count: 0 }
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for AtMost<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T, const N: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Items<T, N> {
            type Value = AtMost<T, N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut list = AtMost::default();
                while list.items.len() < N {
                    match seq.next_element()? {
                        Some(item) => list.items.push(item),
                        None => break,
                    }
                }
                list.count = list.items.len();
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    list.count += 1;
                }
                Ok(list)
            }
        }
        deserializer.deserialize_seq(Items(PhantomData))
    }
}

/// A string from a broker, cut to its limit.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(cut(String::deserialize(deserializer)?, limits::BROKER_TEXT))
}

/// Like [`text`], for an optional string.
pub(crate) fn text_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| cut(text, limits::BROKER_TEXT)))
}

/// The subjects that a client subscribes to, up to the limit.
pub(crate) fn subjects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Subject(#[serde(deserialize_with = "text")] String);
    let list = AtMost::<Subject, { limits::SUBJECTS }>::deserialize(deserializer)?;
    Ok(list.items.into_iter().map(|Subject(text)| text).collect())
}

/// Cuts a string to this many bytes.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_keeps_the_first_and_counts_all() -> Result<(), serde_json::Error> {
        let list: AtMost<u8, 2> = serde_json::from_str("[1, 2, {\"a\": []}, null]")?;
        assert_eq!((list.items, list.count), (vec![1, 2], 4));
        let list: AtMost<u8, 2> = serde_json::from_str("[]")?;
        assert_eq!((list.items, list.count), (vec![], 0));
        assert!(serde_json::from_str::<AtMost<u8, 2>>("[1, 2, 3").is_err());
        Ok(())
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("mesh".into(), 8), "mesh");
        assert_eq!(cut("aéé".into(), 4), "aé");
    }
}
