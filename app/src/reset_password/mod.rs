//! The pages for users who have forgotten their password. They need no sign-in.

mod forgotten;
mod page;

pub(crate) use self::{forgotten::ForgottenPasswordPage, page::ResetPasswordPage};
