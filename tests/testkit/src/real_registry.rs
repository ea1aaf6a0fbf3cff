use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::child::Child;
use crate::oci_registry::{chart_manifest, digest};

/// How long it may take to listen, and to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The real registry (distribution), on plain http and a free loopback port, with its files in a temporary folder. Ends on drop.
pub struct RealRegistry {
    address: String,
    _child: Child,
    _dir: tempfile::TempDir,
}

impl RealRegistry {
    /// Starts it, empty; `None`, with a word on standard error, where it cannot be built. Blocking.
    ///
    /// # Errors
    /// It ends or does not listen.
    pub fn start() -> Result<Option<Self>> {
        let tools = match crate::ensure_registry() {
            Ok(tools) => tools,
            Err(error) => {
                crate::say_skipped("registry", &format!("{error:#}"));
                return Ok(None);
            }
        };
        let dir = tempfile::tempdir()?;
        let config = dir.path().join("config.yml");
        let files = dir.path().join("files");
        std::fs::write(
            &config,
            format!(
                "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:0\n",
                files.display()
            ),
        )?;
        let args = ["serve".to_owned(), config.display().to_string()];
        let child = Child::start("registry", &tools.program("registry"), &args, dir.path())?;
        let begun = Instant::now();
        let address = loop {
            // It says itself which port it got.
            let log = std::fs::read_to_string(dir.path().join("registry.log")).unwrap_or_default();
            let said = log.split("listening on 127.0.0.1:").nth(1);
            let port = said.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
            if let Some(port) = port.filter(|port| !port.is_empty()) {
                break format!("127.0.0.1:{port}");
            }
            child.check_running()?;
            ensure!(begun.elapsed() < PATIENCE, "the registry does not listen:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        };
        Ok(Some(Self { address, _child: child, _dir: dir }))
    }

    /// `127.0.0.1:<port>`.
    pub fn host(&self) -> &str {
        &self.address
    }

    /// Pushes a chart as `helm push` does; returns the manifest's digest. Blocking.
    ///
    /// # Errors
    /// The registry does not take it.
    pub fn push_chart(&self, repository: &str, tag: &str, archive: &[u8]) -> Result<String> {
        for blob in [archive, b"{}"] {
            let (_, head) =
                self.call("POST", &format!("/v2/{repository}/blobs/uploads/"), "text/plain", b"")?;
            let line = head.lines().find(|line| line.to_lowercase().starts_with("location:"));
            let (_, location) =
                line.and_then(|line| line.split_once(':')).context("no place to upload to")?;
            let place = location.trim().trim_start_matches("http://").trim_start_matches(&self.address);
            let put =
                format!("{place}{}digest={}", if place.contains('?') { '&' } else { '?' }, digest(blob));
            self.call("PUT", &put, "application/octet-stream", blob)?;
        }
        let (kind, manifest) = chart_manifest(archive);
        self.call("PUT", &format!("/v2/{repository}/manifests/{tag}"), kind, manifest.as_bytes())?;
        Ok(digest(manifest.as_bytes()))
    }

    /// One request; status and head of a good answer.
    fn call(&self, method: &str, target: &str, kind: &str, body: &[u8]) -> Result<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            body.len()
        )?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
        if !(200..300).contains(&status) {
            bail!("{method} {target}: {answer}");
        }
        Ok((status, answer))
    }
}
