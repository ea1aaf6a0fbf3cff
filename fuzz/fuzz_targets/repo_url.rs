//! Lines: a repository's URL and a submodule's. What is read is the same repository when it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use source::{RepoUrl, Scheme};

fuzz_target!(|text: &str| {
    let (url, submodule) = text.split_once('\n').unwrap_or((text, "../other"));
    let _ = (api::normal_form(url), api::redact_url(url), api::is_evasive(url), RepoUrl::normal_pattern(url));
    let Ok(parsed) = RepoUrl::parse(url) else { return };
    // Without its user an ssh URL may be none any more, and a bracket in the user lets `::` pass that is refused without it.
    if parsed.scheme() != Scheme::Ssh && !url.contains("::") {
        let again = RepoUrl::parse(&parsed.connect_form());
        let again = again.map(|again| again.normal_form()).map_err(|error| error.to_string());
        assert_eq!(again, Ok(parsed.normal_form()));
    }
    if let Ok(submodule) = parsed.submodule(submodule) {
        let _ = submodule.same_server(&parsed);
    }
});
