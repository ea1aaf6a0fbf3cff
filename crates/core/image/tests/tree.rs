//! Which files of a tree are edited.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use filetree::{FileTree, Limits, MemoryStore, TreePath};
use image::{EditedTree, Request, Scope, TreeError, set_image_in_tree};

type Files<'a> = &'a [(&'a str, &'a str)];

/// `paths` separated by blanks, `images` and `keys` too.
#[derive(Default)]
struct Ask<'a> {
    paths: &'a str,
    files: &'a str,
    images: &'a str,
    keys: &'a str,
    add: bool,
}

fn edit(files: Files<'_>, ask: &Ask<'_>) -> Result<EditedTree, TreeError> {
    let store = MemoryStore::from_files(files.iter().copied()).unwrap();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let scope = Scope {
        paths: words(ask.paths).iter().map(|path| TreePath::parse(path).unwrap()).collect(),
        files: words(ask.files),
    };
    let request = Request {
        images: words(ask.images).iter().map(|image| image.parse().unwrap()).collect(),
        values_keys: words(ask.keys).iter().map(|key| key.parse().unwrap()).collect(),
        add_to_kustomization: ask.add,
    };
    set_image_in_tree(&FileTree::new(Arc::new(store), Limits::default()), &scope, &request)
}

fn deployment(image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: {image} # set by CI\n"
    )
}

/// A base that names the image, and overlays that do and do not.
fn seed() -> BTreeMap<&'static str, String> {
    [
        ("base/deployment.yaml", deployment("reg.example/my-app:1")),
        ("base/kustomization.yaml", "resources:\n- deployment.yaml\n".to_owned()),
        ("overlays/dev/kustomization.yaml", "bases:\n- ../../base # ours\n".to_owned()),
        (
            "overlays/prod/kustomization.yaml",
            "resources: [../../base]\nimages:\n- name: reg.example/my-app\n  newTag: '1'\n".to_owned(),
        ),
        ("overlays/prod/patch.yaml", deployment("reg.example/my-app:old")),
        ("overlays/far/kustomization.yaml", "resources:\n- https://git.example/base?ref=v1\n".to_owned()),
        (
            "apps/web/all.yaml",
            format!("{}---\n{}", deployment("reg.example/my-app:1"), deployment("other:1")),
        ),
        ("apps/chart/templates/d.yaml", "image: reg.example/my-app:{{ .Values.tag }}\n".to_owned()),
        (
            "apps/chart/values.yaml",
            "# web\nimage:\n  repository: reg.example/my-app\n  tag: \"1\"\n".to_owned(),
        ),
        ("apps/chart/values-prod.yaml", "image: {tag: '1'}\n".to_owned()),
        ("apps/notes.txt", "image: reg.example/my-app:1\n".to_owned()),
        ("empty/kustomization.yaml", "resources: []\n".to_owned()),
    ]
    .into()
}

#[test]
fn the_files_that_name_it_are_edited_and_no_others() {
    let seed = seed();
    let files: Vec<(&str, &str)> = seed.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let image = "reg.example/my-app:2";
    let ask = |paths, images| Ask { paths, images, ..Ask::default() };
    let rows: &[(&str, Ask<'_>, &[&str])] = &[
        (
            "a kustomization speaks for its directory",
            ask("overlays/prod", image),
            &["overlays/prod/kustomization.yaml:4"],
        ),
        (
            "an entry where what is built uses it",
            ask("overlays/dev", image),
            &["overlays/dev/kustomization.yaml:5"],
        ),
        (
            "both, each by itself",
            ask("overlays/dev overlays/prod", image),
            &["overlays/dev/kustomization.yaml:5", "overlays/prod/kustomization.yaml:4"],
        ),
        ("a manifest where no kustomization names it", ask("base", image), &["base/deployment.yaml:9"]),
        (
            "manifests and values, not templates and notes",
            ask("apps", image),
            &["apps/chart/values.yaml:4", "apps/web/all.yaml:9"],
        ),
        ("a file", ask("apps/web/all.yaml", image), &["apps/web/all.yaml:9"]),
        ("by glob", Ask { files: "all.yaml", ..ask("apps", image) }, &["apps/web/all.yaml:9"]),
        (
            "by glob with a path",
            Ask { files: "chart/*.yaml", ..ask("apps", image) },
            &["apps/chart/values.yaml:4"],
        ),
        (
            "a key of values.yaml",
            Ask { keys: "image.tag", ..ask("apps/chart", "my-app:2") },
            &["apps/chart/values.yaml:4"],
        ),
        (
            "a key of another file",
            Ask { keys: "image.tag", files: "values-prod.yaml", ..ask("apps/chart", "my-app:2") },
            &["apps/chart/values-prod.yaml:1"],
        ),
        (
            "a key of the file in the path",
            Ask { keys: "image.tag", ..ask("apps/chart/values-prod.yaml", "my-app:2") },
            &["apps/chart/values-prod.yaml:1"],
        ),
        (
            "an entry by word",
            Ask { add: true, ..ask("overlays/far", image) },
            &["overlays/far/kustomization.yaml:5"],
        ),
        ("right already", ask("overlays/prod", "reg.example/my-app:1"), &[]),
        (
            "the new name is the image, too",
            ask("base", "my-app=reg.example/my-app:2"),
            &["base/deployment.yaml:9"],
        ),
    ];
    for (row, ask, expected) in rows {
        let edited = edit(&files, ask).unwrap_or_else(|error| panic!("{row}: {error}"));
        let places: Vec<String> =
            edited.changes.iter().map(|change| format!("{}:{}", change.path, change.line)).collect();
        // The first value of an entry stands for it.
        let lines: Vec<&str> = places.iter().map(String::as_str).collect();
        let seen = expected.iter().all(|place| lines.contains(place));
        let changed: Vec<&str> = edited.files.keys().map(TreePath::as_str).collect();
        let mut wanted: Vec<&str> = expected.iter().map(|place| place.split(':').next().unwrap()).collect();
        wanted.sort_unstable();
        assert!(seen && changed == wanted, "{row}: {places:?} {:?}", edited.files);
        assert!(edited.missing.is_empty() && !edited.found.is_empty(), "{row}: {edited:?}");
    }
}

#[test]
fn what_is_not_there_is_missing_in_each_path() {
    let seed = seed();
    let files: Vec<(&str, &str)> = seed.iter().map(|(path, text)| (*path, text.as_str())).collect();
    for (row, paths, images, expected, note) in [
        ("another name", "apps overlays/dev", "app:2", &["0 apps", "0 overlays/dev"][..], ""),
        ("one of two", "base", "reg.example/my-app:2 web:1", &["1 base"], ""),
        ("nothing is built", "empty", "reg.example/my-app:2", &["0 empty"], ""),
        (
            "a base elsewhere",
            "overlays/far",
            "reg.example/my-app:2",
            &["0 overlays/far"],
            "https://git.example/base",
        ),
        (
            "a template",
            "apps/chart/templates",
            "reg.example/my-app:2",
            &["0 apps/chart/templates"],
            "is a template",
        ),
    ] {
        let edited = edit(&files, &Ask { paths, images, ..Ask::default() }).unwrap();
        let missing: Vec<String> =
            edited.missing.iter().map(|missing| format!("{} {}", missing.image, missing.path)).collect();
        assert_eq!(missing, expected, "{row}");
        assert!(edited.notes.join("; ").contains(note), "{row}: {:?}", edited.notes);
    }
    let error = edit(&files, &Ask { paths: "nowhere", images: "a:1", ..Ask::default() }).unwrap_err();
    assert!(matches!(error, TreeError::Tree(filetree::FileError::NotFound { .. })), "{error}");
    let broken = [("a.yaml", "kind: [my-app\n")];
    let error = edit(&broken, &Ask { paths: ".", images: "my-app:1", ..Ask::default() }).unwrap_err();
    assert!(matches!(&error, TreeError::File { path, .. } if path.as_str() == "a.yaml"), "{error}");
}

#[test]
fn bases_under_the_path_are_not_given_what_overlays_get() {
    let base = deployment("web:1");
    let files = [
        ("outside/d.yaml", base.as_str()),
        ("app/base/kustomization.yaml", "resources: [../../outside/d.yaml, ../base]\n"),
        ("app/dev/kustomization.yaml", "resources: [../base]\n"),
        ("app/prod/kustomization.yaml", "components: [../base]\n"),
    ];
    let edited = edit(&files, &Ask { paths: "app", images: "web:2", ..Ask::default() }).unwrap();
    let changed: Vec<&str> = edited.files.keys().map(TreePath::as_str).collect();
    assert_eq!(changed, ["app/dev/kustomization.yaml", "app/prod/kustomization.yaml"]);
}
