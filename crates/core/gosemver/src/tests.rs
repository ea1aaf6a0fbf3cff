use super::{Range, Version};

#[test]
fn ranges_match_as_in_the_peers_library() {
    let rows = [
        ("*", "1.2.3", true),
        ("*", "0.0.1", true),
        ("*", "1.2.3-rc.1", false),
        ("*-0", "1.2.3-rc.1", true),
        ("", "4.1.0", true),
        ("1", "1.9.9", true),
        ("1", "2.0.0", false),
        ("1.2", "1.2.9", true),
        ("1.2.x", "1.3.0", false),
        ("1.X", "1.3.0", true),
        ("v1.*", "v1.3.0", true),
        ("=1.2.3", "1.2.3", true),
        ("1.2.3", "1.2.4", false),
        ("!=1.2.3", "1.2.4", true),
        ("!=1.2.x", "1.2.4", false),
        ("!=1", "2.0.0", true),
        (">1", "1.5.0", false),
        (">1", "2.0.0", true),
        (">1.2", "1.2.9", false),
        (">1.2.3", "1.2.4", true),
        ("<2", "2.0.0", false),
        ("<=2", "2.9.0", true),
        ("<=2.1", "2.2.0", false),
        ("=<2.1.0", "2.1.0", true),
        (">= 1.2, < 3", "2.9.9", true),
        (">= 1.2, < 3", "3.0.0", false),
        (">=1.2 <3", "1.1.0", false),
        ("1.2 - 2.3.4", "2.3.4", true),
        ("1.2 - 2.3.4", "2.3.5", false),
        ("~1.2.3", "1.2.9", true),
        ("~1.2.3", "1.3.0", false),
        ("~>1.2", "1.2.0", true),
        ("~1", "1.9.0", true),
        ("~0.0.0", "7.1.0", true),
        ("^1.2.3", "1.9.9", true),
        ("^1.2.3", "2.0.0", false),
        ("^0.2.3", "0.2.9", true),
        ("^0.2.3", "0.3.0", false),
        ("^0.0.3", "0.0.4", false),
        ("^0", "0.9.0", true),
        ("^0.0", "0.0.9", true),
        ("^1.2.0-0", "1.3.0-beta", true),
        ("^1.2.0", "1.3.0-beta", false),
        (">=1.0.0-0 <2", "1.5.0-rc.1", true),
        ("1.x || 3.x", "3.4.0", true),
        ("1.x || 3.x", "2.4.0", false),
    ];
    for (range, version, expected) in rows {
        let range_ = Range::parse(range).unwrap_or_else(|| panic!("{range} is a range"));
        assert_eq!(range_.matches(&Version::parse(version).unwrap()), expected, "{version} in {range}");
    }
}

#[test]
fn names_are_not_ranges() {
    for text in [
        "main",
        "^",
        "--upload-pack=x",
        "-h",
        "HEAD^{/x}",
        "@{-1}",
        "release/1.x",
        "1.2.3.4",
        ">=",
        "1 -",
        ",",
        "~a",
        "vv1",
    ] {
        assert!(Range::parse(text).is_none(), "{text}");
    }
    assert!(Range::parse(&"1.".repeat(40_000)).is_none());
}

#[test]
fn the_highest_version_wins_and_other_names_are_passed_over() {
    let tags = [
        "v1.2.0",
        "1.10.0",
        "v1.9.3",
        "2.0.0-rc.1",
        "latest",
        "1.10.0+build",
        "99999999999999999999.0.0",
        "v2",
    ];
    let rows = [
        ("1.*", Some("1.10.0")),
        ("^1.2, <1.10", Some("v1.9.3")),
        ("*", Some("v2")),
        (">=2.0.0-0", Some("v2")),
        ("3.x", None),
    ];
    for (range, expected) in rows {
        assert_eq!(Range::parse(range).unwrap().highest(tags), expected, "{range}");
    }
    assert_eq!(Range::parse("*").unwrap().highest(["0.0.0"]), None);
}

#[test]
fn pre_releases_are_ordered() {
    let order = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
    ];
    for pair in order.windows(2) {
        assert!(Version::parse(pair[0]).unwrap() < Version::parse(pair[1]).unwrap(), "{pair:?}");
    }
    assert_eq!(Version::parse("v1.0.0"), Version::parse("1+x"));
    assert!(Version::parse("1.0.0-01").is_none());
}

#[test]
fn what_is_refused_is_told_in_the_peers_words() {
    let long = "1".repeat(300);
    let versions = [
        ("", "invalid semantic version"),
        ("1.2.3.4", "invalid semantic version"),
        ("1.2.3-", "invalid semantic version"),
        ("1.2.3-01", "version segment starts with 0"),
        (
            "99999999999999999999.0.0",
            "error parsing version segment: strconv.ParseUint: parsing \"99999999999999999999\": value out of range",
        ),
        (long.as_str(), "version string is too long (max 256 bytes)"),
    ];
    for (text, expected) in versions {
        assert_eq!(Version::new(text).unwrap_err().to_string(), expected, "{text}");
    }
    let (wide, many) = ("1".repeat(600), "1||".repeat(40));
    let ranges = [
        ("", "improper constraint: \"\""),
        (">1.2.3.4", "improper constraint: \">1.2.3.4\""),
        ("1||", "improper constraint: \"\""),
        ("1x", "constraint parser error"),
        (wide.as_str(), "constraint string is too long (max 512 bytes)"),
        (many.as_str(), "too many constraint groups (max 32)"),
    ];
    for (text, expected) in ranges {
        assert_eq!(Range::new(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn parts_and_bumps() {
    let version = Version::new("v1.2-rc.1+b5").unwrap();
    assert_eq!((version.major(), version.minor(), version.patch()), (1, 2, 0));
    assert_eq!(
        (version.prerelease(), version.metadata(), version.original()),
        ("rc.1", "b5", "v1.2-rc.1+b5")
    );
    let rows = [
        (version.to_string(), "1.2.0-rc.1+b5"),
        (version.next_patch().unwrap().original().to_owned(), "v1.2.0"),
        (version.next_minor().unwrap().to_string(), "1.3.0"),
        (version.next_major().unwrap().to_string(), "2.0.0"),
        (version.with_prerelease("").unwrap().to_string(), "1.2.0+b5"),
        (version.with_metadata("x.y").unwrap().original().to_owned(), "v1.2.0-rc.1+x.y"),
    ];
    for (got, expected) in rows {
        assert_eq!(got, expected);
    }
    assert!(version.with_prerelease("a..b").is_err() && version.with_metadata("a_b").is_err());
    assert!(Version::new("18446744073709551615.0.0").unwrap().next_major().is_none());
}

#[test]
fn a_wildcard_alone_is_0_0_0_where_it_is_not_everything() {
    let rows = [("^*", "0.0.0", true), ("^*", "1.0.0", false), (">*", "0.0.1", true), ("!=*", "1.2.3", true)];
    for (range, version, expected) in rows {
        assert_eq!(
            Range::new(range).unwrap().matches(&Version::new(version).unwrap()),
            expected,
            "{version} in {range}"
        );
    }
}
