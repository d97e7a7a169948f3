//! Single stories that chance tells too seldom.

use std::sync::Arc;

use super::actor::{Played, login_before_a_kill as played};
use super::stage::Stage;
use super::world::World;

/// So many visitors sign in, each just before the node is killed that answers.
pub(crate) fn login_before_a_kill(stage: &Stage, world: &Arc<World>, visitors: u64) -> Vec<Played> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    (1..=visitors)
        .map(|number| {
            runtime.block_on(played(Arc::clone(world), number, |node| {
                stage.nodes[node].kill();
                world.kills.note(node, world.calendar.now());
                stage.nodes[node].start_again();
            }))
        })
        .collect()
}
