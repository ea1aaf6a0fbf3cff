//! Which clients are too old for us.

use std::cmp::Ordering;

use gosemver::Version;
use http::{HeaderMap, header};
use tonic::Status;

/// What the peer's client calls itself.
const CLIENT: &str = "argocd-client";
/// The oldest one that knows the messages as they are.
const OLDEST: &str = "1.4.0";
/// What it called itself before it said its version.
const NAMELESS: [&str; 2] = ["grpc-go/1.15.0", "grpc-go/1.10.0"];

/// **Errors**: the peer's client in a version before 1.4.0, or in one that is none. Others are heard, whatever they call themselves; pre-releases
/// count as what they lead to. It is asked over gRPC and gRPC-Web, after the caller came in. **Source**: `userAgentEnforcer`.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Status> {
    let said = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let words: Vec<&str> = said.split_whitespace().collect();
    let unsatisfied =
        |why: String| Status::failed_precondition(format!("unsatisfied client version constraint: {why}"));
    if let [one] = words.as_slice()
        && NAMELESS.contains(one)
    {
        return Err(unsatisfied(format!(">={OLDEST}")));
    }
    let ours = words.iter().find_map(|word| match word.split_once('/') {
        Some((CLIENT, version)) if !version.contains('/') => Some((*word, version)),
        _ => None,
    });
    let Some((word, version)) = ours else { return Ok(()) };
    let release = version.split('-').next().unwrap_or_default();
    let parsed = (Version::new(release), Version::new(OLDEST));
    let (Ok(version), Ok(oldest)) = parsed else {
        return Err(Status::invalid_argument(format!("could not parse version from user-agent: {word}")));
    };
    match version.cmp(&oldest) {
        Ordering::Less => Err(unsatisfied(format!("{version} is less than {OLDEST}"))),
        Ordering::Equal | Ordering::Greater => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn old_clients_are_told_so() {
        let old = "unsatisfied client version constraint: ";
        for (said, expected) in [
            ("", None),
            ("curl/8.0", None),
            ("grpc-go/1.70.0", None),
            ("argocd-client/v3.2.11 grpc-go/1.77.0", None),
            ("argocd-client/1.4.0", None),
            ("argocd-client/v1.4.0-rc1", None),
            ("argocd-client", None),
            ("argocd-client/v1.3.0/x", None),
            ("my-argocd-client/v0.1", None),
            ("argocd-client/v1.3.9 grpc-go/1.15.0", Some(format!("{old}1.3.9 is less than 1.4.0"))),
            (
                "grpc-go/1.15.0 argocd-client/v0.11.0+cde04",
                Some(format!("{old}0.11.0+cde04 is less than 1.4.0")),
            ),
            ("argocd-client/1", Some(format!("{old}1.0.0 is less than 1.4.0"))),
            ("grpc-go/1.15.0", Some(format!("{old}>=1.4.0"))),
            (
                "argocd-client/latest",
                Some("could not parse version from user-agent: argocd-client/latest".to_owned()),
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::USER_AGENT, said.parse().unwrap());
            let refused = check(&headers).err();
            let code =
                if said.ends_with("latest") { Code::InvalidArgument } else { Code::FailedPrecondition };
            assert!(refused.iter().all(|status| status.code() == code), "{said}");
            assert_eq!(refused.map(|status| status.message().to_owned()), expected, "{said}");
        }
    }
}
