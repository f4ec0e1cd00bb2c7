//! The signed-in user's account: the password, and the browsers in which the user is signed in.
//!
//! Every change is a plain form, which works without script.

mod notice;
mod page;
mod password;
mod server_functions;
mod sessions;

pub(crate) use self::page::AccountPage;
