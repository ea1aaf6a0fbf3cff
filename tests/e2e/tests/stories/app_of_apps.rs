//! Applications that hold Applications.

use e2e::{World, app_path, is_good};
use serde_json::json;

use crate::manifests::{config, config_map, text};

/// As in seed 002: the root lies in the path that it syncs.
pub(crate) async fn a_root_that_holds_itself_ends_with_all_its_children(world: &mut World) {
    let mut root = world.application("root", "roots", "argocd");
    let (one, two) = (world.application("one", "one", "one"), world.application("two", "two", "two"));
    world
        .push(&[
            ("roots/root.yaml", &text(&root)),
            ("roots/one.yaml", &text(&one)),
            ("roots/two.yaml", &text(&two)),
            ("one/c.yaml", &config("one", "x")),
            ("two/c.yaml", &config("two", "x")),
        ])
        .unwrap();
    root["metadata"]["labels"] = json!({"made-by": "hand"});
    world.api.apply(&root).await.unwrap();
    for name in ["one", "two", "root"] {
        world.until_good(name).await;
    }
    let (in_one, in_two) = (config_map("one", "one"), config_map("two", "two"));
    assert!(
        world.api.get(&in_one).await.unwrap().is_some() && world.api.get(&in_two).await.unwrap().is_some()
    );
    let app = world.app("root").await.unwrap();
    assert_eq!(app["status"]["resources"].as_array().unwrap().len(), 3);

    // A child whose file goes takes its objects along.
    world.repository.remove(&["roots/two.yaml"], "no two").unwrap();
    world.pushed();
    world.until(&app_path("two"), "is gone", |o| o.is_none()).await;
    assert_eq!(world.api.get(&in_two).await.unwrap(), None, "its objects went before it");
    world.until_app("root", "is good without it", is_good).await;

    // The root goes last, and does not wait for itself.
    world.api.delete(&app_path("root")).await.unwrap();
    world.until(&app_path("root"), "is gone", |o| o.is_none()).await;
    assert_eq!(world.api.get(&app_path("one")).await.unwrap(), None);
    assert_eq!(world.api.get(&in_one).await.unwrap(), None);
}

mod tests {
    crate::on_kubesim!(a_root_that_holds_itself_ends_with_all_its_children);
}
