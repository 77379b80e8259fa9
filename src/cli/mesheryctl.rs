//! Commands of mesheryctl that do not exist here, and what to type instead.

/// The answer to a command of mesheryctl, in one sentence.
pub fn answer(word: &str) -> Option<&'static str> {
    Some(match word {
        "start" => {
            "to deploy operator, broker and MeshSync, run `meshdoctor system redeploy`; `mesheryctl system start` starts Meshery Server"
        }
        "stop" => {
            "to remove operator, broker and MeshSync, run `meshdoctor system reset stack`; `mesheryctl system stop` stops Meshery Server"
        }
        "restart" => {
            "to restart a component, run `meshdoctor system redeploy operator`, `broker` or `meshsync`; `mesheryctl system restart` restarts Meshery Server"
        }
        "deploy" | "install" | "apply" => "to deploy the stack, run `meshdoctor system redeploy`",
        "delete" | "uninstall" | "remove" => "to remove the stack, run `meshdoctor system reset stack`",
        "update" | "upgrade" => {
            "to update the stack, run `meshdoctor system redeploy`; `mesheryctl system update` updates Meshery Server"
        }
        "logs" => {
            "read the logs with `kubectl logs -n meshery deployment/meshery-meshsync`; `meshdoctor check` quotes the lines that matter"
        }
        "login" | "logout" => "a kubeconfig is enough here; `mesheryctl system login` logs in to Meshery Server",
        "context" => {
            "choose a cluster with `--context NAME` or `kubectl config use-context NAME`; Meshery's own contexts belong to `mesheryctl system context`"
        }
        "config" | "dashboard" | "token" | "channel" | "provider" => {
            "this command belongs to mesheryctl; `meshdoctor help` lists the commands here"
        }
        _ => return None,
    })
}
