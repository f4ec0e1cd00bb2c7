//! Building blocks of the pages. They know nothing of tokens, plans or events.

mod clipboard;
mod dialog;
mod focus;
mod icon;
mod local_time;
mod notice;
mod toast;

pub(crate) use self::{
    clipboard::{CopyButton, copy_to_clipboard},
    dialog::{Dialog, DialogRole},
    focus::focus_soon,
    icon::{Icon, IconName},
    local_time::LocalDate,
    notice::Notice,
    toast::{ToastRegion, Toasts, use_toasts},
};
