//! What strangers' templates may cost, and what they may see.

use std::rc::Rc;

use gotemplate::{Budget, Limits, Run, Templates, Value};
use sprig::{Dialect, Fixed, Host, Moment};

fn run(dialect: Dialect, template: &str) -> Result<String, String> {
    let limits = Limits { steps: 10_000_000, allocated: 64 << 20, ..Limits::default() };
    run_within(dialect, template, limits)
}

fn run_within(dialect: Dialect, template: &str, limits: Limits) -> Result<String, String> {
    let mut templates = Templates::new(sprig::functions(dialect));
    templates.parse("t", template).map_err(|error| error.to_string())?;
    let host = Host::new(Fixed::new(Moment { seconds: 1_700_000_000, nanos: 0 }, 7));
    let mut run = Run::new(Budget::new(limits)).with(Rc::new(host));
    templates.execute(&mut run, "t", &Value::Nil).map_err(|error| error.to_string())
}

#[test]
fn what_a_function_builds_is_budgeted_before_it_is_built() {
    let rows = [
        r#"{{ repeat 1000000000000 "ab" }}"#,
        r#"{{ indent 1000000000000 "a" }}"#,
        r#"{{ nindent 2000000000 "a" }}"#,
        "{{ until 1000000000000 }}",
        "{{ untilStep 0 9223372036854775807 1 }}",
        "{{ seq 1 1000000000000 }}",
        "{{ randAlphaNum 1000000000000 }}",
        "{{ randBytes 1000000000000 }}",
        r#"{{ replace "" (repeat 1000000 "b") (repeat 1000000 "a") }}"#,
        r#"{{ regexReplaceAll "a" (repeat 100000 "a") (repeat 1000000 "b") }}"#,
        r#"{{ wrapWith 1 (repeat 1000000 "b") (repeat 1000000 "a") }}"#,
        r#"{{ range until 1000 }}{{ htpasswd "a" "b" }}{{ end }}"#,
        r#"{{ range until 1000 }}{{ genCA "a" 1 }}{{ end }}"#,
        // A33: what costs time by itself. None takes a cost or a size of key from the template.
        r#"{{ range until 1000 }}{{ genPrivateKey "rsa" }}{{ end }}"#,
        r#"{{ range until 1000 }}{{ bcrypt "a" }}{{ end }}"#,
        r#"{{ range until 1000 }}{{ derivePassword 1 "long" (toString .) "u" "s" }}{{ end }}"#,
        r#"{{ $l := list }}{{ range until 100000 }}{{ $l = append $l . }}{{ end }}"#,
    ];
    for template in rows {
        let error = run(Dialect::Helm, template).expect_err(template);
        assert!(error.contains("budget exceeded"), "{template}: {error}");
    }
}

#[test]
fn numbers_that_grow_end_with_their_limit() {
    let error = run(Dialect::Helm, "{{ $x := 1e300 }}{{ mulf (list $x) 1 }}{{ divf 1e-300 1e300 }}");
    assert_eq!(error.as_deref(), Ok("00"));
    let many = format!("{{{{ mulf {} }}}}", "1e308 ".repeat(100));
    assert_eq!(run(Dialect::Helm, &many).as_deref(), Ok("+Inf"));
}

#[test]
fn regular_expressions_are_linear_and_bounded() {
    let text = r#"(repeat 20000 "a" | printf "%sb")"#;
    let rows = [
        (format!(r#"{{{{ regexMatch "(a+)+$" {text} }}}}"#), Ok("false")),
        (format!(r#"{{{{ regexMatch "(a|aa)+$" {text} }}}}"#), Ok("false")),
        (r#"{{ regexFind "x{1000}{1000}{1000}" "x" }}"#.into(), Err("invalid nested repetition operator")),
        (r#"{{ regexFind "((x{1000}){1000}){1000}" "x" }}"#.into(), Err("invalid repeat count")),
        (r#"{{ regexFind (repeat 1048576 "x") "x" }}"#.into(), Err("expression too large")),
        (r#"{{ regexFind (repeat 2000 "(") "x" }}"#.into(), Err("expression nests too deeply")),
        (r#"{{ regexFind (repeat 500 "\\pL{1000}") "x" }}"#.into(), Err("expression too large")),
    ];
    for (template, expected) in rows {
        match (run(Dialect::Sprig, &template), expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected, "{template}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{template}: {error}"),
            (got, expected) => panic!("{template}: {got:?}, not {expected:?}"),
        }
    }
}

#[test]
fn a_map_that_holds_itself_is_followed_to_a_limit() {
    let calls = [
        "toJson $d",
        "toYaml $d",
        "toYamlPretty $d",
        "toToml $d",
        "toString $d",
        "quote $d",
        "cat $d",
        "join $d $d",
        "deepCopy $d",
        "merge $d $e",
        "mergeOverwrite $e $d",
        "deepEqual $d $e",
        "has $d (list $e)",
    ];
    for call in calls {
        let template = format!(
            r#"{{{{ $d := dict }}}}{{{{ $_ := set $d "a" $d }}}}{{{{ $e := dict }}}}{{{{ $_ := set $e "a" $e }}}}{{{{ {call} }}}}"#
        );
        if let Err(error) = run(Dialect::Helm, &template) {
            assert!(error.contains("nests deeper") || error.contains("expected string"), "{call}: {error}");
        } else {
            panic!("{call} came to an end");
        }
    }
}

#[test]
fn deep_values_do_not_take_the_stack() {
    for call in ["toJson", "toYaml", "toString", "deepCopy", "toToml", "toYamlPretty"] {
        let template = format!(
            r#"{{{{ $d := dict }}}}{{{{ range until 100000 }}}}{{{{ $d = dict "a" $d }}}}{{{{ end }}}}{{{{ {call} $d }}}}"#
        );
        assert!(run(Dialect::Helm, &template).is_err(), "{call}");
    }
    let deep = [
        r#"{{ fromJson (repeat 100000 "[") }}"#,
        r#"{{ fromJson (printf "%s%s" (repeat 100000 "[") (repeat 100000 "]")) }}"#,
        r#"{{ fromYaml (repeat 100000 "[") }}"#,
        r#"{{ fromToml (printf "a = %s%s" (repeat 100000 "[") (repeat 100000 "]")) }}"#,
    ];
    for template in deep {
        assert!(run(Dialect::Helm, template).is_ok_and(|text| text.contains("Error")), "{template:.60}");
    }
}

#[test]
fn nothing_of_the_machine_is_seen() {
    let dialects = [
        Dialect::Sprig,
        Dialect::Helm,
        Dialect::ApplicationSet,
        Dialect::Notifications,
        Dialect::ExternalSecrets,
    ];
    for dialect in dialects {
        for call in [r#"env "HOME""#, r#"expandenv "$HOME""#] {
            let error = run(dialect, &format!("{{{{ {call} }}}}")).unwrap_err();
            assert!(error.contains("not defined"), "{dialect:?}: {error}");
        }
        let host = run(dialect, r#"{{ getHostByName "localhost" }}"#);
        match dialect {
            Dialect::Sprig | Dialect::Helm => assert_eq!(host.as_deref(), Ok(""), "{dialect:?}"),
            _ => assert!(host.unwrap_err().contains("not defined"), "{dialect:?}"),
        }
    }
}

#[test]
fn application_sets_have_their_own_names_and_yaml() {
    let rows = [
        (r#"{{ normalize "-Feature/ABC_é.x." }}"#, Ok("feature-abc--.x")),
        (r#"{{ repeat 300 "a" | normalize | len }}"#, Ok("253")),
        (
            r#"{{ (fromYaml "a: 1").a }}{{ fromYaml "" }}{{ fromYamlArray "[x]" }}{{ toYaml (list 1) }}"#,
            Ok("1map[][x]- 1"),
        ),
        (
            r#"{{ fromYaml "[]" }}"#,
            Err("cannot unmarshal array into Go value of type map[string]interface {}"),
        ),
        (r#"{{ fail "x" }}"#, Err("error calling fail: x")),
        (r#"{{ required "x" "" }}"#, Err("not defined")),
    ];
    for (template, expected) in rows {
        match (run(Dialect::ApplicationSet, template), expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected, "{template}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{template}: {error}"),
            (got, expected) => panic!("{template}: {got:?}, not {expected:?}"),
        }
    }
}

#[test]
fn a_render_is_repeated_to_the_letter() {
    let template = r#"{{ randAlphaNum 20 }}{{ uuidv4 }}{{ now }}{{ randInt 0 1000 }}{{ shuffle "abcdef" }}{{ (genCA "a" 1).Cert }}{{ bcrypt "x" }}"#;
    let one = run(Dialect::Helm, template).unwrap();
    assert_eq!(run(Dialect::Helm, template).unwrap(), one);
    let shape = run(
        Dialect::Helm,
        r#"{{ regexMatch "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$" uuidv4 }}{{ randAlpha 50 | regexMatch "^[A-Za-z]{50}$" }}{{ len (randAscii 70) }}{{ bcrypt "x" | hasPrefix "$2a$10$" }}{{ decryptAES "k" (encryptAES "k" "plain") }}"#,
    );
    assert_eq!(shape.as_deref(), Ok("truetrue70trueplain"));
}

#[test]
fn without_a_world_the_reason_is_told() {
    let mut templates = Templates::new(sprig::functions(Dialect::Helm));
    templates.parse("t", "{{ randAlpha 3 }}").unwrap();
    let error =
        templates.execute(&mut Run::new(Budget::new(Limits::default())), "t", &Value::Nil).unwrap_err();
    assert!(
        error.to_string().ends_with("randAlpha needs time or chance, and this run has neither"),
        "{error}"
    );
}

#[test]
fn a_master_key_that_is_kept_is_that_of_its_user_and_password() {
    let derived = |password: &str, user: &str| {
        format!(r#"{{{{ derivePassword 1 "long" "{password}" "{user}" "s" }}}}"#)
    };
    let rendered = |template: &str| run_within(Dialect::Helm, template, Limits::default()).unwrap();
    let pairs = [("p", "u"), ("q", "u"), ("p", "v"), ("p", "u"), ("p", "u")];
    let alone = pairs.map(|(password, user)| rendered(&derived(password, user)));
    let together: String = pairs.iter().map(|(password, user)| derived(password, user)).collect();
    assert_eq!(rendered(&together), alone.concat());
}
