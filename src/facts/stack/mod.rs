//! Which objects belong to the stack, and where `MeshSync` is configured to publish. Pure.

pub mod destination;
mod nodes;
mod objects;
mod workloads;

pub use destination::broker_pods;
pub use nodes::{node_of, nodes_to_query, overdue_since, pod_condition, sign, silent_since};
pub use objects::{
    StartFailure, container, container_statuses, external_addresses, host_and_port, image_tag, is_stacks_pod,
    memory_limit, merged, name, pod_ip, release_of, running_since, selected, service_account_user, service_type,
    start_failure, unschedulable, watch_list_written,
};
pub use workloads::{
    account_of, adapters, broker_services, broker_statefulsets, brokers, chosen, container_port, helm_release,
    hub_deployments, hub_pods, is_current_operator, is_gone, meshsync_deployment, meshsync_pods,
    meshsync_service_account, meshsyncs, nats_container, nats_running_since, operator, operator_pods,
    operator_service_account, own_broker_pods, pods_selected_by, server_deployment, server_pods, server_service,
};
