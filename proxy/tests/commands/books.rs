//! Books to ask: a configuration, a ledger with records of some days, and its usage files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::entry::{Entry, UsageRecord};
use portalmeter_meter::flush::{Files, Writer};
use portalmeter_meter::ledger::sqlite::SqliteLedger;
use portalmeter_meter::ledger::{Ledger, OpenDay, Position, Stretch};
use portalmeter_meter::observation::Scope;
use portalmeter_meter::policy::PolicyId;
use portalmeter_meter::record::{Reason, record_id, session_id};
use portalmeter_meter::session::Class;
use portalmeter_rules::id::Name;
use tempfile::TempDir;

use super::told::{Told, portalmeter};

/// A folder with all of it.
pub(crate) struct Books {
    folder: TempDir,
}

/// How many days back there are records; all but the last two days are sealed.
pub(crate) const DAYS: i32 = 5;

/// Today, which is the same in all tests but those that run over midnight.
pub(crate) fn today() -> Day {
    Zone::utc().day(now())
}

pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

impl Books {
    /// Two guests and an external session a day, and one of the portal `embedded`, module `chat`.
    pub(crate) fn new() -> Self {
        let books = Self::empty("");
        let mut ledger = SqliteLedger::create(&books.data_dir()).unwrap();
        books.fill(&mut ledger);
        books
    }

    /// Without a ledger; with more configuration.
    pub(crate) fn empty(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "secret = {{ file = \"secret\" }}\ndata_dir = \"data\"\n[server]\nlisten = [\"127.0.0.1:1\"]\n\
             [flush]\nfiles = {{ dir = \"usage\" }}\n{more}\n\
             [[portal]]\nname = \"support\"\nhosts = [\"a.example\"]\nupstream = [\"http://127.0.0.1:8000\"]\n\
             [[portal]]\nname = \"embedded\"\nexperience = \"web_embeddables\"\nhosts = [\"b.example\"]\n\
             upstream = [\"http://127.0.0.1:8000\"]\npages.module = \"/e/{{module}}\"\npages.pages = [\"/e/*\"]\n"
        );
        fs::write(folder.path().join("portalmeter.toml"), text).unwrap();
        fs::write(folder.path().join("secret"), "0123456789abcdef0123456789abcdef").unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        Self { folder }
    }

    /// Writes the records, seals days, and writes the usage files.
    pub(crate) fn fill(&self, ledger: &mut dyn Ledger) {
        for portal in ["support", "embedded"] {
            let days = (-DAYS..=0).map(|back| today().plus(back));
            let entries: Vec<Entry> = days.flat_map(|day| records(portal, day)).map(Entry::Record).collect();
            let upto = Position { at: 1, number: 0, stream: 0 };
            ledger.take(&Stretch { portal, from: Position::START, upto, entries: &entries }, now()).unwrap();
            for back in -DAYS..-1 {
                let day = OpenDay { day: today().plus(back), portal: portal.to_owned(), zone: "UTC".to_owned() };
                ledger.seal(&day, now()).unwrap();
            }
        }
        let mut writer = Writer::new(Files { dir: self.files(), csv: true, jsonl: true }, 24 * 3_600_000);
        let wrote = writer.write(ledger, &["support".to_owned(), "embedded".to_owned()], now()).unwrap();
        assert!(wrote.failed.is_empty() && !wrote.more, "{wrote:?}");
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.path().join("data")
    }

    pub(crate) fn files(&self) -> PathBuf {
        self.path().join("usage")
    }

    /// Runs a command on them; words are divided by spaces, and `_` in one stands for a space.
    pub(crate) fn ask(&self, command: &str) -> Told {
        portalmeter(self.path(), command.split(' ').filter(|word| !word.is_empty()).map(|word| word.replace('_', " ")))
    }

    /// What the ledger says of a day: guest, external.
    pub(crate) fn counted(&self, portal: &str, day: Day) -> (i64, i64) {
        let told = self.ask(&format!("report --day {day} --portal {portal} --output json"));
        assert_eq!(told.code, 0, "{told:?}");
        let report: serde_json::Value = serde_json::from_str(&told.out).unwrap();
        let total = |name: &str| report["totals"][name].as_i64().unwrap();
        (total("guest"), total("external"))
    }

    /// Changes the ledger behind everybody's back.
    pub(crate) fn tamper(&self, sql: &str) {
        let database = rusqlite::Connection::open(self.data_dir().join("portalmeter.db")).unwrap();
        assert!(database.execute(sql, []).unwrap() > 0, "{sql} changed nothing");
    }
}

pub(crate) fn records(portal: &str, day: Day) -> Vec<UsageRecord> {
    let module = (portal == "embedded").then(|| "chat".to_owned());
    let classes: &[Class] =
        if module.is_some() { &[Class::Guest] } else { &[Class::Guest, Class::Guest, Class::External] };
    let scope = Scope { portal: portal.into(), module: module.as_deref().map(Into::into) };
    let record = |(number, class): (u8, &Class)| {
        let (visitor, started) = (Name([number; 16]), Zone::utc().start(day) + i64::from(number));
        let session = session_id(&scope, visitor, started);
        UsageRecord {
            id: record_id(session, started, day, Reason::Start),
            portal: portal.to_owned(),
            module: module.clone(),
            visitor,
            session,
            started,
            day,
            zone: "UTC".to_owned(),
            class: *class,
            reason: Reason::Start,
            account: None,
            user: None,
            agent: None,
            rule: "none".to_owned(),
            policy: PolicyId(7),
            trial: false,
            event_time: started,
            stored_time: started + 20,
        }
    };
    (1..).zip(classes).map(record).collect()
}
