//! What a page says once.

use leptos::prelude::*;

use crate::developer_zone::notice::TokenNotice;

/// Id of what the page says: fields that it is about are described by it.
pub(super) const SAID: &str = "said";

/// What became of a form that was sent.
#[component]
pub(crate) fn Said(notice: TokenNotice) -> impl IntoView {
    let (class, role) = if notice.is_good() {
        ("form-success", "status")
    } else {
        ("form-error", "alert")
    };
    view! {
        <p class=class id=SAID role=role tabindex="-1" autofocus>
            {notice.to_string()}
        </p>
    }
}
