//! Creating a token: the same act for the page with script and for the form without it.

use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    crate::{
        error::RequestError,
        session::{confirm, session_and_member, store},
    },
    model::{organisation::OrganisationId, token::TokenName},
    store::{Member, sessions::Session, tokens::CreatedToken},
};

/// What is chosen at creation: the fields that both forms have.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CreationFields {
    /// The name; blank for none.
    pub(crate) name: String,
    /// The password, if it is required.
    password: Option<String>,
}

/// A creation whose sender, name and password are checked. Nothing exists yet.
#[cfg(feature = "ssr")]
pub(super) struct Creation {
    pub(super) session: Session,
    pub(super) member: Member,
    name: Option<TokenName>,
}

#[cfg(feature = "ssr")]
impl Creation {
    /// Checks what was sent. The name comes before the password: a typing error must not ask for a password.
    ///
    /// # Errors
    /// [`RequestError::SessionEnded`], [`RequestError::NotAMember`], [`RequestError::TokenName`], and those of
    /// [`confirm`].
    pub(super) async fn check(
        organisation: OrganisationId,
        fields: CreationFields,
    ) -> Result<Self, RequestError> {
        let (session, member) = session_and_member(organisation).await?;
        let name = TokenName::parse_optional(&fields.name)?;
        confirm(&session, fields.password).await?;
        Ok(Self {
            session,
            member,
            name,
        })
    }

    /// Creates the token.
    ///
    /// # Errors
    /// [`RequestError::PlanRequired`], [`RequestError::TokenLimitReached`], and those of the database.
    pub(super) async fn create(self) -> Result<CreatedToken, RequestError> {
        Ok(store().tokens().create(&self.member, self.name).await?)
    }
}
