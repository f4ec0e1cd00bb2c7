//! The layout of every page behind sign-in, the events page, and messages that pages share.

#[cfg(feature = "ssr")]
mod choose_organisation;
#[cfg(feature = "ssr")]
mod events;
mod frame;
mod ids;
#[cfg(feature = "ssr")]
mod layout;
#[cfg(feature = "ssr")]
mod load_failed;
mod locked_item;
#[cfg(feature = "ssr")]
mod not_found;
#[cfg(feature = "ssr")]
mod organisation_choices;
mod organisation_search;
#[cfg(feature = "ssr")]
mod organisation_switcher;
mod session_ended;
mod shortcuts;
#[cfg(feature = "ssr")]
mod sidebar;
#[cfg(feature = "ssr")]
mod upgrade;

pub(crate) use self::session_ended::{SessionEnded, use_session_ended};
#[cfg(feature = "ssr")]
pub(crate) use self::{
    choose_organisation::ChooseOrganisation,
    events::EventsPage,
    layout::{DashboardLayout, dashboard_document_without_script},
    load_failed::LoadFailed,
    not_found::{NOT_FOUND, NotFound, NotFoundPage},
    organisation_choices::OrganisationName,
    upgrade::{ContactLink, CurrentPlan, UpgradeMessage},
};
