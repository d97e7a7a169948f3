//! Page views and actions, by whom and where: rooms, resources, and what was done there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Digest, Kind};
use crate::acts::Act;
use crate::people::{People, person};
use crate::session::Class;

/// A day's or a month's page views and actions. Texts and users are written once and meant by their places.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Views {
    texts: Vec<String>,
    users: People,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    class: Class,
    account: u32,
    room: u32,
    resource: u32,
    action: u32,
    count: u64,
    users: Vec<u32>,
}

/// Page views, or actions of one name, in one place, of one class and account.
#[derive(Debug, Clone, Copy)]
pub struct View<'v> {
    /// As what they were there.
    pub class: Class,
    /// The company of those who were signed in.
    pub account: Option<&'v str>,
    /// The group of pages.
    pub room: &'v str,
    /// The page.
    pub resource: &'v str,
    /// What was done; nothing of a page view.
    pub action: Option<&'v str>,
    /// How often.
    pub count: u64,
    views: &'v Views,
    users: &'v [u32],
}

impl<'v> View<'v> {
    /// Who was signed in.
    pub fn users(self) -> impl Iterator<Item = u64> + 'v {
        self.users.iter().filter_map(move |place| self.views.users.get(*place as usize))
    }
}

/// Of whom and where, to be added up: class, account, room, resource, action; no account and no action are ''.
type Where = (Class, String, String, String, String);
/// How often, and who was signed in.
type Sums = BTreeMap<Where, (u64, Vec<u64>)>;

impl Views {
    /// Of what was done.
    pub fn of<'a>(acts: impl IntoIterator<Item = &'a Act>) -> Self {
        let mut sums = Sums::new();
        for act in acts {
            let (account, action) = (act.account.clone().unwrap_or_default(), act.action.clone().unwrap_or_default());
            let place = (act.class, account, act.room.clone(), act.resource.clone(), action);
            let (count, users) = sums.entry(place).or_default();
            *count += u64::from(act.count);
            users.extend(act.user.map(person));
        }
        Self::written(&sums)
    }

    /// Each row.
    pub fn iter(&self) -> impl Iterator<Item = View<'_>> {
        let text = |place: u32| self.texts.get(place as usize).map_or("", String::as_str);
        let some = move |place: u32| Some(text(place)).filter(|text| !text.is_empty());
        self.rows.iter().map(move |row| View {
            class: row.class,
            account: some(row.account),
            room: text(row.room),
            resource: text(row.resource),
            action: some(row.action),
            count: row.count,
            views: self,
            users: &row.users,
        })
    }

    fn written(sums: &Sums) -> Self {
        let texts: BTreeSet<&str> = sums.keys().flat_map(|(_, a, b, c, d)| [a, b, c, d]).map(String::as_str).collect();
        let places: BTreeMap<&str, u32> = texts.iter().copied().zip(0..).collect();
        let users: People = sums.values().flat_map(|(_, users)| users.iter().copied()).collect();
        let place = |text: &String| places.get(text.as_str()).copied().unwrap_or_default();
        let rows = sums.iter().map(|((class, account, room, resource, action), (count, who))| Row {
            class: *class,
            account: place(account),
            room: place(room),
            resource: place(resource),
            action: place(action),
            count: *count,
            users: who.iter().copied().collect::<People>().iter().filter_map(|one| users.place(one)).collect(),
        });
        Self { rows: rows.collect(), texts: texts.into_iter().map(str::to_owned).collect(), users }
    }
}

impl Digest for Views {
    const KIND: Kind = Kind::Views;

    fn merge(parts: Vec<Self>) -> Self {
        let mut sums = Sums::new();
        for view in parts.iter().flat_map(Self::iter) {
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            let place =
                (view.class, text(view.account), view.room.to_owned(), view.resource.to_owned(), text(view.action));
            let (count, users) = sums.entry(place).or_default();
            *count += view.count;
            users.extend(view.users());
        }
        Self::written(&sums)
    }
}

#[cfg(test)]
mod tests {
    use portalmeter_rules::id::Name;

    use super::*;

    fn act(account: Option<&str>, user: u8, resource: &str, count: u32) -> Act {
        Act {
            module: None,
            class: Class::External,
            account: account.map(str::to_owned),
            user: Some(Name([user; 16])),
            room: "docs".to_owned(),
            resource: resource.to_owned(),
            action: None,
            count,
        }
    }

    #[test]
    fn merged_views_add_up_and_know_everybody_once() {
        let monday = Views::of(&[act(Some("acme"), 1, "/a", 2), act(Some("acme"), 2, "/a", 1), act(None, 3, "/b", 1)]);
        let tuesday = Views::of(&[act(Some("acme"), 1, "/a", 5)]);
        let both = Views::merge(vec![monday.clone(), tuesday]);
        let told: Vec<_> =
            both.iter().map(|view| (view.account, view.resource, view.count, view.users().count())).collect();
        assert_eq!(told, [(None, "/b", 1, 1), (Some("acme"), "/a", 8, 2)]);
        assert_eq!(Views::from_bytes(&both.to_bytes()), Some(both));
        assert_eq!(Views::from_bytes(b"\x01\xff\xff"), None);
        assert_eq!(Views::merge(vec![monday.clone()]), monday);
    }
}
