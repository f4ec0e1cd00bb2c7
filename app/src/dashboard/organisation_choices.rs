//! The user's organisations as buttons, for the sidebar and for pages that need one.

use leptos::{prelude::*, server_fn::ServerFn};
use model::organisation::Organisation;

use crate::{
    page_account::with_account,
    page_context::{Viewer, use_address, use_viewer},
    session::SelectOrganisation,
    ui::{Icon, IconName},
};

/// Up to this many organisations are one list, always in the same order: it needs no search to be read.
const FEW: usize = 8;

/// A search field and the organisations, each a submit button of a plain form. Selecting one works without script and
/// leads back to the present page.
///
/// With more than [`FEW`] organisations, the selected one and those selected last come first.
/// [`super::organisation_search`] filters the buttons.
#[component]
pub(super) fn OrganisationChoices(
    /// Whether they are in a popover, which has a search field and moves the focus to it. A page has the field only
    /// for more than [`FEW`] organisations.
    #[prop(optional)]
    in_popover: bool,
) -> impl IntoView {
    let viewer = use_viewer().unwrap_or_default();
    let selected = viewer.selected;
    let with_search = in_popover || viewer.organisations.len() > FEW;
    let groups = groups(viewer).into_iter().map(|(title, organisations)| {
        let choices = organisations.into_iter().map(|organisation| {
            let is_selected = selected == Some(organisation.id);
            view! {
                <li>
                    <Choice organisation is_selected />
                </li>
            }
        });
        view! {
            <div class="choice-group" role=title.map(|_| "group") aria-label=title>
                {title.map(|title| view! { <p aria-hidden="true">{title}</p> })}
                <ul>{choices.collect_view()}</ul>
            </div>
        }
    });
    view! {
        <div class="choices">
            {with_search
                .then(|| {
                    view! {
                        <input
                            type="search"
                            class="choice-search"
                            aria-label="Search organisations by name or ID"
                            placeholder="Search by name or ID"
                            autocomplete="off"
                            autofocus=in_popover
                        />
                    }
                })}
            <form method="post" action=with_account(SelectOrganisation::url())>
                <input type="hidden" name="return_to" value=use_address() />
                {groups.collect_view()}
            </form>
            <p class="choice-none" role="status"></p>
        </div>
    }
}

#[component]
fn Choice(organisation: Organisation, is_selected: bool) -> impl IntoView {
    let id = organisation.id.to_string();
    view! {
        <button
            type="submit"
            class="choice"
            name="organisation_id"
            value=id
            aria-current=is_selected.then_some("true")
        >
            <NameAndPlan organisation />
            {is_selected.then(|| view! { <Icon name=IconName::Check /> })}
        </button>
    }
}

/// An organisation's name, ID and plan.
#[component]
pub(super) fn NameAndPlan(organisation: Organisation) -> impl IntoView {
    let plan = organisation.plan;
    view! {
        <span class="choice-name" translate="no">
            <OrganisationName organisation />
        </span>
        <span class=format!("badge plan-{}", plan.code())>{plan.label()}</span>
    }
}

/// `Summit Races (903)`. The direction of the name's script does not move the ID.
#[component]
pub(crate) fn OrganisationName(organisation: Organisation) -> impl IntoView {
    view! {
        <bdi>{organisation.name}</bdi>
        {format!(" ({})", organisation.id)}
    }
}

/// The organisations in groups with their titles. Few are one group without a title.
fn groups(viewer: Viewer) -> Vec<(Option<&'static str>, Vec<Organisation>)> {
    let Viewer {
        organisations,
        recent,
        ..
    } = viewer;
    if organisations.len() <= FEW || recent.is_empty() {
        return vec![(None, organisations)];
    }
    let place = |organisation: &Organisation| recent.iter().position(|id| *id == organisation.id);
    let (mut first, others): (Vec<_>, Vec<_>) = organisations
        .into_iter()
        .partition(|organisation| place(organisation).is_some());
    first.sort_by_key(place);
    vec![(Some("Recent"), first), (Some("Others"), others)]
}

#[cfg(test)]
mod tests {
    use model::organisation::{OrganisationId, Plan};

    use super::*;

    fn viewer(count: i64, recent: &[i64]) -> Viewer {
        let organisations = (1..=count).map(|id| Organisation {
            id: OrganisationId(id),
            name: format!("Club {id}"),
            plan: Plan::Pro,
        });
        Viewer {
            organisations: organisations.collect(),
            recent: recent.iter().copied().map(OrganisationId).collect(),
            ..Viewer::default()
        }
    }

    fn ids(organisations: &[Organisation]) -> Vec<i64> {
        organisations.iter().map(|it| it.id.0).collect()
    }

    #[test]
    fn many_organisations_begin_with_the_recent_ones_and_each_is_listed_once() {
        let groups = groups(viewer(12, &[11, 2, 7]));
        let titles: Vec<_> = groups.iter().map(|(title, _)| *title).collect();
        assert_eq!(titles, [Some("Recent"), Some("Others")]);
        assert_eq!(ids(&groups[0].1), [11, 2, 7]);
        assert_eq!(ids(&groups[1].1), [1, 3, 4, 5, 6, 8, 9, 10, 12]);
    }

    #[test]
    fn few_organisations_and_a_user_without_a_choice_keep_the_natural_order() {
        for viewer in [viewer(8, &[5, 2]), viewer(12, &[])] {
            let all = ids(&viewer.organisations);
            let groups = groups(viewer);
            assert_eq!(groups.len(), 1);
            assert_eq!((groups[0].0, ids(&groups[0].1)), (None, all));
        }
    }
}
