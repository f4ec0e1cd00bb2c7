//! Components that any page can use. They do not depend on tokens, plans or events.

#[cfg(feature = "ssr")]
mod brand;
mod browser_only;
mod clipboard;
mod dialog;
#[cfg(feature = "ssr")]
mod flash_message;
mod focus;
mod icon;
mod illustration;
mod keys;
mod live_text;
mod loaded_later;
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
    clipboard::{CopyFieldButton, CopyState, CopyStatus, copy_by_button, copy_field},
    dialog::{Dialog, DialogRole, open_dialogs_by_command, show_dialog},
    focus::{closest, focus_soon, scroll_to_soon},
    icon::{Icon, IconName},
    illustration::{Drawing, illustration},
    keys::pressed_key,
    live_text::LiveText,
    loaded_later::LoadedLater,
    local_time::{LocalTime, WrittenTime},
    notice::Notice,
    tabs::Tabs,
    toast::{FailedChange, ToastRegion, Toasts, use_toasts},
};

#[cfg(feature = "ssr")]
pub(crate) use self::{
    brand::Brand,
    clipboard::CopyButton,
    flash_message::{FLASH_MESSAGE, FlashMessage},
    illustration::DrawingSource,
    local_time::{ServerTime, Shown, TimeZoneNote, iso_utc},
    notice::notice_icon,
    page_link::PageLink,
    password_field::{NewPasswordField, PasswordField},
    show_passwords::ShowPasswords,
};
