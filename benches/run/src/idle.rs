//! `idle`: the server's memory for a connection that has exchanged one message and fallen silent.

use anyhow::Result;

use crate::grid::Grid;
use crate::load;
use crate::options::Options;
use crate::server::titles;

pub(crate) const MEMORY: &str = "KiB per connection";

pub(crate) fn run(options: &Options) -> Result<Grid> {
    let mut grid = Grid::new("Resident memory of the server per idle connection", "KiB", 2);
    for &server in &options.servers {
        let running = server.start(options.server_core)?;
        let args = [
            ("mode", "idle".to_owned()),
            ("connections", options.idle.to_string()),
            ("settle", options.settle.to_string()),
        ];
        let kib = load::run(options, server, &running, &args)?.get("bytes")? / 1024.0;
        eprintln!("  {}: {kib:.2} KiB", server.title);
        grid.add(MEMORY, server.title, kib);
    }
    grid.sort_subjects(&titles());
    Ok(grid)
}
