//! A client that compresses, and a server for it.

use std::{net::SocketAddr, time::Duration};

use flate2::{Compress, Decompress, FlushCompress, FlushDecompress};
use sockeye::{Compression, Server, prelude::*};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::robustness::raw::Ended;

/// Longer than anything takes, however busy the machine is.
const FOREVER: Duration = Duration::from_secs(60);

pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

#[websocket("/echo", max_message = 16 << 20)]
async fn echo(mut ws: WebSocket) -> Result<()> {
    while let Some(message) = ws.next().await {
        ws.send(&message?).await?;
    }
    Ok(())
}

pub(super) async fn serve(compression: Compression) -> Server {
    let app = App::new().compression(compression).route(echo);
    app.serve(TcpListener::bind("127.0.0.1:0").await.expect("can't bind"))
}

/// A frame of the server's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct Client {
    stream: TcpStream,
    /// The server's `Sec-WebSocket-Extensions`.
    pub(super) answer: Option<String>,
    compress: Compress,
    decompress: Decompress,
    /// Whether our messages, and the server's, refer to those before.
    takeover: (bool, bool),
}

impl Client {
    /// Opens a socket with these header lines of offers, and keeps to what the answer says.
    pub(super) async fn open(server: &Server, path: &str, offers: &[&str]) -> Self {
        Self::connect(server.local_addr(), path, offers).await
    }

    /// The same on a server of which only the address is known.
    pub(crate) async fn connect(address: SocketAddr, path: &str, offers: &[&str]) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("can't connect");
        let mut request = format!(
            "GET {path} HTTP/1.1\r\nHost: good.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        );
        for offer in offers {
            request += &format!("Sec-WebSocket-Extensions: {offer}\r\n");
        }
        stream.write_all((request + "\r\n").as_bytes()).await.expect("can't send");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("an answer"));
        }
        let head = String::from_utf8(head).expect("a head in ascii");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let answer = lines.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-extensions"));
        let answer = answer.map(|(_, value)| value.to_owned());
        let said = |what: &str| answer.as_ref().is_some_and(|answer| answer.contains(what));
        let bits = answer.as_deref().and_then(|answer| answer.split_once("client_max_window_bits="));
        let bits = bits.map_or(15, |(_, bits)| bits.parse().expect("the last parameter"));
        Self {
            stream,
            takeover: (!said("client_no_context_takeover"), !said("server_no_context_takeover")),
            compress: Compress::new_with_window_bits(flate2::Compression::default(), false, bits),
            decompress: Decompress::new(false),
            answer,
        }
    }

    /// Opens a socket on `/echo` on which compression was agreed on.
    pub(super) async fn agreed(server: &Server, offer: &str) -> Self {
        let client = Self::open(server, "/echo", &[offer]).await;
        assert!(client.answer.is_some());
        client
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        timeout(FOREVER, self.stream.write_all(bytes)).await.expect("waited in vain").expect("can't send");
    }

    /// Sends as long as the server takes it: it may have closed in the meantime.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) {
        drop(timeout(FOREVER, self.stream.write_all(bytes)).await.expect("waited in vain"));
    }

    /// Compresses a message as was agreed.
    pub(crate) fn deflate(&mut self, payload: &[u8]) -> Vec<u8> {
        if !self.takeover.0 {
            self.compress.reset();
        }
        if payload.is_empty() {
            // RFC 7692 section 7.2.3.6; of two flushes in a row zlib leaves out the second.
            return vec![0];
        }
        let mut out = Vec::with_capacity(payload.len() + payload.len() / 8 + 100);
        self.compress.compress_vec(payload, &mut out, FlushCompress::Sync).expect("can't compress");
        assert!(out.ends_with(&[0, 0, 0xff, 0xff]) && out.len() < out.capacity());
        out.truncate(out.len() - 4);
        out
    }

    /// Sends a compressed message in one frame.
    pub(crate) async fn send(&mut self, opcode: u8, payload: &[u8]) {
        let deflated = self.deflate(payload);
        self.send_bytes(&frame(FIN | RSV1 | opcode, &deflated)).await;
    }

    pub(crate) async fn frame(&mut self) -> Frame {
        timeout(FOREVER, self.read_frame()).await.expect("waited in vain for a frame")
    }

    async fn read_frame(&mut self) -> Frame {
        let stream = &mut self.stream;
        let first = stream.read_u8().await.expect("a frame");
        let len = match stream.read_u8().await.expect("a length") {
            126 => stream.read_u16().await.expect("a length").into(),
            127 => stream.read_u64().await.expect("a length"),
            len => len.into(),
        };
        let mut payload = vec![0; len as usize];
        stream.read_exact(&mut payload).await.expect("a payload");
        Frame { first, payload }
    }

    /// The next message, whole; and whether it came compressed.
    pub(crate) async fn receive(&mut self) -> (u8, Vec<u8>, bool) {
        let Frame { first, payload } = self.frame().await;
        assert_eq!(first & !RSV1 & 0xf0, FIN, "an unfragmented frame");
        if first & RSV1 == 0 {
            return (first & 0xf, payload, false);
        }
        (first & 0xf, self.inflate(&payload), true)
    }

    fn inflate(&mut self, payload: &[u8]) -> Vec<u8> {
        if !self.takeover.1 {
            self.decompress.reset(false);
        }
        let input = [payload, &[0, 0, 0xff, 0xff]].concat();
        let (mut out, start) = (Vec::new(), self.decompress.total_in());
        loop {
            let used = (self.decompress.total_in() - start) as usize;
            out.reserve(64 * 1024);
            self.decompress.decompress_vec(&input[used..], &mut out, FlushDecompress::Sync).expect("can't decompress");
            if out.len() < out.capacity() {
                assert_eq!((self.decompress.total_in() - start) as usize, input.len());
                return out;
            }
        }
    }

    /// Closes our side; gives all that still comes, where nothing of it is compressed.
    pub(crate) async fn finish(mut self) -> Ended {
        self.stream.shutdown().await.expect("can't shut down");
        let mut rest = Vec::new();
        timeout(FOREVER, self.stream.read_to_end(&mut rest)).await.expect("waited in vain").expect("FIN, not RST");
        Ended::parse(&rest)
    }

    /// The close code that ends the connection, before which nothing else comes.
    pub(crate) async fn closed(&mut self) -> u16 {
        let Frame { first, payload } = self.frame().await;
        assert_eq!(first, FIN | CLOSE, "{payload:?}");
        let mut rest = Vec::new();
        timeout(FOREVER, self.stream.read_to_end(&mut rest)).await.expect("waited in vain").expect("FIN, not RST");
        assert_eq!(rest, b"");
        u16::from_be_bytes(*payload.first_chunk().expect("a code"))
    }
}

/// A masked frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x9c, 0x21, 0x05, 0xe7];
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(KEY);
    bytes.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// Text that compresses, but not to nothing; different for each seed.
pub(crate) fn text(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut out = Vec::new();
    while out.len() < len {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        out.extend(format!("{{\"id\":{},\"text\":\"hello {}\"}},", state >> 33, state >> 60).bytes());
    }
    out.truncate(len);
    out
}

/// Bytes that do not compress; different for each seed.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..len).map(next).collect()
}
