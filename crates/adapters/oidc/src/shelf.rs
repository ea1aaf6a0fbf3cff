//! Where tokens of users are kept for other replicas, and over restarts.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
use net::Secret;

use crate::exchange::Tokens;
use crate::provider::Provider;

/// An answer that is waited for.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Tokens of a user, as the provider gave them.
#[derive(Debug, Clone)]
pub struct Shelved {
    /// The user's token.
    pub id: Secret,
    /// For questions to the provider about the user; may be empty.
    pub access: Secret,
    /// For other tokens.
    pub refresh: Option<Secret>,
}

/// Who is to have tokens of a user made anew.
#[derive(Debug, Clone)]
pub enum Turn {
    /// We are, by what is kept now, and nobody else is for a while.
    Ours(Option<Shelved>),
    /// Somebody else is at it.
    Others,
}

/// Keeps tokens of users. Who they are of is a text that names provider and user; it may be long and strange.
///
/// What cannot be reached answers as one that has nothing: then tokens are known here alone, until they are lost.
pub trait Shelf: Debug + Send + Sync {
    /// What is kept of a user.
    fn get(&self, owner: String, now: Timestamp) -> Later<'_, Option<Shelved>>;

    /// Asks for the turn to have a user's tokens made anew: many providers end a login whose refresh token is shown twice.
    fn turn(&self, owner: String, now: Timestamp) -> Later<'_, Turn>;

    /// Keeps tokens of a user until this second since 1970, and ends the turn.
    fn put(&self, owner: String, tokens: Shelved, until: i64, now: Timestamp) -> Later<'_, ()>;

    /// Forgets a user.
    fn remove(&self, owner: String, now: Timestamp) -> Later<'_, ()>;
}

impl Provider {
    /// With a place where tokens of users are kept beside the memory.
    #[must_use]
    pub fn with_shelf(mut self, shelf: Arc<dyn Shelf>) -> Self {
        self.shelf = Some(shelf);
        self
    }

    /// Forgets what is kept of a user who logs out.
    pub async fn forget(&self, subject: &str, now: Timestamp) {
        self.users.forget(subject);
        if let Some(shelf) = &self.shelf {
            shelf.remove(self.owner(subject), now).await;
        }
    }

    /// Keeps tokens of a user, for all replicas where they will ask for them.
    pub(crate) async fn keep(&self, tokens: &Tokens, now: Timestamp) {
        self.users.remember(tokens);
        let config = self.config();
        let renews = !config.refresh_token_threshold.is_zero() && tokens.refresh.is_some();
        let Some(shelf) = self.shelf.as_ref().filter(|_| renews || config.user_info_url().is_some()) else {
            return;
        };
        let Tokens { id, claims, access, refresh } = tokens.clone();
        let owner = self.owner(&claims.subject);
        shelf.put(owner, Shelved { id, access, refresh }, claims.expires_at, now).await;
    }

    /// Takes over what others have of a user; whether that is no older than what is known here.
    pub(crate) async fn recall(self: &Arc<Self>, subject: &str, now: Timestamp) -> bool {
        let Some(shelf) = &self.shelf else { return false };
        let found = shelf.get(self.owner(subject), now).await;
        self.adopt(subject, found, now).await
    }

    /// As [`Self::recall`], with the turn to have the user's tokens made anew; whether that is ours.
    pub(crate) async fn turn(self: &Arc<Self>, subject: &str, now: Timestamp) -> bool {
        let Some(shelf) = &self.shelf else { return true };
        let Turn::Ours(found) = shelf.turn(self.owner(subject), now).await else { return false };
        self.adopt(subject, found, now).await;
        true
    }

    async fn adopt(self: &Arc<Self>, subject: &str, found: Option<Shelved>, now: Timestamp) -> bool {
        let Some(Shelved { id, access, refresh }) = found else { return false };
        // Nothing is believed of what is kept but what the provider has signed.
        let Ok(claims) = self.verify(id.expose(), now).await else { return false };
        let known = self.users.tokens_of(subject);
        let older = known.is_some_and(|known| known.claims.expires_at > claims.expires_at);
        if claims.subject == subject && !older {
            self.users.remember(&Tokens { id, claims, access, refresh });
            return true;
        }
        false
    }

    fn owner(&self, subject: &str) -> String {
        [self.config().issuer.as_str(), &self.config().client_id, subject].join("\n")
    }
}
