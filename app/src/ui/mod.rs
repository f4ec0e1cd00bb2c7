//! Building blocks of the pages. They know nothing of tokens, plans or events.

mod browser_only;
mod clipboard;
mod dialog;
mod focus;
mod icon;
mod local_time;
mod notice;
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
    tabs::Tabs,
    toast::{ToastRegion, Toasts, use_toasts},
};
