//! Users' passwords: Argon2id, on separate threads, and a few at a time.

mod rules;

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{SaltString, rand_core::OsRng},
};
use model::user::Email;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use crate::{
    error::{NewPasswordError, PasswordHashError},
    task::spawn_blocking,
};

/// How many passwords may wait for each processor: about a second of work. Further callers get an error immediately,
/// because they would give up before their turn.
const WAITING_PER_PROCESSOR: usize = 16;

/// The hash of a password that no user has. It is checked when there is no such user: so the time does not reveal
/// whether an address has an account. A test keeps its parameters equal to [`params`].
const DECOY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$GAp084zgXzquENGqY1G7xQ$u19QGlEuk4WqRf4Yw4btwLDa6oygpOoyYq7COqifi6o";

/// How many passwords are being hashed or wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordLoad {
    /// Passwords that a thread hashes.
    pub running: usize,
    /// Passwords that wait for a thread.
    pub waiting: usize,
}

/// Hashes and checks passwords, a few at a time.
#[derive(Clone, Debug)]
pub(crate) struct PasswordHasher {
    bounds: (usize, usize),
    /// Each check takes 19 MiB and a processor for some tens of milliseconds. Without a limit, a burst of sign-ins
    /// would leave nothing for other requests.
    at_once: Arc<Semaphore>,
    /// One permit for each password that is hashed or waits.
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

    /// How many passwords are being hashed, and how many wait.
    pub(crate) fn load(&self) -> PasswordLoad {
        let (at_once, admitted) = self.bounds;
        let running = at_once.saturating_sub(self.at_once.available_permits());
        let admitted = admitted.saturating_sub(self.admitted.available_permits());
        PasswordLoad {
            running,
            waiting: admitted.saturating_sub(running),
        }
    }

    /// Checks the rules for a new password of this account, and hashes it.
    ///
    /// # Errors
    /// [`NewPasswordError`] and [`PasswordHashError`], as the caller's own type.
    pub(crate) async fn hash_new<E>(&self, password: &str, email: &Email) -> Result<String, E>
    where
        E: From<NewPasswordError> + From<PasswordHashError>,
    {
        rules::check(password, email)?;
        Ok(self.hash(password).await?)
    }

    /// The PHC string of `password`, without a check of the rules.
    ///
    /// # Errors
    /// [`PasswordHashError`].
    pub(crate) async fn hash(&self, password: &str) -> Result<String, PasswordHashError> {
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

    /// Whether `stored` is a hash of `password`. Without a hash the result is false, after the same work.
    ///
    /// # Errors
    /// [`PasswordHashError`]; [`PasswordHashError::Failed`] if `stored` is no PHC string.
    pub(crate) async fn verify(
        &self,
        stored: Option<String>,
        password: &str,
    ) -> Result<bool, PasswordHashError> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move || {
            let known = stored.is_some();
            let stored = stored.unwrap_or_else(|| DECOY_HASH.to_owned());
            let parsed = PasswordHash::new(&stored).map_err(failed)?;
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
        work: impl FnOnce() -> Result<T, PasswordHashError> + Send + 'static,
    ) -> Result<T, PasswordHashError> {
        let turn = self.permits().await?;
        spawn_blocking(move || {
            // The work holds the permits: they are not free while it runs, even if the caller goes away.
            let _turn = turn;
            work()
        })
        .await
        .map_err(failed)?
    }

    /// Waits for a processor, unless too many callers wait already.
    async fn permits(&self) -> Result<[OwnedSemaphorePermit; 2], PasswordHashError> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned();
        let admitted = admitted.map_err(|_| PasswordHashError::Busy)?;
        let turn = Arc::clone(&self.at_once).acquire_owned().await;
        Ok([turn.map_err(failed)?, admitted])
    }
}

fn failed(error: impl std::fmt::Display) -> PasswordHashError {
    PasswordHashError::Failed(error.to_string())
}

/// OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
fn params() -> Result<Params, PasswordHashError> {
    Params::new(19 * 1024, 2, 1, None).map_err(failed)
}

fn argon2() -> Result<Argon2<'static>, PasswordHashError> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_is_accepted_and_another_is_not() {
        let hasher = PasswordHasher::new();
        let hash = hasher.hash("correct horse").await.expect("hashed");
        assert!(
            hasher
                .verify(Some(hash.clone()), "correct horse")
                .await
                .expect("checked")
        );
        assert!(
            !hasher
                .verify(Some(hash), "Correct horse")
                .await
                .expect("checked")
        );
    }

    #[tokio::test]
    async fn without_an_account_no_password_is_accepted() {
        let hasher = PasswordHasher::new();
        assert!(!hasher.verify(None, "correct horse").await.expect("checked"));
    }

    /// While all threads are busy, each further password waits, up to the limit.
    #[tokio::test]
    async fn a_caller_beyond_the_limit_gets_an_error_and_the_waiting_ones_get_their_result() {
        let hasher = PasswordHasher::bounded(1, 2);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let first = hasher.run(move || {
            let _ = held.recv();
            Ok(())
        });
        let (one, two) = (hasher.verify(None, "one"), hasher.verify(None, "two"));
        let too_many = async {
            // The futures before this one were polled: one runs, two wait.
            let refused = hasher.verify(None, "three").await;
            assert!(
                matches!(refused, Err(PasswordHashError::Busy)),
                "{refused:?}"
            );
            drop(release);
        };
        let (first, one, two, ()) = tokio::join!(first, one, two, too_many);
        first.expect("checked");
        assert!(!one.expect("checked") && !two.expect("checked"));
        assert!(!hasher.verify(None, "four").await.expect("a free permit"));
    }

    /// A caller that goes away while its password is hashed must not free its permit early.
    #[tokio::test]
    async fn the_limit_holds_also_when_callers_go_away() {
        let hasher = PasswordHasher::bounded(1, 8);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let gone = hasher.run(move || {
            let _ = held.recv();
            Ok(())
        });
        let gone = tokio::time::timeout(std::time::Duration::ZERO, gone).await;
        gone.expect_err("dropped before it was done");
        assert_eq!(hasher.at_once.available_permits(), 0);
        release.send(()).expect("still at it");
        hasher.verify(None, "next").await.expect("its turn came");
    }

    #[test]
    fn the_decoy_costs_as_much_as_a_real_hash() {
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
