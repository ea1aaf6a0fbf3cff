//! The promises of the main loop, each as a short story. Every story runs on kubesim; those that depend on the server's own
//! ways also on a real API server, one after the other on one cluster, since that takes seconds to start.
#![expect(clippy::unwrap_used, reason = "a test")]

mod app_of_apps;
mod applying;
mod charts;
mod clusters;
mod corners;
mod cost;
mod deletion;
mod dependencies;
mod faults;
mod groups;
mod handover;
mod hard_refresh;
mod hooks;
mod impersonation;
mod kustomizations;
mod large;
mod leaving;
mod local;
mod main_loop;
mod malformed;
mod manifests;
mod namespaces;
mod order;
mod orphans;
mod plugins;
mod preflight;
mod programs;
mod promotion;
mod quarantine;
mod refusals;
mod rights;
mod rollback;
mod safety;
mod scripts;
mod seed_charts;
mod seed_kustomizations;
mod seeds;
mod signatures;
mod status;
mod target;
mod tenants;
mod unseen;
mod why;
mod windows;

use e2e::{On, World};

/// Runs stories on a kubesim of their own.
macro_rules! on_kubesim {
    ($($name:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let mut world = e2e::World::start(e2e::On::Kubesim).await.unwrap().unwrap();
            super::$name(&mut world).await;
        }
    )+};
}
pub(crate) use on_kubesim;

#[tokio::test(flavor = "multi_thread")]
async fn on_the_real_api_server() {
    let Some(mut world) = World::start(On::Real).await.unwrap() else { return };
    let world = &mut world;
    main_loop::git_is_what_runs(world).await;
    rollback::a_history_entry_runs_again(world).await;
    app_of_apps::a_root_that_holds_itself_ends_with_all_its_children(world).await;
    seeds::apply_unmodified(world).await;
    seeds::work_as_published(world).await;
    order::a_definition_and_its_object_come_in_one_sync(world).await;
    order::a_namespace_is_made_with_its_labels(world).await;
    corners::an_ignore_rule_leaves_replicas_alone(world).await;
    corners::a_field_that_left_git_goes_whoever_applied_it(world).await;
    corners::string_data_is_synced_and_stays_so(world).await;
    large::a_large_status_fits_into_its_object(world).await;
    faults::an_unreachable_repository_changes_nothing(world).await;
    faults::a_killed_controller_finishes_its_operation(world).await;
    applying::replace_alone_writes_whole_objects_and_deletes_none(world).await;
    applying::ports_of_one_number_are_told_apart_by_their_protocol(world).await;
    applying::a_prune_treats_dependents_as_the_policy_says(world).await;
    leaving::what_another_has_in_git_outlives_its_application(world).await;
    groups::a_group_that_is_away_stops_only_who_needs_it(world).await;
    hooks::hooks_run_in_their_phases(world).await;
    hooks::a_hook_that_fails_stops_the_sync(world).await;
    hooks::a_killed_controller_runs_no_hook_twice(world).await;
    hooks::helms_hooks_run_as_the_peers(world).await;
    deletion::hooks_run_before_and_after_a_deletion(world).await;
    deletion::a_killed_controller_runs_no_hook_of_a_deletion_twice(world).await;
    charts::a_chart_in_git_has_values_for_each_environment(world).await;
    charts::a_chart_of_a_repository_takes_its_values_from_git(world).await;
    charts::a_chart_of_a_registry_is_had_in_both_forms(world).await;
    seed_charts::one_chart_serves_every_environment(world).await;
    seed_charts::a_pipeline_changes_the_tag_in_a_value_file(world).await;
    seed_charts::ingress_nginx_comes_from_a_repository(world).await;
    seed_kustomizations::base_and_overlays_sync_as_published(world).await;
    seed_kustomizations::a_version_is_promoted_from_dev_to_production(world).await;
    kustomizations::an_application_adds_its_own_options(world).await;
    kustomizations::a_base_of_another_repository_is_followed(world).await;
    promotion::an_image_of_overlays_goes_from_dev_to_prod_by_commits(world).await;
    impersonation::a_service_account_may_what_its_bindings_say(world).await;
    why::a_changed_field_names_both_authors(world).await;
    tenants::a_tenant_stays_within_its_project(world).await;
    tenants::a_manifest_does_not_say_whose_it_is(world).await;
    tenants::an_object_of_another_is_not_taken(world).await;
    preflight::what_cannot_be_read_stops_the_whole_sync(world).await;
}
