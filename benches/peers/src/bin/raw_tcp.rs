//! The floor: what tokio and the kernel cost when nobody looks at the bytes.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

const BUFFER: usize = 64 * 1024;

thread_local! {
    // One buffer for all connections: an idle one costs its task and nothing else.
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into_boxed_slice());
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = peers::bind()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream));
    }
}

async fn serve(mut stream: TcpStream) {
    loop {
        match poll_fn(|cx| poll_echo(&mut stream, cx)).await {
            Ok(Echoed::All) => {}
            Ok(Echoed::Rest(rest)) if stream.write_all(&rest).await.is_ok() => {}
            _ => return,
        }
    }
}

enum Echoed {
    All,
    /// What the socket would not take at once, moved out of the shared buffer.
    Rest(Vec<u8>),
    Eof,
}

fn poll_echo(stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<Echoed>> {
    READ.with_borrow_mut(|buffer| {
        let mut read = ReadBuf::new(buffer);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut read))?;
        let bytes = read.filled();
        if bytes.is_empty() {
            return Poll::Ready(Ok(Echoed::Eof));
        }
        let written = match stream.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            result => result?,
        };
        Poll::Ready(Ok(match &bytes[written..] {
            [] => Echoed::All,
            rest => Echoed::Rest(rest.to_vec()),
        }))
    })
}
