use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use net::{Proxies, Secret};

use crate::environment::Environment;
use crate::error::AwsError;
use crate::http::Http;
use crate::sign::{Request, Scope, presigned};
use crate::sts::{self, Region, VERSION};
use crate::{credentials, profile};

/// How long AWS takes a signed question, whatever that says of itself, less a minute as in the peer.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(14);
/// What the question says of itself, in seconds: the authenticator of clusters wants it so.
const SAID_EXPIRY: u32 = 60;
const PREFIX: &str = "k8s-aws-v1.";

/// A token for a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token.
    pub value: Secret,
    /// When it is good no more.
    pub expires: Timestamp,
}

/// An EKS cluster, and as whom it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Eks {
    /// Its name in AWS.
    pub cluster: String,
    /// A role to take on before; none where empty.
    pub role_arn: String,
    /// A profile of AWS's files; none where empty.
    pub profile: String,
    /// What the environment says.
    pub environment: Environment,
}

impl Eks {
    /// What the arguments of the peer's `argocd-k8s-auth aws` say: `--cluster-name`, `--role-arn`, `--profile`, each with its value
    /// behind it or after `=`.
    ///
    /// **Errors**: an argument that is none of these, or has no value, by its name.
    pub fn from_arguments(arguments: &[String], environment: Environment) -> Result<Self, AwsError> {
        let mut eks = Self { environment, ..Self::default() };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), rest.next().cloned()),
            };
            let field = match name {
                "--cluster-name" => &mut eks.cluster,
                "--role-arn" => &mut eks.role_arn,
                "--profile" => &mut eks.profile,
                _ => return Err(AwsError::Settings(format!("argocd-k8s-auth aws has no argument {name:?}"))),
            };
            *field = value.ok_or_else(|| AwsError::Settings(format!("{name} has no value")))?;
        }
        Ok(eks)
    }

    /// A token that is good from now on, made anew: credentials are found, a role is taken on where one is said.
    ///
    /// **Units**: good for 14 minutes, or as long as the credentials.
    ///
    /// **Source**: `argocd-k8s-auth aws`, which has the token's form from aws-iam-authenticator.
    pub async fn token(&self, proxies: &Proxies, now: Timestamp) -> Result<Token, AwsError> {
        let env = &self.environment;
        if self.cluster.is_empty() {
            return Err(AwsError::Settings("the name of the cluster in AWS is missing".to_owned()));
        }
        let http = Http::new(proxies)?;
        let region = self.region().await?;
        let mut who = credentials::find(env, &self.profile, &region, &http, now).await?;
        if !self.role_arn.is_empty() {
            who = sts::assume(env, &region, &http, &self.role_arn, &who, now).await?;
        }
        let request = Request {
            method: "GET",
            host: region.host(),
            path: "/",
            query: &[("Action", "GetCallerIdentity"), ("Version", VERSION)],
            headers: &[("x-k8s-aws-id", &self.cluster)],
            body: b"",
        };
        let scope = Scope { region: &region.name, service: "sts", at: now };
        let url = presigned(&request, &scope, &who, SAID_EXPIRY);
        let end = now.checked_add(GOOD_FOR).unwrap_or(now);
        Ok(Token {
            value: Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(url))),
            expires: who.expires.map_or(end, |expires| expires.min(end)),
        })
    }

    async fn region(&self) -> Result<Region, AwsError> {
        let env = &self.environment;
        if let Some(name) = env.get("AWS_REGION").or_else(|| env.get("AWS_DEFAULT_REGION")) {
            return Region::new(name, env);
        }
        let profile = match self.profile.as_str() {
            "" => env.get("AWS_PROFILE").unwrap_or("default"),
            profile => profile,
        };
        let found = profile::region(env, profile).await;
        let name = found
            .ok_or_else(|| AwsError::Settings("the AWS region is not known: set AWS_REGION".to_owned()))?;
        Region::new(&name, env)
    }
}
