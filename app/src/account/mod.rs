//! The signed-in user's account: the password, and the browsers in which the user is signed in.
//!
//! Every change is a plain form, which works without script.

#[cfg(feature = "ssr")]
mod notice;
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
