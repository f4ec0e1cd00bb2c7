//! Building blocks of the pages. They know nothing of tokens, plans or events.

mod browser_only;
mod clipboard;
mod dialog;
mod focus;
mod icon;
mod local_time;
mod notice;
mod page_link;
mod server_html;
mod skeleton;
mod tabs;
mod toast;

pub(crate) use self::{
    browser_only::BrowserOnly,
    clipboard::{CopyButton, CopyFieldButton, CopyState, CopyStatus},
    dialog::{Dialog, DialogRole},
    focus::{focus_soon, scroll_to_soon},
    icon::{Icon, IconName},
    local_time::{Ago, LocalDate, ago, time_of_day},
    notice::Notice,
    page_link::PageLink,
    server_html::ServerHtml,
    skeleton::Skeleton,
    tabs::Tabs,
    toast::{ToastRegion, Toasts, use_toasts},
};

#[cfg(feature = "ssr")]
pub(crate) use self::local_time::{UtcTime, iso_utc, utc_date_time};
