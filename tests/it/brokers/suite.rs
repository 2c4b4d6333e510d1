//! What every broker must do.

use std::time::Duration;

use bytes::Bytes;
use sockeye::{
    Result,
    broker::{Channel, Session},
    time::timeout,
};

use super::{Subject, next, room, soon, with_each_broker};

with_each_broker![
    own_messages_come_back,
    what_is_published_after_subscribing_comes,
    each_sender_keeps_its_order,
    a_channel_is_left,
    payloads_are_bytes,
    the_longest_message_passes,
    ten_thousand_messages_at_full_speed,
    a_thousand_rooms_at_once,
    waiting_can_be_cancelled,
    a_session_ends_as_one,
    nothing_to_do_is_done,
];

/// Publishes numbers.
async fn count(session: &mut Session, channel: &Channel, numbers: std::ops::Range<u32>) -> Result<()> {
    let messages: Vec<_> = numbers.map(|number| (channel.clone(), number.to_string().into())).collect();
    session.outlet.publish(&messages).await
}

async fn own_messages_come_back(subject: Subject) -> Result<()> {
    let mut session = subject.connect().await?;
    let channels = [Channel::Nodes, Channel::Node("0123456789abcdef0123456789abcdef".into()), room("lobby")];
    session.outlet.subscribe(&channels).await?;
    for channel in channels {
        session.outlet.publish(&[(channel.clone(), "hello".into())]).await?;
        assert_eq!(next(&mut session).await?, (channel, "hello".into()));
    }
    Ok(())
}

async fn what_is_published_after_subscribing_comes(subject: Subject) -> Result<()> {
    let (mut listener, mut sender) = (subject.connect().await?, subject.connect().await?);
    for number in 0..200 {
        let message = (room(&format!("room {number}")), Bytes::from(number.to_string()));
        listener.outlet.subscribe(std::slice::from_ref(&message.0)).await?;
        sender.outlet.publish(std::slice::from_ref(&message)).await?;
        assert_eq!(next(&mut listener).await?, message);
    }
    Ok(())
}

async fn each_sender_keeps_its_order(subject: Subject) -> Result<()> {
    const MESSAGES: u32 = 1000;
    let mut listener = subject.connect().await?;
    let lobby = room("lobby");
    listener.outlet.subscribe(std::slice::from_ref(&lobby)).await?;
    let mut senders = Vec::new();
    for name in ["a", "b", "c"] {
        let (mut sender, lobby) = (subject.connect().await?, lobby.clone());
        senders.push(sockeye::spawn(async move {
            // The whole of it: without the other half the session would end.
            let sender = &mut sender;
            for number in 0..MESSAGES {
                sender.outlet.publish(&[(lobby.clone(), format!("{name} {number}").into())]).await?;
            }
            Ok::<_, sockeye::Error>(())
        }));
    }
    let mut seen = [0; 3];
    for _ in 0..3 * MESSAGES {
        let (_, payload) = next(&mut listener).await?;
        let text = std::str::from_utf8(&payload)?;
        let (name, number) = text.split_once(' ').expect("two words");
        let seen = &mut seen["abc".find(name).expect("a sender")];
        assert_eq!(number.parse(), Ok(*seen), "{text}");
        *seen += 1;
    }
    for sender in senders {
        sender.await??;
    }
    Ok(())
}

async fn a_channel_is_left(subject: Subject) -> Result<()> {
    let mut session = subject.connect().await?;
    let (left, kept) = (room("left"), room("kept"));
    session.outlet.subscribe(&[left.clone(), kept.clone()]).await?;
    for round in 0..20 {
        session.outlet.unsubscribe(&[left.clone(), room("never joined")]).await?;
        let mut sender = subject.connect().await?;
        sender.outlet.publish(&[(left.clone(), "lost".into()), (kept.clone(), "kept".into())]).await?;
        assert_eq!(next(&mut session).await?, (kept.clone(), "kept".into()), "round {round}");
        // Again: no message comes twice.
        session.outlet.subscribe(std::slice::from_ref(&left)).await?;
        sender.outlet.publish(&[(left.clone(), "again".into()), (kept.clone(), "kept".into())]).await?;
        let mut came = [next(&mut session).await?, next(&mut session).await?];
        came.sort_by_key(|(channel, _)| *channel == kept);
        assert_eq!(came, [(left.clone(), "again".into()), (kept.clone(), "kept".into())], "round {round}");
    }
    Ok(())
}

async fn payloads_are_bytes(subject: Subject) -> Result<()> {
    let mut session = subject.connect().await?;
    let lobby = room("lobby");
    session.outlet.subscribe(std::slice::from_ref(&lobby)).await?;
    let all: Vec<u8> = (0..=255).collect();
    let payloads: [Bytes; 6] = [
        Bytes::new(),
        "\r\n".into(),
        "+OK\r\nPUB sockeye.room.other 3\r\n".into(),
        "{\"v\":1}\nline\n".into(),
        all.repeat(4096).into(),
        all.into(),
    ];
    assert_eq!(payloads[4].len(), 1024 * 1024);
    let messages: Vec<_> = payloads.into_iter().map(|payload| (lobby.clone(), payload)).collect();
    session.outlet.publish(&messages).await?;
    for message in messages {
        assert_eq!(next(&mut session).await?, message);
    }
    Ok(())
}

async fn the_longest_message_passes(subject: Subject) -> Result<()> {
    let mut session = subject.connect().await?;
    // Of the chat's messages, with what is around them.
    assert!(session.outlet.max_len() >= 1024 * 1024);
    let size = session.outlet.max_len().min(16 * 1024 * 1024);
    let message = (room(&"\u{1f41f}".repeat(256)), Bytes::from(vec![7; size]));
    session.outlet.subscribe(std::slice::from_ref(&message.0)).await?;
    session.outlet.publish(std::slice::from_ref(&message)).await?;
    assert!(next(&mut session).await? == message);
    Ok(())
}

async fn ten_thousand_messages_at_full_speed(subject: Subject) -> Result<()> {
    const MESSAGES: u32 = 10_000;
    let (mut listener, mut sender) = (subject.connect().await?, subject.connect().await?);
    let lobby = room("lobby");
    listener.outlet.subscribe(std::slice::from_ref(&lobby)).await?;
    // In one go, and one by one.
    count(&mut sender, &lobby, 0..MESSAGES / 2).await?;
    for number in MESSAGES / 2..MESSAGES {
        count(&mut sender, &lobby, number..number + 1).await?;
    }
    for number in 0..MESSAGES {
        assert_eq!(next(&mut listener).await?, (lobby.clone(), number.to_string().into()));
    }
    Ok(())
}

async fn a_thousand_rooms_at_once(subject: Subject) -> Result<()> {
    let mut session = subject.connect().await?;
    let rooms: Vec<_> = (0..2500).map(|number| room(&format!("room {number}"))).collect();
    session.outlet.subscribe(&rooms).await?;
    let messages: Vec<_> = rooms.iter().map(|room| (room.clone(), "hello".into())).collect();
    session.outlet.publish(&messages).await?;
    let mut missing: std::collections::HashSet<_> = rooms.iter().cloned().collect();
    while !missing.is_empty() {
        let (room, _) = next(&mut session).await?;
        assert!(missing.remove(&room), "{room:?} came twice");
    }
    session.outlet.unsubscribe(&rooms[1..]).await?;
    session.outlet.publish(&messages[..2]).await?;
    session.outlet.publish(&messages[..1]).await?;
    for _ in 0..2 {
        assert_eq!(next(&mut session).await?.0, rooms[0]);
    }
    Ok(())
}

async fn waiting_can_be_cancelled(subject: Subject) -> Result<()> {
    const MESSAGES: u32 = 1000;
    let (mut listener, mut sender) = (subject.connect().await?, subject.connect().await?);
    let lobby = room("lobby");
    listener.outlet.subscribe(std::slice::from_ref(&lobby)).await?;
    let sending = sockeye::spawn({
        let lobby = lobby.clone();
        async move {
            for number in 0..MESSAGES {
                count(&mut sender, &lobby, number..number + 1).await?;
            }
            Ok::<_, sockeye::Error>(())
        }
    });
    let mut seen = 0;
    let receiving = async {
        while seen < MESSAGES {
            if let Ok(message) = timeout(Duration::from_micros(50), listener.intake.next()).await {
                assert_eq!(message?, (lobby.clone(), seen.to_string().into()));
                seen += 1;
            }
        }
        Ok::<_, sockeye::Error>(())
    };
    timeout(Duration::from_secs(60), receiving).await??;
    sending.await?
}

async fn a_session_ends_as_one(subject: Subject) -> Result<()> {
    let Session { outlet, mut intake } = subject.connect().await?;
    drop(outlet);
    let error = soon(intake.next()).await.expect_err("there is nothing to wait for");
    assert!(error.is_broker(), "{error}");

    let Session { mut outlet, intake } = subject.connect().await?;
    outlet.subscribe(&[room("lobby")]).await?;
    drop(intake);
    let error =
        soon(outlet.publish(&[(room("lobby"), "hello".into())])).await.expect_err("nobody is there to receive it");
    assert!(error.is_broker(), "{error}");
    assert!(soon(outlet.subscribe(&[room("other")])).await.is_err());
    assert!(soon(outlet.unsubscribe(&[room("lobby")])).await.is_err());
    Ok(())
}

async fn nothing_to_do_is_done(subject: Subject) -> Result<()> {
    let mut session = subject.connect().await?;
    session.outlet.publish(&[]).await?;
    session.outlet.subscribe(&[]).await?;
    session.outlet.unsubscribe(&[]).await?;
    let silence = timeout(Duration::from_millis(50), session.intake.next()).await;
    assert!(silence.is_err());
    Ok(())
}
