//! Reads the bodies of answers, within limits.

use std::{cell::Cell, rc::Rc};

use http::header;
use http_body_util::BodyExt;
use kube::client::Body;

use super::{answer::ApiError, transport_error::from_error};
use crate::stack::base::{
    failure::Kind,
    limits::{API_ANSWER, API_ANSWERS, API_ELEMENTS, MIB},
    reader::skip_string,
};

/// The memory that the answers of a run use.
#[derive(Clone, Default)]
pub(crate) struct Budget(Rc<Cell<usize>>);

impl Budget {
    /// Reserves memory for one more answer.
    pub(crate) fn reservation(&self) -> Reservation {
        Reservation { all: self.0.clone(), taken: 0 }
    }
}

/// The memory reserved for one answer or list. It is released on drop.
pub(crate) struct Reservation {
    all: Rc<Cell<usize>>,
    taken: usize,
}

impl Reservation {
    /// Reserves more, if it is available.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), ApiError> {
        let all = self.all.get().saturating_add(bytes);
        if all > API_ANSWERS {
            return Err(too_large(format!(
                "the API server's responses together exceed the limit of {} MiB",
                API_ANSWERS / MIB
            )));
        }
        self.all.set(all);
        self.taken += bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.all.set(self.all.get() - self.taken);
    }
}

/// An answer that exceeds a limit.
pub(crate) fn too_large(why: impl Into<String>) -> ApiError {
    ApiError::new(Kind::TooLarge, why)
}

fn answer_too_large() -> ApiError {
    too_large(format!("the API server's response exceeds the limit of {} MiB", API_ANSWER / MIB))
}

/// The complete body, if it is not larger than [`API_ANSWER`] and `take` accepts each part of it.
pub(crate) async fn read(
    head: &http::response::Parts,
    mut body: Body,
    mut take: impl FnMut(usize) -> Result<(), ApiError>,
) -> Result<Vec<u8>, ApiError> {
    let length = head.headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > API_ANSWER as u64) {
        return Err(answer_too_large());
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| from_error(&error))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > API_ANSWER {
            return Err(answer_too_large());
        }
        take(data.len())?;
        // A doubling vector would use twice the reserved memory.
        if bytes.capacity() - bytes.len() < data.len() {
            bytes.reserve_exact(data.len().max(bytes.len() / 8));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Rejects a document with so many array elements that decoding it would need far more memory than its text.
pub(crate) fn check_elements(text: &str) -> Result<(), ApiError> {
    // It is too short to have that many.
    if text.len() <= 2 * API_ELEMENTS {
        return Ok(());
    }
    let mut arrays = Vec::new();
    let mut elements = 0_usize;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'[' => arrays.push(true),
            b'{' => arrays.push(false),
            b']' | b'}' => drop(arrays.pop()),
            b',' if arrays.last() == Some(&true) => elements += 1,
            _ => {}
        }
        // If the document is nested too deeply, the decoder reports it.
        if arrays.len() > 1000 {
            return Ok(());
        }
    }
    if elements > API_ELEMENTS {
        return Err(too_large(format!("the API server's response has more than {API_ELEMENTS} elements in its lists")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_with_too_many_small_elements_are_refused() {
        let of = |count: usize| format!(r#"{{"items":[{}{{}}]}}"#, "{},".repeat(count));
        assert!(check_elements(&of(API_ELEMENTS)).is_ok());
        let failure = check_elements(&of(API_ELEMENTS + 1)).expect_err("too many");
        assert_eq!(failure.kind(), Kind::TooLarge);
        // Commas in strings and between keys do not count.
        let text = format!(r#"{{"a":"{}"}}"#, ",[".repeat(2 * API_ELEMENTS));
        assert!(check_elements(&text).is_ok());
    }

    #[test]
    fn reserved_memory_is_released_on_drop() {
        let budget = Budget::default();
        let mut reservation = budget.reservation();
        assert!(reservation.take(API_ANSWERS).is_ok());
        let refused = budget.reservation().take(1).expect_err("nothing is left");
        assert_eq!(refused.kind(), Kind::TooLarge);
        drop(reservation);
        assert!(budget.reservation().take(API_ANSWERS).is_ok());
    }
}
