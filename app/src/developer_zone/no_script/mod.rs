//! Creates a token without script: the response to a plain form is the page that shows the token once.
//!
//! The response is not a redirect, because the server would have to store the token until the next request. So
//! reloading the page posts the form again. To prevent a second token, each form has a number that can be used once
//! ([`store::sessions::Sessions::open_form`]). A repeated post gets a page that says that the form was used.

mod form;

use leptos::prelude::*;
use leptos_meta::Title;
use model::organisation::OrganisationId;

use self::form::{CREATE, Form, open_form};
pub use self::form::{NewTokenForm, NoScriptResponse, create_from_form};
use super::frame::{Trail, ZoneFrame};
use crate::{
    dashboard::LoadFailed,
    session::{session_and_member, with_error_status},
};

/// The page with the form.
#[component]
pub(crate) fn NewTokenPage() -> impl IntoView {
    view! {
        <Title text=CREATE />
        <ZoneFrame
            what="its API tokens"
            has_heading=true
            content=|organisation| view! { <FormPanel organisation /> }.into_any()
        />
    }
}

#[component]
fn FormPanel(organisation: OrganisationId) -> impl IntoView {
    let content = Suspend::new(async move {
        let opened = with_error_status(async {
            let (session, member) = session_and_member(organisation).await?;
            open_form(&session, &member).await
        });
        match opened.await {
            Ok(opened) => view! { <Form opened /> }.into_any(),
            Err(error) => view! {
                <Trail here=CREATE />
                <h1>{CREATE}</h1>
                <LoadFailed what="The form" error />
            }
            .into_any(),
        }
    });
    view! { <Suspense>{content}</Suspense> }
}
