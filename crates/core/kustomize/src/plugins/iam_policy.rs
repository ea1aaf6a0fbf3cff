//! `IAMPolicyGenerator`: a service account that stands for one of a cloud.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;

/// Its configuration.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Args {
    cloud: String,
    kubernetes_service: Service,
    service_account: Account,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Service {
    name: String,
    namespace: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Account {
    name: String,
    project_id: String,
}

/// The service account.
pub(crate) fn object(args: &Args) -> Result<Value, Error> {
    if args.cloud != "gke" {
        return Err(Error::invalid(format!("cloud provider {} not supported yet", args.cloud)));
    }
    let account =
        format!("{}@{}.iam.gserviceaccount.com", args.service_account.name, args.service_account.project_id);
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "annotations": {"iam.gke.io/gcp-service-account": account},
            "name": args.kubernetes_service.name,
        },
    });
    if !args.kubernetes_service.namespace.is_empty() {
        object["metadata"]["namespace"] = Value::from(args.kubernetes_service.namespace.as_str());
    }
    Ok(object)
}
