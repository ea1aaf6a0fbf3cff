//! Logging in and out, and contexts.

use net::Secret;
use remote::{Options, Probe, Remote};
use serde_json::json;

use super::contexts::{Contexts, folder};
use super::reach::{FORWARDED, connect};
use super::talk::Talk;
use super::token;
use crate::command::{BrowserArgs, ContextArgs, LoginArgs, LogoutArgs, ReloginArgs};
use crate::failure::{Failure, Kind};
use crate::table::Table;

/// Whom the server's own sessions are from.
pub(super) const ISSUER: &str = "argocd";

const CREATE: &str = "session.SessionService/Create";

/// The context of a cluster without a server.
const CORE: &str = "kubernetes";

impl Talk<'_> {
    pub(super) async fn login(&mut self, args: LoginArgs) -> Result<u8, Failure> {
        let mut flags = self.local.settled()?;
        let forwards = flags.forwards();
        let server = match (flags.core, args.address) {
            _ if forwards => FORWARDED.to_owned(),
            (true, _) => CORE.to_owned(),
            (false, Some(server)) => server,
            (false, None) => {
                return Err(Failure::usage("no server is named")
                    .next("capstan login SERVER, or capstan login --core"));
            }
        };
        let mut tokens = (None, None);
        let root = flags.grpc_web_root_path.clone().unwrap_or_default();
        let root = root.trim_matches('/');
        let name = args.name.filter(|name| !name.is_empty()).unwrap_or_else(|| match root {
            "" => server.clone(),
            root => format!("{server}/{root}"),
        });
        if !flags.core {
            let plain = Options { token: None, ..self.local.options(server.clone(), &flags, None)? };
            if !forwards && !args.skip_test_tls && !self.look_at(&plain, &mut flags).await? {
                return Ok(1);
            }
            let options = Options { plaintext: flags.plaintext, insecure: flags.insecure, ..plain };
            let remote = connect(self.local, self.console, options.clone()).await?;
            tokens = if args.sso {
                self.browse(&remote, &options, &args.browser).await?
            } else {
                (Some(self.by_password(&remote, args.username, args.password).await?), None)
            };
            let said = token::claims(tokens.0.as_ref().map(Secret::expose).unwrap_or_default())?;
            let line = format!("'{}' logged in successfully", token::display_name(&said));
            self.line(&line);
        }
        let mut file = Contexts::open(&self.local.contexts_path(&flags)?)?;
        file.put_server(json!({
            "server": server, "plain-text": flags.plaintext, "insecure": flags.insecure, "grpc-web": flags.grpc_web,
            "grpc-web-root-path": flags.grpc_web_root_path.unwrap_or_default(), "core": flags.core,
        }));
        file.put_user(&name, tokens.0.as_ref(), tokens.1.as_ref());
        file.put_context(&name, &server);
        file.switch(&name);
        file.write()?;
        self.line(&format!("Context '{name}' updated"));
        Ok(0)
    }

    /// Looks whether a server speaks TLS and can be believed, and asks where not; whether to go on.
    async fn look_at(
        &mut self,
        options: &Options,
        flags: &mut crate::command::ConnectionFlags,
    ) -> Result<bool, Failure> {
        let found = remote::probe(options).await.map_err(|error| {
            let failure = Failure::from_remote(&error, format!("cannot reach the server {}", options.server));
            match &error {
                remote::Error::Unreachable(why) => failure.peer(format!("error dial proxy: {why}"), 20),
                _ => failure,
            }
        })?;
        match found {
            Probe::Plain if !flags.plaintext => {
                flags.plaintext =
                    self.console.proceed("WARNING: server is not configured with TLS. Proceed (y/n)? ")?;
                Ok(flags.plaintext)
            }
            Probe::Doubtful(why) if !flags.insecure => {
                let question =
                    format!("WARNING: server certificate had error: {why}. Proceed insecurely (y/n)? ");
                flags.insecure = self.console.proceed(&question)?;
                Ok(flags.insecure)
            }
            _ => Ok(true),
        }
    }

    /// A session by a password; what was not given is asked for.
    pub(super) async fn by_password(
        &mut self,
        remote: &Remote,
        username: Option<String>,
        password: Option<String>,
    ) -> Result<Secret, Failure> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let username = match given(username) {
            Some(username) => username,
            None => self.console.question("Username: ")?,
        };
        let password = match given(password) {
            Some(password) => password,
            None => self.console.password("Password: ")?,
        };
        let answer = remote.call(CREATE, &json!({"username": username, "password": password})).await;
        let answer = answer.map_err(|error| Failure::from_remote(&error, "cannot log in"))?;
        Ok(Secret::new(answer["token"].as_str().unwrap_or_default()))
    }

    pub(super) async fn relogin(&mut self, args: ReloginArgs) -> Result<u8, Failure> {
        let flags = self.local.settled()?;
        let path = self.local.contexts_path(&flags)?;
        let none = || {
            Failure::new(Kind::NotFound, "there is no context")
                .next("log in: capstan login SERVER")
                .peer("No context found. Login using `argocd login`", 1)
        };
        let mut file = Contexts::read(&path)?.ok_or_else(none)?;
        let context = file.resolve(None)?;
        let options = self.local.options(context.address().to_owned(), &flags, Some(&context))?;
        let options = Options { token: None, ..options };
        let remote = connect(self.local, self.console, options.clone()).await?;
        let claims = token::claims(context.token.as_ref().map(Secret::expose).unwrap_or_default())?;
        let tokens = if claims["iss"] == ISSUER {
            let account = token::account(&claims);
            self.line(&format!("Relogging in as '{account}'"));
            (Some(self.by_password(&remote, Some(account), args.password).await?), None)
        } else {
            self.line("Reinitiating SSO login");
            self.browse(&remote, &options, &args.browser).await?
        };
        let name = file.current().to_owned();
        file.put_user(&name, tokens.0.as_ref(), tokens.1.as_ref());
        file.write()?;
        self.line(&format!("Context '{name}' updated"));
        Ok(0)
    }

    pub(super) fn logout(&mut self, args: &LogoutArgs) -> Result<u8, Failure> {
        let flags = self.local.settled()?;
        let none = || Failure::new(Kind::NotFound, "there is no context").peer("Nothing to logout from", 1);
        let mut file = Contexts::read(&self.local.contexts_path(&flags)?)?.ok_or_else(none)?;
        let name = &args.context;
        if !self.agreed(&format!("Are you sure you want to log out from '{name}'?"))? {
            let now = (self.local.clock)();
            self.console.inform(&format!("Logout from '{name}' cancelled"), now);
            return Ok(0);
        }
        if !file.has_user(name) {
            let said = format!("Context {name} does not exist");
            let failure =
                Failure::new(Kind::NotFound, said.clone()).next("see which there are: capstan context");
            return Err(failure.peer(said, 1));
        }
        file.put_user(name, None, None);
        file.write()?;
        self.line(&format!("Logged out from '{name}'"));
        Ok(0)
    }

    pub(super) fn contexts(&mut self, args: &ContextArgs) -> Result<u8, Failure> {
        let flags = self.local.settled()?;
        let path = self.local.contexts_path(&flags)?;
        let file = Contexts::read(&path)?;
        let Some(wanted) = &args.context else {
            if args.delete {
                return Err(Failure::usage("no context is named").next("capstan context NAME --delete"));
            }
            let none = || {
                let said = format!("No contexts defined in {}", path.display());
                Failure::new(Kind::NotFound, said.clone()).next("log in: capstan login SERVER").peer(said, 1)
            };
            return self.list_contexts(&file.ok_or_else(none)?);
        };
        let none = |said: String, code| {
            Failure::new(Kind::NotFound, said.clone())
                .next("see which there are: capstan context")
                .peer(said, code)
        };
        if args.delete {
            let mut file = file.ok_or_else(|| none("nothing to logout from".to_owned(), 20))?;
            if !file.remove(wanted) {
                return Err(none(format!("context {wanted} does not exist"), 20));
            }
            file.write_or_remove()?;
            self.line(&format!("Context '{wanted}' deleted"));
            return Ok(0);
        }
        let mut file = file.ok_or_else(|| none(format!("Context '{wanted}' undefined"), 1))?;
        let before = folder(self.local.variable)?.join(".prev-ctx");
        let wanted = match wanted.as_str() {
            "-" => std::fs::read_to_string(&before).map_err(|error| {
                Failure::new(Kind::NotFound, "no context was in use before").because(&error)
            })?,
            name => name.to_owned(),
        };
        if file.current() == wanted {
            self.line(&format!("Already at context '{wanted}'"));
            return Ok(0);
        }
        file.resolve(Some(&wanted)).map_err(|failure| {
            let said = failure.what.clone();
            failure.peer(said, 1)
        })?;
        let previous = file.current().to_owned();
        file.switch(&wanted);
        file.write()?;
        let kept = before.parent().map_or(Ok(()), std::fs::create_dir_all);
        kept.and_then(|()| std::fs::write(&before, previous)).map_err(|error| {
            Failure::new(Kind::Other, format!("{} cannot be written", before.display())).because(&error)
        })?;
        self.line(&format!("Switched to context '{wanted}'"));
        Ok(0)
    }

    fn list_contexts(&mut self, file: &Contexts) -> Result<u8, Failure> {
        let mut table = Table::new(&["CURRENT", "NAME", "SERVER"]);
        for name in file.names() {
            let context = file.resolve(Some(&name))?;
            let sign = if file.current() == name { "*" } else { " " };
            table.row(vec![sign.into(), name.into(), context.address().into()]);
        }
        let text = table.render(self.console.look);
        self.console.print(&text);
        Ok(0)
    }

    pub(super) fn configure(&mut self) -> Result<u8, Failure> {
        let flags = self.local.settled()?;
        let Some(mut file) = Contexts::read(&self.local.contexts_path(&flags)?)? else {
            self.line("No local configuration found");
            return Ok(1);
        };
        let enabled = self.local.flags.prompts_enabled.unwrap_or(file.prompts());
        file.set_prompts(enabled);
        file.write()?;
        self.line("Successfully updated the following configuration settings:");
        self.line(&format!("prompts-enabled: {enabled}"));
        Ok(0)
    }
}

impl Talk<'_> {
    /// A login in a browser: the tokens of the identity provider.
    async fn browse(
        &mut self,
        remote: &Remote,
        options: &Options,
        browser: &BrowserArgs,
    ) -> Result<(Option<Secret>, Option<Secret>), Failure> {
        let tokens = self.in_browser(remote, options, browser).await?;
        Ok((Some(tokens.0), tokens.1))
    }
}
