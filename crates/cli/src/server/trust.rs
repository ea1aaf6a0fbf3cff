//! `cert` and `gpg`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::account::{list, text};
use super::repository::{read, refused};
use super::talk::{Talk, unknown_form};
use crate::command::{
    AddKeysArgs, AddSshArgs, AddTlsArgs, CertCommand, GpgCommand, ListCertsArgs, RemoveCertsArgs,
};
use crate::failure::Failure;
use crate::table::Table;

const CERTIFICATE: &str =
    "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.RepositoryCertificate";
const KEY: &str = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.GnuPGPublicKey";
const CREATE: &str = "certificate.CertificateService/CreateCertificate";

/// Longest input that is read, in bytes.
const INPUT_BYTES: u64 = 1 << 20;

impl Talk<'_> {
    pub(super) async fn certificates(&mut self, command: CertCommand) -> Result<u8, Failure> {
        match command {
            CertCommand::List(args) => self.list_certificates(args).await,
            CertCommand::AddSsh(args) => self.add_known_hosts(args).await,
            CertCommand::AddTls(args) => self.add_certificates(args).await,
            CertCommand::Rm(args) => self.remove_certificates(args).await,
        }
    }

    async fn list_certificates(&mut self, args: ListCertsArgs) -> Result<u8, Failure> {
        if !["", "ssh", "https"].contains(&args.cert_type.as_str()) {
            self.line("cert-type must be either ssh or https");
            return Ok(1);
        }
        let request = json!({"hostNamePattern": args.hostname_pattern, "certType": args.cert_type});
        let method = "certificate.CertificateService/ListCertificates";
        let answer = self.ask("cannot list certificates", method, &request).await?;
        let mut all = list(&answer["items"]).to_vec();
        match args.output.as_str() {
            form @ ("json" | "yaml") => self.messages(CERTIFICATE, &all, form)?,
            "wide" | "" => {
                match args.sort.as_str() {
                    "hostname" | "" => all.sort_by(|a, b| text(&a["serverName"]).cmp(text(&b["serverName"]))),
                    "type" => all.sort_by(|a, b| text(&a["certType"]).cmp(text(&b["certType"]))),
                    _ => {}
                }
                let mut table = Table::new(&["HOSTNAME", "TYPE", "SUBTYPE", "INFO"]);
                for entry in &all {
                    let fields = ["serverName", "certType", "certSubType", "certInfo"];
                    table.row(fields.iter().map(|field| text(&entry[*field]).into()).collect());
                }
                let text = table.render(self.console.look);
                self.console.print(&text);
            }
            other => return Err(unknown_form(other)),
        }
        Ok(0)
    }

    /// A file's text, which is said, or what is typed.
    fn file_or_input(&mut self, from: Option<&str>, reading: &str, ask: &str) -> Result<String, Failure> {
        if let Some(path) = from.filter(|path| !path.is_empty()) {
            self.line(&format!("Reading {reading} '{path}'"));
            return read(path);
        }
        self.line(ask);
        let bytes = self.console.read_input(INPUT_BYTES)?;
        String::from_utf8(bytes).map_err(|_| Failure::invalid("the standard input is no text"))
    }

    async fn add_known_hosts(&mut self, args: AddSshArgs) -> Result<u8, Failure> {
        if !args.batch {
            return Err(refused("you need to specify --batch or specify --help for usage instructions"));
        }
        let ask = "Enter SSH known hosts entries, one per line. Press CTRL-D when finished.";
        let text = self.file_or_input(args.from.as_deref(), "SSH known hosts entries from file", ask)?;
        let entries = known_hosts(&text);
        if entries.is_empty() {
            return Err(refused("No valid SSH known hosts data found."));
        }
        let request = json!({"certificates": {"items": entries}, "upsert": args.upsert});
        let made = self.ask("cannot add known hosts", CREATE, &request).await?;
        self.line(&format!("Successfully created {} SSH known host entries", list(&made["items"]).len()));
        Ok(0)
    }

    async fn add_certificates(&mut self, args: AddTlsArgs) -> Result<u8, Failure> {
        let ask = "Enter TLS certificate data in PEM format. Press CTRL-D when finished.";
        let text =
            self.file_or_input(args.from.as_deref(), "TLS certificate data in PEM format from", ask)?;
        let certificates = certificates(&text);
        if certificates.is_empty() {
            self.line("No valid certificates have been detected in the stream.");
            return Ok(0);
        }
        let data = BASE64_STANDARD.encode(certificates.join("\n"));
        let entry = json!({"serverName": args.host, "certType": "https", "certData": data});
        let request = json!({"certificates": {"items": [entry]}, "upsert": args.upsert});
        let what = format!("cannot add certificates of {}", args.host);
        let made = self.ask(&what, CREATE, &request).await?;
        let count = list(&made["items"]).len();
        self.line(&format!(
            "Created entry with {count} PEM certificates for repository server {}",
            args.host
        ));
        Ok(0)
    }

    async fn remove_certificates(&mut self, args: RemoveCertsArgs) -> Result<u8, Failure> {
        let host = &args.host;
        if host == "*" {
            return Err(refused("A single wildcard is not allowed as REPOSERVER name."));
        }
        if !self.agreed(&format!("Are you sure you want to remove all certificates for '{host}'? [y/n]"))? {
            self.line(&format!("The command to remove all certificates for '{host}' was cancelled."));
            return Ok(0);
        }
        let request =
            json!({"hostNamePattern": host, "certType": args.cert_type, "certSubType": args.cert_sub_type});
        let method = "certificate.CertificateService/DeleteCertificate";
        let removed = self.ask(&format!("cannot remove certificates of {host}"), method, &request).await?;
        for entry in list(&removed["items"]) {
            let [name, kind, sub] =
                ["serverName", "certType", "certSubType"].map(|field| text(&entry[field]));
            self.line(&format!("Removed cert for '{name}' of type '{kind}' (subtype '{sub}')"));
        }
        if list(&removed["items"]).is_empty() {
            self.line("No certificates were removed (none matched the given pattern)");
        }
        Ok(0)
    }

    pub(super) async fn keys(&mut self, command: GpgCommand) -> Result<u8, Failure> {
        match command {
            GpgCommand::List(args) => {
                let answer = self.ask("cannot list keys", "gpgkey.GPGKeyService/List", &json!({})).await?;
                let all = list(&answer["items"]);
                match args.output.as_str() {
                    form @ ("json" | "yaml") => self.messages(KEY, all, form)?,
                    "wide" | "" => {
                        let mut table = Table::new(&["KEYID", "TYPE", "IDENTITY"]);
                        for key in all {
                            let kind = text(&key["subType"]).to_uppercase();
                            table.row(vec![
                                text(&key["keyID"]).into(),
                                kind.into(),
                                text(&key["owner"]).into(),
                            ]);
                        }
                        let text = table.render(self.console.look);
                        self.console.print(&text);
                    }
                    other => return Err(unknown_form(other)),
                }
            }
            GpgCommand::Get(args) => {
                let what = format!("cannot get the key {}", args.id);
                let key = self.ask(&what, "gpgkey.GPGKeyService/Get", &json!({"keyID": args.id})).await?;
                self.show_key(&key, &args.output)?;
            }
            GpgCommand::Add(args) => self.add_keys(args).await?,
            GpgCommand::Rm(args) => {
                let id = &args.id;
                if !self.agreed(&format!("Are you sure you want to remove '{id}'? [y/n] "))? {
                    self.line(&format!("The command to delete key with key ID '{id}' was cancelled."));
                    return Ok(0);
                }
                let what = format!("cannot remove the key {id}");
                self.ask(&what, "gpgkey.GPGKeyService/Delete", &json!({ "keyID": id })).await?;
                self.line(&format!("Deleted key with key ID {id}"));
            }
        }
        Ok(0)
    }

    fn show_key(&mut self, key: &Value, form: &str) -> Result<(), Failure> {
        match form {
            "json" | "yaml" => self.message(KEY, key, form),
            "wide" | "" => {
                self.line(&format!("Key ID:          {}", text(&key["keyID"])));
                self.line(&format!("Key fingerprint: {}", text(&key["fingerprint"])));
                self.line(&format!("Key subtype:     {}", text(&key["subType"]).to_uppercase()));
                self.line(&format!("Key owner:       {}", text(&key["owner"])));
                self.line("Key data follows until EOF:");
                let data = format!("{}\n", crate::escape::lines(text(&key["keyData"])));
                self.console.print(&data);
                Ok(())
            }
            other => Err(unknown_form(other)),
        }
    }

    async fn add_keys(&mut self, args: AddKeysArgs) -> Result<(), Failure> {
        let path = args.from.filter(|path| !path.is_empty()).ok_or_else(|| refused("--from is mandatory"))?;
        let request = json!({"publickey": {"keyData": read(&path)?}});
        let made = self.ask("cannot add keys", "gpgkey.GPGKeyService/Create", &request).await?;
        let skipped = match list(&made["skipped"]).len() {
            0 => String::new(),
            count => format!(", and {count} key(s) were skipped because they exist already"),
        };
        let count = list(&made["created"]["items"]).len();
        self.line(&format!("Created {count} key(s) from input file{skipped}."));
        Ok(())
    }
}

/// The entries of a file of known hosts, one for each host of a line.
fn known_hosts(text: &str) -> Vec<Value> {
    let mut entries = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [hosts, kind, key, ..] = words.as_slice() else { continue };
        if hosts.starts_with('@') {
            continue;
        }
        let data = BASE64_STANDARD.encode(key);
        entries.extend(hosts.split(',').map(
            |host| json!({"serverName": host, "certType": "ssh", "certSubType": kind, "certData": data}),
        ));
    }
    entries
}

/// The certificates in a text of PEM.
fn certificates(text: &str) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let blocks = text.split(BEGIN).skip(1).filter_map(|block| block.split_once(END));
    blocks.map(|(body, _)| format!("{BEGIN}{body}{END}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_taken_apart() {
        let hosts = known_hosts("# c\na,b ssh-ed25519 QUJD comment\n\nbroken\n@revoked x ssh-rsa y\n");
        let names: Vec<&str> = hosts.iter().map(|entry| text(&entry["serverName"])).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(hosts[0]["certData"], "UVVKRA==");
        let pem = "x\n-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nB\n-----END PRIVATE KEY-----\n";
        assert_eq!(certificates(pem), ["-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----"]);
    }
}
