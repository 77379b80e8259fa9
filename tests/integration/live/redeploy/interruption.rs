//! Killed after every single write, refused before the first, and run twice at once.

use std::{
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use kube::{Client, client::Body};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{FORCE, assert_well, redeploy, versions, will_change};
use crate::{
    bed::{self, Cluster, states, users},
    live::at,
    tool::meshdoctor,
};

/// Passes requests on to the API server. The first one that writes is carried out and never answered: whoever sent it is
/// killed instead.
struct Guillotine {
    address: String,
    victim: Arc<Mutex<Option<std::process::Child>>>,
    writes: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Guillotine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Guillotine {
    async fn before(cluster: &Cluster) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let victim = Arc::new(Mutex::new(None));
        let writes = Arc::new(Mutex::new(Vec::new()));
        let client = cluster.client().await?;
        let (struck, counted) = (victim.clone(), writes.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (client, struck, counted) = (client.clone(), struck.clone(), counted.clone());
                tokio::spawn(async move {
                    let _ = serve(stream, client, &struck, &counted).await;
                });
            }
        });
        Ok(Self {
            address,
            victim,
            writes,
            task,
        })
    }

    /// Runs the program with this before it; its exit code, or none when it was killed.
    async fn run(
        &self,
        cluster: &Cluster,
        namespace: &str,
        arguments: &str,
    ) -> Result<Option<i32>> {
        let kubeconfig = cluster.file(&format!("through-proxy-{namespace}"));
        let text = users::kubeconfig("SERVER", "", users::ADMIN, &users::token(users::ADMIN))
            .replace("SERVER", &format!("http://{}", self.address))
            .lines()
            .filter(|line| !line.contains("certificate-authority-data"))
            .collect::<Vec<_>>()
            .join("\n");
        std::fs::write(&kubeconfig, text)?;
        let mut tool = meshdoctor(&format!(
            "system redeploy --yes --no-wait --wait 60s {arguments} -n {namespace}"
        ))
        .kubeconfig(&kubeconfig);
        let child = tool
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        *self.victim.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        bed::until("the run to end", Duration::from_secs(90), || async {
            let mut child = self.victim.lock().unwrap_or_else(PoisonError::into_inner);
            let child = child.as_mut().context("a child")?;
            Ok(child.try_wait()?.map(|status| status.code()))
        })
        .await
    }

    fn writes(&self) -> Vec<String> {
        self.writes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// HTTP/1.1 as far as a client of ours speaks it.
async fn serve(
    mut stream: TcpStream,
    client: Client,
    victim: &Mutex<Option<std::process::Child>>,
    writes: &Mutex<Vec<String>>,
) -> Result<()> {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (key, value) = line.split_once(": ")?;
                key.eq_ignore_ascii_case(name).then(|| value.to_owned())
            })
        };
        let length: usize = header("content-length").map_or(Ok(0), |text| text.parse())?;
        while bytes.len() < end + length {
            stream.read_buf(&mut bytes).await?;
        }
        let body: Vec<u8> = bytes[end..end + length].to_vec();
        bytes.drain(..end + length);
        let mut first = head.lines().next().unwrap_or_default().split(' ');
        let (method, path) = (
            first.next().unwrap_or_default().to_owned(),
            first.next().unwrap_or_default().to_owned(),
        );
        if header("upgrade").is_some() {
            return Ok(());
        }
        let mut request = http::Request::builder().method(method.as_str()).uri(&path);
        for name in ["accept", "content-type"] {
            if let Some(value) = header(name) {
                request = request.header(name, value);
            }
        }
        let answer = client.send(request.body(Body::from(body))?).await?;
        let is_write = method != "GET" && !path.contains("dryRun=") && !path.contains("reviews");
        if is_write {
            writes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(format!("{method} {path}"));
            let mut victim = victim.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(child) = victim.as_mut() {
                child.kill()?;
            }
            return Ok(());
        }
        let status = answer.status();
        let content = answer
            .headers()
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or("application/json")
            .to_owned();
        let body = answer.into_body().collect_bytes().await?;
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
    }
}

/// One run after another, each killed after its first write, until one has nothing left to write.
async fn killed_after_each_write(
    cluster: &Cluster,
    namespace: &str,
    arguments: &str,
) -> Result<Vec<String>> {
    let guillotine = Guillotine::before(cluster).await?;
    for _ in 0..60 {
        if let Some(code) = guillotine.run(cluster, namespace, arguments).await? {
            let writes = guillotine.writes();
            assert_eq!(code, 0, "after {writes:#?}");
            return Ok(writes);
        }
    }
    panic!("it does not converge: {:#?}", guillotine.writes());
}

#[tokio::test]
async fn killed_after_every_write_onto_an_empty_cluster() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    will_change(&bed).await;
    let _attendant = bed.attend(namespace)?;
    let writes = killed_after_each_write(&bed, namespace, "").await?;
    assert_eq!(writes.len(), 12, "{writes:#?}");
    let last = redeploy(&bed, namespace, "").await.exits(0);
    assert_eq!(last.json()["outcome"], "unchanged", "{}", last.stdout);
    assert_well(&bed, namespace).await
}

#[tokio::test]
async fn killed_after_every_write_over_the_old_line() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("old-line-connected", &bed, namespace)
        .await?
        .expect("a stack");
    will_change(&bed).await;
    let _attendant = stack.attended()?;
    let arguments = "--force-conflicts --overwrite-crs";
    let writes = killed_after_each_write(&bed, namespace, arguments).await?;
    assert!(
        writes.iter().any(|write| write.starts_with("DELETE")),
        "{writes:#?}"
    );
    redeploy(&bed, namespace, arguments).await.exits(0);
    assert_well(&bed, namespace).await
}

#[tokio::test]
async fn two_at_once_end_in_one_stack() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    will_change(&bed).await;
    let _attendant = bed.attend(namespace)?;
    let (one, other) = tokio::join!(redeploy(&bed, namespace, ""), redeploy(&bed, namespace, ""));
    assert!([0, 5].contains(&one.code), "{one:?}");
    assert!([0, 5].contains(&other.code), "{other:?}");
    assert!(one.code == 0 || other.code == 0, "{one:?} {other:?}");
    assert_well(&bed, namespace).await?;
    let last = redeploy(&bed, namespace, "").await.exits(0);
    assert_eq!(last.json()["outcome"], "unchanged", "{}", last.stdout);
    Ok(())
}

#[tokio::test]
async fn whoever_lacks_a_right_is_told_which_before_the_first_change() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("connected-but-blind-rbac", &bed, namespace)
        .await?
        .expect("a stack");
    let _attendant = stack.attended()?;
    will_change(&bed).await;
    let user = bed.user()?;
    let kubeconfig = bed.kubeconfig_for(&user)?;
    let rights = at(&bed, namespace, &format!("rbac redeploy --to-user {user}"))
        .run_beside()
        .await
        .exits(0)
        .stdout;
    for kind in ["clusterroles", "clusterrolebindings"] {
        bed.delete_on_return(format!(
            "/apis/rbac.authorization.k8s.io/v1/{kind}/meshdoctor-redeploy"
        ));
    }
    let file = bed.file(&format!("rbac-{namespace}.yaml"));
    let run = async |rights: &str| -> Result<_> {
        std::fs::write(&file, rights)?;
        bed.kubectl(&["apply", "-f", &file.to_string_lossy()])?;
        // The authorizer hears of it a moment later.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(meshdoctor(&format!(
            "system redeploy --yes --wait 60s -o json -n {namespace} {FORCE}"
        ))
        .kubeconfig(&kubeconfig)
        .run_beside()
        .await)
    };
    let before = versions(&bed, namespace).await?;
    for (without, instead, told) in [
        ("- escalate\n", "- bind\n", "attempting to grant"),
        (
            "customresourcedefinitions\n",
            "nothing\n",
            "resource \\\"customresourcedefinitions\\\"",
        ),
        ("- deployments\n", "- nothing\n", "deployments"),
    ] {
        let fewer = rights.replace(without, instead);
        assert_ne!(fewer, rights, "{without}");
        let refused = run(&fewer).await?.exits(4);
        assert!(refused.stdout.contains(told), "{}", refused.stdout);
        assert_eq!(versions(&bed, namespace).await?, before);
    }
    // The authorizer's roles are the test's own; of the stack nothing was touched, and now all goes well.
    run(&rights).await?.exits(0);
    assert_well(&bed, namespace).await
}
