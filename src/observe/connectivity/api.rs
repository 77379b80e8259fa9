//! The connection to the API server, step by step. Each step is timed separately, so that a slow one is visible.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpStream, time::Instant};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

use crate::{
    cluster::{
        ask::{self, ApiClient, ApiError},
        reviews,
    },
    facts::{ApiTest, Step, TestStep},
    observe::connectivity::{listener::micros, progress::Steps},
    report::{Status, Timing},
    stack::base::{
        failure::{Failure, Kind},
        seen::Seen,
        words,
    },
};

/// Times the steps before the first request, within half of the time, so that the rest of the test has time if a step
/// gets no answer.
pub(in crate::observe) async fn approach(config: &kube::Config, api: &ApiClient<'_>, progress: Steps<'_>) -> ApiTest {
    let mut test = ApiTest::default();
    if config.proxy_url.is_some() {
        for step in [&mut test.resolve, &mut test.connect, &mut test.tls] {
            step.detail = "done by the proxy".into();
        }
    } else {
        let limit = api.remaining().min(api.time_left() / 2);
        steps(config, limit, &mut test, progress).await;
    }
    test
}

/// Requests the authenticated user, and then repeats a small request.
pub(in crate::observe) async fn measure(api: &ApiClient<'_>, count: u32, test: &mut ApiTest, progress: Steps<'_>) {
    let failed = |step: &Step| matches!(step.micros, Seen::Unreachable(_));
    if [&test.resolve, &test.connect, &test.tls].into_iter().any(failed) {
        return;
    }
    progress.begin(TestStep::Authenticate, None);
    let started = Instant::now();
    test.authenticate = match reviews::who_am_i(api).await {
        Ok(user) => Step::done(micros(started.elapsed()), format!("as {user}")),
        Err(ApiError::NotFound) => Step::not_tried("Kubernetes before 1.28 does not report the authenticated user"),
        Err(ApiError::Failed(failure)) => Step::failed(failure),
        Err(ApiError::Denied) => Step::failed(Failure::new(Kind::Forbidden, "forbidden")),
    };
    progress.ended(TestStep::Authenticate, &test.authenticate);
    if failed(&test.authenticate) {
        return;
    }
    for number in 1..=count {
        progress.repeat(TestStep::Request, None, number, count);
        let started = Instant::now();
        match api.get("/version").await {
            Ok(_) => test.requests.push(micros(started.elapsed())),
            Err(_) => test.failed += 1,
        }
        // A server that does not answer is not asked a hundred times, and nothing is sent after the end of the run.
        if (test.requests.is_empty() && test.failed >= 3) || api.time_left().is_zero() {
            break;
        }
    }
    let status = match test.failed {
        0 => Status::Pass,
        _ if test.requests.is_empty() => Status::Fail,
        _ => Status::Warn,
    };
    progress.end(
        TestStep::Request,
        None,
        status,
        Timing::of(test.requests.iter().copied()).map(|times| times.p50_micros),
    );
}

async fn steps(config: &kube::Config, limit: Duration, test: &mut ApiTest, progress: Steps<'_>) {
    let end = Instant::now() + limit;
    let left = || end.saturating_duration_since(Instant::now());
    let url = &config.cluster_url;
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let secure = url.scheme_str() != Some("http");
    let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });

    let lookup = async {
        let found = tokio::net::lookup_host((host, port)).await;
        found.map(Iterator::collect::<Vec<SocketAddr>>).map_err(|error| Failure::from(words::io(&error)))
    };
    let addresses = attempt((TestStep::Resolve, &mut test.resolve), lookup, left(), progress, |addresses| {
        let mut ips: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
        ips.dedup();
        ips.join(", ")
    })
    .await;
    let Some(addresses) = addresses else { return };

    let connect = async {
        let stream = TcpStream::connect(addresses.as_slice()).await;
        stream.map_err(|error| Failure::from(words::io(&error)))
    };
    let stream = attempt((TestStep::Connect, &mut test.connect), connect, left(), progress, |stream| {
        stream.peer_addr().map(|address| address.to_string()).unwrap_or_default()
    })
    .await;
    let Some(stream) = stream else { return };

    if !secure {
        test.tls.detail = "the address begins with http://, so nothing is encrypted".into();
        return;
    }
    let name = config.tls_server_name.as_deref().unwrap_or(host);
    let shake = async {
        let tls = kube::client::ConfigExt::rustls_client_config(config)
            .map_err(|error| ask::from_error(&error).to_string())?;
        let name = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
        TlsConnector::from(Arc::new(tls))
            .connect(name, stream)
            .await
            .map_err(|error| Failure::from(ask::from_error(&error).to_string()))
    };
    attempt((TestStep::Tls, &mut test.tls), shake, left(), progress, |stream| {
        let (_, session) = stream.get_ref();
        session
            .protocol_version()
            .and_then(|version| version.as_str().map(|text| text.replace("TLSv1_", "TLS 1.")))
            .unwrap_or_default()
    })
    .await;
}

/// Times one step and records its result.
async fn attempt<T>(
    (step, result): (TestStep, &mut Step),
    work: impl Future<Output = Result<T, Failure>>,
    limit: Duration,
    progress: Steps<'_>,
    detail: impl FnOnce(&T) -> String,
) -> Option<T> {
    progress.begin(step, Some(limit));
    let started = Instant::now();
    let done = match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(format!("no response within {}", words::span(limit)).into()),
    };
    match &done {
        Ok(value) => *result = Step::done(micros(started.elapsed()), detail(value)),
        Err(why) => result.micros = Seen::failed(why.clone()),
    }
    progress.ended(step, result);
    done.ok()
}
