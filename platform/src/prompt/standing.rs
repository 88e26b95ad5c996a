//! A question on a thread of its own, for dialogs that block: withdrawn when its asker is gone or nobody answered in time.
//! The next question waits until it is off the screen.

use super::{PromptError, Turn};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Whether somebody still waits for the answer; to be asked again and again while the question stands.
pub(super) type Wanted<'a> = &'a dyn Fn() -> bool;

/// Has `show` put the question and return the answer, at most for `limit`.
pub(super) async fn stand<T: Send + 'static>(
    limit: Duration,
    turn: &Turn,
    show: impl FnOnce(Wanted<'_>) -> Result<T, PromptError> + Send + 'static,
) -> Result<T, PromptError> {
    let turn = Arc::clone(turn);
    let (tell, answer) = oneshot::channel();
    let asking = move || {
        let shown = show(&|| !tell.is_closed());
        // Somebody who asks next must not find this question still there.
        drop(turn);
        let _ = tell.send(shown);
    };
    let started = std::thread::Builder::new()
        .name("claviger-dialog".into())
        .spawn(asking);
    started.map_err(|error| PromptError::Failed(format!("dialog: {error}")))?;
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer.unwrap_or_else(|_| Err(PromptError::Failed("dialog: its thread ended".into()))),
        Err(_) => Err(PromptError::TimedOut(limit.as_secs().max(1))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ASKING;
    use super::*;
    use std::sync::mpsc;

    const LONG: Duration = Duration::from_secs(60);

    async fn turn() -> Turn {
        Arc::new(ASKING.lock().await)
    }

    /// Stands until nobody wants it any more, and tells that it was taken away.
    fn lasting(gone: mpsc::Sender<()>) -> impl FnOnce(Wanted<'_>) -> Result<(), PromptError> {
        move |wanted| {
            while wanted() {
                std::thread::yield_now();
            }
            gone.send(()).unwrap();
            Err(PromptError::Cancelled)
        }
    }

    #[tokio::test]
    async fn the_answer_is_the_dialog_s() {
        let turn = turn().await;
        assert_eq!(stand(LONG, &turn, |_| Ok(7)).await.unwrap(), 7);
        let refused = stand(LONG, &turn, |_| Err::<(), _>(PromptError::Cancelled)).await;
        assert!(matches!(refused, Err(PromptError::Cancelled)));
        let panicked = stand(LONG, &turn, |_| -> Result<(), _> {
            panic!("a dialog's own fault")
        })
        .await;
        assert!(matches!(panicked, Err(PromptError::Failed(_))));
    }

    #[tokio::test]
    async fn nobody_s_answer_in_time_takes_it_away() {
        let (gone, was_taken_away) = mpsc::channel();
        let short = Duration::from_millis(10);
        let late = stand(short, &turn().await, lasting(gone)).await;
        assert!(matches!(late, Err(PromptError::TimedOut(1))));
        was_taken_away.recv_timeout(LONG).unwrap();
    }

    #[tokio::test]
    async fn an_asker_that_is_gone_takes_it_away_and_the_next_waits_for_that() {
        let (gone, was_taken_away) = mpsc::channel();
        let (tell, stands) = oneshot::channel();
        let show = move |wanted: Wanted<'_>| {
            tell.send(()).unwrap();
            lasting(gone)(wanted)
        };
        let first = tokio::spawn(async { stand(LONG, &turn().await, show).await });
        // That the turn is taken says nothing: other tests take it too.
        stands.await.unwrap();
        first.abort();
        let _next = turn().await;
        was_taken_away.recv_timeout(LONG).unwrap();
    }
}
