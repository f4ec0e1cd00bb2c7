//! Passwords of people who sign in: Argon2id, on threads of their own, and a few at a time.

mod rules;

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{SaltString, rand_core::OsRng},
};
use model::user::Email;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use crate::error::StoreError;

/// How many may wait for each that is being looked at: about a second's work. Whoever comes then is told to
/// come back, rather than kept until they have gone.
const WAITING_PER_PROCESSOR: usize = 16;

/// A hash of no password that anybody has: checked when there is no such user, so that a stranger
/// cannot tell by the time it takes whether an address has an account. A test keeps its parameters equal
/// to [`params`].
const DECOY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$GAp084zgXzquENGqY1G7xQ$u19QGlEuk4WqRf4Yw4btwLDa6oygpOoyYq7COqifi6o";

/// Passwords in work at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordLoad {
    /// Those that a thread looks at.
    pub running: usize,
    /// Those that wait for one.
    pub waiting: usize,
}

/// Hashes and checks passwords, a few at a time.
#[derive(Clone, Debug)]
pub(crate) struct PasswordHasher {
    bounds: (usize, usize),
    /// Each check takes 19 MiB and a processor for some tens of milliseconds. Without a bound, a burst
    /// of sign-ins would take both from everybody else.
    at_once: Arc<Semaphore>,
    /// Those that are being looked at, and those that wait for it.
    admitted: Arc<Semaphore>,
}

impl PasswordHasher {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self::bounded(processors, processors * WAITING_PER_PROCESSOR)
    }

    fn bounded(at_once: usize, waiting: usize) -> Self {
        Self {
            bounds: (at_once, at_once + waiting),
            at_once: Arc::new(Semaphore::new(at_once)),
            admitted: Arc::new(Semaphore::new(at_once + waiting)),
        }
    }

    /// How many are being looked at, and how many wait for that.
    pub(crate) fn load(&self) -> PasswordLoad {
        let (at_once, admitted) = self.bounds;
        let running = at_once.saturating_sub(self.at_once.available_permits());
        let admitted = admitted.saturating_sub(self.admitted.available_permits());
        PasswordLoad {
            running,
            waiting: admitted.saturating_sub(running),
        }
    }

    /// [`PasswordHasher::hash`] for what is to be the password of this account.
    ///
    /// # Errors
    /// [`StoreError::PasswordTooShort`], [`StoreError::PasswordTooLong`], [`StoreError::PasswordTooCommon`],
    /// and those of [`PasswordHasher::hash`].
    pub(crate) async fn hash_new(
        &self,
        password: &str,
        email: &Email,
    ) -> Result<String, StoreError> {
        rules::check(password, email)?;
        self.hash(password).await
    }

    /// The PHC string to keep for `password`, whatever it is.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or [`StoreError::Password`] if hashing fails.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, StoreError> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move || {
            let salt = SaltString::generate(&mut OsRng);
            argon2()?
                .hash_password(password.as_bytes(), &salt)
                .map(|hash| hash.to_string())
                .map_err(failed)
        })
        .await
    }

    /// Whether `password` is the one that `kept` was made from. With nothing kept the answer is no, after
    /// the same work.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or [`StoreError::Password`] if `kept` is no PHC string.
    pub(crate) async fn verify(
        &self,
        kept: Option<String>,
        password: &str,
    ) -> Result<bool, StoreError> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move || {
            let known = kept.is_some();
            let kept = kept.unwrap_or_else(|| DECOY_HASH.to_owned());
            let parsed = PasswordHash::new(&kept).map_err(failed)?;
            let matches = match argon2()?.verify_password(password.as_bytes(), &parsed) {
                Ok(()) => true,
                Err(argon2::password_hash::Error::Password) => false,
                Err(error) => return Err(failed(error)),
            };
            Ok(matches && known)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.turn().await?;
        tokio::task::spawn_blocking(move || {
            // Held by the work, not by who waits for it: a caller that goes away frees nothing yet.
            let _turn = turn;
            work()
        })
        .await
        .map_err(failed)?
    }

    /// Waits for a processor, unless too many do.
    async fn turn(&self) -> Result<[OwnedSemaphorePermit; 2], StoreError> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned();
        let admitted = admitted.map_err(|_| StoreError::Busy)?;
        let turn = Arc::clone(&self.at_once).acquire_owned().await;
        Ok([turn.map_err(failed)?, admitted])
    }
}

fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError::Password(error.to_string())
}

/// OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
fn params() -> Result<Params, StoreError> {
    Params::new(19 * 1024, 2, 1, None).map_err(failed)
}

fn argon2() -> Result<Argon2<'static>, StoreError> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_taken_and_another_is_not() {
        let hasher = PasswordHasher::new();
        let kept = hasher.hash("correct horse").await.expect("hashed");
        assert!(
            hasher
                .verify(Some(kept.clone()), "correct horse")
                .await
                .expect("checked")
        );
        assert!(
            !hasher
                .verify(Some(kept), "Correct horse")
                .await
                .expect("checked")
        );
    }

    #[tokio::test]
    async fn without_an_account_no_password_is_taken() {
        let hasher = PasswordHasher::new();
        assert!(!hasher.verify(None, "correct horse").await.expect("checked"));
    }

    /// While all threads are taken, each further password waits, up to the bound.
    #[tokio::test]
    async fn whoever_comes_when_too_many_wait_is_told_to_come_back_and_the_others_are_answered() {
        let hasher = PasswordHasher::bounded(1, 2);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let first = hasher.run(move || {
            let _ = held.recv();
            Ok(())
        });
        let (one, two) = (hasher.verify(None, "one"), hasher.verify(None, "two"));
        let too_many = async {
            // Those before have been polled: one runs, two wait.
            let refused = hasher.verify(None, "three").await;
            assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
            drop(release);
        };
        let (first, one, two, ()) = tokio::join!(first, one, two, too_many);
        first.expect("answered");
        assert!(!one.expect("answered") && !two.expect("answered"));
        assert!(
            !hasher
                .verify(None, "four")
                .await
                .expect("there is room again")
        );
    }

    /// A caller that hangs up while its password is hashed must not let another one start beside it.
    #[tokio::test]
    async fn no_more_are_hashed_at_once_than_there_may_be_also_when_callers_go_away() {
        let hasher = PasswordHasher::bounded(1, 8);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let gone = hasher.run(move || {
            let _ = held.recv();
            Ok(())
        });
        let gone = tokio::time::timeout(std::time::Duration::ZERO, gone).await;
        gone.expect_err("given up on");
        assert_eq!(hasher.at_once.available_permits(), 0);
        release.send(()).expect("still at it");
        hasher.verify(None, "next").await.expect("its turn came");
    }

    #[test]
    fn checking_the_decoy_costs_what_checking_a_password_costs() {
        let decoy = PasswordHash::new(DECOY_HASH).expect("a PHC string");
        let costs = Params::try_from(&decoy).expect("Argon2 parameters");
        let ours = params().expect("valid");
        assert_eq!(decoy.algorithm.as_str(), "argon2id");
        assert_eq!(
            (costs.m_cost(), costs.t_cost(), costs.p_cost()),
            (ours.m_cost(), ours.t_cost(), ours.p_cost())
        );
    }
}
