//! A96, A99, A100: passwords.

use std::collections::BTreeMap;

use crate::*;

/// `right password`, of cost 4.
fn hash() -> String {
    bcrypt::hash(b"right password", bcrypt::MIN_COST, [9; 16]).unwrap()
}

fn accounts() -> Accounts {
    let config = [
        ("accounts.man", "login"),
        ("accounts.ci", "apiKey"),
        ("accounts.gone", "login"),
        ("accounts.gone.enabled", "false"),
        ("accounts.new", "login"),
        ("accounts.odd", "login"),
    ];
    let secret = [
        ("accounts.man.password", hash()),
        ("accounts.ci.password", hash()),
        ("accounts.gone.password", hash()),
        ("accounts.odd.password", "right password".to_owned()),
    ];
    let (accounts, problems) = Accounts::read(
        &config.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        &secret.map(|(key, value)| (key.to_owned(), value.into_bytes())).into(),
    );
    assert_eq!(problems, []);
    accounts
}

#[test]
fn who_may_log_in() {
    let accounts = accounts();
    let long = "x".repeat(1 << 20);
    for (name, password, expected) in [
        ("man", "right password", Ok(())),
        ("man", "wrong password", Err("Invalid username or password")),
        ("man", "right password ", Err("Invalid username or password")),
        ("Man", "right password", Err("Invalid username or password")),
        ("nobody", "right password", Err("Invalid username or password")),
        ("new", "right password", Err("Invalid username or password")),
        ("odd", "right password", Err("Invalid username or password")),
        ("ci", "right password", Err("Account ci does not have login capability")),
        ("ci", "wrong password", Err("Invalid username or password")),
        ("gone", "right password", Err("Account gone is disabled")),
        ("gone", "wrong password", Err("Invalid username or password")),
        ("", "right password", Err("no credentials supplied")),
        ("man", "", Err("no credentials supplied")),
        ("man", &long, Err("Password is too long (72 bytes max) or has a NUL")),
        ("nobody", &long, Err("Password is too long (72 bytes max) or has a NUL")),
        ("man", "right password\0", Err("Password is too long (72 bytes max) or has a NUL")),
        (&"m".repeat(33), "right password", Err("Username is too long (32 bytes max)")),
    ] {
        let result = accounts.log_in(name, password).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(result.as_ref().map_err(String::as_str).copied(), expected, "{name}");
    }
}

/// Rounds of bcrypt, which are the time.
#[test]
fn a_login_costs_the_same_whoever_it_is() {
    let cheap = accounts();
    let with_cost = |cost: u32| {
        let hash = hash().replace("$04$", &format!("${cost:02}$"));
        let data = [("admin.password".to_owned(), hash.into_bytes())].into();
        Accounts::read(&BTreeMap::new(), &data).0
    };
    for (accounts, expected) in [(cheap, 1 << 10), (with_cost(8), 1 << 10), (with_cost(12), 1 << 12)] {
        let own = accounts.iter().map(|account| account.password_hash.as_str());
        for hash in own.chain(["", "no hash", &hash()]) {
            let rounds = |cost: u32| 1_u64 << cost;
            let all = bcrypt::cost_of(hash).map_or(0, rounds)
                + accounts.other_work(hash).into_iter().map(rounds).sum::<u64>();
            assert_eq!(all, expected, "{hash:?}");
        }
    }
}

#[test]
fn what_a_password_must_be_like() {
    let check = |pattern: Option<&str>, password: &str| {
        let rules = PasswordRules::read(pattern).unwrap();
        rules.hash(password, [1; 16]).map(|_| ()).map_err(|error| error.to_string())
    };
    let refused = |pattern| Err(format!("new password does not match the following expression: {pattern}"));
    for (pattern, password, expected) in [
        (None, "12345678", Ok(())),
        (Some(""), "1234567", refused("^.{8,32}$")),
        (None, &"x".repeat(33), refused("^.{8,32}$")),
        (Some("^[a-z]+$"), "abc", Ok(())),
        (Some("^[a-z]+$"), "abc1", refused("^[a-z]+$")),
        (Some(".*"), &"x".repeat(73), Err("new password is longer than 72 bytes, or has a NUL".to_owned())),
        (Some(".*"), "a\0b", Err("new password is longer than 72 bytes, or has a NUL".to_owned())),
    ] {
        assert_eq!(check(pattern, password), expected, "{pattern:?} {password:?}");
    }
    assert!(PasswordRules::read(Some("(")).is_err());
    assert_eq!(Accounts::read(&BTreeMap::new(), &BTreeMap::new()).0.iter().count(), 1);
}
