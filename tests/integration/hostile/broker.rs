//! A broker that injects faults.
