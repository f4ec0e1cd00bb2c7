//! Creates a token. The dialog with script and the form without script share this code.

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

/// The user's input: the fields that both forms have.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CreationFields {
    /// The name; blank means no name.
    pub(crate) name: String,
    /// The password, if it is required.
    password: Option<String>,
}

/// A request whose user, name and password have passed their checks. The token does not exist yet.
#[cfg(feature = "ssr")]
pub(super) struct Creation {
    pub(super) session: Session,
    pub(super) member: Member,
    name: Option<TokenName>,
}

#[cfg(feature = "ssr")]
impl Creation {
    /// Checks the input. The name is checked before the password, so that a user corrects a wrong name before entering
    /// a password.
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
