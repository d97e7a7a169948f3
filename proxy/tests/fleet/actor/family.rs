//! Several browsers behind one address, with one User-Agent: only their cookies tell them apart.
//!
//! The next one comes when the last has shown its cookie: from then on the fingerprint points to nothing.

use super::browser::Browser;
use super::{Client, Played, Role};

pub(super) async fn play(mut client: Client) -> Played {
    let many = client.chance.between(2, 4);
    let mut members: Vec<Browser> = Vec::new();
    for _ in 0..many {
        let mut member = Browser::new(Client { chance: client.chance.child(), ..client.clone() });
        member.page().await;
        member.think().await;
        member.page().await;
        member.think().await;
        members.push(member);
    }
    let acts = client.chance.between(3, 12);
    for _ in 0..acts {
        let member = client.chance.below(members.len() as u64) as usize;
        members[member].think().await;
        members[member].act().await;
    }
    for member in &mut members {
        member.settle().await;
    }
    let visitors = members.iter().map(|member| member.visitor.clone()).collect();
    client.deeds = members.into_iter().flat_map(|member| member.client.deeds).collect();
    client.played(Role::Family, visitors)
}
