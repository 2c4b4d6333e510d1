//! Ours: publishers in one room, each with the next message when the one before is acknowledged.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc, time::SystemTime};

use anyhow::{Result, ensure};
use sockeye::{App, History, Offset, Room, Span};
use tokio::task::LocalSet;

use crate::{Plan, Took, Window};

pub(crate) async fn run(plan: &Plan, history: impl History + Clone) -> Result<Took> {
    // A room of its own: a server is used for many runs.
    let name = format!("{:?}", SystemTime::now());
    let app = App::new().history(history.clone());
    let room = app.hub().room(&name);
    room.publish(&plan.text).await?;
    let window = Rc::new(Window::open(plan));
    let offsets = Rc::new(RefCell::new((BTreeSet::from([Offset::new(1)]), 0)));
    let local = LocalSet::new();
    let publishers: Vec<_> = (0..plan.publishers)
        .map(|_| local.spawn_local(publish(room.clone(), plan.text.clone(), window.clone(), offsets.clone())))
        .collect();
    local
        .run_until(async {
            for publisher in publishers {
                publisher.await??;
            }
            anyhow::Ok(())
        })
        .await?;
    let (offsets, counted) = &*offsets.borrow();
    let took = window.took(*counted);
    // What was acknowledged is there, once.
    let last = history.read(&name, Span::Latest, 1).await?.last;
    ensure!(last.get() == offsets.len() as u64 && offsets.last() == Some(&last), "some are lost or doubled");
    Ok(took)
}

async fn publish(
    room: Room,
    text: String,
    window: Rc<Window>,
    offsets: Rc<RefCell<(BTreeSet<Offset>, u64)>>,
) -> Result<()> {
    while !window.is_over() {
        let offset = room.publish(&text).await?;
        let (all, counted) = &mut *offsets.borrow_mut();
        all.insert(offset);
        *counted += u64::from(window.counts());
    }
    Ok(())
}
