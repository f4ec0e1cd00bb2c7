//! The database of the Developer Zone, its secrets, and what API keys may do.
//!
//! This is the only crate that knows SQL. Code that touches an organisation's rows takes the organisation from a
//! type that proves the caller's permission: [`Member`], [`TokenPermission`], [`AuditPermission`] or
//! [`EventsPermission`].

mod actor;
pub mod audit;
pub mod backup;
mod change;
pub mod clock;
mod cursors;
mod database;
pub mod demo;
pub mod device_cookies;
pub mod error;
pub mod events;
pub mod key_cache;
pub mod members;
mod offboarding;
mod organisation_row;
pub mod organisations;
pub mod outage;
mod password;
mod permission;
pub mod photos;
mod record_allowance;
pub mod reset_links;
#[cfg(feature = "sabotage")]
pub mod sabotage;
mod schema;
pub mod secret;
pub mod sessions;
pub mod sign_in;
mod sign_in_throttle;
mod signing;
pub mod standbys;
mod storage;
mod store;
pub mod task;
mod token_name;
pub mod token_polls;
pub mod tokens;
pub mod usage;
pub mod users;

pub use self::{
    actor::Origin,
    database::{DatabaseUrl, PoolConnections},
    members::Member,
    offboarding::Ended,
    password::PasswordLoad,
    permission::{AuditPermission, EventsPermission, TokenPermission},
    store::Store,
};
use self::{
    audit::Audit, events::Events, members::Members, organisations::Organisations, photos::Photos,
    reset_links::ResetLinks, sessions::Sessions, sign_in::SignIn, token_polls::TokenPolls,
    tokens::Tokens, users::Users,
};

/// The subjects of a store.
impl Store {
    /// API tokens.
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens::new(self)
    }

    /// Polls of lists of tokens.
    pub fn token_polls(&self) -> TokenPolls<'_> {
        TokenPolls::new(self)
    }

    /// Organisations and their plans.
    pub fn organisations(&self) -> Organisations<'_> {
        Organisations::new(self)
    }

    /// User accounts.
    pub fn users(&self) -> Users<'_> {
        Users::new(self)
    }

    /// Memberships: which users belong to which organisations.
    pub fn members(&self) -> Members<'_> {
        Members::new(self)
    }

    /// The audit trail.
    pub fn audit(&self) -> Audit<'_> {
        Audit::new(self)
    }

    /// Events and their settings.
    pub fn events(&self) -> Events<'_> {
        Events::new(self)
    }

    /// Photos of events.
    pub fn photos(&self) -> Photos<'_> {
        Photos::new(self)
    }

    /// Sign-in, and everything else that checks a password.
    pub fn sign_in(&self) -> SignIn<'_> {
        SignIn::new(self)
    }

    /// Links with which users set a new password.
    pub fn reset_links(&self) -> ResetLinks<'_> {
        ResetLinks::new(self)
    }

    /// Sessions of signed-in users.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions::new(self)
    }
}
