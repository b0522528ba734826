//! The desk, the use cases and the reactors, without HTTP. Every story is told over SQLite and over PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on ends there")]

mod ground;
mod script;

mod callers;
mod catalogue;
mod checkout;
mod expiry;
mod keys;
mod money;
mod neighbours;
mod pending;
mod sealing;
mod store;

/// Tells each story over both databases.
macro_rules! stories {
    ($($story:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    super::$story($crate::desk::ground::Ground::sqlite()).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    super::$story($crate::desk::ground::Ground::postgres()).await;
                }
            )*
        }
    };
}

use stories;
