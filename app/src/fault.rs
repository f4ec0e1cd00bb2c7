//! What went wrong, told by a page of its own, where no other page can tell it.

use http::StatusCode;
use leptos::prelude::*;

use crate::{
    dashboard::{NOT_FOUND, NotFound},
    error::RequestError,
    paths::HOME,
    shell::{Assets, plain_document},
    ui::{IconName, Notice},
};

/// The document for an answer of this `status`: what happened, in `words` if there are any better ones than the
/// status has, and a way `back`.
pub fn fault_page(
    assets: &Assets,
    status: StatusCode,
    words: Option<String>,
    back: Back,
) -> String {
    let is_nowhere = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status);
    let owner = Owner::new();
    if is_nowhere {
        return owner.with(|| plain_document(assets, NOT_FOUND, view! { <NotFound /> }));
    }
    let title = match status {
        StatusCode::SERVICE_UNAVAILABLE => "The dashboard is unavailable",
        status if status.is_server_error() => "Something went wrong",
        _ if matches!(back, Back::Again(_)) => "The page cannot be shown",
        _ => "Nothing was changed",
    };
    let words = words.unwrap_or_else(|| {
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
        Back::Home => ("Go to Events", HOME.to_owned()),
    };
    owner.with(|| {
        let content = view! {
            <Notice icon=IconName::Warning title whole_page=true>
                <p>{words}</p>
                <a class="button button-primary" href=href>
                    {label}
                </a>
            </Notice>
        };
        plain_document(assets, title, content)
    })
}

/// Where a page of a fault leads: a path of this site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Back {
    /// What was asked for, once more.
    Again(String),
    /// The page that it was asked from.
    To(String),
    /// Where everybody begins.
    Home,
}
