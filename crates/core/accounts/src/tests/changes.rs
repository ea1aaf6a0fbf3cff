//! What is written, and read again.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::*;

type Data = BTreeMap<String, Vec<u8>>;

fn now() -> jiff::Timestamp {
    "2026-01-02T03:04:05.9Z".parse().unwrap()
}

fn config(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// As the API server does.
fn apply(secret: &mut Data, patch: &Value) {
    for (key, value) in patch["data"].as_object().unwrap() {
        match value.as_str() {
            Some(text) => secret.insert(key.clone(), BASE64_STANDARD.decode(text).unwrap()),
            None => secret.remove(key),
        };
    }
}

fn token(id: &str) -> IssuedToken {
    IssuedToken { id: id.to_owned(), iat: 1_700_000_000, exp: 0 }
}

#[test]
fn tokens_come_and_go_in_the_peers_layout() {
    let config = config(&[("accounts.ci", "apiKey"), ("accounts.man", "login")]);
    let mut secret = Data::new();
    let change = |secret: &Data, change: &dyn Fn(&Account) -> Result<Change, ChangeError>| {
        let (accounts, problems) = Accounts::read(&config, secret);
        assert_eq!(problems, []);
        change(accounts.get("ci").unwrap()).map(|change| change.patches("7", "8"))
    };
    for id in ["a", "say \"b\""] {
        let mut token = token(id);
        token.exp = if id == "a" { 0 } else { 1_800_000_000 };
        let patches = change(&secret, &|account| Change::add_token(account, token.clone())).unwrap();
        assert_eq!(patches.config, None);
        let patch = patches.secret.unwrap();
        assert_eq!(patch["metadata"], json!({"resourceVersion": "7"}));
        apply(&mut secret, &patch);
    }
    assert_eq!(
        str::from_utf8(&secret["accounts.ci.tokens"]),
        Ok(r#"[{"id":"a","iat":1700000000},{"id":"say \"b\"","iat":1700000000,"exp":1800000000}]"#)
    );
    let again = change(&secret, &|account| Change::add_token(account, token("a")));
    assert_eq!(again, Err(ChangeError::TokenExists("a".to_owned())));
    let unknown = change(&secret, &|account| Change::remove_token(account, "c"));
    assert_eq!(unknown, Err(ChangeError::NoToken("c".to_owned())));
    for id in ["a", "say \"b\""] {
        let patches = change(&secret, &|account| Change::remove_token(account, id)).unwrap();
        apply(&mut secret, &patches.secret.unwrap());
    }
    assert_eq!(secret, Data::new());
    let (accounts, _) = Accounts::read(&config, &secret);
    let refused = Change::add_token(accounts.get("man").unwrap(), token("a"));
    assert_eq!(refused, Err(ChangeError::NoCapability("man".to_owned())));
}

#[test]
fn a_password_changes_with_its_time() {
    let rules = PasswordRules::read(None).unwrap();
    for (name, prefix) in [("admin", "admin"), ("ci", "accounts.ci")] {
        let config = config(&[("accounts.ci", "login")]);
        let (accounts, _) = Accounts::read(&config, &Data::new());
        let hash = rules.hash("long enough", [3; 16]).unwrap();
        let patches = Change::password(accounts.get(name).unwrap(), &hash, now()).patches("1", "1");
        let mut secret = Data::new();
        apply(&mut secret, &patches.secret.unwrap());
        assert_eq!(secret[&format!("{prefix}.passwordMtime")], b"2026-01-02T03:04:05Z");
        let (accounts, _) = Accounts::read(&config, &secret);
        assert!(accounts.log_in(name, "long enough").is_ok(), "{name}");
        assert_eq!(accounts.log_in(name, "long enougx"), Err(LoginError::Invalid), "{name}");
    }
}

#[test]
fn accounts_are_enabled_and_disabled() {
    for (name, key) in [("admin", "admin.enabled"), ("ci", "accounts.ci.enabled")] {
        let (accounts, _) = Accounts::read(&config(&[("accounts.ci", "login")]), &Data::new());
        let account = accounts.get(name).unwrap();
        let off = Change::enable(account, false).patches("1", "2").config.unwrap();
        assert_eq!(off, json!({"metadata": {"resourceVersion": "2"}, "data": {key: "false"}}));
        let (accounts, _) =
            Accounts::read(&config(&[("accounts.ci", "login"), (key, "false")]), &Data::new());
        assert!(!accounts.get(name).unwrap().enabled);
        let on = Change::enable(account, true).patches("1", "2").config.unwrap();
        assert_eq!(on["data"][key], Value::Null);
    }
}

#[test]
fn what_cannot_be_read_is_named_and_harms_its_account_alone() {
    let config = config(&[
        ("accounts.a", "apiKey, root"),
        ("accounts.a.enabled", "yes"),
        ("accounts.b", "apiKey"),
        ("accounts.c.d.e", "login"),
        ("accounts.", "login"),
        ("admin.enabled", "maybe"),
    ]);
    let secret: Data = [
        ("accounts.b.tokens", "[{\"id\": \"secret-id\""),
        ("accounts.b.passwordMtime", "secret-time"),
        ("admin.passwordMtime", "now"),
    ]
    .map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()))
    .into();
    let (accounts, problems) = Accounts::read(&config, &secret);
    let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "admin.enabled: true or false was expected; true is taken, as by the peer",
            "accounts.: a name without dots was expected; the key is passed over",
            "accounts.a: there is no capability root; login and apiKey are",
            "accounts.a.enabled: true or false was expected; the account is disabled",
            "accounts.c.d.e: a name without dots was expected; the key is passed over",
            "admin.passwordMtime: not a time; tokens from before a change of the password are not known",
            "accounts.b.passwordMtime: not a time; the account is disabled",
            "accounts.b.tokens: not a list of tokens in JSON; the account has none",
        ]
    );
    let enabled: Vec<_> = accounts.iter().map(|account| (account.name.as_str(), account.enabled)).collect();
    assert_eq!(enabled, [("a", false), ("admin", true), ("b", false)]);
}

#[test]
fn a_new_installation_gets_a_password_and_a_key() {
    let mut next = 0_u8;
    let mut random = |bytes: &mut [u8]| {
        for byte in bytes {
            *byte = next;
            next = next.wrapping_add(37);
        }
    };
    let mut secret = Data::new();
    let (accounts, _) = Accounts::read(&config(&[]), &secret);
    let prepared = prepare(&accounts, &secret, "5", &mut random, now()).unwrap();
    let password = prepared.initial_password.clone().unwrap();
    assert_eq!(password.len(), 16);
    assert!(!format!("{prepared:?}").contains(&password));
    let patch = prepared.patch.unwrap();
    assert_eq!(patch["metadata"]["resourceVersion"], "5");
    apply(&mut secret, &patch);
    assert_eq!(BASE64_STANDARD.decode(&secret["server.secretkey"]).unwrap().len(), 32);
    let (accounts, _) = Accounts::read(&config(&[]), &secret);
    assert!(accounts.log_in("admin", &password).is_ok());
    assert_eq!(prepare(&accounts, &secret, "6", &mut random, now()).unwrap(), Prepared::default());

    let (disabled, _) = Accounts::read(&config(&[("admin.enabled", "false")]), &Data::new());
    let prepared = prepare(&disabled, &Data::new(), "5", &mut random, now()).unwrap();
    assert_eq!(prepared.initial_password, None);
    let keys: Vec<_> = prepared.patch.unwrap()["data"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["server.secretkey"]);

    secret.remove("admin.passwordMtime");
    let (accounts, _) = Accounts::read(&config(&[]), &secret);
    let prepared = prepare(&accounts, &secret, "5", &mut random, now()).unwrap();
    assert_eq!(prepared.initial_password, None);
    assert_eq!(prepared.patch.unwrap()["data"].as_object().unwrap().len(), 1);
}

#[test]
fn secrets_are_not_printed() {
    let secret: Data = [("admin.password".to_owned(), b"$2a$10$hash".to_vec())].into();
    let (accounts, _) = Accounts::read(&config(&[]), &secret);
    assert!(!format!("{accounts:?}").contains("hash"));
    assert_eq!(format!("{:?}", SigningKey::new(b"secret".to_vec()).unwrap()), "SigningKey(…)");
    assert_eq!(SigningKey::new(vec![]), Err(KeyError));
}
