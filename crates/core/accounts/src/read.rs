//! Accounts as `argocd-cm` and `argocd-secret` hold them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::account::{ADMIN, Account, Accounts, Capability, IssuedToken, Problem};

/// Most tokens of one account that are read.
const MAX_TOKENS: usize = 10_000;

impl Accounts {
    /// Reads them.
    ///
    /// **Shape**: of `argocd-cm`, `accounts.<name>: login, apiKey`, `accounts.<name>.enabled` and `admin.enabled`; of `argocd-secret`,
    /// `accounts.<name>.{password,passwordMtime,tokens}` and `admin.{password,passwordMtime,tokens}`. `tokens` is a list in JSON of
    /// `{id, iat, exp}`; times are RFC 3339; `admin` may log in whatever is written.
    /// **Errors**: none; an account whose own keys cannot be read is disabled, or has no tokens, and is named. In the peer such a key
    /// ends all logins and tokens of everybody.
    /// **Source**: `util/settings.parseAccounts`.
    pub fn read(
        config: &BTreeMap<String, String>,
        secret: &BTreeMap<String, Vec<u8>>,
    ) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut accounts = BTreeMap::from([(ADMIN.to_owned(), admin(config, &mut problems))]);
        for (key, value) in config {
            let Some(rest) = key.strip_prefix("accounts.") else { continue };
            let (name, suffix) = match rest.split_once('.') {
                Some((name, suffix)) => (name, Some(suffix)),
                None => (rest, None),
            };
            if name.is_empty() || suffix.is_some_and(|suffix| suffix.contains('.')) {
                problems.push(problem(key, "a name without dots was expected; the key is passed over"));
                continue;
            }
            let account = accounts.entry(name.to_owned()).or_insert_with(|| Account::new(name));
            match suffix {
                None => capabilities(account, key, value, &mut problems),
                Some("enabled") => match parse_bool(value) {
                    Some(enabled) => account.enabled = enabled,
                    None => {
                        account.enabled = false;
                        problems.push(problem(key, "true or false was expected; the account is disabled"));
                    }
                },
                Some(_) => {}
            }
        }
        for account in accounts.values_mut() {
            credentials(account, secret, &mut problems);
        }
        (Self(accounts), problems)
    }
}

fn problem(key: &str, why: &str) -> Problem {
    Problem { key: key.to_owned(), why: why.to_owned() }
}

fn admin(config: &BTreeMap<String, String>, problems: &mut Vec<Problem>) -> Account {
    let key = "admin.enabled";
    let mut account = Account::new(ADMIN);
    account.capabilities.push(Capability::Login);
    if let Some(value) = config.get(key) {
        match parse_bool(value) {
            Some(enabled) => account.enabled = enabled,
            None => problems.push(problem(key, "true or false was expected; true is taken, as by the peer")),
        }
    }
    account
}

fn capabilities(account: &mut Account, key: &str, value: &str, problems: &mut Vec<Problem>) {
    for word in value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match Capability::parse(word) {
            Some(capability) if !account.has(capability) => account.capabilities.push(capability),
            Some(_) => {}
            None => {
                problems.push(problem(key, &format!("there is no capability {word}; login and apiKey are")))
            }
        }
    }
}

/// Where an account's keys begin: `admin`, or `accounts.<name>`.
pub(crate) fn prefix(name: &str) -> String {
    if name == ADMIN { ADMIN.to_owned() } else { format!("accounts.{name}") }
}

fn credentials(account: &mut Account, secret: &BTreeMap<String, Vec<u8>>, problems: &mut Vec<Problem>) {
    let prefix = prefix(&account.name);
    let get = |suffix: &str| {
        let key = format!("{prefix}.{suffix}");
        secret.get(&key).map(|value| (key, value))
    };
    if let Some((key, value)) = get("password") {
        match str::from_utf8(value) {
            Ok(hash) => account.password_hash = hash.to_owned(),
            Err(_) => problems.push(problem(&key, "not a text; the account has no password")),
        }
    }
    if let Some((key, value)) = get("passwordMtime") {
        match str::from_utf8(value).ok().and_then(|text| text.parse::<Timestamp>().ok()) {
            Some(time) => account.password_mtime = Some(time),
            // The peer does so, and an admin who is locked out could not put it right.
            None if account.name == ADMIN => {
                problems.push(problem(
                    &key,
                    "not a time; tokens from before a change of the password are not known",
                ));
            }
            None => {
                account.enabled = false;
                problems.push(problem(&key, "not a time; the account is disabled"));
            }
        }
    }
    if let Some((key, value)) = get("tokens").filter(|(_, value)| !value.is_empty()) {
        match serde_json::from_slice::<Option<Vec<IssuedToken>>>(value) {
            Ok(tokens) if tokens.as_ref().is_none_or(|tokens| tokens.len() <= MAX_TOKENS) => {
                account.tokens = tokens.unwrap_or_default();
            }
            Ok(_) => problems.push(problem(&key, "too many tokens; the account has none")),
            // serde_json's own text would show the value.
            Err(_) => problems.push(problem(&key, "not a list of tokens in JSON; the account has none")),
        }
    }
}

/// Go's `strconv.ParseBool`.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
