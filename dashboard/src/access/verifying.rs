//! Passwords are checked beside the listener's thread, and few at once: each check takes memory and a core.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::{task, time};

use super::password::PasswordHash;
use super::refusal::Refusal;
use std::sync::Arc;

/// Checks passwords.
pub(super) struct Verifier {
    places: Arc<Semaphore>,
}

/// So many at once: 38 MiB with the usual settings.
const AT_ONCE: usize = 2;
/// So long a login waits for a place; a check takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(1);

impl Default for Verifier {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Verifier {
    /// Whether this is the password.
    pub(super) async fn verify(&self, hash: PasswordHash, password: String) -> Result<bool, Refusal> {
        let place = time::timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(Refusal::Busy) };
        // The place goes with the check, not with the request: a client that hangs up does not end the check.
        let check = move || {
            let _held = place;
            hash.is_of(&password)
        };
        task::spawn_blocking(check).await.map_err(|_| Refusal::Busy)
    }
}
