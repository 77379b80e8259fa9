//! meshdoctor.
fn main() {}
