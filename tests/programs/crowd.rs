//! Many members of the chat who say nothing and read nothing. Gets a line on stdin: the chat's address, how many members,
//! and how many rooms. Prints a line when all of them are in. Ends with its stdin, if it is not killed.
//!
//! Nothing here waits for more than one socket at a time: threads and the standard library will do.

use std::{
    error::Error,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

const THREADS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let [addr, members, rooms] = &words[..] else { return Err("expected ADDR MEMBERS ROOMS".into()) };
    let (addr, members, rooms): (SocketAddr, usize, usize) = (addr.parse()?, members.parse()?, rooms.parse()?);
    let mut sockets = Vec::new();
    thread::scope(|scope| {
        let some = |first| (first..members).step_by(THREADS).map(|member| enter(addr, member, rooms)).collect();
        let threads: Vec<_> = (0..THREADS).map(|first| scope.spawn(move || some(first))).collect();
        for thread in threads {
            let some: io::Result<Vec<_>> = thread.join().expect("no panic");
            sockets.extend(some?);
        }
        Ok::<_, io::Error>(())
    })?;
    println!("{} are in", sockets.len());
    // Nothing more comes: until the end.
    io::stdin().read_line(&mut line)?;
    Ok(())
}

/// Opens a socket, and waits for the first that comes over it: its member is in the room then.
fn enter(addr: SocketAddr, member: usize, rooms: usize) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (room, user) = (member % rooms, 1_000_000 + member);
    let handshake = format!(
        "GET /ws/room-{room}?user_id={user} HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(handshake.as_bytes())?;
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    if !head.starts_with(b"HTTP/1.1 101 ") {
        return Err(io::Error::other(String::from_utf8_lossy(&head)));
    }
    stream.read_exact(&mut byte)?;
    Ok(stream)
}
