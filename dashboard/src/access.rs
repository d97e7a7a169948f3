//! Who may see what: users, their roles, and how they prove who they are.

/// Who is let in, and how.
#[derive(Debug, Clone, Default)]
pub struct Access {}

/// What somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Everything, and may book corrections.
    Admin,
    /// Everything, and may change nothing.
    Viewer,
    /// The engagement of one account alone, by its id.
    Partner {
        /// The account's id.
        account: String,
    },
}

/// Somebody who was let in; in every request's extensions behind the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Their name, as configured.
    pub name: String,
    /// What they may see.
    pub role: Role,
}
