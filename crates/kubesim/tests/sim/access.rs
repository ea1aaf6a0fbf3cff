//! Who may do what, what goes wrong on purpose, and what is written down about it.

use crate::support::Api;
use kubesim::{Access, FaultAction, FaultRule, Faults, Identity, Rule};
use serde_json::{Value, json};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

fn reader(access: Access) -> Identity {
    Identity { user: "system:serviceaccount:default:robot".to_owned(), groups: Vec::new(), access }
}

#[tokio::test]
async fn a_limited_identity_is_told_what_it_lacks() {
    let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let rule = Rule {
        groups: words(&[""]),
        resources: words(&["configmaps"]),
        verbs: words(&["get", "list"]),
        ..Rule::default()
    };
    let api = Api::new();
    api.sim.set_identity("robot", reader(Access::Rules(vec![rule])));
    let headers = [("authorization", "Bearer robot"), ("content-type", "application/json")];
    api.send("GET", MAPS, &headers, &Value::Null).await.expect(200);
    api.send("GET", "/api", &headers, &Value::Null).await.expect(200);
    api.send("POST", MAPS, &headers, &json!({"metadata": {"name": "a"}})).await.fails(
        403,
        "configmaps is forbidden: User \"system:serviceaccount:default:robot\" cannot create resource \"configmaps\" in \
         API group \"\" in the namespace \"default\"",
    );
    api.send("GET", "/apis/apps/v1/deployments", &headers, &Value::Null).await.fails(
        403,
        "deployments.apps is forbidden: User \"system:serviceaccount:default:robot\" cannot list resource \
         \"deployments\" in API group \"apps\" at the cluster scope",
    );
    let unknown = [("authorization", "Bearer nobody")];
    api.send("GET", MAPS, &unknown, &Value::Null).await.fails(401, "Unauthorized");
}

#[tokio::test]
async fn bindings_in_the_cluster_count() {
    let api = Api::new();
    api.sim.set_identity("robot", reader(Access::Bindings));
    let headers = [("authorization", "Bearer robot")];
    assert_eq!(api.send("GET", MAPS, &headers, &Value::Null).await.code, 403);
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]);
    api.post(&format!("{RBAC}/clusterroles"), json!({"metadata": {"name": "r"}, "rules": rules}))
        .await
        .expect(201);
    let subjects = json!([{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}]);
    let role = json!({"kind": "ClusterRole", "name": "r", "apiGroup": "rbac.authorization.k8s.io"});
    let body = json!({"metadata": {"name": "b"}, "roleRef": role, "subjects": subjects});
    api.post(&format!("{RBAC}/namespaces/default/rolebindings"), body).await.expect(201);
    api.send("GET", MAPS, &headers, &Value::Null).await.expect(200);
    assert_eq!(api.send("GET", "/api/v1/configmaps", &headers, &Value::Null).await.code, 403);
    let review = json!({"spec": {"resourceAttributes": {"verb": "list", "resource": "configmaps", "namespace": "default"}}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let headers = [("authorization", "Bearer robot"), ("content-type", "application/json")];
    let answer = api.send("POST", path, &headers, &review).await.expect(201);
    assert_eq!(answer["status"], json!({"allowed": true}));
}

#[tokio::test]
async fn faults_meet_the_requests_that_they_are_for() {
    let api = Api::new();
    let busy = FaultAction::Refuse { status: 429, retry_after: Some(3) };
    api.sim.set_faults(
        Faults::default().rule(FaultRule::new(busy).verb("create").resource("configmaps").skip(1).times(1)),
    );
    let body = |name: &str| json!({"metadata": {"name": name}});
    api.post(MAPS, body("a")).await.expect(201);
    let refused = api.post(MAPS, body("b")).await;
    assert_eq!(refused.headers["retry-after"], "3");
    assert_eq!(refused.expect(429)["details"]["retryAfterSeconds"], 3);
    api.post(MAPS, body("b")).await.expect(201);
}

#[tokio::test]
async fn a_lost_answer_is_no_lost_write() {
    let api = Api::new();
    api.sim.set_faults(Faults::default().rule(FaultRule::new(FaultAction::ResetAfterCommit).verb("create")));
    let lost = api.try_post(MAPS, json!({"metadata": {"name": "a"}})).await;
    assert_eq!(lost.unwrap_err().to_string(), "connection reset by peer");
    api.sim.set_faults(Faults::default());
    api.get(&format!("{MAPS}/a")).await.expect(200);
}

#[tokio::test]
async fn requests_are_written_down() {
    let api = Api::new();
    api.apply(&format!("{MAPS}/a"), json!({"apiVersion": "v1", "kind": "ConfigMap"})).await.expect(201);
    assert_eq!(api.get(&format!("{MAPS}/b")).await.code, 404);
    let seen: Vec<String> = api
        .sim
        .requests()
        .iter()
        .map(|r| {
            format!("{} {} {}/{} {} {}", r.verb, r.resource, r.namespace, r.name, r.field_manager, r.status)
        })
        .collect();
    assert_eq!(seen, ["apply configmaps default/a test 201", "get configmaps default/b  404"]);
    assert_eq!(api.sim.request_counts().by_verb["apply"], 1);
}
