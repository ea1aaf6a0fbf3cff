use serde::Deserialize;
use serde_json::json;

use super::SortOptions;
use crate::id::ResId;
use crate::patch::tests::{check, documents};
use crate::resource::Resource;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    sort_options: Option<SortOptions>,
}

#[test]
fn the_order_is_that_of_the_peer() {
    check(include_str!("../../tests/cases/sort.jsonl"), |case| {
        let resources = documents(case["resources"].as_str().unwrap());
        let mut ids: Vec<ResId> = resources.into_iter().map(|object| Resource::new(object).id()).collect();
        let config = case["config"].as_str().unwrap_or_default();
        let config = goyaml::parse_one(config.as_bytes(), &goyaml::Limits::default()).unwrap();
        let config: Option<Config> = serde_json::from_value(config).unwrap();
        if let Some(options) = config.unwrap_or_default().sort_options
            && let Some(lists) = options.lists().map_err(|error| error.to_string())?
        {
            ids.sort_by_cached_key(|id| lists.key(id));
        }
        Ok(json!(ids.iter().map(ToString::to_string).collect::<Vec<_>>()))
    });
}
