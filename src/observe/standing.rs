//! What there is of a stack, and what the API server says of bringing it to what it should be. Nothing is changed.

use futures_util::future::join_all;

use super::{Answer, Change, Session};
use crate::{
    profile::Profile,
    repair::{
        deployment::{Standing, Trial, Tried, id_of},
        inventory,
        manifests::{FIELD_MANAGER, Object},
    },
};

impl Session<'_> {
    /// Looks at every object of the installation, tries each, and sees who else lays claim to it.
    pub async fn standing(&self, profile: &Profile, objects: Vec<Object>) -> Standing {
        let wanted = inventory::of(profile, self.namespace());
        let (tried, seen) = tokio::join!(
            join_all(objects.into_iter().map(|object| self.tried(object))),
            join_all(wanted.iter().map(|belonging| self.object(&belonging.id))),
        );
        let belongings: Vec<_> = wanted.into_iter().zip(seen).collect();
        let owner = tried
            .iter()
            .filter_map(|tried| tried.live.known())
            .find_map(super::belongings::owner)
            .map(|(tool, _)| {
                let instead = match tool.split(' ').next() {
                    Some("Helm") => "helm upgrade, with the values that you mean",
                    _ => "change what it deploys from, and let it deploy",
                };
                (tool, instead.to_owned())
            });
        Standing {
            objects: tried,
            belongings,
            owner,
            findings: Vec::new(),
        }
    }

    async fn tried(&self, object: Object) -> Tried {
        let id = id_of(&object);
        let (live, trial) = tokio::join!(self.object(&id), self.trial(&object));
        Tried {
            object,
            live,
            trial,
        }
    }

    async fn trial(&self, object: &Object) -> Trial {
        match self.dry_run(object, false).await {
            Answer::Conflict(conflict) => match self.dry_run(object, true).await {
                Answer::Made(after) => Trial::Would {
                    after,
                    conflict: Some(conflict),
                },
                other => trial(other),
            },
            other => trial(other),
        }
    }

    async fn dry_run(&self, object: &Object, force: bool) -> Answer {
        let path = format!(
            "{}?dryRun=All&fieldManager={FIELD_MANAGER}&force={force}",
            object.path()
        );
        self.change(&Change {
            method: "PATCH",
            path: &path,
            content: "application/apply-patch+yaml",
            body: &object.body,
        })
        .await
    }
}

fn trial(answer: Answer) -> Trial {
    match answer {
        Answer::Made(after) => Trial::Would {
            after,
            conflict: None,
        },
        Answer::NotFound => Trial::TooEarly,
        Answer::Invalid(why) | Answer::Conflict(why) => Trial::Invalid(why),
        Answer::Denied(why) => Trial::Denied(why),
        Answer::Failed(why) => Trial::Failed(why),
    }
}
