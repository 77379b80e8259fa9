//! The server's adapters, one for each service mesh.

pub(crate) mod unreachable;

use crate::diagnose::rules::prelude::*;

/// The diagnoses, in display order.
pub(super) static DIAGNOSES: &[&Diagnosis] = &[&unreachable::DIAGNOSIS];

/// The checks, in display order.
pub(super) static CHECKS: &[&Check] = &[&unreachable::CHECK];
