//! A crawler: known by address and User-Agent, whatever it sends.

use super::super::truth::{Visitor, Who};
use super::{Client, Played, Role};

pub(super) async fn play(mut client: Client) -> Played {
    let mut visitor = Visitor::new(client.portal);
    let pages = client.chance.between(2, 8);
    // One that keeps cookies is none the more a person.
    let keeps = client.chance.percent(50);
    for _ in 0..pages {
        if !visitor.is_certain() {
            break;
        }
        client.think(&[&visitor]).await;
        let (module, path) = client.page();
        let sso = if client.chance.percent(20) { format!("X-Sso: c{}\r\n", client.number * 10) } else { String::new() };
        let done = client.ask("page", "GET", &path, &sso).await;
        visitor.page(module, Who::Bot, &done, (&client.world.calendar, &client.world.kills));
        if !keeps {
            client.jar = super::Jar::default();
        }
    }
    client.played(Role::Bot, vec![visitor])
}
