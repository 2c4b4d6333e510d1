//! What a connection costs the server that says nothing any more.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use common::process::resident_bytes;

use crate::client::Target;

/// The growth of the server's resident memory, per connection. Each has exchanged one message.
pub(crate) fn bytes_per_connection(target: &Target, pid: u32, count: usize, settle: Duration) -> Result<i64> {
    // What a server builds once, with its first connection, is no connection's cost.
    let _first = target.open()?;
    let before = resident_bytes(pid)?;
    let mut open = Vec::with_capacity(count);
    for number in 1..=count {
        open.push(target.open().with_context(|| format!("connection {number} of {count}"))?);
    }
    sleep(settle);
    let growth = resident_bytes(pid)? as i64 - before as i64;
    Ok(growth / count as i64)
}
