//! Observes a cluster, and runs a test based on the observation.

use futures_util::future::join;

use super::{
    Depth, TestPlan,
    broker::probe::Kept,
    collect::{Observer, millis},
    connectivity::{TestContext, api, progress::Steps},
    served,
};
use crate::{
    cluster::{cleanup::Cleanup, session::Session},
    diagnose,
    facts::{Facts, Subject, Test},
};

/// Observes everything at the given depth.
pub async fn look(session: &Session<'_>, depth: Depth) -> Facts {
    let facts = observer(session, depth, None).run().await;
    finish(session, facts)
}

/// The same. Meshery Server is asked as well, if one was named or found in the cluster.
pub async fn look_with_server(session: &Session<'_>, depth: Depth) -> Facts {
    let observer = Observer { asks_server: true, ..observer(session, depth, None) };
    finish(session, Box::pin(observer.run()).await)
}

/// The same, for what a change of the server can change. It is looked at again and again, so that the rest is left out.
pub async fn look_at_server_state(session: &Session<'_>) -> Facts {
    let mut scope = session.scope.clone();
    scope.server.brief = true;
    look_with_server(&session.beside(&scope), Depth::Check).await
}

/// Observes the cluster, and runs a test with the facts. The test's objects are deleted afterwards, by `cleanup` if it
/// is interrupted.
///
/// If the user named no profile and nothing of the default profile is installed, the test is of the profile whose custom
/// resources are served.
pub async fn test(session: &Session<'_>, depth: Depth, plan: &TestPlan, cleanup: &Cleanup, steps: Steps<'_>) -> Facts {
    let kept = Kept::default();
    // This runs first: if the API server is unreachable, it shows which step fails.
    let mut route = None;
    if plan.subject == Subject::Kubernetes {
        route = Some(api::approach(&session.config, &session.api, steps).await);
    }
    // The test of the API server concerns no stack.
    let others = async { if route.is_some() { None } else { served::other(session).await } };
    let observer = Observer { asks_server: plan.asks_server(), ..observer(session, depth, Some(&kept)) };
    let (mut facts, other) = join(Box::pin(observer.run()), others).await;
    if let Some(other) = other.filter(|_| diagnose::is_installed(&facts) == Some(false)) {
        let scope = session.scope.of(other);
        return Box::pin(test(&session.beside(&scope), depth, plan, cleanup, steps)).await;
    }
    if let Some(mut route) = route {
        api::measure(&session.api, plan.count, &mut route, steps).await;
        facts.test = Some(Test { subject: plan.subject, api: Some(route), ..Test::default() });
    } else if facts.obstacle.is_none() {
        let context = TestContext {
            api: &session.api,
            clients: &session.clients,
            scope: session.scope,
            kept: &kept,
            facts: &facts,
            plan,
            cleanup,
            progress: session.scope.progress,
            steps,
        };
        let (test, server) = Box::pin(context.run()).await;
        facts.test = Some(test);
        facts.server = server.or(facts.server);
    }
    finish(session, facts)
}

pub(super) fn observer<'a>(session: &'a Session<'_>, depth: Depth, kept: Option<&'a Kept>) -> Observer<'a> {
    Observer {
        api: &session.api,
        clients: &session.clients,
        scope: session.scope,
        depth,
        target: &session.target,
        config: &session.config,
        in_cluster: session.in_cluster,
        kept,
        asks_server: false,
    }
}

/// Records the total time.
pub(super) fn finish(session: &Session<'_>, mut facts: Facts) -> Facts {
    facts.timings.insert("total".into(), millis(session.started.elapsed()));
    session.api.note(&format!(
        "{} requests to the API server, {:.1} ms in all",
        session.api.sent(),
        session.started.elapsed().as_secs_f64() * 1000.0
    ));
    facts
}
