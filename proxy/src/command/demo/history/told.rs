//! What people did on a day, added up as nodes add it up.

use portalmeter_meter::acts::{Act, Acts, QUARTER};
use portalmeter_meter::session::Class;
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::accounts::ACCOUNTS;
use super::catalogue::Number;
use super::stage::Stage;

/// Something that somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Deed {
    pub(super) stage: usize,
    /// When its quarter of an hour began.
    quarter: Millis,
    place: usize,
    class: u8,
    account: Option<u16>,
    user: Option<Name>,
    resource: Number,
    /// Otherwise it was seen.
    acted: bool,
}

/// Who did it, as what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doer {
    pub(super) class: Class,
    pub(super) account: Option<u16>,
    pub(super) user: Option<Name>,
}

/// The account of whoever works for the portal.
pub(super) const STAFF: &str = "acme";

impl Deed {
    pub(super) fn new(
        at: Millis,
        (stage, place): (usize, usize),
        doer: Doer,
        (resource, acted): (Number, bool),
    ) -> Self {
        let Doer { class, account, user } = doer;
        let (quarter, class) = (at - at.rem_euclid(QUARTER), class as u8);
        Self { stage, quarter, place, class, account, user, resource, acted }
    }
}

/// The sums of a day, by portal and quarter of an hour.
pub(super) fn sums(deeds: &mut [Deed], stages: &[Stage]) -> Vec<Acts> {
    deeds.sort_unstable();
    let quarters = deeds.chunk_by(|one, next| (one.stage, one.quarter) == (next.stage, next.quarter));
    quarters.filter_map(|quarter| acts(quarter, stages)).collect()
}

fn acts(quarter: &[Deed], stages: &[Stage]) -> Option<Acts> {
    let first = quarter.first()?;
    let stage = stages.get(first.stage)?;
    let zone = &stage.stamp.policy.zone;
    let same = quarter.chunk_by(|one, next| one == next);
    Some(Acts {
        portal: stage.name.to_string(),
        at: first.quarter,
        day: zone.day(first.quarter),
        zone: zone.name().to_owned(),
        acts: same.filter_map(|same| act(same, stage)).collect(),
    })
}

fn act(same: &[Deed], stage: &Stage) -> Option<Act> {
    let deed = same.first()?;
    let place = stage.places.get(deed.place)?;
    let resource = place.catalogue.resource(deed.resource)?;
    let class = *Class::ALL.get(usize::from(deed.class))?;
    let of_staff = (class == Class::Internal).then_some(STAFF);
    let account = deed.account.and_then(|account| ACCOUNTS.get(usize::from(account))).map(|account| account.id);
    Some(Act {
        module: place.scope.module.as_deref().map(str::to_owned),
        class,
        account: account.or(of_staff).map(str::to_owned),
        user: deed.user,
        room: resource.room.to_owned(),
        resource: resource.name.to_owned(),
        action: resource.action.filter(|_| deed.acted).map(str::to_owned),
        count: same.len() as u32,
    })
}
