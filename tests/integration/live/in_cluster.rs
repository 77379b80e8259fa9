//! The Job and the CronJob that run the program in the cluster.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{at, check, codes};
use crate::{
    bed::{self, Lease, Line, Stack, rest},
    tool::states,
};

/// The manifests of a Job or CronJob.
async fn manifests(bed: &Lease, arguments: &str) -> String {
    let arguments = format!("manifests --image meshdoctor:dev {arguments}");
    let ran = at(bed, bed.namespace(), &arguments).run_beside().await.exits(0);
    ran.stdout
}

fn apply(bed: &Lease, manifests: &str, flags: &[&str]) -> Result<String> {
    let file = bed.file("monitor.yaml");
    std::fs::write(&file, manifests)?;
    let file = file.display().to_string();
    bed.kubectl(&[&["apply", "-f", &file], flags].concat())
}

#[tokio::test]
async fn job_is_accepted_and_its_account_lacks_no_permission() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _publisher = stack.start_publisher(0, &bed::Faults::default()).await?;
    let restricted = json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": "restricted" } } });
    rest::merge(&stack.client, &format!("/api/v1/namespaces/{}", bed.namespace()), &restricted).await?;
    let before = check(&bed, bed.namespace()).await;

    for (arguments, command) in [("--job", "check"), ("--cronjob --synthetic", "check --synthetic")] {
        let manifests = manifests(&bed, arguments).await;
        // Pod Security only warns about the pods of a Job.
        let dry_run = apply(&bed, &manifests, &["--dry-run=server", "--warnings-as-errors"])?;
        assert_eq!(dry_run.lines().count(), 6, "{dry_run}");
        apply(&bed, &manifests, &["--warnings-as-errors"])?;
        let kubeconfig = bed::account_kubeconfig(&bed, &stack.client, bed.namespace(), "meshdoctor").await?;
        let command = format!("{command} -o json");
        let report = bed::until("the permissions to be in force", Duration::from_secs(10), || async {
            let report = at(&bed, bed.namespace(), &command).kubeconfig(&kubeconfig).run_beside().await.json();
            Ok((report["permissions"]["missing"] == json!([])).then_some(report))
        })
        .await?;
        assert_eq!(states(&report), states(&before), "{report:#}");
    }
    Ok(())
}

#[tokio::test]
async fn pods_of_the_job_do_not_count_as_the_stacks() -> Result<()> {
    let bed = bed::lease().await?;
    let mut stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let meshsync = stack.meshsync(0).await?;
    stack.keep(meshsync);
    let before = check(&bed, bed.namespace()).await;

    apply(&bed, &manifests(&bed, "--job").await, &[])?;
    let pods = format!(
        "{}?labelSelector=app.kubernetes.io%2Fname%3Dmeshdoctor",
        rest::collection("v1", "Pod", Some(bed.namespace()))
    );
    bed::until("the pod of the Job", Duration::from_secs(30), || async {
        let pods = rest::list(&stack.client, &pods).await?;
        Ok(pods.first().and_then(|pod| pod["status"]["phase"].as_str()).filter(|phase| *phase != "Pending").map(drop))
    })
    .await?;
    let after = check(&bed, bed.namespace()).await;
    assert_eq!(states(&after), states(&before));
    assert_eq!(codes(&after), codes(&before), "{after:#}");
    let names = |report: &Value| -> Vec<String> {
        let workloads = report["workloads"].as_array().into_iter().flatten();
        workloads.map(|workload| format!("{} {}", workload["kind"], workload["name"])).collect()
    };
    assert_eq!(names(&after), names(&before));
    assert!(!after["workloads"].to_string().contains("meshdoctor"), "{after:#}");

    // Without the stack, they are no orphans.
    stack.undeploy().await?;
    stack.delete_operator().await?;
    let gone = check(&bed, bed.namespace()).await;
    assert_eq!(gone["verdict"], "not-installed", "{gone:#}");
    assert!(!gone.to_string().contains("job/meshdoctor"), "{gone:#}");
    assert_eq!(gone["workloads"], json!([]), "{gone:#}");
    Ok(())
}
