//! `capstan helm template` beside what helm v3.22.0 printed for the same words: standard output, standard error and exit code.
#![expect(clippy::disallowed_methods, reason = "a test that starts the binary")]

use std::process::Command;

const FILES: [(&str, &str); 8] = [
    ("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.2.0\n"),
    ("web/values.yaml", "color: red\n"),
    (
        "web/templates/c.yaml",
        "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  color: {{ .Values.color }}\n",
    ),
    (
        "web/templates/t.yaml",
        "kind: Pod\napiVersion: v1\nmetadata:\n  name: t\n  annotations: {helm.sh/hook: test}\n",
    ),
    ("blue.yaml", "color: blue\n"),
    ("need/Chart.yaml", "apiVersion: v2\nname: need\nversion: 0.1.0\n"),
    ("need/templates/c.yaml", "a: {{ required \"say it\" .Values.a }}\n"),
    ("none/README.md", "no chart\n"),
];

const MAP: &str = "---\n# Source: web/templates/c.yaml\nkind: ConfigMap\napiVersion: v1\nmetadata:\n  name: NAME\ndata:\n  color: COLOR\n";
const TEST: &str = "---\n# Source: web/templates/t.yaml\nkind: Pod\napiVersion: v1\nmetadata:\n  name: t\n  annotations: {helm.sh/hook: test}\n";

#[test]
fn prints_what_helm_prints() {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in FILES {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let map = |name: &str, color: &str| MAP.replace("NAME", name).replace("COLOR", color);
    let all = |name: &str, color: &str| map(name, color) + TEST;
    let rows: [(&[&str], String, &str); 17] = [
        (&["x", "web"], all("x", "red"), ""),
        (&["web"], all("release-name", "red"), ""),
        (&["x", "web", "-f", "blue.yaml"], all("x", "blue"), ""),
        (&["x", "web", "-f", "blue.yaml", "--set", "color=7"], all("x", "7"), ""),
        (&["x", "web", "--skip-tests"], map("x", "red"), ""),
        (&["x", "web", "--no-hooks", "--api-versions", "a/v1,b/v1"], map("x", "red"), ""),
        (&["x", "web", "-s", "templates/c.yaml"], map("x", "red"), ""),
        (&["web", "--name-template", "{{ \"a-b\" | trunc 2 }}x", "--no-hooks"], map("a-x", "red"), ""),
        (
            &["x", "web", "--output-dir", "out"],
            "wrote out/web/templates/c.yaml\nwrote out/web/templates/t.yaml\n\n".to_owned(),
            "",
        ),
        (
            &["x", "web", "-s", "templates/z.yaml"],
            String::new(),
            "Error: could not find template templates/z.yaml in chart\n",
        ),
        (
            &["x", "web", "-f", "nope.yaml"],
            String::new(),
            "Error: open nope.yaml: no such file or directory\n",
        ),
        (&["./nope"], String::new(), "Error: path \"./nope\" not found\n"),
        (
            &["x", "web", "--kube-version", "abc"],
            String::new(),
            "Error: invalid kube version 'abc': could not parse \"abc\" as version\n",
        ),
        (
            &["x", "web", "--name-template", "y"],
            String::new(),
            "Error: cannot set --name-template and also specify a name\n",
        ),
        (
            &["x", "need"],
            String::new(),
            "Error: execution error at (need/templates/c.yaml:1:6): say it\n\nUse --debug flag to render out invalid YAML\n",
        ),
        (&["x", "none"], String::new(), "Error: Chart.yaml file is missing\n"),
        // A40: helm would run it.
        (
            &["x", "web", "--post-renderer", "/bin/sh"],
            String::new(),
            "Error: --post-renderer would run a program, and none is run here: pipe the output into it\n",
        ),
    ];
    for (words, expected, complaint) in rows {
        let output = Command::new(env!("CARGO_BIN_EXE_capstan"))
            .current_dir(directory.path())
            .args(["helm", "template"])
            .args(words)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&output.stderr), complaint, "{words:?}");
        assert_eq!(text(&output.stdout), expected, "{words:?}");
        assert_eq!(output.status.code(), Some(i32::from(!complaint.is_empty())), "{words:?}");
    }
    assert!(directory.path().join("out/web/templates/t.yaml").is_file());
}
