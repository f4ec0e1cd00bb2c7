//! The account of whoever is signed in: their password, and the browsers in which they are signed in.
//!
//! Everything that can be done is a plain form that is answered with the page anew: it works without script.

#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
mod password;
#[cfg(feature = "ssr")]
mod server_functions;
#[cfg(feature = "ssr")]
mod sessions;
mod show_passwords;

#[cfg(feature = "ssr")]
pub(crate) use self::page::AccountPage;
