use super::{Refs, Resolved, RevisionError, resolve, resolve_name};

fn refs(names: &[(&str, u8)]) -> Refs {
    let by_name = names.iter().map(|(name, id)| ((*name).to_owned(), commit(*id))).collect();
    Refs {
        head: Some("refs/heads/main".to_owned()),
        by_name,
        tags: std::collections::BTreeMap::new(),
        fetched_at: tokio::time::Instant::now(),
    }
}

fn commit(id: u8) -> String {
    format!("{id:02x}").repeat(20)
}

fn some() -> Refs {
    refs(&[
        ("HEAD", 1),
        ("refs/heads/main", 1),
        ("refs/heads/dev", 2),
        ("refs/heads/1.x", 3),
        ("refs/heads/deadbee", 4),
        ("refs/tags/dev", 5),
        ("refs/tags/v1.2.0", 6),
        ("refs/tags/v1.10.0", 7),
        ("refs/tags/v2.0.0-rc.1", 8),
        ("refs/tags/chart-3.1.0", 9),
        ("refs/pull/7/head", 10),
    ])
}

#[test]
fn revisions_lead_to_commits() {
    let full = commit(0xab);
    let rows = [
        ("none", "", "", 1, Some("refs/heads/main")),
        ("HEAD", "HEAD", "", 1, Some("refs/heads/main")),
        ("branch", "main", "", 1, Some("refs/heads/main")),
        ("branch before tag", "dev", "", 2, Some("refs/heads/dev")),
        ("full branch name", "refs/heads/dev", "", 2, Some("refs/heads/dev")),
        ("full tag name", "refs/tags/dev", "", 5, Some("refs/tags/dev")),
        ("other full name", "refs/pull/7/head", "", 10, Some("refs/pull/7/head")),
        ("short other name", "pull/7/head", "", 10, Some("refs/pull/7/head")),
        ("plain version is a name", "v1.2.0", "", 6, Some("refs/tags/v1.2.0")),
        ("range goes to tags, never to the branch of that name", "1.x", "", 7, Some("refs/tags/v1.10.0")),
        ("range without tags falls to a branch of that name", "1.x", "none-", 3, Some("refs/heads/1.x")),
        ("range with pre-releases", ">=2.0.0-0", "", 8, Some("refs/tags/v2.0.0-rc.1")),
        ("prefix is stripped", "3.*", "chart-", 9, Some("refs/tags/chart-3.1.0")),
        ("prefix and version", "3.1.0", "chart-", 9, Some("refs/tags/chart-3.1.0")),
        ("commit", &full, "", 0xab, None),
        ("commit in capitals", &full.to_uppercase(), "", 0xab, None),
        ("A47: abbreviated id that is also a branch", "deadbee", "", 4, Some("refs/heads/deadbee")),
    ];
    for (row, revision, prefix, id, name) in rows {
        let expected = Resolved { commit: commit(id), name: name.map(str::to_owned) };
        assert_eq!(resolve(&some(), revision, prefix), Ok(expected), "{row}");
    }
}

#[test]
fn names_are_those_of_a_fetch() {
    for (name, id) in [
        ("dev", Some(5)),
        ("main", Some(1)),
        ("heads/dev", Some(2)),
        ("refs/heads/dev", Some(2)),
        ("HEAD", Some(1)),
        ("pull/7/head", Some(10)),
        ("1.x", Some(3)),
        ("1.*", None),
        ("nowhere", None),
        ("", None),
    ] {
        assert_eq!(resolve_name(&some(), name).map(|found| found.commit), id.map(commit), "{name}");
    }
}

#[test]
fn revisions_that_lead_nowhere_say_why() {
    let long = "a".repeat(64 << 10);
    type Verdict = fn(&RevisionError) -> bool;
    let rows: [(&str, Verdict); 12] = [
        ("--upload-pack=x", |e| matches!(e, RevisionError::Refused { .. })),
        ("-h", |e| matches!(e, RevisionError::Refused { .. })),
        ("a\nb", |e| matches!(e, RevisionError::Refused { .. })),
        (&long, |e| matches!(e, RevisionError::Refused { .. })),
        ("refs/../..", |e| matches!(e, RevisionError::NotFound { .. })),
        ("HEAD^{/x}", |e| matches!(e, RevisionError::NotFound { .. })),
        ("HEAD~1", |e| matches!(e, RevisionError::NotFound { .. })),
        ("@{-1}", |e| matches!(e, RevisionError::NotFound { .. })),
        ("^", |e| matches!(e, RevisionError::NotFound { .. })),
        ("heads/none", |e| matches!(e, RevisionError::NotFound { .. })),
        ("9.x", |e| matches!(e, RevisionError::NoVersion { tags: 5, .. })),
        ("abcdef1", |e| matches!(e, RevisionError::Abbreviated { .. })),
    ];
    for (revision, verdict) in rows {
        let error = resolve(&some(), revision, "").unwrap_err();
        assert!(verdict(&error), "A47 {revision:.40}: {error}");
        assert!(error.to_string().len() < 500);
    }
    let empty = refs(&[]);
    assert_eq!(resolve(&empty, "", ""), Err(RevisionError::Empty));
    assert_eq!(resolve(&empty, "main", ""), Err(RevisionError::Empty));
}
