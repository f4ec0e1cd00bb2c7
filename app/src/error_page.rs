//! The error page, for failures that no other page can show.

use http::StatusCode;
use leptos::prelude::*;

use crate::{
    dashboard::{NOT_FOUND, NotFound},
    document::{Assets, plain_document},
    error::RequestError,
    paths::HOME,
    ui::{IconName, Notice, notice_icon},
};

/// Renders the error page for a response with this `status`.
///
/// The page says what happened and has a link `back`. It shows `message` if there is one, or else the usual text for
/// the status.
pub fn error_page(
    assets: &Assets,
    status: StatusCode,
    message: Option<String>,
    back: Back,
) -> String {
    let is_not_found = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status);
    let owner = Owner::new();
    if is_not_found {
        return owner.with(|| plain_document(assets, NOT_FOUND, view! { <NotFound /> }));
    }
    let title = match status {
        StatusCode::SERVICE_UNAVAILABLE => "The dashboard is unavailable",
        status if status.is_server_error() => "Something went wrong",
        _ if matches!(back, Back::Again(_)) => "The page cannot be shown",
        _ => "Nothing was changed",
    };
    let message = message.unwrap_or_else(|| {
        let error = match status {
            StatusCode::SERVICE_UNAVAILABLE => RequestError::Unavailable,
            status if status.is_server_error() => RequestError::Internal,
            _ => RequestError::BadRequest,
        };
        error.to_string()
    });
    let (label, href) = match back {
        Back::Again(path) => ("Try again", path),
        Back::To(path) => ("Go back", path),
        Back::Home => ("Go to Home", HOME.to_owned()),
    };
    owner.with(|| {
        let content = view! {
            <Notice picture=notice_icon(IconName::Warning) title whole_page=true>
                <p>{message}</p>
                <a class="button button-primary" href=href>
                    {label}
                </a>
            </Notice>
        };
        plain_document(assets, title, content)
    })
}

/// The link on an error page. A path is always on this site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Back {
    /// Repeats the request: the path that failed.
    Again(String),
    /// Returns to the page that sent the request.
    To(String),
    /// Leads to Home.
    Home,
}
