//! In which order accounts are shown, and which of them by their names.

use std::cmp::Reverse;

use super::AccountRow;
use crate::api::asked::Asked;
use crate::api::problem::Problem;

/// In which order, and which.
#[derive(Debug, Clone)]
pub(super) struct Sorting {
    sort: Sort,
    order: Order,
    /// In lower case.
    search: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Rank,
    Name,
    Users,
    Sessions,
    PageViews,
    AverageDuration,
    Actions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

impl Sort {
    const ALL: [Self; 7] =
        [Self::Rank, Self::Name, Self::Users, Self::Sessions, Self::PageViews, Self::AverageDuration, Self::Actions];

    fn name(self) -> &'static str {
        match self {
            Self::Rank => "rank",
            Self::Name => "name",
            Self::Users => "users",
            Self::Sessions => "sessions",
            Self::PageViews => "page_views",
            Self::AverageDuration => "average_duration",
            Self::Actions => "actions",
        }
    }

    /// How it goes where nobody says.
    fn usual(self) -> Order {
        match self {
            Self::Rank | Self::Name => Order::Ascending,
            _ => Order::Descending,
        }
    }
}

impl Order {
    fn name(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }
}

impl Sorting {
    /// How accounts are asked for.
    pub(super) fn of(asked: &mut Asked) -> Result<Self, Problem> {
        let sort = asked.word("sort", &Sort::ALL, Sort::name)?.unwrap_or(Sort::Rank);
        let order = asked.word("order", &[Order::Ascending, Order::Descending], Order::name)?;
        let search = asked.text("q")?.map(|text| text.to_lowercase());
        Ok(Self { sort, order: order.unwrap_or(sort.usual()), search })
    }

    /// Those that are searched for, sorted. Where they are equal, it goes by the id.
    pub(super) fn sort(&self, mut rows: Vec<AccountRow>) -> Vec<AccountRow> {
        if let Some(search) = &self.search {
            rows.retain(|row| row.name.to_lowercase().contains(search));
        }
        let number = |row: &AccountRow| match self.sort {
            Sort::Rank => row.rank.map(|rank| rank as u64),
            Sort::Name => None,
            Sort::Users => Some(row.figures.unique_users),
            Sort::Sessions => Some(row.figures.sessions),
            Sort::PageViews => Some(row.figures.page_views),
            Sort::AverageDuration => row.figures.average_duration_seconds,
            Sort::Actions => Some(row.figures.actions),
        };
        let name = |row: &AccountRow| (self.sort == Sort::Name).then(|| row.name.to_lowercase());
        rows.sort_by_cached_key(|row| {
            let key = (number(row), name(row));
            match self.order {
                Order::Ascending => (Some(key), None, row.account.clone()),
                Order::Descending => (None, Some(Reverse(key)), row.account.clone()),
            }
        });
        rows
    }
}
