//! The commands that are run against every hostile peer.

/// Commands that read from the cluster, as typed.
pub(super) const READING: &[&str] = &[
    "system check -o json",
    "system check --preflight -o json",
    "system status -o json",
    "test kubernetes -o json",
    "test operator -o json",
    "test broker -o json",
    "test meshsync -o json",
    "test dataflow -o json",
    "watch-list -o json",
    "record -",
    "server status -o json",
    "test server -o json",
];

/// Commands that read the custom resources of Service Mesh Hub, which has no broker, as typed.
pub(super) const OF_HUB: &[&str] =
    &["system check -o json --profile service-mesh-hub", "system status -o json --profile service-mesh-hub"];

/// Commands that change the cluster, as typed.
pub(super) const CHANGING: &[&str] = &[
    "system check --fix=review --yes -o json",
    "system redeploy --yes --no-wait -o json",
    "system reset stack --yes --no-backup -o json",
];

/// Commands that print something other than a report, as typed.
pub(super) const PRINTING: &[&str] = &["rbac check"];
