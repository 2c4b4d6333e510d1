//! Members that come, speak and go, and the comparison of what each has heard with what was said.
//!
//! In each room a witness stays to the end: what it hears, in its order, is what was said. A stay of any other member must
//! be a part of that without a gap. It begins and ends with something of its own, so neither end can be missing.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt, TryStreamExt, future::try_join_all, stream};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// More than that and something is stuck.
const PATIENCE: Duration = Duration::from_secs(20);
/// Handshakes at a time.
const AT_ONCE: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) sockets: usize,
    pub(crate) rooms: usize,
    pub(crate) lasts: Duration,
    /// Between two things that a member says, on average.
    pub(crate) pause: Duration,
}

/// Who has said it, and its how many-eth message that was.
type Said = (usize, usize);

struct Stay {
    room: usize,
    heard: Vec<Said>,
}

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) stays: usize,
    pub(crate) said: usize,
    pub(crate) heard: usize,
}

struct Client {
    number: usize,
    said: usize,
    ws: WebSocketStream<TcpStream>,
    random: u64,
}

enum Came {
    Said(Said),
    Answer,
}

impl Client {
    async fn open(addr: SocketAddr, number: usize) -> Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(1024);
        let opening = client_async_with_config(format!("ws://{addr}/soak"), stream, Some(config));
        let (ws, _) = timeout(PATIENCE, opening).await.context("no answer to the handshake")??;
        Ok(Self { number, said: 0, ws, random: 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1) })
    }

    fn below(&mut self, most: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % most as u64) as usize
    }

    async fn tell(&mut self, text: String) -> Result<()> {
        Ok(self.ws.send(Message::text(text)).await?)
    }

    async fn next(&mut self) -> Result<Came> {
        loop {
            let message = self.ws.next().await.context("the server has closed")??;
            let Message::Text(text) = message else { continue };
            if ["joined", "left"].contains(&text.as_str()) {
                return Ok(Came::Answer);
            }
            let (number, said) = text.split_once(' ').with_context(|| format!("odd message {text}"))?;
            return Ok(Came::Said((number.parse()?, said.parse()?)));
        }
    }

    /// Listens until the answer has come.
    async fn ask(&mut self, text: String, heard: &mut Vec<Said>) -> Result<()> {
        self.tell(text).await?;
        while let Came::Said(said) = timeout(PATIENCE, self.next()).await.context("no answer")?? {
            heard.push(said);
        }
        Ok(())
    }

    /// Says something, and listens until it comes back.
    async fn say(&mut self, heard: &mut Vec<Said>) -> Result<()> {
        self.said += 1;
        let own = (self.number, self.said);
        self.tell(format!("say {} {}", own.0, own.1)).await?;
        while heard.last() != Some(&own) {
            match timeout(PATIENCE, self.next()).await.with_context(|| format!("{own:?} did not come back"))?? {
                Came::Said(said) => heard.push(said),
                Came::Answer => bail!("an answer to nothing"),
            }
        }
        Ok(())
    }

    async fn listen(&mut self, until: Instant, heard: &mut Vec<Said>) -> Result<()> {
        while let Ok(came) = timeout_at(until, self.next()).await {
            match came? {
                Came::Said(said) => heard.push(said),
                Came::Answer => bail!("an answer to nothing"),
            }
        }
        Ok(())
    }

    /// Goes from room to room.
    async fn wander(mut self, plan: Plan, end: Instant) -> Result<(Self, Vec<Stay>)> {
        let mut stays = Vec::new();
        while Instant::now() < end {
            let mut stay = Stay { room: self.below(plan.rooms), heard: Vec::new() };
            self.ask(format!("join {}", stay.room), &mut stay.heard).await?;
            self.say(&mut stay.heard).await?;
            for _ in 0..1 + self.below(3) {
                let pause = plan.pause.mul_f64(0.5 + self.below(1000) as f64 / 1000.0);
                self.listen(end.min(Instant::now() + pause), &mut stay.heard).await?;
                self.say(&mut stay.heard).await?;
            }
            self.ask("leave".to_owned(), &mut stay.heard).await?;
            stays.push(stay);
        }
        Ok((self, stays))
    }

    /// Hears all that is said in a room, until all others have gone. Says the last word.
    async fn witness(mut self, room: usize, mut over: watch::Receiver<bool>) -> Result<(Self, Stay)> {
        let mut stay = Stay { room, heard: Vec::new() };
        self.ask(format!("join {room}"), &mut stay.heard).await?;
        while !*over.borrow() {
            tokio::select! {
                came = self.next() => match came? {
                    Came::Said(said) => stay.heard.push(said),
                    Came::Answer => bail!("an answer to nothing"),
                },
                changed = over.changed() => changed?,
            }
        }
        self.say(&mut stay.heard).await?;
        self.ask("leave".to_owned(), &mut stay.heard).await?;
        Ok((self, stay))
    }
}

/// Sockets that are open, in no room.
pub(crate) struct Crowd(Vec<Client>);

impl Crowd {
    pub(crate) async fn open(addr: SocketAddr, plan: Plan) -> Result<Self> {
        let opening = stream::iter(0..plan.sockets).map(|number| Client::open(addr, number));
        Ok(Self(opening.buffer_unordered(AT_ONCE).try_collect().await?))
    }

    /// Comes, speaks, goes and compares.
    pub(crate) async fn run(self, plan: Plan) -> Result<(Self, Report)> {
        let (over, is_over) = watch::channel(false);
        let mut clients = self.0.into_iter();
        let witnesses: Vec<_> = clients.by_ref().take(plan.rooms).enumerate().collect();
        let witnesses = witnesses.into_iter().map(|(room, client)| tokio::spawn(client.witness(room, is_over.clone())));
        let witnesses: Vec<_> = witnesses.collect();
        // A witness must be there first.
        sleep(Duration::from_millis(500)).await;
        let end = Instant::now() + plan.lasts;
        let wandering: Vec<_> = clients.map(|client| tokio::spawn(client.wander(plan, end))).collect();
        let (mut clients, mut stays) = (Vec::new(), Vec::new());
        for wandered in try_join_all(wandering).await? {
            let (client, own) = wandered?;
            clients.push(client);
            stays.extend(own);
        }
        over.send(true)?;
        let mut truth = HashMap::new();
        for witnessed in try_join_all(witnesses).await? {
            let (client, stay) = witnessed?;
            clients.push(client);
            truth.insert(stay.room, stay.heard);
        }
        let report = compare(&truth, &stays)?;
        Ok((Self(clients), report))
    }

    pub(crate) async fn close(self) -> Result<()> {
        for mut client in self.0 {
            client.ws.close(None).await?;
            while let Some(message) = timeout(PATIENCE, client.ws.next()).await.context("no end")? {
                ensure!(message?.is_close(), "a message behind the end");
            }
        }
        Ok(())
    }
}

fn compare(truth: &HashMap<usize, Vec<Said>>, stays: &[Stay]) -> Result<Report> {
    let mut report = Report { stays: stays.len(), ..Report::default() };
    let mut at = HashMap::new();
    for (room, said) in truth {
        report.said += said.len();
        for (index, said) in said.iter().enumerate() {
            ensure!(at.insert((room, said), index).is_none(), "{said:?} came twice to the witness of room {room}");
        }
    }
    for Stay { room, heard } in stays {
        let (Some(first), Some(all)) = (heard.first(), truth.get(room)) else { bail!("a stay without a word") };
        let from = *at.get(&(room, first)).with_context(|| format!("nobody said {first:?} in room {room}"))?;
        let expected = all.get(from..from + heard.len());
        ensure!(expected == Some(heard), "room {room}: heard {heard:?}, said was {expected:?}");
        report.heard += heard.len();
    }
    Ok(report)
}

/// What is left on the server.
pub(crate) async fn left(addr: SocketAddr) -> Result<Value> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(b"GET /left HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.context("no answer")??;
    let (_, body) = answer.split_once("\r\n\r\n").with_context(|| format!("odd answer {answer}"))?;
    Ok(serde_json::from_str(body)?)
}

/// Waits until the same is left as there was before.
pub(crate) async fn wait_for(addr: SocketAddr, before: &Value) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let now = left(addr).await?;
        if now == *before {
            return Ok(());
        }
        ensure!(Instant::now() < end, "left on the server: {now}, at first it was {before}");
        sleep(Duration::from_millis(20)).await;
    }
}
