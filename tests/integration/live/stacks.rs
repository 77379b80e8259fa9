//! Clusters with stacks of other profiles, or of several, when the user names no profile.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::{document, until_checked};
use crate::{
    bed::{self, Cluster, Lease, Line, Stack},
    tool::{Ran, meshdoctor, states},
};

/// The program with the kubeconfig of a cluster, without a namespace.
async fn run(cluster: &Cluster, arguments: &str) -> Ran {
    meshdoctor(arguments).kubeconfig(&cluster.kubeconfig()).run_beside().await
}

/// The profile and the states of each stack.
fn stacks(list: &Value) -> Vec<(&str, String)> {
    let stacks = list["stacks"].as_array().expect("stacks").iter();
    stacks.map(|stack| (stack["target"]["profile"].as_str().expect("a profile"), states(stack))).collect()
}

async fn meshplay() -> Result<(Lease, Stack)> {
    let bed = bed::private().await?;
    bed.create_namespace("meshplay").await?;
    let mut stack = Stack::of(Line::Meshplay).start(&bed).await?;
    let meshsync = stack.meshsync(0).await?;
    stack.keep(meshsync);
    Ok((bed, stack))
}

#[tokio::test]
async fn meshplay_alone_is_found() -> Result<()> {
    let (bed, _stack) = meshplay().await?;
    for command in ["check", "status", "test broker"] {
        let report = document(&run(&bed, &format!("{command} -o json")).await);
        let target = &report["target"];
        assert_eq!((&target["profile"], &target["namespace"]), (&"meshplay".into(), &"meshplay".into()), "{command}");
        assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED", "{command}: {report:#}");
    }
    let fix = document(&run(&bed, "check --fix --dry-run -o json").await);
    assert_eq!((&fix["kind"], &fix["target"]["profile"]), (&"Report".into(), &"meshplay".into()));
    let list = run(&bed, "watch-list -o json").await.json();
    assert_eq!(list["list"], "empty", "{list:#}");

    // A change never begins with a guess.
    let changes =
        [("system redeploy", "system redeploy --force-conflicts"), ("system reset stack", "system reset stack")];
    for (command, with_profile) in changes {
        let refused = run(&bed, &format!("{command} --yes -o json")).await.exits(4).json();
        assert_eq!(refused["outcome"], "refused", "{refused:#}");
        let reason = refused["reason"].as_str().expect("a reason");
        assert!(reason.contains("has Meshplay and no custom resources of Meshery"), "{reason}");
        assert!(refused["instead"].to_string().contains("--profile meshplay"), "{refused:#}");
        let planned = run(&bed, &format!("{with_profile} --dry-run -o json --profile meshplay")).await.exits(0).json();
        assert_eq!(planned["outcome"], "dry-run", "{planned:#}");
    }
    Ok(())
}

#[tokio::test]
async fn each_of_several_stacks_is_judged() -> Result<()> {
    let (bed, meshplay) = meshplay().await?;
    bed.create_namespace("meshery").await?;
    let meshery = Stack::of(Line::Current).beside_another().start(&bed).await?;
    let meshsync = meshery.meshsync(0).await?;
    let both =
        |meshery: &str| vec![("meshery", meshery.to_owned()), ("meshplay", "DEPLOYED/CONNECTED/DEPLOYED".into())];

    let check = document(&run(&bed, "check -o json").await);
    assert_eq!(stacks(&check), both("DEPLOYED/CONNECTED/DEPLOYED"), "{check:#}");
    assert_eq!((&check["kind"], &check["verdict"]), (&"ReportList".into(), &"unhealthy".into()));
    assert_eq!(check["stacks"][0]["exitCode"], 0, "{:#}", check["stacks"][0]["findings"]);
    assert_eq!(check["stacks"][1]["exitCode"], 1);
    let status = document(&run(&bed, "status -o json").await.exits(0));
    assert_eq!(stacks(&status), both("DEPLOYED/CONNECTED/DEPLOYED"));
    let one = document(&run(&bed, "check -o json --profile meshplay").await);
    assert_eq!((&one["kind"], &one["target"]["profile"]), (&"Report".into(), &"meshplay".into()));

    // The recording says the same.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("both.json");
    let record = meshdoctor("record").arg(&file).kubeconfig(&bed.kubeconfig());
    record.run_beside().await.exits(0);
    let read = document(&meshdoctor("check -o json --from").arg(&file).run_beside().await);
    for (live, recorded) in [0, 1].map(|number| (&check["stacks"][number], &read["stacks"][number])) {
        assert_eq!(live["rootCauses"], recorded["rootCauses"]);
        assert_eq!(states(live), states(recorded));
    }

    // A namespace of one of them.
    let meshplays = document(&run(&bed, "check -o json -n meshplay").await);
    assert_eq!(meshplays["target"]["profile"], "meshplay", "{meshplays:#}");

    drop(meshsync);
    until_checked("only Meshery to be disconnected", Duration::from_secs(10), || async {
        let check = document(&run(&bed, "check -o json").await);
        Ok((stacks(&check) == both("DEPLOYED/RUNNING/DEPLOYED")).then_some(()))
    })
    .await?;
    drop((meshery, meshplay));
    Ok(())
}

#[tokio::test]
async fn custom_resources_of_another_profile_alone_change_nothing() -> Result<()> {
    let bed = bed::private().await?;
    bed.create_namespace("meshery").await?;
    let stack = Stack::of(Line::Current).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let alone = run(&bed, "check -o json -v").await;
    assert_eq!(document(&alone)["target"]["profile"], "meshery");
    // One request for all other profiles.
    let requests = |ran: &Ran, what: &str| ran.stderr.lines().filter(|line| line.contains(what)).count();
    assert_eq!((requests(&alone, "GET /apis:"), requests(&alone, "meshplay")), (1, 0), "{}", alone.stderr);

    bed.upgrade_crds(&bed.client().await?, Line::Meshplay).await?;
    let beside = run(&bed, "check -o json -v").await;
    assert_eq!(document(&beside)["target"]["profile"], "meshery");
    assert!(requests(&beside, "meshplay") > 0, "{}", beside.stderr);
    Ok(())
}

/// A user who may read only the namespace of Meshplay misses nothing of Meshery.
#[tokio::test]
async fn stack_that_is_not_there_needs_no_permission() -> Result<()> {
    let (bed, _stack) = meshplay().await?;
    let user = bed.user()?;
    let roles = run(&bed, &format!("rbac check --profile meshplay --to-user {user}")).await.exits(0);
    bed.apply_yaml(&roles.stdout).await?;
    let as_user = meshdoctor("check -o json").kubeconfig(&bed.kubeconfig_for(&user)?).run_beside().await;
    let report = document(&as_user);
    assert_eq!(report["target"]["profile"], "meshplay", "{report:#}");
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED", "{report:#}");
    Ok(())
}
