//! Reads cases from a Markdown file. What is neither heading, quotation, list nor table is prose.

use std::path::Path;

use super::case::{Browser, Case, Column, End, EndRow, Portal, Step};
use super::clock::Clock;

/// The cases of a file, each once for every experience it is told for.
pub(crate) fn cases(path: &Path, text: &str) -> Result<Vec<Case>, String> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let mut cases = Vec::new();
    let mut open: Option<Draft> = None;
    for (index, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", index + 1);
        let line = line.trim();
        if let Some(title) = line.strip_prefix("## ") {
            cases.extend(open.take().map(Draft::done).transpose()?.unwrap_or_default());
            open = Some(Draft::new(place, title));
        } else if let Some(draft) = &mut open {
            draft.line(line).map_err(|wrong| format!("{place}: {wrong}"))?;
        }
    }
    cases.extend(open.map(Draft::done).transpose()?.unwrap_or_default());
    Ok(cases)
}

/// A case while it is read.
struct Draft {
    case: Case,
    experiences: Vec<String>,
    clock: Option<Clock>,
    table: Table,
}

enum Table {
    None,
    Steps(Vec<Column>),
    End(Vec<Column>),
}

impl Draft {
    fn new(place: String, title: &str) -> Self {
        let case = Case {
            place,
            title: title.to_owned(),
            experience: "service_portal".to_owned(),
            zone: "UTC".to_owned(),
            date: "2026-03-12".to_owned(),
            ..Case::default()
        };
        Self { case, experiences: Vec::new(), clock: None, table: Table::None }
    }

    fn done(mut self) -> Result<Vec<Case>, String> {
        let case = &mut self.case;
        if case.law.is_empty() || case.steps.is_empty() {
            return Err(format!("{}: a case has a law (`> …`) and a table of steps", case.place));
        }
        if case.portals.is_empty() {
            case.portals.push(Portal { name: "support".to_owned(), settings: Vec::new() });
        }
        if self.experiences.is_empty() {
            return Ok(vec![self.case]);
        }
        let of = |experience: &String| Case { experience: experience.clone(), ..self.case.clone() };
        Ok(self.experiences.iter().map(of).collect())
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(law) = line.strip_prefix("> ") {
            self.case.law.push(law.to_owned());
        } else if let Some(item) = line.strip_prefix("- ") {
            return self.item(item);
        } else if line.starts_with('|') {
            let row = line.strip_prefix('|').and_then(|row| row.strip_suffix('|')).ok_or("a row ends with `|`")?;
            return self.row(&row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
        } else if line.is_empty() {
            self.table = Table::None;
        }
        Ok(())
    }

    fn item(&mut self, item: &str) -> Result<(), String> {
        let (key, value) = item.split_once(':').ok_or("an item is `- name: value`")?;
        let (key, value) = (key.trim(), value.trim().trim_matches('`').to_owned());
        match key.split_once(' ').unwrap_or((key, "")) {
            ("experience", "") => self.experiences = value.split(',').map(|name| name.trim().to_owned()).collect(),
            ("zone", "") => self.case.zone = value,
            ("date", "") => self.case.date = value,
            ("log", "") => self.case.combined = value == "combined",
            ("setting", "") => return self.setting("support", &value),
            ("portal", name) => return self.setting(name, &value),
            ("file", name) => self.case.files.push((name.to_owned(), value)),
            ("word", name) => self.case.words.push((name.to_owned(), value)),
            ("browser", name) => {
                let details = value.split(';').map(|detail| detail.trim().to_owned()).collect();
                self.case.browsers.push(Browser { name: name.to_owned(), details });
            }
            _ => return Err(format!("`{key}` is not known here")),
        }
        Ok(())
    }

    fn setting(&mut self, portal: &str, value: &str) -> Result<(), String> {
        let portals = &mut self.case.portals;
        let index = portals.iter().position(|known| known.name == portal).unwrap_or_else(|| {
            portals.push(Portal { name: portal.to_owned(), settings: Vec::new() });
            portals.len() - 1
        });
        if !value.is_empty() {
            let (key, value) = value.split_once('=').ok_or("a setting is `key = value`")?;
            portals[index].settings.push((key.trim().to_owned(), value.trim().to_owned()));
        }
        Ok(())
    }

    fn row(&mut self, cells: &[String]) -> Result<(), String> {
        if cells.iter().all(|cell| cell.chars().all(|char| matches!(char, '-' | ':')) && !cell.is_empty()) {
            return Ok(());
        }
        match &self.table {
            Table::None => self.heading(cells),
            Table::Steps(columns) => {
                let columns = columns.clone();
                self.step(cells, &columns)
            }
            Table::End(columns) => {
                let columns = columns.clone();
                let end = self.case.end.as_mut().ok_or("no such table")?;
                let (keys, counts) = cells.split_at(cells.len().min(end.keys.len()));
                end.rows.push(EndRow { keys: keys.to_vec(), counts: numbers(&columns, counts)? });
                Ok(())
            }
        }
    }

    fn heading(&mut self, cells: &[String]) -> Result<(), String> {
        let column = |name: &String| Column::named(name).ok_or_else(|| format!("`{name}` is not a column"));
        if let [time, browser, what, counts @ ..] = cells
            && [time, browser, what] == ["time", "browser", "what"]
        {
            self.table = Table::Steps(counts.iter().map(column).collect::<Result<_, _>>()?);
            return Ok(());
        }
        let is_key = |name: &&String| matches!(name.as_str(), "portal" | "module" | "day");
        let keys: Vec<String> = cells.iter().take_while(is_key).cloned().collect();
        if keys.is_empty() {
            return Err("a table begins with time, browser and what, or with portal, module or day".to_owned());
        }
        self.table = Table::End(cells[keys.len()..].iter().map(column).collect::<Result<_, _>>()?);
        self.case.end = Some(End { keys, rows: Vec::new() });
        Ok(())
    }

    fn step(&mut self, cells: &[String], columns: &[Column]) -> Result<(), String> {
        let [time, browser, what, counts @ ..] = cells else { return Err("a row that is too short".to_owned()) };
        let clock = self.clock.get_or_insert(Clock::new(&self.case.date, &self.case.zone)?);
        let step = Step {
            written: [time.clone(), browser.clone(), what.clone()],
            at: clock.times(time)?,
            browser: browser.clone(),
            what: what.clone(),
            counts: numbers(columns, counts)?,
        };
        self.case.steps.push(step);
        Ok(())
    }
}

fn numbers(columns: &[Column], cells: &[String]) -> Result<Vec<(Column, i64)>, String> {
    if columns.len() != cells.len() {
        return Err(format!("{} counts under {} columns", cells.len(), columns.len()));
    }
    let number = |cell: &String| cell.parse::<i64>().map_err(|_| format!("`{cell}` is not a number"));
    columns.iter().zip(cells).map(|(column, cell)| Ok((*column, number(cell)?))).collect()
}
