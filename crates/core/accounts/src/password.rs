//! Passwords: what may be one, and whether somebody knows it.

use goregex::Pattern;

use crate::account::{Account, Accounts, Capability};

/// Longest name that may log in, in bytes; longer ones would fill the memory of failed logins.
pub const MAX_NAME_BYTES: usize = 32;
/// What a password must match where `passwordPattern` says nothing.
const DEFAULT_PATTERN: &str = "^.{8,32}$";
/// Memory of the compiled pattern, in bytes.
const PATTERN_BYTES: usize = 1 << 20;
/// Why a login failed. `Display` is what may be said to whom tries, in the peer's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// No name or no password.
    #[error("no credentials supplied")]
    Blank,
    /// The name is longer than [`MAX_NAME_BYTES`].
    #[error("Username is too long ({MAX_NAME_BYTES} bytes max)")]
    NameTooLong,
    /// More than bcrypt takes, or a NUL in it: refused before anything is hashed.
    #[error("Password is too long ({} bytes max) or has a NUL", bcrypt::MAX_PASSWORD_BYTES)]
    PasswordUnfit,
    /// There is no such account, or the password is another. To be counted by [`Failures`](crate::Failures).
    #[error("Invalid username or password")]
    Invalid,
    /// The password is right, but the account is disabled.
    #[error("Account {0} is disabled")]
    Disabled(String),
    /// The password is right, but the account may only have tokens.
    #[error("Account {0} does not have login capability")]
    NoCapability(String),
}

impl Accounts {
    /// Who may log in with a name and a password. The work is the same whoever it is, whether there is such an account or not: that of
    /// the dearest hash of all, some 50 ms at the usual cost. Run it where that does no harm, and a few at a time.
    ///
    /// **Errors**: [`LoginError`]; nothing is hashed where name or password are too long.
    /// **Source**: `SessionManager.VerifyUsernamePassword`, without its random delay, which the equal work makes needless.
    pub fn log_in(&self, name: &str, password: &str) -> Result<&Account, LoginError> {
        if name.is_empty() || password.is_empty() {
            return Err(LoginError::Blank);
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(LoginError::NameTooLong);
        }
        if password.len() > bcrypt::MAX_PASSWORD_BYTES || password.contains('\0') {
            return Err(LoginError::PasswordUnfit);
        }
        let account = self.get(name);
        let hash = account.map_or("", |account| account.password_hash.as_str());
        let known = bcrypt::verify(password.as_bytes(), hash);
        for cost in self.other_work(hash) {
            let _nobodys = bcrypt::hash(password.as_bytes(), cost, [0; 16]);
        }
        let (Ok(true), Some(account)) = (known, account) else { return Err(LoginError::Invalid) };
        if !account.enabled {
            return Err(LoginError::Disabled(account.name.clone()));
        }
        if !account.has(Capability::Login) {
            return Err(LoginError::NoCapability(account.name.clone()));
        }
        Ok(account)
    }

    /// The costs of what else is hashed after this hash, so that all together is the work of the dearest: 2ⁿ = 2ᵏ + 2ᵏ + 2ᵏ⁺¹ + … + 2ⁿ⁻¹.
    pub(crate) fn other_work(&self, hash: &str) -> Vec<u32> {
        let costs = self.iter().filter_map(|account| bcrypt::cost_of(&account.password_hash));
        let dearest = costs.max().unwrap_or(0).max(bcrypt::DEFAULT_COST);
        match bcrypt::cost_of(hash) {
            Some(cost) => (cost..dearest).collect(),
            None => vec![dearest],
        }
    }
}

/// What a new password must be like (`passwordPattern`).
#[derive(Debug, Clone)]
pub struct PasswordRules {
    text: String,
    pattern: Pattern,
}

/// Why a password is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It does not match.
    #[error("new password does not match the following expression: {0}")]
    Pattern(String),
    /// bcrypt does not take it.
    #[error("new password is longer than {} bytes, or has a NUL", bcrypt::MAX_PASSWORD_BYTES)]
    Unfit,
}

impl PasswordRules {
    /// Reads `passwordPattern`; the default where it is absent or empty.
    ///
    /// **Errors**: what Go says of the expression. Keep the rules that were there before, then.
    pub fn read(pattern: Option<&str>) -> Result<Self, String> {
        let text = pattern.filter(|text| !text.is_empty()).unwrap_or(DEFAULT_PATTERN);
        Ok(Self { text: text.to_owned(), pattern: Pattern::within(text, PATTERN_BYTES)? })
    }

    /// The hash of a new password, some 50 ms of work.
    ///
    /// **Errors**: the password is not what it must be like; nothing is hashed then.
    pub fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String, PasswordError> {
        if password.len() > bcrypt::MAX_PASSWORD_BYTES || password.contains('\0') {
            return Err(PasswordError::Unfit);
        }
        if !self.pattern.is_match(password) {
            return Err(PasswordError::Pattern(self.text.clone()));
        }
        hash(password, salt)
    }
}

pub(crate) fn hash(password: &str, salt: [u8; 16]) -> Result<String, PasswordError> {
    bcrypt::hash(password.as_bytes(), bcrypt::DEFAULT_COST, salt).map_err(|_| PasswordError::Unfit)
}
