//! Files with other images in them: whole texts before and after.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use image::{Request, set_image};

const DIGEST: &str = "sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3";

fn request(images: &[&str], keys: &[&str], add: bool) -> Request {
    Request {
        images: images.iter().map(|image| image.replace("DIGEST", DIGEST).parse().unwrap()).collect(),
        values_keys: keys.iter().map(|key| key.parse().unwrap()).collect(),
        add_to_kustomization: add,
    }
}

/// Name, images, keys, text before and after (the digest written `DIGEST`), and each change as `line field: old > new`.
type Row = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
    &'static str,
    &'static [&'static str],
);

fn check(path: &str, add: bool, rows: &[Row]) {
    for (name, images, keys, before, after, changes) in rows {
        let before = before.replace("DIGEST", DIGEST);
        let edited = set_image(path, &before, &request(images, keys, add))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(edited.text.replace(DIGEST, "DIGEST"), *after, "{name}");
        let shown =
            |value: &Option<String>| value.clone().unwrap_or("-".to_owned()).replace(DIGEST, "DIGEST");
        let made: Vec<String> = edited
            .changes
            .iter()
            .map(|change| {
                format!("{} {}: {} > {}", change.line, change.field, shown(&change.old), shown(&change.new))
            })
            .collect();
        assert_eq!(made, *changes, "{name}");
        assert!(edited.changes.iter().all(|change| change.path == path), "{name}");
        assert!(!edited.found.is_empty() || before == edited.text, "{name}");
    }
}

#[test]
fn manifests() {
    check(
        "app/all.yaml",
        false,
        &[
            (
                "containers of every sort, in two documents",
                &["api:2"],
                &[],
                "# one\napiVersion: v1\nkind: Pod\nspec:\n  initContainers:\n  - image: api:1 # first\n  containers:\n  - {name: a, image: \"api:1\"}\n  - image: other:1\n---\napiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: {ephemeralContainers: [{image: api}]}}}}}\n",
                "# one\napiVersion: v1\nkind: Pod\nspec:\n  initContainers:\n  - image: api:2 # first\n  containers:\n  - {name: a, image: \"api:2\"}\n  - image: other:1\n---\napiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: {ephemeralContainers: [{image: \"api:2\"}]}}}}}\n",
                &[
                    "6 #1 spec.initContainers[0].image: api:1 > api:2",
                    "8 #1 spec.containers[0].image: api:1 > api:2",
                    "13 #2 spec.jobTemplate.spec.template.spec.ephemeralContainers[0].image: api > api:2",
                ],
            ),
            (
                "nothing to change",
                &["api:2"],
                &[],
                "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image:   'api:2'\n",
                "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image:   'api:2'\n",
                &[],
            ),
            (
                "an image in another place",
                &["api:2"],
                &[],
                "apiVersion: x/v1\nkind: X\nspec: {image: api:1}\n",
                "apiVersion: x/v1\nkind: X\nspec: {image: api:1}\n",
                &[],
            ),
            (
                "a list",
                &["ghcr.io/a/b:2"],
                &[],
                "apiVersion: v1\nkind: List\nitems:\n- spec:\n    containers:\n    - image: ghcr.io/a/b:1\n",
                "apiVersion: v1\nkind: List\nitems:\n- spec:\n    containers:\n    - image: ghcr.io/a/b:2\n",
                &["6 items[0].spec.containers[0].image: ghcr.io/a/b:1 > ghcr.io/a/b:2"],
            ),
            (
                "the public hub's short name",
                &["nginx:2"],
                &[],
                "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: docker.io/library/nginx:1}]}\n",
                "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: \"docker.io/library/nginx:2\"}]}\n",
                &["3 spec.containers[0].image: docker.io/library/nginx:1 > docker.io/library/nginx:2"],
            ),
            (
                "a digest instead of a tag",
                &["api@DIGEST"],
                &[],
                "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: api:1\n",
                "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: api@DIGEST\n",
                &["5 spec.containers[0].image: api:1 > api@DIGEST"],
            ),
            (
                "a tag instead of a digest",
                &["api:2"],
                &[],
                "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: api:1@DIGEST\n",
                "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: api:2\n",
                &["5 spec.containers[0].image: api:1@DIGEST > api:2"],
            ),
            (
                "another name, the tag stays",
                &["api=r.example/api"],
                &[],
                "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: api:1\n",
                "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: r.example/api:1\n",
                &["5 spec.containers[0].image: api:1 > r.example/api:1"],
            ),
            (
                "by an alias",
                &["api:2"],
                &[],
                "apiVersion: v1\nkind: Pod\nspec:\n  initContainers:\n  - image: &api api:1\n  containers:\n  - image: *api\n",
                "apiVersion: v1\nkind: Pod\nspec:\n  initContainers:\n  - image: &api api:2\n  containers:\n  - image: *api\n",
                &[
                    "5 spec.initContainers[0].image: api:1 > api:2",
                    "7 spec.containers[0].image: api:1 > api:2",
                ],
            ),
        ],
    );
}

#[test]
fn kustomizations() {
    check(
        "over/kustomization.yaml",
        false,
        &[
            (
                "a tag",
                &["api:1.10"],
                &[],
                "images:\n# ours\n- name: api # keep\n  newTag: \"1.9\" # by CI\n\nresources: [a]\n",
                "images:\n# ours\n- name: api # keep\n  newTag: \"1.10\" # by CI\n\nresources: [a]\n",
                &["4 images[0].newTag: 1.9 > 1.10"],
            ),
            (
                "a tag that was a number",
                &["api:1.10"],
                &[],
                "images:\n- name: api\n  newTag: 1.9\n",
                "images:\n- name: api\n  newTag: \"1.10\"\n",
                &["3 images[0].newTag: 1.9 > 1.10"],
            ),
            (
                "the new name stays",
                &["api:2"],
                &[],
                "images:\n  - name: api\n    newName: r.example/api\n    newTag: v1\n",
                "images:\n  - name: api\n    newName: r.example/api\n    newTag: \"2\"\n",
                &["4 images[0].newTag: v1 > 2"],
            ),
            (
                "found by its new name",
                &["r.example/api:v2"],
                &[],
                "images:\n- {name: api, newName: r.example/api, newTag: v1}\n",
                "images:\n- {name: api, newName: r.example/api, newTag: v2}\n",
                &["2 images[0].newTag: v1 > v2"],
            ),
            (
                "digest to tag",
                &["api:v2"],
                &[],
                "images:\n- name: api\n  digest: DIGEST\n",
                "images:\n- name: api\n  newTag: v2\n",
                &["2 images[0].digest: DIGEST > -", "3 images[0].newTag: - > v2"],
            ),
            (
                "tag to digest",
                &["api@DIGEST"],
                &[],
                "images:\n- name: api\n  newTag: v1\n",
                "images:\n- name: api\n  digest: DIGEST\n",
                &["2 images[0].newTag: v1 > -", "3 images[0].digest: - > DIGEST"],
            ),
            (
                "a new name",
                &["api=r.example/api:v2"],
                &[],
                "images:\n- name: api\n",
                "images:\n- name: api\n  newName: r.example/api\n  newTag: v2\n",
                &["3 images[0].newName: - > r.example/api", "4 images[0].newTag: - > v2"],
            ),
            (
                "a new name alone",
                &["api=r.example/api"],
                &[],
                "images:\n- name: api\n  newTag: 1.10\n",
                "images:\n- name: api\n  newTag: 1.10\n  newName: r.example/api\n",
                &["4 images[0].newName: - > r.example/api"],
            ),
            (
                "the old field",
                &["api:v2"],
                &[],
                "imageTags:\n- name: api\n  newTag: v1\n",
                "imageTags:\n- name: api\n  newTag: v2\n",
                &["3 imageTags[0].newTag: v1 > v2"],
            ),
            (
                "not there",
                &["api:v2"],
                &[],
                "images:\n- name: web\n  newTag: v1\n",
                "images:\n- name: web\n  newTag: v1\n",
                &[],
            ),
            (
                "no tag to set",
                &["api:*"],
                &[],
                "images:\n- name: api\n  newTag: v1\n",
                "images:\n- name: api\n  newTag: v1\n",
                &[],
            ),
        ],
    );
    check(
        "Kustomization",
        true,
        &[
            (
                "added",
                &["api:v2"],
                &[],
                "resources:\n- a\n",
                "resources:\n- a\nimages:\n- name: api\n  newTag: v2\n",
                &["4 images[0].name: - > api", "5 images[0].newTag: - > v2"],
            ),
            (
                "added to others",
                &["api=b:v2", "c@DIGEST"],
                &[],
                "images:\n  - name: web # x\n    newTag: v1\n",
                "images:\n  - name: web # x\n    newTag: v1\n  - name: api\n    newName: b\n    newTag: v2\n  - digest: DIGEST\n    name: c\n",
                &[
                    "4 images[1].name: - > api",
                    "5 images[1].newName: - > b",
                    "6 images[1].newTag: - > v2",
                    "7 images[2].digest: - > DIGEST",
                    "8 images[2].name: - > c",
                ],
            ),
            (
                "added to nothing",
                &["api:v2"],
                &[],
                "images: []\n",
                "images:\n- name: api\n  newTag: v2\n",
                &["2 images[0].name: - > api", "3 images[0].newTag: - > v2"],
            ),
            (
                "there already",
                &["api:v2"],
                &[],
                "images:\n- name: api\n  newTag: v1\n",
                "images:\n- name: api\n  newTag: v2\n",
                &["3 images[0].newTag: v1 > v2"],
            ),
        ],
    );
}

#[test]
fn values_by_key() {
    check(
        "chart/values.yaml",
        false,
        &[
            (
                "tag",
                &["r.example/api:1.10"],
                &["image.tag"],
                "# d\nimage:\n  repository: r.example/api\n  tag: \"1.9\" # CI\n",
                "# d\nimage:\n  repository: r.example/api\n  tag: \"1.10\" # CI\n",
                &["4 image.tag: 1.9 > 1.10"],
            ),
            (
                "a tag that is not there",
                &["api:v2"],
                &["image.tag"],
                "image:\n  repository: api\nport: 1\n",
                "image:\n  repository: api\n  tag: v2\nport: 1\n",
                &["3 image.tag: - > v2"],
            ),
            (
                "a file of nothing",
                &["api:v2"],
                &["image.tag"],
                "",
                "image:\n  tag: v2\n",
                &["2 image.tag: - > v2"],
            ),
            (
                "a literal key",
                &["api:v2"],
                &["image.tag"],
                "image.tag: v1\n",
                "image.tag: v2\n",
                &["1 \"image.tag\": v1 > v2"],
            ),
            (
                "repository and tag",
                &["a=r.example/api:v2"],
                &["image.repository", "image.tag"],
                "image: {repository: a, tag: v1}\n",
                "image: {repository: r.example/api, tag: v2}\n",
                &["1 image.repository: a > r.example/api", "1 image.tag: v1 > v2"],
            ),
            (
                "whole",
                &["api:v2"],
                &["image"],
                "image: r.example/api:v1\n",
                "image: r.example/api:v2\n",
                &["1 image: r.example/api:v1 > r.example/api:v2"],
            ),
            (
                "whole, not there",
                &["r.example/api:v2"],
                &["web.image"],
                "a: 1\n",
                "a: 1\nweb:\n  image: r.example/api:v2\n",
                &["3 web.image: - > r.example/api:v2"],
            ),
            (
                "a map",
                &["api:v2"],
                &["image"],
                "image:\n  registry: r.example\n  repository: api\n  tag: v1\n  digest: DIGEST\n",
                "image:\n  registry: r.example\n  repository: api\n  tag: v2\n  digest: \"\"\n",
                &["4 image.tag: v1 > v2", "5 image.digest: DIGEST > "],
            ),
            (
                "a map and another registry",
                &["r.example/api=s.example/b/api:v2"],
                &["image"],
                "image:\n  registry: r.example\n  repository: api\n  tag: v1\n",
                "image:\n  registry: s.example\n  repository: b/api\n  tag: v2\n",
                &[
                    "2 image.registry: r.example > s.example",
                    "3 image.repository: api > b/api",
                    "4 image.tag: v1 > v2",
                ],
            ),
            (
                "registry and repository",
                &["a=s.example/b/api:v2"],
                &["image.registry", "image.repository", "image.tag"],
                "image: {registry: r.example, repository: api, tag: v1}\n",
                "image: {registry: s.example, repository: b/api, tag: v2}\n",
                &[
                    "1 image.registry: r.example > s.example",
                    "1 image.repository: api > b/api",
                    "1 image.tag: v1 > v2",
                ],
            ),
            (
                "a digest behind the tag",
                &["api@DIGEST"],
                &["image.tag"],
                "image: {tag: v1}\n",
                "image: {tag: \"v1@DIGEST\"}\n",
                &["1 image.tag: v1 > v1@DIGEST"],
            ),
            (
                "a digest of its own",
                &["api:v2@DIGEST"],
                &["image"],
                "image: {name: api, tag: v1, digest: ''}\n",
                "image: {name: api, tag: v2, digest: 'DIGEST'}\n",
                &["1 image.tag: v1 > v2", "1 image.digest:  > DIGEST"],
            ),
            (
                "two images, each its key",
                &["api:v2", "web:v3"],
                &["api=a.tag", "web=b.tag"],
                "a: {tag: v1}\nb: {tag: v1}\n",
                "a: {tag: v2}\nb: {tag: v3}\n",
                &["1 a.tag: v1 > v2", "2 b.tag: v1 > v3"],
            ),
            (
                "two images, known by what stands there",
                &["api:v2", "web:v3"],
                &["a.tag", "b"],
                "a: {repository: api, tag: v1}\nb: {repository: web, tag: v1}\n",
                "a: {repository: api, tag: v2}\nb: {repository: web, tag: v3}\n",
                &["1 a.tag: v1 > v2", "2 b.tag: v1 > v3"],
            ),
            (
                "an item",
                &["api:v2"],
                &["a[1].tag"],
                "a:\n- tag: x\n- tag: v1 # y\n",
                "a:\n- tag: x\n- tag: v2 # y\n",
                &["3 a[1].tag: v1 > v2"],
            ),
        ],
    );
}

#[test]
fn values_by_name() {
    check(
        "chart/values.yaml",
        false,
        &[
            (
                "parts",
                &["r.example/api:v2"],
                &[],
                "a:\n  image:\n    registry: r.example\n    repository: api\n    tag: v1\nb:\n  image: {repository: r.example/api, tag: v1}\nc: {image: r.example/api:v1}\nd: {repository: r.example/api}\n",
                "a:\n  image:\n    registry: r.example\n    repository: api\n    tag: v2\nb:\n  image: {repository: r.example/api, tag: v2}\nc: {image: \"r.example/api:v2\"}\nd: {repository: r.example/api}\n",
                &[
                    "5 a.image.tag: v1 > v2",
                    "7 b.image.tag: v1 > v2",
                    "8 c.image: r.example/api:v1 > r.example/api:v2",
                ],
            ),
            (
                "others",
                &["api:v2"],
                &[],
                "image: {repository: r.example/api, tag: v1}\n",
                "image: {repository: r.example/api, tag: v1}\n",
                &[],
            ),
        ],
    );
}

#[test]
fn what_cannot_be_done_is_said() {
    let rows = [
        (
            "a.yaml",
            "apiVersion: v1\nkind: [\n",
            request(&["api:2"], &[], false),
            "line 3, column 1: did not find expected node content",
        ),
        (
            "values.yaml",
            "image:\n- a\n",
            request(&["api:2"], &["image"], false),
            "line 2: image is no place for an image",
        ),
        (
            "values.yaml",
            "image: 1\n",
            request(&["api:2"], &["image.tag"], false),
            "line 1: image.tag is no place for an image",
        ),
        (
            "values.yaml",
            "a: {tag: 1}\n",
            request(&["api:2", "web:2"], &["a.tag"], false),
            "a.tag may be for any of the images: say NAME=a.tag",
        ),
        (
            "values.yaml",
            "a: {tag: 1}\n",
            request(&["api:2"], &["web=a.tag"], false),
            "web=a.tag is for an image that is not among those to set",
        ),
        (
            "values.yaml",
            "a: {registry: r.example, repository: x}\n",
            request(&["x=s.example/x:2"], &["a.repository"], false),
            "a.registry is \"r.example\", and the image is in \"s.example\": give its key, too",
        ),
        (
            "values.yaml",
            "x: &x {tag: v1}\na: *x\n",
            request(&["api:v2"], &["a.tag"], false),
            "line 2, column 4: a is the alias *x: a change would be one of its anchor, too (line 1)",
        ),
    ];
    for (path, text, request, message) in rows {
        assert_eq!(set_image(path, text, &request).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn images_and_keys_are_read_from_text() {
    let wanted = |text: &str| {
        text.parse::<image::Wanted>()
            .map(|w| (w.name, w.new_name, w.tag, w.digest))
            .map_err(|e| e.to_string())
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(wanted("a:1"), Ok(("a".to_owned(), None, some("1"), None)));
    assert_eq!(wanted("a=b"), Ok(("a".to_owned(), some("b"), None, None)));
    assert_eq!(wanted("a=a:1"), Ok(("a".to_owned(), None, some("1"), None)));
    assert_eq!(wanted("a=b:*"), Ok(("a".to_owned(), some("b"), None, None)));
    for bad in ["a", "", "=a:1", "a=", "a:1=b", "a=b=c", "A:1"] {
        assert!(wanted(bad).is_err(), "{bad}");
    }
    let key = |text: &str| {
        text.parse::<image::ValuesKey>().map(|key| (key.image, key.path)).map_err(|e| e.to_string())
    };
    let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>();
    assert_eq!(key("a.b"), Ok((None, keys(&["a", "b"]))));
    assert_eq!(key("api=a[2].\"b.c\""), Ok((some("api"), keys(&["a", "2", "b.c"]))));
    for bad in ["", "a..b", "a[x]", "a[1", "\"a", "a[1]b", ".a"] {
        assert!(key(bad).is_err(), "{bad}");
    }
}
