//! A configuration as it was written, and what differs between two of them that only a restart can change.

use std::collections::BTreeSet;

use toml::{Table, Value};

/// The keys of a file, with their values. They may hold passwords: only keys are ever shown.
#[derive(Clone, Default)]
pub(crate) struct Written(Table);

/// What of a portal changes without a restart: all that its policy says.
const POLICY: [&str; 3] = ["metering", "session", "timezone"];
const PORTAL: &str = "portal";
/// What of the admin listener does.
const ADMIN: &str = "admin";
const USERS: &str = "user";

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Written {
    /// A text that has been checked.
    pub(super) fn new(text: &str) -> Self {
        Self(toml::from_str(text).unwrap_or_default())
    }

    /// The keys under which another says something else, but for portals' policies and users; portals are known by their
    /// names.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        between("", &self.settings(), &other.settings(), &mut found);
        let names: BTreeSet<&str> = self.portals().chain(other.portals()).map(|(name, _)| name).collect();
        for name in names {
            match (self.portal(name), other.portal(name)) {
                (Some(one), Some(other)) => between(&format!("portal `{name}`: "), &one, &other, &mut found),
                (None, _) => found.push(format!("portal `{name}`, which is new")),
                (_, None) => found.push(format!("portal `{name}`, which is gone")),
            }
        }
        found
    }

    /// All but portals and users.
    fn settings(&self) -> Table {
        let mut settings = self.0.clone();
        settings.remove(PORTAL);
        if let Some(Value::Table(admin)) = settings.get_mut(ADMIN) {
            admin.remove(USERS);
            if admin.is_empty() {
                settings.remove(ADMIN);
            }
        }
        settings
    }

    fn portals(&self) -> impl Iterator<Item = (&str, &Table)> {
        let portals = self.0.get(PORTAL).and_then(Value::as_array).into_iter().flatten();
        portals.filter_map(Value::as_table).filter_map(|portal| Some((portal.get("name")?.as_str()?, portal)))
    }

    /// A portal without its policy.
    fn portal(&self, name: &str) -> Option<Table> {
        let mut portal = self.portals().find(|(one, _)| *one == name)?.1.clone();
        portal.retain(|key, _| !POLICY.contains(&key));
        Some(portal)
    }
}

fn between(place: &str, one: &Table, other: &Table, found: &mut Vec<String>) {
    let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for key in keys {
        match (one.get(key), other.get(key)) {
            (one, other) if one == other => {}
            (Some(Value::Table(one)), Some(Value::Table(other))) => {
                between(&format!("{place}{key}."), one, other, found);
            }
            _ => found.push(format!("{place}{key}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNS: &str = "data_dir = \"data\"\nsecret = { file = \"secret\" }\n\
        [server]\nlisten = [\"127.0.0.1:80\"]\nlimits.uri = \"8KiB\"\n\
        [[portal]]\nname = \"help\"\nhosts = [\"*\"]\nmetering = \"on\"\nsession.idle_timeout = \"30m\"\n\
        [[portal]]\nname = \"shop\"\nhosts = [\"shop.example\"]\n";

    fn differences(replaced: &[(&str, &str)]) -> Vec<String> {
        let other = replaced.iter().fold(RUNS.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        Written::new(RUNS).differences(&Written::new(&other))
    }

    #[test]
    fn nothing_differs_but_by_what_is_said() {
        assert_eq!(differences(&[]), [""; 0]);
        assert_eq!(
            differences(&[("[server]\n", "# where visitors come in\n[server]\n\n"), ("\"80\"", "'80'")][..1]),
            [""; 0]
        );
        let (first, second) = (RUNS.find("[[portal]]").unwrap(), RUNS.rfind("[[portal]]").unwrap());
        let turned = [&RUNS[..first], &RUNS[second..], &RUNS[first..second]].concat();
        assert_eq!(Written::new(RUNS).differences(&Written::new(&turned)), [""; 0]);
    }

    #[test]
    fn what_a_policy_says_is_no_difference() {
        let policy = "metering = \"observe\"\ntimezone = \"Europe/Berlin\"\nsession.idle_timeout = \"20m\"";
        assert_eq!(differences(&[("metering = \"on\"\nsession.idle_timeout = \"30m\"", policy)]), [""; 0]);
    }

    #[test]
    fn who_may_come_in_is_no_difference() {
        let users = "[[admin.user]]\nname = \"ann\"\n[[portal]]\nname = \"help\"";
        assert_eq!(differences(&[("[[portal]]\nname = \"help\"", users)]), [""; 0]);
    }

    #[test]
    fn all_else_is_named_by_its_key_and_portal() {
        for (from, to, named) in [
            ("data_dir = \"data\"", "", "data_dir"),
            ("127.0.0.1:80", "127.0.0.1:81", "server.listen"),
            ("8KiB", "9KiB", "server.limits.uri"),
            ("[server]", "admin.metrics_open = true\n[server]", "admin"),
            ("shop.example", "example.shop", "portal `shop`: hosts"),
            ("name = \"shop\"", "name = \"shop\"\nexperience = \"community\"", "portal `shop`: experience"),
        ] {
            assert_eq!(differences(&[(from, to)]), [named], "{to}");
        }
        let renamed = ["portal `shop`, which is gone", "portal `store`, which is new"];
        assert_eq!(differences(&[("name = \"shop\"", "name = \"store\"")]), renamed);
    }

    #[test]
    fn no_value_is_shown() {
        let shown = format!("{:?}", Written::new("secret = \"hunter2\"\n"));
        assert!(shown.contains("secret") && !shown.contains("hunter2"), "{shown}");
    }
}
