//! The figures that the design was chosen for, beside what was asked of it.

use crate::grid::{Grid, show};
use crate::idle::MEMORY;
use crate::server::{ACTIX, AXUM, AXUM_TUNED, FAST, OURS, RAW, ROCKET, RULER, SOCKUDO, TOKIO, YAWC};
use crate::stats::Spread;
use crate::table::Table;
use crate::timed::{
    CYCLE, HALL_1K, HALL_1K_16, HALL_64, HALL_64_16, HUGE, JSON, LARGE_16, LARGE_BINARY, LARGE_TEXT, ROOM_1K,
    ROOM_1K_16, ROOM_64, ROOM_64_16, SMALL, SMALL_16,
};

const PEERS: [&str; 6] = [AXUM.title, AXUM_TUNED.title, ACTIX.title, ROCKET.title, FAST.title, TOKIO.title];

/// A figure, what it must be at most, and what we aim at.
type Row = (&'static str, Option<Spread>, f64, f64);

pub(crate) fn table(grids: &[(&str, Grid)]) -> String {
    let mut table = Table::new(["figure", "measured", "must be", "aim", "kept"]);
    for (figure, spread, must, aim) in rows(grids) {
        let kept = spread.map_or("–", |spread| match spread.median {
            median if median <= aim => "aim",
            median if median <= must => "yes",
            _ => "no",
        });
        table.row([figure, &show(spread, 3), &format!("≤ {must}"), &format!("≤ {aim}"), kept]);
    }
    table.render()
}

fn rows(grids: &[(&str, Grid)]) -> Vec<Row> {
    let of = |bench: &str| grids.iter().find(|(name, _)| *name == bench).map(|(_, grid)| grid);
    let (echo, connect, deflate) = (of("echo"), of("connect"), of("deflate"));
    let (fanout, idle, codec) = (of("fanout"), of("idle"), of("instructions"));
    let ratio = |grid: Option<&Grid>, case, below| grid?.ratio(case, OURS.title, below);
    let best = |grid: Option<&Grid>, case, others: &[&str]| grid?.ratio_to_best(case, OURS.title, others);
    // Of its two grids it is the first.
    let codec = |case, other| codec.and_then(|grid| grid.ratio(case, OURS.title, other));
    let small = codec("echo, text 20 B × 1", "tungstenite-4k");
    let batched = ["echo, text 20 B × 16", "echo, binary 20 B × 16"].map(|case| codec(case, "tungstenite"));
    let [batched_text, batched_binary] = batched;
    vec![
        ("20 B, 1 in flight ÷ raw", ratio(echo, SMALL, RAW.title), 1.08, 1.02),
        ("20 B, 1 in flight ÷ axum", ratio(echo, SMALL, AXUM.title), 1.0, 0.9),
        ("20 B, 16 in flight ÷ axum", ratio(echo, SMALL_16, AXUM.title), 0.1, 0.06),
        ("20 B, 16 in flight ÷ actix-ws", ratio(echo, SMALL_16, ACTIX.title), 0.75, 0.75),
        ("16 KiB binary ÷ fastwebsockets", ratio(echo, LARGE_BINARY, FAST.title), 1.0, 0.9),
        ("16 KiB binary ÷ axum", ratio(echo, LARGE_BINARY, AXUM.title), 1.0, 0.9),
        ("16 KiB text ÷ fastwebsockets", ratio(echo, LARGE_TEXT, FAST.title), 1.0, 0.9),
        ("16 KiB text ÷ axum", ratio(echo, LARGE_TEXT, AXUM.title), 1.0, 0.9),
        ("16 KiB binary, 16 in flight ÷ fastwebsockets", ratio(echo, LARGE_16, FAST.title), 1.0, 0.9),
        ("1 MiB ÷ the best peer", best(echo, HUGE, &PEERS), 1.0, 1.0),
        ("1 MiB ÷ axum", ratio(echo, HUGE, AXUM.title), 1.0, 1.0),
        ("KiB per idle connection", idle.and_then(|grid| grid.spread(MEMORY, OURS.title)), 1.6, 1.2),
        ("idle memory ÷ axum", ratio(idle, MEMORY, AXUM.title), 1.0, 0.1),
        ("connect, upgrade, close ÷ axum", ratio(connect, CYCLE, AXUM.title), 1.0, 0.8),
        ("codec, 20 B text, 1 at a time ÷ tungstenite (4 KiB buffer)", small, 0.4, 0.2),
        ("codec, 20 B text, 16 at a time ÷ tungstenite", batched_text, 0.4, 0.2),
        ("codec, 20 B binary, 16 at a time ÷ tungstenite", batched_binary, 0.4, 0.2),
        (
            "compressed 1 KiB JSON ÷ the best that compresses",
            best(deflate, JSON, &[YAWC.title, SOCKUDO.title]),
            1.0,
            1.0,
        ),
        ("1,000 members, 64 B, 1 in flight ÷ raw sends", ratio(fanout, ROOM_64, RULER.title), 1.15, 1.15),
        ("1,000 members, 1 KiB, 1 in flight ÷ raw sends", ratio(fanout, ROOM_1K, RULER.title), 1.15, 1.15),
        ("10,000 members, 64 B, 1 in flight ÷ raw sends", ratio(fanout, HALL_64, RULER.title), 1.15, 1.15),
        ("10,000 members, 1 KiB, 1 in flight ÷ raw sends", ratio(fanout, HALL_1K, RULER.title), 1.15, 1.15),
        ("1,000 members, 64 B, 16 in flight ÷ axum", ratio(fanout, ROOM_64_16, AXUM.title), 0.15, 0.15),
        ("1,000 members, 1 KiB, 16 in flight ÷ axum", ratio(fanout, ROOM_1K_16, AXUM.title), 0.15, 0.15),
        ("10,000 members, 64 B, 16 in flight ÷ axum", ratio(fanout, HALL_64_16, AXUM.title), 0.15, 0.15),
        ("10,000 members, 1 KiB, 16 in flight ÷ axum", ratio(fanout, HALL_1K_16, AXUM.title), 0.15, 0.15),
    ]
}
