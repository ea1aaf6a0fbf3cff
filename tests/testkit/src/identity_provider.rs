use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::child::Child;
use crate::tools::{ensure_oidc_provider, tool};

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A real identity provider (npm's `oidc-provider`) on plain http and a free loopback port. Its pages ask for a login and take any
/// password. Ends on drop.
pub struct IdentityProvider {
    port: u16,
    config: Value,
    modules: PathBuf,
    child: Option<Child>,
    dir: tempfile::TempDir,
}

impl IdentityProvider {
    /// Starts it; `None`, with a word on standard error, where it cannot be installed. Blocking.
    ///
    /// `clients` are metadata of clients, `users` claims by login; id tokens last so many seconds.
    ///
    /// # Errors
    /// It ends or does not listen.
    pub fn start(clients: &Value, users: &Value, seconds: u64) -> Result<Option<Self>> {
        let modules = match ensure_oidc_provider() {
            Ok(modules) => modules,
            Err(error) => {
                crate::say_skipped("oidc-provider", &format!("{error:#}"));
                return Ok(None);
            }
        };
        let config = json!({"clients": clients, "users": users, "seconds": seconds});
        let mut provider = Self { port: 0, config, modules, child: None, dir: tempfile::tempdir()? };
        provider.restart()?;
        Ok(Some(provider))
    }

    /// What its tokens call it.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it, and starts it at the same address with other keys and without what it knew. Blocking.
    ///
    /// # Errors
    /// It ends or does not listen.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        let log = self.dir.path().join("oidc-provider.log");
        std::fs::write(&log, "")?;
        self.config["port"] = self.port.into();
        let config = self.dir.path().join("config.json");
        std::fs::write(&config, self.config.to_string())?;
        let program = tool("oidc-provider").join("provider.js");
        let args = [program, self.modules.clone(), config].map(|path| path.display().to_string());
        let child = Child::start("oidc-provider", Path::new("node"), &args, self.dir.path())?;
        let begun = Instant::now();
        self.port = loop {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let port = said.split("listening on ").nth(1).and_then(|rest| rest.split_once(';'));
            if let Some(port) = port.and_then(|(port, _)| port.parse().ok()) {
                break port;
            }
            child.check_running()?;
            ensure!(begun.elapsed() < PATIENCE, "the identity provider does not listen:\n{said}");
            std::thread::sleep(Duration::from_millis(20));
        };
        self.child = Some(child);
        Ok(())
    }

    /// Ends it; its address answers no more.
    pub fn stop(&mut self) {
        self.child = None;
    }

    /// The last of what it printed.
    pub fn log(&self) -> String {
        self.child.as_ref().map(Child::log_tail).unwrap_or_default()
    }
}
