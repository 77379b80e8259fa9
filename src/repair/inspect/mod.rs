//! The live state of a stack, before anything is changed.

mod escalation;
mod existing;
mod live_state;
mod remedy;
