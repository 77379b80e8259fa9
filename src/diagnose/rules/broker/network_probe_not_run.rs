use crate::{
    diagnose::rules::{broker::network_path_broken::tested, prelude::*},
    facts::network::NotRun,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "network-probe-not-run",
    title: "The network test could not run",
    explanation: include_str!("network_probe_not_run.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::obstacle(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "network-tried", title: "the test pod has run", after: &[], ..Check::of(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let test = tested(context)?;
    let Some(why) = &test.not_run else {
        return Outcome::pass();
    };
    let rbac = || context.rbac("test --network", context.facts.target.user.as_deref());
    let draft = DIAGNOSIS.finding().evidence(why.sentence());
    let draft = if test.pod.is_empty() { draft } else { draft.object(context.object("Pod", &test.pod)) };
    let draft = match why {
        NotRun::NoTarget(_) => draft
            .title("There is nothing for the network test to imitate")
            .message("The test uses MeshSync's pod as its model and tests the broker's addresses.")
            .remedy("deploy MeshSync and the broker first"),
        NotRun::Refused(refusal) if refusal.denied => draft
            .title("No permission to create the test pod")
            .message("Nothing was created, and nothing is known about the network.")
            .remedy("ask a cluster admin to apply the output of the command")
            .command(rbac()),
        NotRun::Refused(_) => draft
            .title("The API server refused the test pod")
            .message("A quota, Pod Security or an admission webhook does not allow it. Nothing was created.")
            .remedy("change what refuses the pod, as the evidence says, and test again"),
        NotRun::NotStarted { reason, .. } => {
            draft.title(format!("The test pod did not start: {reason}")).message(not_started(reason)).remedy(
                "remove the reason and test again; if the image is missing, load it on the node or name one that the \
                 node can pull",
            )
        }
        NotRun::NoResult(_) => draft
            .title("The test pod had no result")
            .message("Its container ran, but its log is not the result of the test, or cannot be read.")
            .remedy("use an image of the same version of meshdoctor as this one, and check the permissions")
            .command(rbac()),
        NotRun::CutShort(_) => draft
            .title("The network test did not finish")
            .message("What was not tested is unknown.")
            .remedy("test again, with a longer --timeout if the time was up"),
    };
    draft.found()
}

fn not_started(reason: &str) -> &'static str {
    match reason {
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" | "RegistryUnavailable" => {
            "The node does not have the image and cannot pull it. No image of meshdoctor is published."
        }
        "StartError" | "ContainerCannotRun" | "RunContainerError" => "The image lacks the program `/meshdoctor`.",
        "Unschedulable" => "No node can take the pod.",
        _ => "The pod was created and removed again. Nothing is known about the network.",
    }
}
