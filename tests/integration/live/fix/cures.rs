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
            assert!(!written.is_empty(), "{name}: no run was killed: {ran:?}");
            break;
        }
        assert_eq!(ran.code, -1, "{name}: {ran:?}");
    }
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

/// Two tests for each fault: it is fixed by one run, and by runs that are killed. A fault whose remedy is that of another
/// one is left to the exhaustive tests.
macro_rules! cures {
    ({ $($test:ident $killed:ident: $name:literal,)* } alike { $($alike:ident $alike_killed:ident: $alike_name:literal,)* }) => {
        $(
            #[tokio::test]
            async fn $test() -> Result<()> {
                assert_fixed(&mut faults::patient($name).await?, $name).await
            }
        )*
        $(
            #[tokio::test]
            #[ignore = "tries every write or every combination: tests/run --exhaustive"]
            async fn $alike() -> Result<()> {
                assert_fixed(&mut faults::patient($alike_name).await?, $alike_name).await
            }
        )*
        cures_killed! { $($killed: $name,)* $($alike_killed: $alike_name,)* }
    };
}

macro_rules! cures_killed {
    ($($killed:ident: $name:literal,)*) => {
        $(
            #[tokio::test]
            #[ignore = "tries every write or every combination: tests/run --exhaustive"]
            async fn $killed() -> Result<()> {
                assert_fixed_after_kills(&mut faults::patient($name).await?, $name).await
            }
        )*

        #[test]
        fn every_fault_is_tested() {
            let tested = [$($name),*];
            for fault in faults::ALL {
                assert!(tested.contains(&fault.name), "no test for {}", fault.name);
            }
        }
    };
}

cures! {
    {
        reader_role_missing reader_role_missing_killed: "reader-role-missing",
        meshsync_gave_up meshsync_gave_up_killed: "meshsync-gave-up",
        token_rotated token_rotated_killed: "token-rotated",
        watch_list_emptied watch_list_emptied_killed: "watch-list-emptied",
        watch_list_edited watch_list_edited_killed: "watch-list-edited",
        blacklist blacklist_killed: "blacklist",
        operator_deleted operator_deleted_killed: "operator-deleted",
        operator_scaled_to_zero operator_scaled_to_zero_killed: "operator-scaled-to-zero",
        webhook_untrusted webhook_untrusted_killed: "webhook-untrusted",
        operator_without_permissions operator_without_permissions_killed: "operator-without-permissions",
        crd_deleted crd_deleted_killed: "crd-deleted",
        conversion_webhook_dead conversion_webhook_dead_killed: "conversion-webhook-dead",
        only_workloads_left only_workloads_left_killed: "only-workloads-left",
        stuck_terminating stuck_terminating_killed: "stuck-terminating",
        cluster_admin cluster_admin_killed: "cluster-admin",
        upgraded_in_place upgraded_in_place_killed: "upgraded-in-place",
        old_broker_exposed_with_new_crds old_broker_exposed_with_new_crds_killed: "old-broker-exposed-with-new-crds",
    }
    alike {
        token_emptied token_emptied_killed: "token-emptied",
        token_changed_for_the_broker_only token_changed_for_the_broker_only_killed: "token-changed-for-the-broker-only",
        watch_list_of_names watch_list_of_names_killed: "watch-list-of-names",
        watch_list_of_unknown_kinds watch_list_of_unknown_kinds_killed: "watch-list-of-unknown-kinds",
        custom_resources_deleted custom_resources_deleted_killed: "custom-resources-deleted",
        old_broker_exposed old_broker_exposed_killed: "old-broker-exposed",
    }
}
