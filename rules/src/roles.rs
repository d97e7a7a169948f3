//! From a signed-in user's roles to what the session is.

use crate::verdict::Evidence;

/// What a user is whose roles are all unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unmapped {
    /// A customer.
    #[default]
    External,
    /// Nobody: the request is not observed at all.
    Ignore,
}

/// Role names and what they mean. Internal wins over external, external over guest.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    /// Roles of colleagues.
    pub internal: Vec<String>,
    /// Roles of customers.
    pub external: Vec<String>,
    /// Roles of people who are not signed in.
    pub guest: Vec<String>,
    /// What becomes of anybody else.
    pub unmapped: Unmapped,
}

impl Roles {
    /// The roles of a `ServiceNow` instance, for portals or for embeddables (seed 3).
    pub fn servicenow(embeddables: bool) -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let everywhere = ["sn_esm_user", "sn_customerservice.requester", "sn_customerservice.requestor"];
        let mut external: Vec<String> = owned(&everywhere);
        let mut guest: Vec<String> = owned(&["Guest"]);
        if embeddables {
            guest.push("snc_visitor".to_owned());
        } else {
            external.push("sn_communities.community_user".to_owned());
        }
        Self {
            internal: owned(&["sn_customerservice.self_contributor"]),
            external,
            guest,
            unmapped: Unmapped::default(),
        }
    }

    /// Whether nothing is configured, so that every signed-in user is a customer.
    pub fn is_empty(&self) -> bool {
        self.internal.is_empty() && self.external.is_empty() && self.guest.is_empty()
    }

    /// What a signed-in user with these roles is; `None`: not to be observed.
    ///
    /// Only a `trusted` source may make somebody internal.
    pub fn evidence<'a>(&self, roles: &(impl Iterator<Item = &'a str> + Clone), trusted: bool) -> Option<Evidence> {
        let any = |names: &[String]| roles.clone().any(|role| names.iter().any(|name| name == role));
        if self.is_empty() {
            Some(Evidence::External)
        } else if trusted && any(&self.internal) {
            Some(Evidence::Internal)
        } else if any(&self.external) {
            Some(Evidence::External)
        } else if any(&self.guest) {
            Some(Evidence::Guest)
        } else {
            (self.unmapped == Unmapped::External).then_some(Evidence::External)
        }
    }
}

/// The roles in a header's or claim's text: separated by commas, blanks around them dropped.
pub fn split(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split(',').map(str::trim).filter(|role| !role.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portal(roles: &str) -> Option<Evidence> {
        Roles::servicenow(false).evidence(&split(roles), true)
    }

    #[test]
    fn each_role_of_the_seeds_maps_as_they_say() {
        for role in [
            "sn_esm_user",
            "sn_customerservice.requester",
            "sn_customerservice.requestor",
            "sn_communities.community_user",
        ] {
            assert_eq!(portal(role), Some(Evidence::External), "{role}");
        }
        assert_eq!(portal("sn_customerservice.self_contributor"), Some(Evidence::Internal));
        assert_eq!(portal("Guest"), Some(Evidence::Guest));
    }

    #[test]
    fn internal_wins_over_external() {
        assert_eq!(portal("sn_esm_user, sn_customerservice.self_contributor"), Some(Evidence::Internal));
    }

    #[test]
    fn a_source_that_can_be_forged_makes_nobody_internal() {
        let roles = Roles::servicenow(false);
        assert_eq!(roles.evidence(&split("sn_customerservice.self_contributor"), false), Some(Evidence::External));
    }

    #[test]
    fn an_embeddables_visitor_is_a_guest_and_unknown_roles_are_ignored() {
        let roles = Roles { unmapped: Unmapped::Ignore, ..Roles::servicenow(true) };
        assert_eq!(roles.evidence(&split("snc_visitor"), true), Some(Evidence::Guest));
        assert_eq!(roles.evidence(&split("itil"), true), None);
    }

    #[test]
    fn without_roles_configured_a_signed_in_user_is_external() {
        assert_eq!(Roles::default().evidence(&split("anything"), true), Some(Evidence::External));
    }
}
