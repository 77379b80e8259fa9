//! meshdoctor.
