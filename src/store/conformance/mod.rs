//! What every backend must do, as one list of cases: one file per trait, and a
//! run of random operations against the reference.
//!
//! A backend's test module says `suite!(open)`, where `open` makes a fresh empty
//! store and whatever has to stay alive beside it. Knows no backend.
//!
//! May import: `types`, `store`.

pub(super) mod articles;
pub(super) mod feedback;
pub(super) mod health;
pub(super) mod lessons;
pub(super) mod model;
pub(super) mod models;
pub(super) mod queue;
mod queue_model;
pub(super) mod queue_runs;
pub(super) mod requests;
pub(super) mod rules;
pub(crate) mod samples;
pub(super) mod sites;
pub(super) mod verdicts;

/// One `#[tokio::test]` per case of the suite.
macro_rules! suite {
    ($open:ident) => {
        $crate::store::conformance::suite!(@ $open, verdicts: [
            a_recorded_verdict_reads_back,
            recording_counts_each_tally_once,
            items_of_one_call_fail_alone,
            the_newest_verdict_on_a_comment_wins,
            lists_are_newest_first_and_paged,
            filters_hold_together,
            a_rare_filter_ends_pages_early,
            large_bodies_survive,
            sites_see_only_their_own,
        ]);
        $crate::store::conformance::suite!(@ $open, requests: [
            a_retry_gets_the_first_answer,
            a_request_id_is_bound_to_its_payload,
            ids_of_different_keys_and_sites_never_meet,
            a_request_is_forgotten_after_a_day,
            forgetting_counts_what_it_forgot,
            an_expired_request_id_can_be_used_again,
            many_tasks_with_one_request_id_record_once,
        ]);
        $crate::store::conformance::suite!(@ $open, feedback: [
            a_ruling_moves_the_tallies_once,
            a_newer_ruling_replaces_the_one_before,
            a_late_older_ruling_moves_nothing,
            readers_move_no_tally,
            reports_are_listed_oldest_first,
            feedback_needs_a_verdict_of_the_site,
            a_retried_report_is_recorded_once,
        ]);
        $crate::store::conformance::suite!(@ $open, articles: [
            an_article_is_put_replaced_and_deleted,
            long_articles_shrink_and_grow,
            articles_belong_to_their_site,
        ]);
        $crate::store::conformance::suite!(@ $open, sites: [
            a_site_is_created_once,
            an_update_needs_the_version_it_was_made_from,
            sites_are_paged_by_name,
            keys_are_put_and_listed_by_id,
        ]);
        $crate::store::conformance::suite!(@ $open, queue: [
            filters_of_items_hold_together,
            a_rare_filter_is_walked_in_bounded_steps,
            a_batch_is_listed_and_undone_as_one,
            a_decision_stands_for_later_verdicts_on_the_same_text,
            an_author_rule_comes_and_goes_with_its_decision,
            named_queues_need_the_version_they_were_read_with,
            an_appeal_needs_a_second_reviewer,
            one_crowd_cannot_own_the_queue,
            the_chain_is_trimmed_from_its_front,
            hours_are_counted_and_forgotten,
            verdicts_are_listed_by_author,
            members_join_campaigns_and_inherit,
        ]);
        $crate::store::conformance::suite!(@ $open, models: [
            a_model_is_added_once,
            one_model_scores_and_the_one_before_retires,
            one_model_at_most_is_in_shadow,
            changes_of_models_are_links_of_their_chain,
            a_job_that_ended_stays_as_it_is,
            a_frozen_set_keeps_its_name,
            an_authors_samples_are_forgotten,
        ]);
        $crate::store::conformance::suite!(@ $open, rules: [
            a_pushed_set_reads_back,
            a_stale_etag_changes_nothing,
            publishing_moves_the_live_set_and_is_audited,
            versions_and_activations_are_paged_newest_first,
        ]);
        $crate::store::conformance::suite!(@ $open, lessons: [
            a_lesson_comes_and_goes_with_its_decision,
            what_came_and_went_unseen_is_no_lesson,
            one_comment_teaches_once,
        ]);
        $crate::store::conformance::suite!(@ $open, health: [
            a_closed_store_refuses_writes,
        ]);
    };
    (@ $open:ident, $group:ident: [$($case:ident),* $(,)?]) => {
        mod $group {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let (store, _guard) = super::$open().await;
                    $crate::store::conformance::$group::$case(store).await;
                }
            )*
        }
    };
}
pub(super) use suite;
