//! What every log promises, whichever database holds it. One list of checks, put to each adapter in turn; after each
//! check the log is read from its beginning to its end and audited.
//!
//! A check that an adapter has no use for is not in its list, and the list says why.

mod agenda;
mod append;
mod batch;
mod crash;
mod fixture;
mod forgery;
mod keys;
mod limits;
mod model;
mod order;
mod processes;
mod reopen;
mod server;

use fixture::Fixture;

/// One test for each check, named for it.
macro_rules! checks {
    ($adapter:ident: $($file:ident::$check:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $check() {
                let mut fixture = super::Fixture::$adapter().await;
                super::$file::$check(&mut fixture).await;
                fixture.is_sound().await;
            }
        )+
    };
}

/// What all adapters do alike.
macro_rules! every_log {
    ($adapter:ident) => {
        checks! {
            $adapter:
            append::what_is_appended_is_read_back_byte_for_byte,
            append::streams_with_like_names_are_apart,
            append::time_never_goes_back,
            append::an_expectation_holds_or_is_answered_with_the_version,
            append::expectations_are_about_the_time_before_the_transaction,
            append::a_transaction_over_several_streams_is_stored_whole_or_not_at_all,
            append::a_transaction_without_events_stores_nothing,
            append::a_stream_is_read_in_pages,
            batch::a_conflict_leaves_its_neighbours_alone,
            batch::a_refusal_is_answered_when_what_it_rests_on_can_be_read,
            batch::nothing_rests_on_a_refused_transaction,
            batch::a_guard_conflicts_when_its_stream_has_moved,
            batch::a_derived_event_is_stored_once,
            batch::an_event_id_that_is_taken_is_refused_alone,
            batch::a_caller_that_goes_away_leaves_nothing_half_done,
            batch::closing_stores_what_is_queued,
            batch::closing_ends_while_others_go_on_asking,
            limits::a_payload_has_a_mebibyte_and_not_a_byte_more,
            limits::thousands_of_events_fit_in_one_transaction,
            limits::more_than_a_batch_holds_is_stored_in_several,
            limits::what_a_database_cannot_keep_is_refused_by_all,
            limits::a_full_queue_turns_away_and_stores_the_rest,
            order::one_winner_per_version,
            order::positions_are_dense_and_in_commit_order,
            order::pages_of_any_size_make_the_same_log,
            order::a_reader_that_asks_for_more_misses_nothing,
            order::a_follower_gets_everything_once_and_in_order,
            keys::a_key_replays_its_answer,
            keys::one_key_at_the_same_time_is_stored_once,
            keys::a_key_stands_for_one_request,
            keys::a_refused_transaction_does_not_use_its_key_up,
            keys::a_key_needs_no_event,
            keys::a_key_is_free_again_after_its_life,
            keys::forgotten_keys_are_free_again,
            agenda::a_bookmark_only_moves_forward,
            agenda::deadlines_are_due_in_their_order,
            model::random_transactions_are_decided_as_the_model_says,
        }
    };
}

/// What only a log that outlives its process does: the log in memory ends with it.
macro_rules! every_durable_log {
    ($adapter:ident) => {
        checks! {
            $adapter:
            reopen::everything_acknowledged_is_there_again,
            reopen::keys_bookmarks_and_deadlines_survive,
            reopen::a_log_is_read_beside_its_writer,
            reopen::a_log_that_is_not_there_is_not_made_by_its_reader,
            crash::a_killed_process_loses_nothing_it_acknowledged,
            forgery::an_untouched_log_is_clean,
            forgery::a_changed_event_is_found_at_its_place,
            forgery::a_missing_moved_or_added_event_is_found_at_its_place,
            forgery::a_row_that_cannot_be_read_is_found_at_its_place,
            forgery::a_changed_head_is_found,
            forgery::a_rewritten_chain_is_found_where_it_betrays_itself,
        }
    };
}

mod memory {
    every_log!(memory);
}

mod sqlite {
    every_log!(sqlite);
    every_durable_log!(sqlite);

    // One process at a time: what several do together is asked of PostgreSQL only.
    checks! {
        sqlite:
        processes::a_second_process_is_turned_away,
    }
}

mod postgres {
    every_log!(postgres);
    every_durable_log!(postgres);

    checks! {
        postgres:
        processes::two_that_open_at_once_share_one_log,
        processes::two_writers_share_one_order,
        processes::each_learns_what_the_other_stores,
        processes::one_key_in_two_processes_is_stored_once,
        processes::a_writer_held_open_lets_no_reader_pass,
        processes::a_row_that_is_not_committed_is_seen_by_nobody,
        processes::a_database_that_was_set_back_is_believed,
        server::a_server_that_promises_less_is_refused,
        server::a_stricter_isolation_by_default_changes_nothing,
    }
    checks! {
        own_server:
        server::an_answer_lost_at_the_commit_is_found_again,
        server::a_commit_that_comes_late_is_waited_for,
        server::a_connection_lost_before_the_commit_stores_nothing,
        server::a_refusal_does_not_outlive_its_batch,
        server::a_killed_server_loses_nothing_it_acknowledged,
    }
}
