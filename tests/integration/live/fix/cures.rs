//! Each fault is fixed, first by one run and then by runs that are killed after a write.

use anyhow::Result;

use super::{Patient, causes, faults, fix, fixed};
use crate::{
    bed::users,
    fault_proxy::{Action, Fault, FaultProxy},
    live::check,
    tool::meshdoctor,
};

/// How often a run is killed. With `MESHDOCTOR_EVERY_KILL`, after each write until nothing is left to write.
fn kills() -> usize {
    if std::env::var_os("MESHDOCTOR_EVERY_KILL").is_some() { 60 } else { 3 }
}

/// One run fixes the fault.
async fn assert_fixed(patient: &mut Patient, name: &str) -> Result<()> {
    let fault = faults::named(name);
    patient.cause(name).await?;
    patient.until_found(fault.cause).await?;
    let report = fix(&patient.bed, patient.namespace(), "--fix=review --yes").await.exits(0).json();
    assert!(causes(&report).is_empty(), "{name}: {:?}", causes(&report));
    assert!(fixed(&report).contains(&fault.fixed), "{name}: {}", report["fixes"]);
    Ok(())
}

/// Killed runs and a last one fix the fault.
async fn assert_fixed_after_kills(patient: &mut Patient, name: &str) -> Result<()> {
    let fault = faults::named(name);
    patient.cause(name).await?;
    patient.until_found(fault.cause).await?;
    let mut written = Vec::new();
    for _ in 0..kills() {
        let proxy = FaultProxy::start(&patient.bed, users::ADMIN, Fault::after_write(1, Action::Signal("KILL")))?;
        let command = format!("check --fix=review --yes --wait 60s -n {}", patient.namespace());
        let ran = proxy.run(meshdoctor(&command)).await?;
        written.extend(proxy.written());
        if !proxy.has_injected() {
            break;
        }
        assert_eq!(ran.code, -1, "{name}: {ran:?}");
    }
    assert!(!written.is_empty(), "{name}: no run was killed");
    assert_healthy_at_last(patient, name).await
}

/// The same command ends with a healthy stack.
async fn assert_healthy_at_last(patient: &Patient, name: &str) -> Result<()> {
    let report = fix(&patient.bed, patient.namespace(), "--fix=review --yes").await.exits(0).json();
    assert!(causes(&report).is_empty(), "{name}: {:?}", causes(&report));
    let again = check(&patient.bed, patient.namespace()).await;
    assert!(causes(&again).is_empty(), "{name}: {:?}", causes(&again));
    Ok(())
}

/// Faults that can be caused again in the stack that was fixed, and faults that need a new stack.
macro_rules! cures {
    (again { $($test:ident: $name:literal,)* } new { $($first:ident $killed:ident: $other:literal,)* }) => {
        $(
            #[tokio::test]
            async fn $test() -> Result<()> {
                let mut patient = faults::patient($name).await?;
                assert_fixed(&mut patient, $name).await?;
                assert_fixed_after_kills(&mut patient, $name).await
            }
        )*

        $(
            #[tokio::test]
            async fn $first() -> Result<()> {
                assert_fixed(&mut faults::patient($other).await?, $other).await
            }

            #[tokio::test]
            async fn $killed() -> Result<()> {
                assert_fixed_after_kills(&mut faults::patient($other).await?, $other).await
            }
        )*

        #[test]
        fn every_fault_is_tested() {
            let tested = [$($name,)* $($other),*];
            for fault in faults::ALL {
                assert!(tested.contains(&fault.name), "no test for {}", fault.name);
            }
        }
    };
}

cures! {
    again {
    reader_role_missing: "reader-role-missing",
    meshsync_gave_up: "meshsync-gave-up",
    token_rotated: "token-rotated",
    token_emptied: "token-emptied",
    token_changed_for_the_broker_only: "token-changed-for-the-broker-only",
    watch_list_emptied: "watch-list-emptied",
    watch_list_of_names: "watch-list-of-names",
    watch_list_of_unknown_kinds: "watch-list-of-unknown-kinds",
    watch_list_edited: "watch-list-edited",
    blacklist: "blacklist",
    operator_deleted: "operator-deleted",
    operator_scaled_to_zero: "operator-scaled-to-zero",
    webhook_untrusted: "webhook-untrusted",
    operator_without_permissions: "operator-without-permissions",
    custom_resources_deleted: "custom-resources-deleted",
    crd_deleted: "crd-deleted",
    conversion_webhook_dead: "conversion-webhook-dead",
    only_workloads_left: "only-workloads-left",
    stuck_terminating: "stuck-terminating",
    cluster_admin: "cluster-admin",
    }
    new {
    upgraded_in_place upgraded_in_place_killed: "upgraded-in-place",
    old_broker_exposed old_broker_exposed_killed: "old-broker-exposed",
    old_broker_exposed_with_new_crds old_broker_exposed_with_new_crds_killed: "old-broker-exposed-with-new-crds",
    }
}
