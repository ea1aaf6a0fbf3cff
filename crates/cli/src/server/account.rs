//! `account`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::session::ISSUER;
use super::talk::{Talk, lives, unknown_form};
use super::token;
use crate::command::{
    AccountCommand, BcryptArgs, DeleteTokenArgs, GenerateTokenArgs, GetAccountArgs, UpdatePasswordArgs,
};
use crate::failure::{Failure, Kind};
use crate::table::Table;

/// The cost of a hash, as Go's library has it.
const COST: u32 = 10;

const ACCOUNT: &str = "account.Account";

impl Talk<'_> {
    pub(super) async fn account(&mut self, command: AccountCommand) -> Result<u8, Failure> {
        match command {
            AccountCommand::List(args) => self.list_accounts(&args.output).await?,
            AccountCommand::Get(args) => self.get_account(args).await?,
            AccountCommand::GetUserInfo(args) => self.user_info(&args.output).await?,
            AccountCommand::CanI(args) => {
                let request = json!({"action": args.action, "resource": args.resource, "subresource": args.subresource});
                let answer =
                    self.ask("cannot ask what may be done", "account.AccountService/CanI", &request).await?;
                self.line(answer["value"].as_str().unwrap_or_default());
            }
            AccountCommand::UpdatePassword(args) => self.update_password(args).await?,
            AccountCommand::GenerateToken(args) => self.generate_token(args).await?,
            AccountCommand::DeleteToken(args) => self.delete_token(args).await?,
            AccountCommand::SessionToken => {
                let (_, context) = self.context()?;
                let token = context.token.ok_or_else(|| {
                    Failure::new(Kind::NotFound, format!("the context {:?} has no token", context.name))
                        .next("log in: capstan login SERVER")
                })?;
                self.line(token.expose());
            }
            AccountCommand::Bcrypt(args) => self.bcrypt(args)?,
        }
        Ok(0)
    }

    async fn list_accounts(&mut self, form: &str) -> Result<(), Failure> {
        let answer =
            self.ask("cannot list accounts", "account.AccountService/ListAccounts", &json!({})).await?;
        let accounts = list(&answer["items"]);
        match form {
            "json" | "yaml" => return self.messages(ACCOUNT, accounts, form),
            "name" => accounts.iter().for_each(|account| self.line(text(&account["name"]))),
            "wide" | "" => {
                let mut table = Table::new(&["NAME", "ENABLED", "CAPABILITIES"]);
                for account in accounts {
                    let enabled = is(&account["enabled"]).to_string();
                    table.row(vec![
                        text(&account["name"]).into(),
                        enabled.into(),
                        capabilities(account).into(),
                    ]);
                }
                let text = table.render(self.console.look);
                self.console.print(&text);
            }
            other => return Err(unknown_form(other)),
        }
        Ok(())
    }

    async fn get_account(&mut self, args: GetAccountArgs) -> Result<(), Failure> {
        let name = self.account_or_own(args.account).await?;
        let what = format!("cannot get the account {name}");
        let account = self.ask(&what, "account.AccountService/GetAccount", &json!({ "name": name })).await?;
        match args.output.as_str() {
            form @ ("json" | "yaml") => return self.message(ACCOUNT, &account, form),
            "name" => self.line(text(&account["name"])),
            "wide" | "" => {
                for (title, value) in [
                    ("Name:", text(&account["name"]).to_owned()),
                    ("Enabled:", is(&account["enabled"]).to_string()),
                    ("Capabilities:", capabilities(&account)),
                ] {
                    self.line(&format!("{title:<20}{value}"));
                }
                self.console.print("\nTokens:\n");
                self.account_tokens(list(&account["tokens"]));
            }
            other => return Err(unknown_form(other)),
        }
        Ok(())
    }

    fn account_tokens(&mut self, tokens: &[Value]) {
        if tokens.is_empty() {
            return self.line("NONE");
        }
        let now = (self.local.clock)().as_second();
        let mut table = Table::new(&["ID", "ISSUED AT", "EXPIRING AT"]);
        for token in tokens {
            let ends = match token["expiresAt"].as_i64().unwrap_or_default() {
                ..=0 => "never".to_owned(),
                ends if ends < now => format!("{} (expired)", local_time(ends)),
                ends => local_time(ends),
            };
            let begun = local_time(token["issuedAt"].as_i64().unwrap_or_default());
            table.row(vec![text(&token["id"]).into(), begun.into(), ends.into()]);
        }
        let text = table.render(self.console.look);
        self.console.print(&text);
    }

    async fn user_info(&mut self, form: &str) -> Result<(), Failure> {
        let info = self.who().await?;
        match form {
            "yaml" => {
                self.message("", &info, form)?;
                self.console.print("\n");
            }
            "json" => self.message("session.GetUserInfoResponse", &info, form)?,
            "" => {
                let inside = is(&info["loggedIn"]);
                self.line(&format!("Logged In: {inside}"));
                if inside {
                    self.line(&format!("Username: {}", text(&info["username"])));
                    self.line(&format!("Issuer: {}", text(&info["iss"])));
                    self.line(&format!("Groups: {}", joined(&info["groups"], ",")));
                }
            }
            other => {
                return Err(unknown_form(other).peer(format!("Unknown output format: {other}"), 1));
            }
        }
        Ok(())
    }

    /// Who is logged in.
    async fn who(&mut self) -> Result<Value, Failure> {
        self.ask("cannot ask who is logged in", "session.SessionService/GetUserInfo", &json!({})).await
    }

    async fn account_or_own(&mut self, account: Option<String>) -> Result<String, Failure> {
        match account.filter(|account| !account.is_empty()) {
            Some(account) => Ok(account),
            None => Ok(text(&self.who().await?["username"]).to_owned()),
        }
    }

    async fn update_password(&mut self, args: UpdatePasswordArgs) -> Result<(), Failure> {
        let info = self.who().await?;
        let own = text(&info["username"]).to_owned();
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let current = match given(args.current_password) {
            None if info["iss"] == ISSUER => {
                self.console.password(&format!("*** Enter password of currently logged in user ({own}): "))?
            }
            current => current.unwrap_or_default(),
        };
        let account = given(args.account).unwrap_or_else(|| own.clone());
        let new = match given(args.new_password) {
            Some(new) => new,
            None => self.new_password(&account)?,
        };
        let request = json!({"newPassword": new, "currentPassword": current, "name": account});
        let what = format!("cannot change the password of {account}");
        self.ask(&what, "account.AccountService/UpdatePassword", &request).await?;
        self.line("Password updated");
        if account != own {
            return Ok(());
        }
        // The old token is void with the old password.
        let (mut file, context) = self.context()?;
        let claims = token::claims(context.token.as_ref().map(net::Secret::expose).unwrap_or_default())?;
        let remote = self.remote().await?;
        let token = self.by_password(&remote, Some(token::account(&claims)), Some(new)).await?;
        file.put_user(&context.name, Some(&token), None);
        file.write()?;
        self.line(&format!("Context '{}' updated", context.name));
        Ok(())
    }

    fn new_password(&mut self, account: &str) -> Result<String, Failure> {
        loop {
            let first = self.console.password(&format!("*** Enter new password for user {account}: "))?;
            let second = self.console.password(&format!("*** Confirm new password for user {account}: "))?;
            if first == second {
                return Ok(first);
            }
            self.console.warn("Passwords do not match", (self.local.clock)());
        }
    }

    async fn generate_token(&mut self, args: GenerateTokenArgs) -> Result<(), Failure> {
        let name = self.account_or_own(args.account).await?;
        let lives = lives(&args.expires_in)?;
        let request = json!({"name": name, "expiresIn": lives, "id": args.id.unwrap_or_default()});
        let what = format!("cannot make a token of the account {name}");
        let answer = self.ask(&what, "account.AccountService/CreateToken", &request).await?;
        self.line(text(&answer["token"]));
        Ok(())
    }

    async fn delete_token(&mut self, args: DeleteTokenArgs) -> Result<(), Failure> {
        let name = self.account_or_own(args.account).await?;
        let id = &args.id;
        if !self.agreed(&format!("Are you sure you want to delete '{id}' token? [y/n]"))? {
            self.line(&format!("The command to delete '{id}' was cancelled."));
            return Ok(());
        }
        let what = format!("cannot delete the token {id} of the account {name}");
        self.ask(&what, "account.AccountService/DeleteToken", &json!({"name": name, "id": id})).await?;
        if self.console.look.native() {
            self.line(&format!("token {id} of the account {name} deleted"));
        }
        Ok(())
    }

    fn bcrypt(&mut self, args: BcryptArgs) -> Result<(), Failure> {
        let password = match args.password.filter(|password| !password.is_empty()) {
            Some(password) => password,
            None => self.console.password("Password: ")?,
        };
        let mut salt = [0; 16];
        super::sso::random(&mut salt)?;
        let hash = bcrypt::hash(password.as_bytes(), COST, salt)
            .map_err(|error| Failure::new(Kind::Invalid, "the password cannot be hashed").because(&error))?;
        self.console.print(&hash);
        Ok(())
    }
}

fn capabilities(account: &Value) -> String {
    joined(&account["capabilities"], ", ")
}

/// A text; empty where there is none.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn is(value: &Value) -> bool {
    value.as_bool().unwrap_or_default()
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn joined(values: &Value, between: &str) -> String {
    list(values).iter().map(text).collect::<Vec<_>>().join(between)
}

/// A time as people here have it.
pub(super) fn local_time(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    let zoned = time.to_zoned(jiff::tz::TimeZone::system());
    if zoned.offset().is_zero() {
        return api::format_time(time);
    }
    zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}
