//! The test cluster, to start by hand.
fn main() {}
