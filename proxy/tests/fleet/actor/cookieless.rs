//! A client that keeps no cookies: its fingerprint tells who it is, and with it the user, once one is known.

use super::super::jar::Jar;
use super::super::truth::{Visitor, Who};
use super::{Client, Played, Role};

pub(super) async fn play(mut client: Client) -> Played {
    let portal = client.portal;
    // Two users only where time is no matter: whose the fingerprint is would be one.
    let users = client.chance.below(if portal.is_hasty() { 2 } else { 3 });
    let acts = client.chance.between(2, 10);
    let signs_in = if users == 0 { acts } else { client.chance.below(acts) };
    let mut crowd = Crowd { visitors: vec![Visitor::new(portal)], holder: None };
    for act in 0..acts {
        let visitors: Vec<_> = crowd.visitors.iter().collect();
        if !visitors.iter().all(|visitor| visitor.is_certain()) {
            break;
        }
        if portal.is_hasty() && portal.longest.is_none() && client.chance.percent(20) {
            client.stay_away(&visitors).await;
        } else {
            client.think(&visitors).await;
        }
        let user = (act >= signs_in).then(|| client.number as u32 * 10 + client.chance.below(users) as u32);
        crowd.act(&mut client, user).await;
        client.jar = Jar::default();
    }
    client.played(Role::Cookieless, crowd.visitors)
}

/// Who is behind a fingerprint: the first user takes over the session, a second has one of his own, and nobody
/// switches.
struct Crowd {
    visitors: Vec<Visitor>,
    holder: Option<u32>,
}

impl Crowd {
    async fn act(&mut self, client: &mut Client, user: Option<u32>) {
        let sso = user.map(|user| format!("X-Sso: c{user}\r\n")).unwrap_or_default();
        // Activity has to find its way by the fingerprint too.
        if client.portal.modules.is_empty() && client.chance.percent(20) {
            let done = client.ask("activity", "POST", "/api/tickets", &format!("{sso}Content-Length: 0\r\n")).await;
            let place = self.place(user);
            if let Some(visitor) = self.visitors.get_mut(place) {
                visitor.activity(&done, &client.world.kills);
            }
            return;
        }
        let (module, path) = client.page();
        let what = if user.is_some() { "page of a user" } else { "page" };
        let done = client.ask(what, "GET", &path, &sso).await;
        self.holder = self.holder.or(user);
        let place = self.place(user);
        if place == self.visitors.len() {
            self.visitors.push(Visitor::new(client.portal));
        }
        let who = user.map_or(Who::Guest, Who::Customer);
        self.visitors[place].page(module, who, &done, (&client.world.calendar, &client.world.kills));
    }

    fn place(&self, user: Option<u32>) -> usize {
        usize::from(user.is_some() && self.holder.is_some() && user != self.holder)
    }
}
