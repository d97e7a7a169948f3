//! The demo's portals as the history sees them: what is there, who comes, and how many.

use std::sync::Arc;

use portalmeter_meter::observation::{Scope, ScopeId, Stamp};

use super::calendar::Rhythm;
use super::catalogue::{self, Catalogue};

/// A portal in which something happened.
pub(super) struct Stage {
    pub(super) name: Arc<str>,
    pub(super) stamp: Stamp,
    pub(super) rhythm: Rhythm,
    /// Its part of all sessions.
    pub(super) share: f64,
    pub(super) mix: Mix,
    /// Where sessions are, and what there is.
    pub(super) places: Vec<Place>,
}

/// A portal, or one of its modules.
pub(super) struct Place {
    pub(super) scope: Arc<Scope>,
    pub(super) id: ScopeId,
    pub(super) catalogue: Catalogue,
}

/// Who comes, in parts of all sessions; whoever is left is a guest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mix {
    pub(super) external: f64,
    pub(super) internal: f64,
    pub(super) bot: f64,
}

impl Stage {
    /// The portal of that name, if the history knows it.
    pub(super) fn of(name: &Arc<str>, stamp: &Stamp) -> Option<Self> {
        let whole = |catalogue| vec![Place::new(Scope::portal(name), catalogue)];
        let (rhythm, share, mix, places) = match &**name {
            "help" => (
                Rhythm::Private,
                0.5,
                Mix { external: 0.26, internal: 0.07, bot: 0.15 },
                whole(Catalogue::new(catalogue::HELP, catalogue::HELP_SEARCH)),
            ),
            "widgets" => (
                Rhythm::Private,
                0.2,
                Mix { external: 0.24, internal: 0.02, bot: 0.02 },
                vec![
                    Place::new(Scope::module(name, "chat"), Catalogue::new(catalogue::CHAT, None)),
                    Place::new(Scope::module(name, "search"), Catalogue::new(catalogue::FINDER, None)),
                ],
            ),
            "partners" => (
                Rhythm::Office,
                0.3,
                Mix { external: 0.7, internal: 0.08, bot: 0.1 },
                whole(Catalogue::new(catalogue::PARTNERS, catalogue::PARTNERS_SEARCH)),
            ),
            _ => return None,
        };
        Some(Self { name: Arc::clone(name), stamp: stamp.clone(), rhythm, share, mix, places })
    }
}

impl Place {
    fn new(scope: Scope, catalogue: Catalogue) -> Self {
        Self { id: scope.id(), scope: Arc::new(scope), catalogue }
    }
}
