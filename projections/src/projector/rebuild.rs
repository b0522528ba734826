//! How a view is made again while it answers: another table is filled beside the live one, and takes its place.
//!
//! The live table goes on following the log meanwhile. When the other one is almost there, one transaction makes it the
//! live one; what came since then it takes in as any live table does, and queries go over to it when it has seen what
//! they were shown. The old one is kept to go back to. Every step is fenced by its checkpoint, so a process that was
//! asleep while another took its claim writes nothing any more.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use store::{Recorded, StoreError};
use tokio_util::sync::CancellationToken;

use super::{
    Projector,
    checkpoint::{self, Checkpoint},
    generation::{Generation, ProjectError, still_holds},
    generations::{self, Aside},
};
use crate::{
    ReadModel, RebuildError,
    job::{Job, Origin},
};

/// How many events are folded at once.
const PAGE: u32 = 5_000;
/// A table that lacks fewer events than this takes the live one's place, and takes them in as such: under load there is
/// always one more.
const NEAR: usize = 500;
/// How long a table that another process fills may stay where it is until that process counts as gone.
const SILENCE: Duration = Duration::from_secs(6);

impl From<ProjectError> for RebuildError {
    fn from(error: ProjectError) -> Self {
        match error {
            ProjectError::Fenced => Self::TakenOver,
            ProjectError::Store(error) => Self::Store(error),
        }
    }
}

impl<M: ReadModel> Projector<M> {
    /// Fills another table and makes it the live one.
    pub(super) async fn make_again(&self, job: &Job, stop: &CancellationToken) -> Result<(), RebuildError> {
        let begin = self.claim(job, stop).await?;
        job.begun(begin.at());
        let generation = Generation::aside(self.table.named(&begin.table_name));
        let mut at = begin;
        let flipped = match self.fill(&generation, &mut at, job, stop).await {
            Ok(()) => generations::flip(self.table.db(), M::NAME, &at).await.map_err(RebuildError::Store),
            Err(error) => Err(error),
        };
        let flipped = match flipped {
            Ok(Some(flipped)) => flipped,
            outcome => {
                // What cannot be thrown away now is when the next rebuild begins, or the program.
                if let Err(error) = generations::abandon(self.table.db(), M::NAME, &at).await {
                    let fault = &error as &dyn std::error::Error;
                    tracing::warn!(error = fault, projection = M::NAME, "a half-made table cannot be thrown away");
                }
                return Err(outcome.err().unwrap_or(RebuildError::TakenOver));
            }
        };
        self.go_over(&flipped).await;
        Ok(())
    }

    /// Takes in everything that was in the log when it began, and what came since but for a few events, page by page; the
    /// next one is read while this one is folded and written.
    async fn fill(
        &self,
        generation: &Generation<M>,
        at: &mut Checkpoint,
        job: &Job,
        stop: &CancellationToken,
    ) -> Result<(), RebuildError> {
        let head = self.log.head().await?.position;
        let mut events = self.log.read_all(at.at(), PAGE).await?;
        while let Some(last) = events.last() {
            if stop.is_cancelled() {
                return Err(RebuildError::Stopped);
            }
            let page: Vec<&Recorded> = events.iter().collect();
            let (written, next) =
                tokio::join!(generation.project(&self.vault, at, &page), self.log.read_all(last.position, PAGE));
            let written = written?;
            *at = written.checkpoint;
            job.reached(written.end, *self.log.watch().borrow(), written.set_aside);
            if let Some((at, error)) = written.halted {
                return Err(RebuildError::Halted { at, error });
            }
            events = next?;
            if written.end >= head && events.len() < NEAR {
                break;
            }
        }
        Ok(())
    }

    /// Lets queries read the table that is live now, and returns when they do: at once, or when this view, following on,
    /// has brought it to where they were.
    async fn go_over(&self, flipped: &Checkpoint) {
        const PATIENCE: Duration = Duration::from_secs(10);
        self.arrive(flipped, flipped.at());
        self.flipped.notify_one();
        if self.follows.load(Ordering::Acquire) {
            let named = self.table.is_named(&flipped.table_name);
            let _ = tokio::time::timeout(PATIENCE, named).await;
        }
    }

    /// Claims the right to make the view again; the checkpoint to begin at.
    async fn claim(&self, job: &Job, stop: &CancellationToken) -> Result<Checkpoint, RebuildError> {
        let db = self.table.db();
        for is_last in [false, true] {
            let live = self.read_checkpoint().await?.ok_or(RebuildError::TakenOver)?;
            let (from, ddl) = match job.origin() {
                Origin::Anew => {
                    let from = self.new_checkpoint(Some(&live)).await?;
                    let ddl = self.table.named(&from.table_name).ddl();
                    (from, Some(ddl))
                }
                Origin::Kept => (self.kept().await?, None),
            };
            if generations::claim(db, M::NAME, &live, &from, ddl.as_deref()).await? {
                return Ok(from);
            }
            if is_last || !self.takes_over(stop).await? {
                break;
            }
        }
        Err(RebuildError::Running)
    }

    /// Where the table that was live last has stopped.
    async fn kept(&self) -> Result<Checkpoint, RebuildError> {
        let aside = generations::aside(self.table.db(), M::NAME).await?;
        let kept = aside.into_iter().find(|aside| !aside.is_claimed).ok_or(RebuildError::NothingKept)?;
        if still_holds(&self.log, &kept.checkpoint).await? {
            Ok(kept.checkpoint)
        } else {
            Err(RebuildError::NothingKept)
        }
    }

    /// Whether the claim that somebody has was left by a process that is gone; then it is free now.
    async fn takes_over(&self, stop: &CancellationToken) -> Result<bool, StoreError> {
        const STEP: Duration = Duration::from_millis(250);
        let db = self.table.db();
        let Some(seen) = self.claimed().await? else { return Ok(true) };
        let begun = Instant::now();
        while !self.log.exclusive() && begun.elapsed() < SILENCE {
            if stop.run_until_cancelled(tokio::time::sleep(STEP)).await.is_none() {
                return Ok(false);
            }
            match checkpoint::read(db, &seen.table_name).await? {
                Some(now) if now == seen => {}
                Some(_) => return Ok(false),
                None => return Ok(true),
            }
        }
        generations::abandon(db, M::NAME, &seen).await
    }

    /// Where the table is that somebody fills.
    async fn claimed(&self) -> Result<Option<Checkpoint>, StoreError> {
        let aside = generations::aside(self.table.db(), M::NAME).await?;
        Ok(aside.into_iter().find_map(|Aside { checkpoint, is_claimed }| is_claimed.then_some(checkpoint)))
    }

    /// Throws away what a process that is gone has left.
    pub(super) async fn sweep(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        if self.takes_over(stop).await? {
            self.drop_kept(1, Duration::ZERO, stop).await?;
        }
        Ok(())
    }

    /// Throws away what is kept now, but for the `keep` tables that were live last, once `grace` has passed.
    pub(super) async fn drop_kept(
        &self,
        keep: usize,
        grace: Duration,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let db = self.table.db();
        let kept = generations::kept_before(db, M::NAME, keep).await?;
        if kept.is_empty() || stop.run_until_cancelled(tokio::time::sleep(grace)).await.is_none() {
            return Ok(()); // Or when the program is opened again.
        }
        for kept in kept {
            generations::drop_kept(db, &kept).await?;
        }
        Ok(())
    }

    /// The same beside other processes, who may still be at it and are watched for a while first.
    pub(super) async fn sweep_late(&self, stop: &CancellationToken) {
        if self.log.exclusive() || stop.run_until_cancelled(tokio::time::sleep(SILENCE)).await.is_none() {
            return;
        }
        if let Err(error) = self.sweep(stop).await {
            let fault = &error as &dyn std::error::Error;
            tracing::warn!(error = fault, projection = M::NAME, "what a process left cannot be thrown away");
        }
    }
}
