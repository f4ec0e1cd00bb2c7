//! Flash messages: the result of a form, which the next page shows once.
//!
//! The message travels in a cookie. So the user's input is in no URL, and failed sign-ins by strangers do not fill the
//! database. A message names its page, is shown there once, and expires after a minute.
//!
//! Others can set cookies: a sibling host, or an attacker on the network if the dashboard uses plain HTTP. So the
//! cookie carries an HMAC-SHA256 under the key of the browser's session, which only that browser knows. Over HTTPS it
//! also has the prefix `__Host-`, with which browsers refuse cookies from sibling hosts.
//!
//! The sign-in page and that of a reset link have no session, so their messages have no secret key. A key of the server
//! would add nothing: an attacker can fail to sign in, and set the signed cookie in another browser. So these pages show
//! no text from their messages. They take only fixed reasons, and an address for the email field.

use hmac::{Hmac, Mac};
use model::timestamp::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::Sha256;
use store::{clock::latest, sessions::SessionKey};
use subtle::ConstantTimeEq;

use super::{
    cookies::FLASH_LIFETIME,
    request::{cookies, of_request, session_key, set_cookie, store},
};
use crate::paths::{RESET_PASSWORD, SIGN_IN};

/// The length of an HMAC-SHA256 in hexadecimal digits.
const TAG_LENGTH: usize = 64;

/// A message, the page that shows it, and the time when it expires.
#[derive(Serialize, Deserialize)]
struct Flash<M> {
    page: String,
    expires_at: Timestamp,
    message: M,
}

impl<M: Serialize> Flash<M> {
    /// The cookie's value: the tag, then the message as JSON.
    fn sign(&self, signer: &Signer) -> Option<String> {
        let json = serde_json::to_string(self).ok()?;
        Some(signer.tag(&json) + &json)
    }
}

impl<M: DeserializeOwned> Flash<M> {
    /// The message in a cookie's value. `None` if the signature is wrong, if it is for another page, or if it has
    /// expired.
    fn verify(value: &str, signer: &Signer, page: &str, now: Timestamp) -> Option<M> {
        let (given, json) = value.split_at_checked(TAG_LENGTH)?;
        let is_genuine: bool = given.as_bytes().ct_eq(signer.tag(json).as_bytes()).into();
        if !is_genuine {
            return None;
        }
        let flash: Self = serde_json::from_str(json).ok()?;
        let last = expiry(latest(now));
        (flash.page == page && now < flash.expires_at && flash.expires_at <= last)
            .then_some(flash.message)
    }
}

/// When a message that is written at `now` expires.
fn expiry(now: Timestamp) -> Timestamp {
    now.plus_millis(FLASH_LIFETIME.whole_seconds() * 1_000)
}

/// The messages that a page accepts.
pub(crate) enum Signer {
    /// Those that are signed for this session.
    Session(SessionKey),
    /// All, because the page has no session.
    Anyone,
}

impl Signer {
    /// The signer for a page: the session of the current request, or none on the pages without one.
    fn for_page(page: &str) -> Option<Self> {
        if [SIGN_IN, RESET_PASSWORD].contains(&page) {
            return Some(Self::Anyone);
        }
        session_key().map(Self::Session)
    }

    fn tag(&self, json: &str) -> String {
        let key = match self {
            Self::Session(key) => key.reveal(),
            Self::Anyone => Default::default(),
        };
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(key.as_bytes());
        let mac = mac.expect("HMAC takes a key of any length");
        let bytes = mac.chain_update(json).finalize().into_bytes();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Stores `message` in the browser that sent the request. `page` then shows it once.
pub(super) fn set_flash(page: &str, message: &impl Serialize) {
    if let Some(signer) = Signer::for_page(page) {
        set_signed_flash(&signer, page, message);
    }
}

/// Like [`set_flash`], for a response that starts another session: the message must be signed for the new one.
pub(super) fn set_signed_flash(signer: &Signer, page: &str, message: &impl Serialize) {
    let flash = Flash {
        page: page.to_owned(),
        expires_at: expiry(store().clock().now()),
        message,
    };
    let value = flash.sign(signer);
    set_cookie(value.and_then(|value| cookies().set_flash(&value)));
}

/// The message for the page that is being rendered, if there is one. The response deletes its cookie.
pub(crate) fn take_flash<M: DeserializeOwned>() -> Option<M> {
    let cookies = cookies();
    let (page, values) = of_request(|request| {
        let page = request.uri.path().to_owned();
        (page, cookies.flashes(&request.headers).collect::<Vec<_>>())
    });
    if values.is_empty() {
        return None;
    }
    let signer = Signer::for_page(&page)?;
    let now = store().clock().now();
    let message = values
        .iter()
        .find_map(|value| Flash::verify(value, &signer, &page, now))?;
    set_cookie(cookies.no_flash());
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "/developer-zone";
    const NOW: Timestamp = Timestamp(1_768_802_400_000);
    const LATER: Timestamp = Timestamp(1_768_802_460_000);

    fn session(digits: &str) -> Signer {
        Signer::Session(SessionKey::parse(&digits.repeat(40)).expect("a key"))
    }

    fn signed(signer: &Signer, message: &str) -> String {
        let flash = Flash {
            page: PAGE.to_owned(),
            expires_at: LATER,
            message,
        };
        flash.sign(signer).expect("JSON")
    }

    fn shown(value: &str, signer: &Signer, page: &str, now: Timestamp) -> Option<String> {
        Flash::verify(value, signer, page, now)
    }

    #[test]
    fn a_message_is_shown_to_its_session_on_its_page_until_it_expires() {
        let (own, other) = (session("7f"), session("80"));
        let typed = "a;b=\"c\" é@example.com";
        let value = signed(&own, typed);
        assert_eq!(shown(&value, &own, PAGE, NOW).as_deref(), Some(typed));
        assert_eq!(shown(&value, &other, PAGE, NOW), None);
        assert_eq!(shown(&value, &Signer::Anyone, PAGE, NOW), None);
        assert_eq!(shown(&value, &own, "/account", NOW), None);
        assert_eq!(shown(&value, &own, PAGE, LATER), None);
    }

    #[test]
    fn a_message_from_the_future_is_not_shown() {
        let own = session("7f");
        let value = signed(&own, "Signed out.");
        let day = 24 * 60 * 60 * 1_000;
        assert_eq!(shown(&value, &own, PAGE, NOW.plus_millis(-day)), None);
    }

    #[test]
    fn a_planted_or_changed_message_is_not_shown() {
        let own = session("7f");
        let genuine = signed(&own, "Token k7Q2x*** is active.");
        let (tag, json) = genuine.split_at(TAG_LENGTH);
        let changed = json.replace("active", "yours");
        for planted in [
            signed(&Signer::Anyone, "Call this number."),
            json.to_owned(),
            format!("{tag}{changed}"),
            format!("{}{json}", "0".repeat(TAG_LENGTH)),
            tag.to_owned(),
            String::new(),
            "é".repeat(TAG_LENGTH),
        ] {
            assert_eq!(shown(&planted, &own, PAGE, NOW), None, "{planted}");
        }
    }
}
