//! A question for lines as SQL, which both databases read.

use portalmeter_rules::id::Name;

use super::{Lines, words};
use crate::day::Day;

/// What stands for a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Day(Day),
    Id(Name),
    /// As the column `visitor` has it, which is never null.
    Visitor(Option<Name>),
    Count(i64),
}

/// What follows `FROM usage_record`, with its parameters in the order of their numbers.
pub(super) fn filter(query: &Lines) -> (String, Vec<Value>) {
    let mut filter = Filter { conditions: Vec::new(), values: Vec::new() };
    if let Some(portal) = &query.portal {
        filter.add("portal = ", Value::Text(portal.clone()));
    }
    if let Some(module) = &query.module {
        filter.add("module = ", Value::Text(module.clone().unwrap_or_default()));
    }
    if let Some(from) = query.from {
        filter.add("day >= ", Value::Day(from));
    }
    if let Some(to) = query.to {
        filter.add("day < ", Value::Day(to));
    }
    if let Some(visitor) = query.visitor {
        filter.add("visitor = ", Value::Visitor(Some(visitor)));
    }
    if let Some(session) = query.session {
        filter.add("session = ", Value::Id(session));
    }
    if let Some(class) = query.class {
        filter.add("class = ", Value::Text(class.name().to_owned()));
    }
    if let Some(reason) = query.reason {
        let name = reason.map_or(words::MANUAL, |reason| reason.name());
        filter.add("reason = ", Value::Text(name.to_owned()));
    }
    if let Some(account) = &query.account {
        filter.add("account = ", Value::Text(account.clone()));
    }
    if let Some(id) = query.id {
        let number = filter.number(Value::Id(id));
        filter.conditions.push(format!("(id = ${number} OR of_record = ${number})"));
    }
    if query.corrections {
        filter.conditions.push("corrects IS NOT NULL".to_owned());
    }
    if !query.withdrawn {
        filter.conditions.push("NOT withdrawn".to_owned());
    }
    if let Some(after) = &query.after {
        let place = [
            Value::Text(after.portal.clone()),
            Value::Day(after.day),
            Value::Visitor(after.visitor),
            Value::Id(after.id),
        ];
        let [portal, day, visitor, id] = place.map(|value| filter.number(value));
        filter.conditions.push(format!("(portal, day, visitor, id) > (${portal}, ${day}, ${visitor}, ${id})"));
    }
    let conditions = match filter.conditions.join(" AND ") {
        none if none.is_empty() => none,
        some => format!(" WHERE {some}"),
    };
    let limit = query.limit.map(|limit| filter.number(Value::Count(i64::try_from(limit).unwrap_or(i64::MAX))));
    let limit = limit.map(|number| format!(" LIMIT ${number}")).unwrap_or_default();
    (format!("{conditions} ORDER BY portal, day, visitor, id{limit}"), filter.values)
}

struct Filter {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Filter {
    fn number(&mut self, value: Value) -> usize {
        self.values.push(value);
        self.values.len()
    }

    fn add(&mut self, condition: &str, value: Value) {
        let number = self.number(value);
        self.conditions.push(format!("{condition}${number}"));
    }
}
