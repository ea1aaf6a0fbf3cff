use serde_json::json;

use super::*;

const LEAST: &str = "issuer: https://i\nclientID: c\n";

fn read(text: &str) -> Result<(Config, Vec<String>), ConfigError> {
    Config::read(text, false, |key| match key {
        "oidc.secret" => Some(" hush\n".to_owned()),
        "other:id" => Some("from-other".to_owned()),
        _ => None,
    })
}

#[test]
fn all_documented_keys_are_read() {
    let text = r#"
name: Okta
issuer: https://example.okta.com/oauth2/default
clientID: $other:id
clientSecret: $oidc.secret
cliClientID: cli
requestedScopes: [openid, groups]
requestedIDTokenClaims: {groups: {essential: true}, acr: {value: a, values: [b]}, sub: null}
allowedAudiences: [one, two]
skipAudienceCheckWhenTokenHasNoAudience: true
enableUserInfoGroups: true
userInfoBaseURL: https://info.example.com/
userInfoPath: /api/v1/userinfo
userInfoCacheExpiration: 5m
logoutURL: https://example.okta.com/logout?id_token_hint={{token}}&to={{logoutRedirectURL}}
enablePKCEAuthentication: true
domainHint: example.com
azure: {useWorkloadIdentity: true}
refreshTokenThreshold: 2m
unknown: {of: us}
"#;
    let (config, problems) = read(text).unwrap();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        (
            config.name.as_str(),
            config.client_id.as_str(),
            config.client_secret.expose(),
            config.cli_client_id.as_str()
        ),
        ("Okta", "from-other", "hush", "cli")
    );
    assert_eq!(
        (config.audiences(), config.scopes()),
        (vec!["one".into(), "two".into()], vec!["openid".into(), "groups".into()])
    );
    let claims = json!({"groups": {"essential": true}, "acr": {"value": "a", "values": ["b"]}, "sub": null});
    assert_eq!(Value::Object(config.requested_id_token_claims.clone()), claims);
    assert_eq!(config.user_info_url().as_deref(), Some("https://info.example.com/api/v1/userinfo"));
    assert_eq!((config.user_info_cache.as_secs(), config.refresh_token_threshold.as_secs()), (300, 120));
    assert!(config.pkce && config.workload_identity && config.skip_audience_check_when_token_has_no_audience);
    assert!(!format!("{config:?}").contains("hush"), "no secret is shown");
}

#[test]
fn little_is_needed() {
    let (config, _) = read(LEAST).unwrap();
    assert_eq!(config.audiences(), ["c"]);
    assert_eq!(config.scopes(), ["openid", "profile", "email", "groups"]);
    assert_eq!(config.user_info_url(), None);
    let (config, _) = read(&format!("{LEAST}cliClientID: d\nclientSecret: 12345\nname: null\n")).unwrap();
    assert_eq!(
        (config.audiences(), config.client_secret.expose()),
        (vec!["c".to_owned(), "d".to_owned()], "12345")
    );
}

#[test]
fn a_reference_to_nothing_is_named_and_stays_what_it_is() {
    let (config, problems) = read(&format!("{LEAST}clientSecret: $nothing\n")).unwrap();
    assert_eq!(config.client_secret.expose(), "$nothing");
    assert_eq!(problems, ["there is no $nothing in argocd-secret or the Secret that it names"]);
}

#[test]
fn what_is_wrong_is_named_without_its_value() {
    for (text, wrong) in [
        ("a: [", "it is not YAML"),
        ("[]", "a map was expected"),
        ("", "a map was expected"),
        ("{issuer: s3cret, clientID: c}", "issuer: a URL of http or https was expected"),
        ("{issuer: 'javascript:s3cret', clientID: c}", "issuer: a URL"),
        ("{issuer: 'https://i?s3cret', clientID: c}", "issuer: a URL without a query"),
        ("{issuer: 'https://i'}", "clientID: is missing"),
        ("{issuer: 'https://i', clientID: [s3cret]}", "clientID: a text was expected"),
        ("{issuer: 'https://i', clientID: c, requestedScopes: s3cret}", "requestedScopes: a list"),
        (
            "{issuer: 'https://i', clientID: c, requestedIDTokenClaims: [s3cret]}",
            "requestedIDTokenClaims: a map",
        ),
        (
            "{issuer: 'https://i', clientID: c, enablePKCEAuthentication: s3cret}",
            "enablePKCEAuthentication: true or",
        ),
        ("{issuer: 'https://i', clientID: c, rootCA: s3cret}", "rootCA: the CA certificates"),
        ("{issuer: 'https://i', clientID: c, logoutURL: 'javascript:s3cret'}", "logoutURL: a URL"),
        ("{issuer: 'https://i', clientID: c, azure: s3cret}", "azure: a map"),
        ("{issuer: 'https://i', clientID: c, userInfoCacheExpiration: soon}", "userInfoCacheExpiration: "),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with(wrong) && !error.contains("s3cret"), "{text}: {error}");
    }
}
