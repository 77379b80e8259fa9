//! An API server that injects faults.
