//! The soak, for a few seconds; `scripts/soak` runs it for minutes.

use std::{net::SocketAddr, sync::mpsc, thread, time::Duration};

use tokio::{net::TcpListener, runtime, sync::oneshot};

use crate::memory;

#[path = "../../programs/soak/load.rs"]
mod load;
#[path = "../../programs/soak/server.rs"]
mod server;

use load::{Crowd, Plan};

const PLAN: Plan = Plan { sockets: 500, rooms: 50, lasts: Duration::from_secs(2), pause: Duration::from_millis(200) };
/// Bytes: 500 sockets that were left behind would hold more.
const GROWTH: usize = 512 * 1024;

/// A server on a runtime of its own, so that its tasks can be told from ours.
fn serve() -> (SocketAddr, oneshot::Sender<()>, thread::JoinHandle<()>) {
    let (started, addr) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let thread = thread::spawn(move || {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let server = server::app().serve(TcpListener::bind("127.0.0.1:0").await.expect("a port"));
            started.send(server.local_addr()).expect("somebody waits");
            stopped.await.expect("told to stop");
            drop(server);
        });
    });
    (addr.recv().expect("an address"), stop, thread)
}

/// Everybody hears all that is said while they are there, and in the end nothing is left.
#[test]
fn joins_leaves_and_broadcasts_leave_nothing_behind() {
    memory::alone(async {
        let (addr, stop, thread) = serve();
        let before = load::left(addr).await.expect("the server");
        let round = async || {
            let crowd = Crowd::open(addr, PLAN).await.expect("sockets");
            let (crowd, report) = crowd.run(PLAN).await.expect("nothing is lost");
            assert!(report.stays >= PLAN.sockets - PLAN.rooms && report.heard > report.said, "{report:?}");
            crowd.close().await.expect("an orderly end");
            load::wait_for(addr, &before).await.expect("nothing is left");
            memory::held()
        };
        // The first round is for what is made once, such as the threads' buffers.
        let (first, second) = (round().await, round().await);
        assert!(second <= first + GROWTH, "{first} bytes after one round, {second} after two");
        stop.send(()).expect("the server waits");
        thread.join().expect("an orderly end");
    });
}
