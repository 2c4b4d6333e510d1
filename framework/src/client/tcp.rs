//! TCP to a host that may have several addresses, some of which may lead nowhere.

use std::{collections::VecDeque, future::pending, io, net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    net::{TcpStream, lookup_host},
    time::sleep,
};

/// How long an address is tried before the next is tried too (RFC 8305 section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to the address of the host that answers first.
///
/// Cancel safety: dropped before it is done, all attempts are given up.
pub(super) async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = connect_to(in_turns(lookup_host((host, port)).await?)).await?;
    // What is to be sent together is written together.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One family after the other, beginning with that of the first: where one leads nowhere, all its addresses do.
fn in_turns(addresses: impl Iterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let addresses: Vec<SocketAddr> = addresses.collect();
    let is_first_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == is_first_v6);
    let mut turns = VecDeque::new();
    while let Some(address) = first.pop_front() {
        turns.push_back(address);
        std::mem::swap(&mut first, &mut second);
        if first.is_empty() {
            std::mem::swap(&mut first, &mut second);
        }
    }
    turns
}

async fn connect_to(mut addresses: VecDeque<SocketAddr>) -> io::Result<TcpStream> {
    let mut attempts = FuturesUnordered::new();
    let mut failure = None;
    loop {
        match addresses.pop_front() {
            Some(address) => attempts.push(TcpStream::connect(address)),
            None if attempts.is_empty() => {
                return Err(failure.unwrap_or_else(|| io::Error::other("the host has no address")));
            }
            None => {}
        }
        let head_start = async {
            match addresses.is_empty() {
                true => pending().await,
                false => sleep(HEAD_START).await,
            }
        };
        tokio::select! {
            Some(attempt) = attempts.next() => match attempt {
                Ok(stream) => return Ok(stream),
                Err(error) => drop(failure.get_or_insert(error)),
            },
            () = head_start => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        net::{TcpListener, TcpSocket},
        time::{Instant, timeout},
    };

    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |text: &str| -> Vec<SocketAddr> {
            text.split(' ').filter(|text| !text.is_empty()).map(|text| format!("{text}:1").parse().unwrap()).collect()
        };
        for (given, turns) in [
            ("[::1] [::2] [::3] 1.1.1.1 1.1.1.2", "[::1] 1.1.1.1 [::2] 1.1.1.2 [::3]"),
            ("1.1.1.1 [::1] [::2]", "1.1.1.1 [::1] [::2]"),
            ("1.1.1.1 1.1.1.2", "1.1.1.1 1.1.1.2"),
            ("", ""),
        ] {
            assert_eq!(Vec::from(in_turns(parse(given).into_iter())), parse(turns), "{given}");
        }
    }

    /// A listener whose queue is full answers nobody.
    #[sockeye_macros::test(crate = crate)]
    async fn an_address_that_leads_nowhere_does_not_hold_up_the_next() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let full = socket.listen(1).unwrap();
        let nowhere = full.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = timeout(Duration::from_millis(200), TcpStream::connect(nowhere)).await {
            waiting.push(stream.unwrap());
            assert!(waiting.len() < 100, "the queue has no end");
        }
        let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = open.local_addr().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();

        let before = Instant::now();
        let stream = connect_to([nowhere, closed, nowhere, good].into()).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        // Two that lead nowhere; the one that refuses costs nothing. To give one up takes the system minutes.
        assert!((2 * HEAD_START..20 * HEAD_START).contains(&before.elapsed()), "{:?}", before.elapsed());
        let error = connect_to([closed].into()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(connect_to([].into()).await.unwrap_err().to_string(), "the host has no address");
    }
}
