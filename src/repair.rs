//! What puts the stack right. So far what it would write, and no writer.

pub mod manifests;
