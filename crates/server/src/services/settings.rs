//! `cluster.SettingsService`.

use std::collections::BTreeMap;
use std::sync::Arc;

use accounts::Capability;
use serde_json::{Map, Value, json};
use tonic::Status;

use super::Asked;
use crate::call::Reply;
use crate::door::Caller;
use crate::server::Backend;

/// What a password must match where nothing is said.
const PATTERN: &str = "^.{8,32}$";

/// What clients have to know of the settings; whoever is not logged in sees less.
///
/// **Source**: `server/settings.Server.Get`.
pub(crate) fn get(backend: &Backend, caller: &Caller) -> Value {
    let snapshot = backend.settings.current();
    let config = &snapshot.config;
    let text = |name: &str| config.get(name).map_or("", String::as_str);
    let is = |name: &str| text(name) == "true";
    let logins =
        backend.access().accounts.iter().any(|account| account.enabled && account.has(Capability::Login));
    let downloads: BTreeMap<&str, &String> =
        config.iter().filter_map(|(key, url)| Some((key.strip_prefix("help.download.")?, url))).collect();
    let mut settings = json!({
        "url": text("url"),
        "appLabelKey": snapshot.settings.tracking.instance_label,
        "trackingMethod": snapshot.settings.tracking.method.as_str(),
        "statusBadgeEnabled": is("statusbadge.enabled"),
        "statusBadgeRootUrl": text("statusbadge.url"),
        "kustomizeOptions": {"BuildOptions": text("kustomize.buildOptions")},
        "googleAnalytics": {"trackingID": text("ga.trackingid"), "anonymizeUsers": text("ga.anonymizeusers") != "false"},
        "help": {"chatUrl": text("help.chatUrl"), "chatText": text("help.chatText"), "binaryUrls": downloads},
        "userLoginsDisabled": !logins,
        "uiCssURL": text("ui.cssurl"),
        "execEnabled": is("exec.enabled"),
        "impersonationEnabled": snapshot.settings.impersonation_enabled,
        "installationID": text("installationID"),
        "appsInAnyNamespaceEnabled": snapshot.params.application_namespaces.as_ref().is_some_and(|others| !others.is_empty()),
    });
    if let (Some(settings), Some(provider)) = (settings.as_object_mut(), &backend.access().sso.provider) {
        settings.insert("oidcConfig".to_owned(), oidc(provider.config()));
    }
    let known = caller.session.is_some() || backend.access().open;
    if let Some(settings) = settings.as_object_mut().filter(|_| known) {
        settings.extend(for_users(backend, text));
        let overrides = snapshot.settings.resource_overrides();
        settings.insert("resourceOverrides".to_owned(), Value::Object(overrides));
    }
    settings
}

/// `GetPlugins`: names of plugins, for whoever is logged in.
pub(super) async fn plugins(backend: Arc<Backend>, _: Asked) -> Result<Reply, Status> {
    let names = backend.controller.plugins().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let plugins: Vec<Value> = names.into_iter().map(|name| json!({ "name": name })).collect();
    Ok(json!({ "plugins": plugins }).into())
}

/// What a client needs that logs in by itself.
fn oidc(config: &oidc::Config) -> Value {
    // A claim of which nothing is said is asked for all the same.
    let claim = |claim: &Value| if claim.is_null() { json!({}) } else { claim.clone() };
    let claims: Map<String, Value> =
        config.requested_id_token_claims.iter().map(|(name, value)| (name.clone(), claim(value))).collect();
    json!({
        "name": config.name,
        "issuer": config.issuer,
        "clientID": config.client_id,
        "cliClientID": config.cli_client_id,
        "scopes": config.requested_scopes,
        "idTokenClaims": claims,
        "enablePKCEAuthentication": config.pkce,
    })
}

fn for_users<'a>(backend: &Backend, text: impl Fn(&str) -> &'a str) -> Map<String, Value> {
    let more = json!({
        "uiBannerContent": text("ui.bannercontent"),
        "uiBannerURL": text("ui.bannerurl"),
        "uiBannerPermanent": text("ui.bannerpermanent") == "true",
        "uiBannerPosition": text("ui.bannerposition"),
        "controllerNamespace": backend.namespace,
        "passwordPattern": Some(text("passwordPattern")).filter(|text| !text.is_empty()).unwrap_or(PATTERN),
    });
    match more {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
