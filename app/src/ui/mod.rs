//! Components that any page can use. They do not depend on tokens, plans or events.

mod browser_only;
mod clipboard;
mod dialog;
#[cfg(feature = "ssr")]
mod flash_message;
mod focus;
mod icon;
mod keys;
mod live_text;
mod local_time;
mod notice;
#[cfg(feature = "ssr")]
mod page_link;
#[cfg(feature = "ssr")]
mod password_field;
#[cfg(feature = "ssr")]
mod show_passwords;
mod tabs;
mod toast;

pub(crate) use self::{
    browser_only::{BrowserOnly, Rebuilt, server_only},
    clipboard::{CopyFieldButton, CopyState, CopyStatus},
    dialog::{Dialog, DialogRole, open_dialogs_by_command, show_dialog},
    focus::{focus_soon, scroll_to_soon},
    icon::{Icon, IconName},
    keys::pressed_key,
    live_text::LiveText,
    local_time::{LocalTime, Shown, ago, localise_server_times, note_server_time, time_of_day},
    notice::Notice,
    tabs::Tabs,
    toast::{ToastRegion, Toasts, use_toasts},
};

#[cfg(feature = "ssr")]
pub(crate) use self::{
    clipboard::CopyButton,
    flash_message::{FLASH_MESSAGE, FlashMessage},
    local_time::{ServerTime, iso_utc, utc_date_time},
    page_link::PageLink,
    password_field::{NewPasswordField, PasswordField},
    show_passwords::ShowPasswords,
};
