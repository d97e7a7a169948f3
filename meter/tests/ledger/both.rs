//! One story, told to each ledger.

use std::path::Path;

use portalmeter_meter::ledger::{Ledger, open};
use tempfile::TempDir;

use crate::support::postgres::Postgres;

/// An empty place for a ledger, which can be opened any number of times.
pub(crate) enum Place {
    Sqlite(TempDir),
    Postgres(&'static Postgres, String),
}

impl Place {
    pub(crate) fn each() -> [Self; 2] {
        let server = Postgres::shared();
        let url = server.schema();
        [Self::sqlite(), Self::Postgres(server, url)]
    }

    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) fn open(&self) -> Box<dyn Ledger> {
        match self {
            Self::Sqlite(dir) => open("embedded", dir.path()).unwrap(),
            Self::Postgres(_, url) => open(url, Path::new("nowhere")).unwrap(),
        }
    }

    /// Runs SQL that both understand, behind the ledger's back.
    pub(crate) fn sql(&self, sql: &str) {
        match self {
            Self::Sqlite(dir) => {
                let file = dir.path().join(portalmeter_meter::ledger::sqlite::FILE);
                rusqlite::Connection::open(file).unwrap().execute_batch(sql).unwrap();
            }
            Self::Postgres(server, url) => {
                let schema = url.split("%3D").last().unwrap();
                server.sql(&format!("SET search_path = {schema}; {sql}"));
            }
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(..) => "Postgres",
        }
    }
}

/// Tells a story to an empty ledger of each kind.
pub(crate) fn both(story: impl Fn(&mut dyn Ledger)) {
    for place in Place::each() {
        eprintln!("in {}", place.name());
        story(&mut *place.open());
    }
}
