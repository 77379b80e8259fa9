//! Resolves paths in a kubeconfig, which are relative to its folder.

use std::path::{MAIN_SEPARATOR, Path};

use kube::config::Kubeconfig;

/// Resolves them as kubectl does.
pub(crate) fn resolve(kubeconfig: &mut Kubeconfig, folder: &Path) {
    for cluster in &mut kubeconfig.clusters {
        if let Some(cluster) = &mut cluster.cluster {
            absolute(&mut cluster.certificate_authority, folder);
        }
    }
    for user in &mut kubeconfig.auth_infos {
        let Some(user) = &mut user.auth_info else {
            continue;
        };
        absolute(&mut user.client_certificate, folder);
        absolute(&mut user.client_key, folder);
        absolute(&mut user.token_file, folder);
        // A bare name is looked up in the PATH.
        if let Some(exec) = &mut user.exec
            && exec.command.as_ref().is_some_and(|command| command.contains(MAIN_SEPARATOR))
        {
            absolute(&mut exec.command, folder);
        }
    }
}

fn absolute(path: &mut Option<String>, folder: &Path) {
    if let Some(path) = path
        && !path.is_empty()
        && Path::new(path.as_str()).is_relative()
        && let Some(resolved) = folder.join(path.as_str()).to_str()
    {
        resolved.clone_into(path);
    }
}
