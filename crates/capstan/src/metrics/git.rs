//! What is counted of git servers, by the peer's names and labels.

use std::collections::BTreeMap;

use applications::GitCounts;
use tally::Exposition;

/// **Source**: the peer's `reposerver/metrics`, 3.2; the label `revision` of failures is left out, for anybody could fill it.
pub(super) fn write(page: &mut Exposition, counts: &BTreeMap<String, GitCounts>) {
    let name = "argocd_git_request_total";
    page.head(name, "counter", "Number of git requests performed.");
    for (repo, counts) in counts {
        page.line(name, &[("repo", repo), ("request_type", "ls-remote")], counts.ls_refs);
        page.line(name, &[("repo", repo), ("request_type", "fetch")], counts.fetches);
    }
    let name = "argocd_git_request_duration_seconds";
    page.head(name, "histogram", "Git requests duration seconds.");
    for (repo, counts) in counts {
        page.histogram(name, &[("repo", repo), ("request_type", "ls-remote")], &counts.ls_refs_took);
        page.histogram(name, &[("repo", repo), ("request_type", "fetch")], &counts.fetches_took);
    }
    let name = "argocd_git_lsremote_fail_total";
    page.head(name, "counter", "Number of git ls-remote requests failed.");
    for (repo, counts) in counts {
        page.line(name, &[("repo", repo)], counts.ls_refs_failed);
    }
    let name = "argocd_git_fetch_fail_total";
    page.head(name, "counter", "Number of git fetch requests failed.");
    for (repo, counts) in counts {
        page.line(name, &[("repo", repo)], counts.fetches_failed);
    }
}
