/// Why there is no token. Nothing secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// Nothing says who we are.
    #[error(
        "no AWS credentials: set AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN (IAM roles for service accounts), AWS_CONTAINER_CREDENTIALS_FULL_URI (pod identity), AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
    )]
    NoCredentials,
    /// A setting cannot be used, or is missing.
    #[error("{0}")]
    Settings(String),
    /// A file cannot be read.
    #[error("{what} {path:?} cannot be read: {why}")]
    File {
        /// What it is for.
        what: &'static str,
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// A server did not give what it was asked for.
    #[error("{what}: {why}")]
    Refused {
        /// What it was asked for.
        what: String,
        /// Its words, or what became of the question.
        why: String,
    },
}
