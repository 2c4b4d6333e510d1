//! Compressed JSON: documents that resemble each other, none like the one before.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use common::frame::{self, Op};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use serde_json::json;

use crate::script::Batch;

const COUNT: u64 = 64;
const SIZE: usize = 1024;
/// What a sync flush ends with, and a message leaves out (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Sends each document once, and remembers the bytes that answer it.
pub(crate) fn learn(stream: &mut TcpStream) -> Result<Vec<Batch>> {
    (0..COUNT).map(|index| exchange(stream, &document(index))).collect()
}

fn exchange(stream: &mut TcpStream, document: &str) -> Result<Batch> {
    let request = frame::masked(Op::Text, true, &deflate(document.as_bytes())?);
    stream.write_all(&request)?;
    let reply = read_frame(stream).context("a document did not come back")?;
    ensure!(reply[0] == 0xc1, "the first byte of the answer is {:#x}: not a compressed text", reply[0]);
    let payload = &reply[if reply[1] < 126 { 2 } else { 4 }..];
    ensure!(inflate(payload)? == document.as_bytes(), "a document came back changed");
    Ok(Batch::new(request, reply))
}

/// A frame of less than 64 KiB, with its header.
fn read_frame(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut frame = vec![0; 2];
    stream.read_exact(&mut frame)?;
    let mut len = usize::from(frame[1]);
    if len == 126 {
        let mut long = [0; 2];
        stream.read_exact(&mut long)?;
        frame.extend(long);
        len = u16::from_be_bytes(long).into();
    }
    ensure!(len < 0x10000 && frame[1] != 127, "a document grew to more than 64 KiB");
    let header = frame.len();
    frame.resize(header + len, 0);
    stream.read_exact(&mut frame[header..])?;
    Ok(frame)
}

fn deflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(2 * SIZE);
    Compress::new(Compression::new(6), false).compress_vec(bytes, &mut out, FlushCompress::Sync)?;
    ensure!(out.ends_with(&TAIL), "a sync flush without its end");
    out.truncate(out.len() - TAIL.len());
    Ok(out)
}

fn inflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(4 * SIZE);
    Decompress::new(false).decompress_vec(&[bytes, &TAIL].concat(), &mut out, FlushDecompress::Sync)?;
    Ok(out)
}

/// A page of chat messages of 1 KiB, by a generator that is always the same.
fn document(index: u64) -> String {
    const WORDS: [&str; 16] = [
        "wave", "harbour", "light", "señal", "north", "cargo", "tide", "anchor", "fog", "rope", "chart", "signal",
        "gull", "deck", "storm", "quay",
    ];
    let mut state = index.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut messages = Vec::new();
    loop {
        let content: Vec<&str> = (0..4 + next(6)).map(|_| WORDS[next(16) as usize]).collect();
        messages.push(json!({
            "id": 100_000 + next(900_000), "user_id": next(1000), "content": content.join(" "),
            "created_at": format!("2026-0{}-1{}T1{}:4{}:0{}Z", 1 + next(9), next(10), next(10), next(10), next(10)),
        }));
        let text =
            json!({ "type": "history", "data": { "messages": messages, "more": index.is_multiple_of(2) } }).to_string();
        if text.len() >= SIZE {
            return text;
        }
    }
}
