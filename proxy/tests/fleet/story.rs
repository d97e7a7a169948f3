//! Single stories that chance tells too seldom, or in too many words.
//!
//! A story is what a browser does, word by word: `p0` opens a page of node 0, `q` one that does not say who reads it,
//! `t012` three at once of three nodes, `a` is activity, `f` the login page, `l` signs in, `o` signs out, `w100` waits
//! 100 ms, `k1` kills node 1 and starts it again. Without a node's number it is any node.

use std::sync::Arc;

use super::actor::{self, Played};
use super::plan::Portal;
use super::stage::Stage;
use super::world::World;

/// A word of a story.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) act: Act,
    pub(crate) nodes: Vec<usize>,
}

/// What is done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Page,
    Quiet,
    Tabs,
    Activity,
    LoginPage,
    Login,
    Logout,
    Wait(u64),
    Kill,
}

/// Reads a story.
pub(crate) fn read(story: &str) -> Vec<Step> {
    let step = |word: &str| {
        let (act, rest) = word.split_at(1);
        let act = match act {
            "p" => Act::Page,
            "q" => Act::Quiet,
            "t" => Act::Tabs,
            "a" => Act::Activity,
            "f" => Act::LoginPage,
            "l" => Act::Login,
            "o" => Act::Logout,
            "k" => Act::Kill,
            "w" => return Step { act: Act::Wait(rest.parse().expect("milliseconds")), nodes: Vec::new() },
            _ => panic!("`{word}` is no word of a story"),
        };
        Step { act, nodes: rest.chars().map(|node| node.to_digit(10).expect("a node") as usize).collect() }
    };
    story.split_whitespace().map(step).collect()
}

/// So many visitors of a portal live it, one after the other where nodes are killed, else at once.
pub(crate) fn tell(
    story: &str,
    portal: &'static Portal,
    visitors: u64,
    stage: &Stage,
    world: &Arc<World>,
) -> Vec<Played> {
    let steps = read(story);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let at_once = if steps.iter().any(|step| matches!(step.act, Act::Kill)) { 1 } else { 100 };
    let kill = |node: usize| {
        stage.nodes[node].kill();
        world.kills.note(node, world.calendar.now());
        stage.nodes[node].start_again();
    };
    runtime.block_on(async {
        let mut played = Vec::new();
        let numbers: Vec<u64> = (1..=visitors).collect();
        for together in numbers.chunks(at_once) {
            let together =
                together.iter().map(|&number| actor::play_story(Arc::clone(world), number, portal, &steps, kill));
            played.extend(join_all(together).await);
        }
        played
    })
}

/// Waits for all of them, in one task.
async fn join_all<F: Future>(these: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut these: Vec<_> = these.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut ready = true;
        for (one, output) in &mut these {
            if output.is_none() {
                match one.as_mut().poll(context) {
                    std::task::Poll::Ready(done) => *output = Some(done),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    these.into_iter().filter_map(|(_, output)| output).collect()
}
