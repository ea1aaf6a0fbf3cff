//! `admin …`: what an operator asks of an installation without its server. The peer's words, output and exit codes.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use api::names::config_map;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use kube::core::Request;
use kube::core::params::GetParams;
use rbac::{Policy, Problem, Question, Weight};
use serde_json::Value;

use crate::context::Style;
use crate::failure::{Failure, Kind};
use crate::look::Look;
use crate::streams::{complain, print};

/// Longest policy file that is read, in bytes.
const MOST_BYTES: u64 = 4 << 20;
/// Secret with the admin's first password.
const INITIAL: &str = "argocd-initial-admin-secret";

/// The words after `admin`.
#[derive(Debug, Clone, Subcommand)]
pub enum AdminCommand {
    /// Look at settings
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Print the password to log in with for the first time
    InitialPassword(Cluster),
}

/// The words after `admin settings`.
#[derive(Debug, Clone, Subcommand)]
pub enum SettingsCommand {
    /// Validate and test policies
    #[command(subcommand)]
    Rbac(RbacCommand),
}

/// The words after `admin settings rbac`.
#[derive(Debug, Clone, Subcommand)]
pub enum RbacCommand {
    /// Whether a role or subject may do something
    #[command(
        after_help = "Exit codes:\n  0  yes\n  1  no, or the question cannot be answered\n\nExamples:\n  \
        capstan admin settings rbac can role:dev sync applications 'shop/*' --policy-file policy.csv\n  \
        capstan admin settings rbac can ann get projects shop --namespace argocd"
    )]
    Can(CanArgs),
    /// Whether a policy can be read, line by line
    #[command(after_help = "Exit codes:\n  0  every line counts as it is written\n  1  some line does not")]
    Validate(ValidateArgs),
}

/// Which cluster, where one is asked.
#[derive(Debug, Clone, Default, Args)]
pub struct Cluster {
    /// Kubeconfig of the cluster
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Namespace of the installation
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
}

/// `admin settings rbac can`.
#[derive(Debug, Clone, Args)]
pub struct CanArgs {
    /// A role, user or group, as lines name it
    pub subject: String,
    /// What is to be done
    pub action: String,
    /// With which kind of thing
    pub resource: String,
    /// With which one
    #[arg(value_name = "SUB-RESOURCE", default_value = "")]
    pub object: String,
    /// A file of lines, or with the ConfigMap argocd-rbac-cm; - is standard input
    #[arg(long, value_name = "FILE")]
    pub policy_file: Option<String>,
    /// The role that everybody has
    #[arg(long, value_name = "ROLE", default_value = "")]
    pub default_role: String,
    /// Whether the built-in lines count, too
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true",
        action = clap::ArgAction::Set)]
    pub use_builtin_policy: bool,
    /// Whether an action or resource that does not exist is an error
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true",
        action = clap::ArgAction::Set)]
    pub strict: bool,
    /// Answer by the exit code alone
    #[arg(short, long)]
    pub quiet: bool,
    /// Which cluster has the policy, where no file does
    #[command(flatten)]
    pub cluster: Cluster,
}

/// `admin settings rbac validate`.
#[derive(Debug, Clone, Args)]
pub struct ValidateArgs {
    /// A file of lines, or with the ConfigMap argocd-rbac-cm; - is standard input
    #[arg(long, value_name = "FILE")]
    pub policy_file: Option<String>,
    /// Which cluster has the policy, where no file does
    #[command(flatten)]
    pub cluster: Cluster,
}

/// What a command says.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    out: String,
    /// Lines beside the result.
    notes: Vec<String>,
    code: u8,
}

impl Said {
    fn new(out: &str, code: u8) -> Self {
        Self { out: out.to_owned(), notes: Vec::new(), code }
    }
}

type Data = BTreeMap<String, String>;

/// Runs the command and returns its exit code. `connect` makes a client where one is needed.
pub async fn admin<C, F>(command: AdminCommand, style: Style, connect: C) -> u8
where
    C: FnOnce(Cluster) -> F,
    F: Future<Output = Result<kube::Client, String>>,
{
    let said = match command {
        AdminCommand::InitialPassword(cluster) => initial_password(cluster, style, connect).await,
        AdminCommand::Settings(SettingsCommand::Rbac(RbacCommand::Can(arguments))) => {
            policy(arguments.policy_file.as_deref(), arguments.cluster.clone(), connect)
                .await
                .and_then(|data| can(&arguments, data))
        }
        AdminCommand::Settings(SettingsCommand::Rbac(RbacCommand::Validate(arguments))) => {
            policy(arguments.policy_file.as_deref(), arguments.cluster, connect)
                .await
                .and_then(|data| validate(&data))
        }
    };
    let said = said.and_then(|said| print(&said.out).map(|()| said).map_err(|error| error.to_string()));
    match said {
        Ok(said) => {
            // The peer says no more than the result.
            if style == Style::Native {
                said.notes.iter().for_each(|note| complain(note));
            }
            said.code
        }
        Err(message) => {
            let failure = Failure::new(Kind::Invalid, message);
            let look = Look { style, ..Look::plain() };
            complain(failure.render(look, jiff::Timestamp::now()).trim_end());
            1
        }
    }
}

/// What `argocd-rbac-cm` holds, of a file or of a cluster, of which exactly one must be said.
async fn policy<C, F>(file: Option<&str>, cluster: Cluster, connect: C) -> Result<Data, String>
where
    C: FnOnce(Cluster) -> F,
    F: Future<Output = Result<kube::Client, String>>,
{
    match (file, cluster.namespace.clone()) {
        (Some(file), None) => read(file).map(|text| of_file(&text)).map_err(|error| {
            format!("could not read policy file: error opening policy file: {file}: {error}")
        }),
        (None, Some(namespace)) => {
            let client =
                connect(cluster).await.map_err(|error| format!("could not create k8s client: {error}"))?;
            let map = get(&client, &namespace, "configmaps", config_map::RBAC).await;
            map.map(|map| data_of(&map)).map_err(|error| format!("could not get configmap: {error}"))
        }
        _ => Err("please provide exactly one of --policy-file or --namespace".to_owned()),
    }
}

fn read(file: &str) -> std::io::Result<String> {
    let mut text = String::new();
    match file {
        "-" => std::io::stdin().lock().take(MOST_BYTES).read_to_string(&mut text)?,
        file => std::fs::File::open(file)?.take(MOST_BYTES).read_to_string(&mut text)?,
    };
    Ok(text)
}

/// A ConfigMap, or else lines.
fn of_file(text: &str) -> Data {
    match goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default()) {
        Ok(map @ Value::Object(_)) => data_of(&map),
        _ => Data::from([("policy.csv".to_owned(), text.to_owned())]),
    }
}

fn data_of(map: &Value) -> Data {
    let entries = map.get("data").and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// An object, whose text no error repeats.
async fn get(client: &kube::Client, namespace: &str, plural: &str, name: &str) -> Result<Value, String> {
    let request = Request::new(format!("/api/v1/namespaces/{namespace}/{plural}"));
    let request = request.get(name, &GetParams::default()).map_err(|error| error.to_string())?;
    let text = client.request_text(request).await.map_err(|error| match error {
        kube::Error::Api(status) => status.message,
        _ => "the cluster does not answer".to_owned(),
    })?;
    serde_json::from_str(&text).map_err(|_| "the answer is no JSON".to_owned())
}

fn is_grave(problem: &Problem) -> bool {
    matches!(problem.weight, Weight::Refused | Weight::DeniesAll)
}

/// Whether casbin would take the policy for no policy: a line has too few parts. Of other lines that do not count `can` only tells.
fn is_malformed(problem: &Problem) -> bool {
    let mut parts = problem.text.split(',').map(str::trim);
    let wanted = match parts.next() {
        Some("p") => 5,
        Some("g") => 2,
        _ => return false,
    };
    problem.weight == Weight::Refused && parts.count() < wanted
}

/// **Source**: `checkPolicy`.
fn can(arguments: &CanArgs, mut data: Data) -> Result<Said, String> {
    if !arguments.default_role.is_empty() {
        data.insert("policy.default".to_owned(), arguments.default_role.clone());
    }
    let compile = if arguments.use_builtin_policy { Policy::compile } else { Policy::compile_bare };
    let (policy, problems) = compile(&data);
    if let Some(problem) = problems.iter().find(|problem| is_malformed(problem)) {
        return Err(format!("invalid user policy: {problem}"));
    }
    let question = Question {
        subject: &arguments.subject,
        action: &arguments.action,
        resource: &arguments.resource,
        object: &arguments.object,
        strict: arguments.strict,
    };
    let answer = match policy.can(&question) {
        Ok(answer) => answer,
        Err(error) if arguments.strict => return Err(format!("error in RBAC request: {error}")),
        // Nobody may do anything with what does not exist.
        Err(_) => return Ok(Said::new(if arguments.quiet { "" } else { "No\n" }, 1)),
    };
    let word = if answer.allowed { "Yes\n" } else { "No\n" };
    let mut said = Said::new(if arguments.quiet { "" } else { word }, u8::from(!answer.allowed));
    if !arguments.quiet {
        let rule = if answer.allowed { "by" } else { "for want of, or denied by" };
        said.notes.push(format!("{rule}: {}", answer.line));
        said.notes.extend(answer.warning);
        said.notes.extend(problems.iter().map(|problem| format!("warning: {problem}")));
    }
    Ok(said)
}

/// **Source**: `NewRBACValidateCommand`; all that is wrong is said, not the first thing alone.
fn validate(data: &Data) -> Result<Said, String> {
    let lines = data.iter().filter(|(key, _)| key.starts_with("policy.") && key.ends_with(".csv"));
    if lines.clone().all(|(_, text)| text.trim().is_empty()) {
        return Err("Policy is empty or could not be loaded.".to_owned());
    }
    let problems = rbac::validate(data);
    let (grave, slight): (Vec<_>, Vec<_>) = problems.iter().partition(|problem| is_grave(problem));
    let mut said = match grave.as_slice() {
        [] => Said::new("Policy is valid.\n", 0),
        wrong => {
            let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            Said::new(&format!("Policy is invalid: {}\n", wrong.join("\n  ")), 1)
        }
    };
    said.notes = slight.iter().map(|problem| format!("warning: {problem}")).collect();
    Ok(said)
}

/// **Source**: `NewInitialPasswordCommand`: of the context's namespace, where none is said; in our own style of `argocd`.
async fn initial_password<C, F>(cluster: Cluster, style: Style, connect: C) -> Result<Said, String>
where
    C: FnOnce(Cluster) -> F,
    F: Future<Output = Result<kube::Client, String>>,
{
    let said = cluster.namespace.clone();
    let client = connect(cluster).await?;
    let namespace = said.unwrap_or_else(|| match style {
        Style::Native => "argocd".to_owned(),
        Style::Argocd => client.default_namespace().to_owned(),
    });
    let secret = get(&client, &namespace, "secrets", INITIAL).await?;
    let password = secret.pointer("/data/password").and_then(Value::as_str);
    let password = password.and_then(decode).unwrap_or_default();
    let text = format!(
        "{password}\n\n This password must be only used for first time login. We strongly recommend you update the \
         password using `argocd account update-password`.\n"
    );
    Ok(Said::new(&text, 0))
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: AdminCommand,
    }

    fn can_of(words: &str) -> CanArgs {
        let words = ["admin", "settings", "rbac", "can"].into_iter().chain(words.split_whitespace());
        match Line::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).command {
            AdminCommand::Settings(SettingsCommand::Rbac(RbacCommand::Can(arguments))) => arguments,
            other => panic!("{other:?}"),
        }
    }

    const LINES: &str = "p, role:dev, applications, sync, shop/*, allow\np, role:dev, projects, get, *, allow\ng, ann, role:dev\n";

    #[test]
    fn questions_are_answered_as_the_peer_answers() {
        for (words, expected) in [
            ("role:dev sync applications shop/a", Ok(("Yes\n", 0))),
            ("ann sync app shop/a", Ok(("Yes\n", 0))),
            ("ann sync app other/a", Ok(("No\n", 1))),
            ("ann sync app other/a -q", Ok(("", 1))),
            ("ann get proj shop", Ok(("Yes\n", 0))),
            ("role:readonly get cert", Ok(("Yes\n", 0))),
            ("role:readonly get cert --use-builtin-policy=false", Ok(("No\n", 1))),
            ("bob get cluster --default-role role:readonly", Ok(("Yes\n", 0))),
            (
                "ann fly applications",
                Err("error in RBAC request: 'fly' is not a valid action for applications"),
            ),
            ("ann get planes", Err("error in RBAC request: 'planes' is not a valid resource name")),
            ("ann get planes --strict=false", Ok(("No\n", 1))),
        ] {
            let said = can(&can_of(words), of_file(LINES));
            let said = said.as_ref().map(|said| (said.out.as_str(), said.code)).map_err(String::as_str);
            assert_eq!(said, expected, "{words}");
        }
        let odd = format!("{LINES}p, ann, projects, get, *, Allow\n");
        assert_eq!(can(&can_of("ann sync app shop/a"), of_file(&odd)).map(|said| said.code), Ok(0));
        let wrong = can(&can_of("ann get projects"), of_file("p, ann, projects, get"));
        assert!(wrong.unwrap_err().starts_with("invalid user policy: policy.csv, line 1"));
    }

    #[test]
    fn policies_are_validated() {
        let map = format!(
            "apiVersion: v1\nkind: ConfigMap\ndata:\n  policy.default: role:x\n  policy.csv: |\n    {}",
            LINES.replace('\n', "\n    ")
        );
        assert_eq!(of_file(&map).get("policy.default").map(String::as_str), Some("role:x"));
        for (text, code, printed) in [
            (LINES, Ok(0), "Policy is valid."),
            (map.as_str(), Ok(0), "Policy is valid."),
            ("p, ann, projects, get\n", Ok(1), "Policy is invalid: policy.csv, line 1"),
            ("", Err(()), "Policy is empty or could not be loaded."),
            ("kind: ConfigMap\ndata: {}\n", Err(()), "Policy is empty or could not be loaded."),
        ] {
            let (found, said) = match validate(&of_file(text)) {
                Ok(said) => (Ok(said.code), said.out),
                Err(message) => (Err(()), message),
            };
            assert_eq!(found, code, "{text}: {said}");
            assert!(said.starts_with(printed), "{text}: {said}");
        }
    }

    #[tokio::test]
    async fn what_a_cluster_has_is_read() {
        let sim = kubesim::KubeSim::new(kubesim::Options::default());
        let client = sim.client();
        for (plural, object) in [
            (
                "secrets",
                serde_json::json!({"metadata": {"name": INITIAL}, "stringData": {"password": "first"}}),
            ),
            (
                "configmaps",
                serde_json::json!({"metadata": {"name": "argocd-rbac-cm"}, "data": {"policy.csv": LINES}}),
            ),
        ] {
            let request = http::Request::post(format!("/api/v1/namespaces/default/{plural}"));
            let request = request.header("content-type", "application/json");
            let request = request.body(object.to_string().into_bytes()).unwrap();
            client.request_text(request).await.unwrap();
        }
        let connect = |_| async { Ok(client.clone()) };
        let cluster =
            |namespace: &str| Cluster { namespace: Some(namespace.to_owned()), ..Cluster::default() };
        let said = initial_password(cluster("default"), Style::Argocd, connect).await.unwrap();
        assert!(said.out.starts_with("first\n\n This password must be only used"), "{}", said.out);
        assert!(initial_password(cluster("elsewhere"), Style::Argocd, connect).await.is_err());
        let data = policy(None, cluster("default"), connect).await.unwrap();
        assert_eq!(data.get("policy.csv").map(String::as_str), Some(LINES));
        for (file, cluster) in [(Some("policy.csv"), cluster("default")), (None, Cluster::default())] {
            let refused = policy(file, cluster, connect).await;
            assert_eq!(refused, Err("please provide exactly one of --policy-file or --namespace".to_owned()));
        }
    }
}
