//! What can be typed after `account`.

use clap::{Args, Subcommand};

/// A command about accounts.
#[derive(Debug, Clone, Subcommand)]
pub enum AccountCommand {
    /// List accounts
    List(ListAccountsArgs),
    /// Show an account and its tokens
    Get(GetAccountArgs),
    /// Say who is logged in
    #[command(visible_alias = "whoami")]
    GetUserInfo(UserInfoArgs),
    /// Ask whether something may be done
    CanI(CanIArgs),
    /// Change a password
    UpdatePassword(UpdatePasswordArgs),
    /// Make a token of an account
    GenerateToken(GenerateTokenArgs),
    /// Delete a token of an account
    DeleteToken(DeleteTokenArgs),
    /// Print the token of the current context
    SessionToken,
    /// Hash a password as accounts keep it
    Bcrypt(BcryptArgs),
}

/// `account list`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan account list\n  capstan account list -o name")]
pub struct ListAccountsArgs {
    /// How to print: json, yaml, wide or name
    #[arg(short, long, default_value = "wide")]
    pub output: String,
}

/// `account get`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan account get\n  capstan account get --account ci")]
pub struct GetAccountArgs {
    /// Which one; who is logged in otherwise
    #[arg(short, long)]
    pub account: Option<String>,
    /// How to print: json, yaml, wide or name
    #[arg(short, long, default_value = "wide")]
    pub output: String,
}

/// `account get-user-info`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan account get-user-info -o yaml")]
pub struct UserInfoArgs {
    /// How to print: json or yaml
    #[arg(short, long, default_value = "")]
    pub output: String,
}

/// `account can-i`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan account can-i sync applications '*'")]
pub struct CanIArgs {
    /// get, create, update, delete, sync, override or action/…
    #[arg(value_name = "ACTION")]
    pub action: String,
    /// applications, projects, clusters, repositories, accounts, …
    #[arg(value_name = "RESOURCE")]
    pub resource: String,
    /// Which one
    #[arg(value_name = "SUBRESOURCE")]
    pub subresource: String,
}

/// `account update-password`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  capstan account update-password\n  capstan account update-password --account ci"
)]
pub struct UpdatePasswordArgs {
    /// Whose; of who is logged in otherwise
    #[arg(long)]
    pub account: Option<String>,
    /// Password of who is logged in; asked for otherwise
    #[arg(long, allow_hyphen_values = true)]
    pub current_password: Option<String>,
    /// The new one; asked for otherwise
    #[arg(long, allow_hyphen_values = true)]
    pub new_password: Option<String>,
}

/// `account generate-token`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan account generate-token --account ci --expires-in 7d")]
pub struct GenerateTokenArgs {
    /// Whose; of who is logged in otherwise
    #[arg(short, long)]
    pub account: Option<String>,
    /// How long it is good for; 0s is for ever
    #[arg(short, long, default_value = "0s")]
    pub expires_in: String,
    /// Its name
    #[arg(long)]
    pub id: Option<String>,
}

/// `account delete-token`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan account delete-token --account ci 5f0c")]
pub struct DeleteTokenArgs {
    /// The token's name
    #[arg(value_name = "ID")]
    pub id: String,
    /// Whose; of who is logged in otherwise
    #[arg(short, long)]
    pub account: Option<String>,
}

/// `account bcrypt`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan account bcrypt --password secret")]
pub struct BcryptArgs {
    /// The password; asked for otherwise
    #[arg(long, allow_hyphen_values = true)]
    pub password: Option<String>,
}
