# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_meshdoctor_global_optspecs
    string join \n kubeconfig= context= cluster= user= n/namespace= as= as-group= token= s/server= tls-server-name= insecure-skip-tls-verify request-timeout= o/output= timeout= profile= v/verbose q/quiet color= no-input h/help V/version
end

function __fish_meshdoctor_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_meshdoctor_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_meshdoctor_using_subcommand
    set -l cmd (__fish_meshdoctor_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -f -a "system" -d 'Judge or show the stack'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -f -a "test" -d 'Test one connection, or that events flow'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -f -a "record" -d 'Write what is seen of the stack to a file, without secrets'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -f -a "watch-list" -d 'Validate a watch-list, and show what MeshSync makes of it'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -f -a "manifests" -d 'Print what `system redeploy` applies, ready to apply'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -f -a "explain" -d 'Explain a diagnosis, offline'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -f -a "checks" -d 'List the diagnoses'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -f -a "rbac" -d 'Print the smallest roles that a command needs, ready to apply'
complete -c meshdoctor -n "__fish_meshdoctor_needs_command" -f -a "completion" -d 'Print the completion script of a shell'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -f -a "check" -d 'Judge everything: states, root cause, remedy'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -f -a "status" -d 'Show states, versions, clients and workloads'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -f -a "redeploy" -d 'Deploy the stack or a part of it, or bring it back to what it should be'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and not __fish_seen_subcommand_from check status redeploy reset" -f -a "reset" -d 'Remove the stack or a part of it, in the order that leaves nothing behind'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l from -d 'Judge a recording: a file, a folder, or - for standard input' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l fail-on -d 'Least severe finding that fails the run' -r -f -a "error\t'Errors'
warning\t'Errors and warnings'
info\t'Every finding'
never\t'None'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l expect -d 'What should be so: operator or embedded, server, server=inside, server=outside' -r -f -a "operator\t''
embedded\t''
server\t''
server=inside\t''
server=outside\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l only -d 'Judge only these codes and components' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l skip -d 'Leave out these codes and components; how many findings that silences is told' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l preflight -d 'May this cluster, and this user, take the stack? Tries every object in a dry run and changes nothing'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l synthetic -d 'Prove that events flow, too, as `test dataflow` does: makes an object, changes it and removes it'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l all -d 'Show each check, and the findings that others explain'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from check" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l from -d 'Show a recording: a file, a folder, or - for standard input' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from status" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l operator-version -d 'Version of the operator [default: the newest that this program knows]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l image-registry -d 'Registry, with or without a path, that the images are taken from' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l broker-service-type -d 'Type of the broker\'s Service: ClusterIP, NodePort or LoadBalancer' -r -f -a "ClusterIP\t''
NodePort\t''
LoadBalancer\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l broker-size -d 'How many broker servers; they do not share messages' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l watch-list -d 'The watch-list for MeshSync: a MeshSync, a ConfigMap or the bare JSON array [default: the stock list]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l from-backup -d 'Restore the specifications of the custom resources in this file, which `system reset` wrote; custom resources that are not in it stay as they are' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l backup-namespace -d 'Namespace in the backup to restore from; needed with --yes if it is not the stack\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l wait -d 'Longest wait for a single thing to come or go' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l watch-everything -d 'Let MeshSync read every kind, not only those of its watch-list'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l overwrite-crs -d 'Bring existing custom resources to what is asked for, too; otherwise they stay as they are'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l new-token -d 'Have the operator make a new token for the broker'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l force-conflicts -d 'Take fields from whatever tool manages them'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l take-over -d 'Take over what Helm, Argo CD or Flux manages'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l no-wait -d 'Do not wait for MeshSync to be connected'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l dry-run -d 'Show what would be done, and do nothing'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -s y -l yes -d 'Do it without asking'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from redeploy" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l backup -d 'Where to keep a copy of what is removed, with the credentials in custom resources; only its owner may read it [default: a file in the working directory]' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l wait -d 'Longest wait for a single thing to come or go' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l keep-crs -d 'Remove the operator although its custom resources stay'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l clear-finalizers -d 'Take away the finalizers of custom resources where no operator is left to act on them'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l crds -d 'Remove the custom resource definitions as well, and with them such resources in every namespace'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l delete-namespace -d 'Remove the namespace as well, and with it all that is in it'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l no-backup -d 'Keep no copy of what is removed'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l dry-run -d 'Show what would be done, and do nothing'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -s y -l yes -d 'Do it without asking'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand system; and __fish_seen_subcommand_from reset" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -f -a "kubernetes" -d 'The way to the API server: address, connection, TLS, credentials, latency'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -f -a "operator" -d 'Whether the operator leads, and has acted on what it is told'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -f -a "broker" -d 'Every server of the broker: connection, token, latency, and that it hands on what is published'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -f -a "meshsync" -d 'Whether MeshSync is connected and answers'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and not __fish_seen_subcommand_from kubernetes operator broker meshsync dataflow" -f -a "dataflow" -d 'Whether a change in the cluster comes out of the broker: makes an object, changes it, removes it, and waits for the events'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l count -d 'How often to measure' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l fail-on -d 'Least severe finding that fails the run' -r -f -a "error\t'Errors'
warning\t'Errors and warnings'
info\t'Every finding'
never\t'None'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from kubernetes" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l fail-on -d 'Least severe finding that fails the run' -r -f -a "error\t'Errors'
warning\t'Errors and warnings'
info\t'Every finding'
never\t'None'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from operator" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l count -d 'How often to measure' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l fail-on -d 'Least severe finding that fails the run' -r -f -a "error\t'Errors'
warning\t'Errors and warnings'
info\t'Every finding'
never\t'None'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from broker" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l fail-on -d 'Least severe finding that fails the run' -r -f -a "error\t'Errors'
warning\t'Errors and warnings'
info\t'Every finding'
never\t'None'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from meshsync" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l from -d 'Show the test in a recording that `record --synthetic` made: a file, a folder, or - for standard input' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l count -d 'How many objects to make, one after the other' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l passive -d 'Only listen, for so long, and write nothing' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l kind -d 'Kind of the object [default: the first of these that MeshSync watches]' -r -f -a "configmap\t''
deployment\t''
replicaset\t''
cronjob\t''
service\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l probe-namespace -d 'Namespace of the object [default: the stack\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l wait -d 'Longest wait for a single event' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l fail-on -d 'Least severe finding that fails the run' -r -f -a "error\t'Errors'
warning\t'Errors and warnings'
info\t'Every finding'
never\t'None'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l store -d 'Have MeshSync publish its whole store once, and compare it with what the API server counts'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand test; and __fish_seen_subcommand_from dataflow" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l force -d 'Overwrite the file if it is there'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l preflight -d 'Record what `system check --preflight` judges, too'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l synthetic -d 'Record what `system check --synthetic` judges, too: makes an object, changes it and removes it'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand record" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l without -d 'Entries to leave out of the stock list' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l stock -d 'Print the stock list instead, as a patch for `kubectl patch --type merge --patch-file`'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand watch-list" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l operator-version -d 'Version of the operator [default: the newest that this program knows]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l image-registry -d 'Registry, with or without a path, that the images are taken from' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l broker-service-type -d 'Type of the broker\'s Service: ClusterIP, NodePort or LoadBalancer' -r -f -a "ClusterIP\t''
NodePort\t''
LoadBalancer\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l broker-size -d 'How many broker servers; they do not share messages' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l watch-list -d 'The watch-list for MeshSync: a MeshSync, a ConfigMap or the bare JSON array [default: the stock list]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l watch-everything -d 'Let MeshSync read every kind, not only those of its watch-list'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand manifests" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand explain" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand checks" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -f -a "check" -d 'The rights of `system check` and `record`'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -f -a "status" -d 'The rights of `system status`'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -f -a "preflight" -d 'The rights of `system check --preflight`, which are those of installing the stack'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -f -a "test" -d 'The rights of `test`, and of `system check --synthetic`'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -f -a "redeploy" -d 'The rights of `system redeploy`'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and not __fish_seen_subcommand_from check status preflight test redeploy reset" -f -a "reset" -d 'The rights of `system reset`'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l to-user -d 'Bind to this user' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l to-group -d 'Bind to this group' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l to-serviceaccount -d 'Bind to this ServiceAccount' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from check" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l to-user -d 'Bind to this user' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l to-group -d 'Bind to this group' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l to-serviceaccount -d 'Bind to this ServiceAccount' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from status" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l to-user -d 'Bind to this user' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l to-group -d 'Bind to this group' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l to-serviceaccount -d 'Bind to this ServiceAccount' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from preflight" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l kind -d 'Kind of the object [default: the first of these that MeshSync watches]' -r -f -a "configmap\t''
deployment\t''
replicaset\t''
cronjob\t''
service\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l probe-namespace -d 'Namespace of the object [default: the stack\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l to-user -d 'Bind to this user' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l to-group -d 'Bind to this group' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l to-serviceaccount -d 'Bind to this ServiceAccount' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l store -d 'For `--store`, too'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from test" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l to-user -d 'Bind to this user' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l to-group -d 'Bind to this group' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l to-serviceaccount -d 'Bind to this ServiceAccount' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from redeploy" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l to-user -d 'Bind to this user' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l to-group -d 'Bind to this group' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l to-serviceaccount -d 'Bind to this ServiceAccount' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l crds -d 'For `--crds`, too'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l delete-namespace -d 'For `--delete-namespace`, too'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand rbac; and __fish_seen_subcommand_from reset" -s V -l version -d 'Print version'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l kubeconfig -d 'Kubeconfig file, instead of KUBECONFIG or ~/.kube/config' -r -F
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l context -d 'Context of the kubeconfig' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l cluster -d 'Cluster of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l user -d 'User of the kubeconfig, instead of the context\'s' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -s n -l namespace -d 'Namespace of the stack [default: the profile\'s]' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l as -d 'User to impersonate' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l as-group -d 'Group to impersonate; may be given more than once' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l token -d 'Bearer token for the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -s s -l server -d 'Address of the API server' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l tls-server-name -d 'Name to check the API server\'s certificate against' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l request-timeout -d 'Longest wait for a single request; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -s o -l output -d 'Output format' -r -f -a "table\t'For people'
wide\t'For people, with more columns'
json\t'For programs'
yaml\t'For programs'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l timeout -d 'Longest time for the whole run; 0 for none' -r
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l profile -d 'Family of stacks to look for' -r -f -a "meshery\t''
meshplay\t''"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l color -d 'When to colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is dumb'
always\t'Always'
never\t'Never'"
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -s v -l verbose -d 'Tell every request and its time on standard error'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -s q -l quiet -d 'Print the verdict only'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -l no-input -d 'Never ask a question'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshdoctor -n "__fish_meshdoctor_using_subcommand completion" -s V -l version -d 'Print version'
