//! Line by line, as scripts use it.

use chat::Rate;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use sockeye::{Result, TlsConfig};

use super::{
    guest::{Guest, command},
    site::Site,
};

#[sockeye::test(flavor = "multi_thread")]
async fn two_talk() -> Result<()> {
    let site = Site::start().await;
    let mut ann = Guest::come(&site.url(), "1", "Ann").await;
    let mut bob = Guest::come(&site.url(), "2", "Bob").await;
    ann.expect("→ Bob has come").await;
    ann.say("hello, Bob").await;
    let line = ann.expect("✓ hello, Bob").await;
    assert!(line.len() > 5 && line.as_bytes()[2] == b':', "{line}");
    bob.expect(" Ann: hello, Bob").await;
    ann.expect("✓✓ read by Bob").await;
    bob.say("//slash").await;
    ann.expect(" Bob: /slash").await;
    ann.say("/typing").await;
    bob.expect("… Ann is typing").await;
    bob.say("/ping").await;
    bob.expect("pong after ").await;
    bob.say("/stats").await;
    bob.expect("2 connections in 1 rooms").await;
    bob.expect("  lobby: 2 users, 2 connections").await;
    bob.say("/help").await;
    bob.expect("/typing").await;
    bob.say("/wave").await;
    bob.expect("! expected a command that /help lists, got /wave").await;
    bob.say("/quit").await;
    let bob = bob.wait().await;
    assert_eq!((bob.code, &*bob.errors), (Some(0), ""));
    ann.expect("← Bob has gone").await;
    let ann = ann.end().await;
    assert_eq!((ann.code, &*ann.errors), (Some(0), ""));
    // Own words come once, as their receipt, and nothing is coloured.
    assert_eq!(ann.lines.iter().filter(|line| line.contains("hello, Bob")).count(), 1);
    assert!(!ann.lines.concat().contains('\u{1b}'));
    // Who comes later gets what was said.
    let late = Guest::come(&site.url(), "3", "Cat").await.end().await;
    let said: Vec<_> = late.lines.iter().filter_map(|line| line.split_once(' ')).map(|(_, said)| said).collect();
    assert!(said.ends_with(&["Ann: hello, Bob", "Bob: /slash"]), "{said:?}");
    Ok(())
}

#[sockeye::test(flavor = "multi_thread")]
async fn what_others_wrote_does_not_reach_the_terminal() -> Result<()> {
    let site = Site::start().await;
    let mut ann = Guest::come(&site.url(), "1", "Ann").await;
    let mut eve = Guest::come(&site.url(), "2", "\u{1b}[31mEve\u{202e}").await;
    ann.expect("→ ␛[31mEve\u{fffd} has come").await;
    eve.say("\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}1m\u{0}").await;
    ann.expect("␛[31mEve\u{fffd}: ␛]0;owned␇␛[2J\u{fffd}1m␀").await;
    let ann = ann.end().await;
    assert!(!ann.lines.concat().contains(char::is_control), "{:?}", ann.lines);
    assert_eq!(eve.end().await.code, Some(0));
    Ok(())
}

/// What is said while the server is away is said when it is back, once and in order, and nothing of what others said is lost.
#[sockeye::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_is_no_end() -> Result<()> {
    const COUNT: usize = 300;
    let mut site = Site::start().await;
    let mut ann = Guest::come(&site.url(), "1", "Ann").await;
    let mut bob = Guest::come(&site.url(), "2", "Bob").await;
    let saying = tokio::spawn(async move {
        for number in 0..COUNT {
            ann.say(&format!("<{number}>")).await;
        }
        ann.end().await
    });
    for at in [COUNT / 4, COUNT / 2] {
        bob.expect(&format!("<{at}>")).await;
        site.stop().await;
        bob.expect("! offline: ").await;
        site.start_again().await;
    }
    let ann = saying.await?;
    assert_eq!((ann.code, &*ann.errors), (Some(0), ""));
    bob.expect(&format!("<{}>", COUNT - 1)).await;
    let bob = bob.end().await;
    for lines in [ann.lines, bob.lines] {
        let said = lines.iter().filter_map(|line| line.split_once('<')?.1.strip_suffix('>'));
        let expected: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
        assert_eq!(said.collect::<Vec<_>>(), expected);
    }
    Ok(())
}

/// More than the server takes at once: it is said again until it is stored.
#[sockeye::test(flavor = "multi_thread")]
async fn who_is_too_fast_is_slowed() -> Result<()> {
    let site = Site::with(Rate::a_second(3), None).await;
    let mut ann = Guest::come(&site.url(), "1", "Ann").await;
    for number in 0..36 {
        ann.say(&format!("<{number}>")).await;
    }
    ann.expect("expected fewer messages a second: it is said again soon").await;
    let ann = ann.end().await;
    assert_eq!((ann.code, &*ann.errors), (Some(0), ""));
    let said: Vec<_> = ann.lines.iter().filter_map(|line| line.split_once("✓ ")).map(|(_, said)| said).collect();
    assert_eq!(said, (0..36).map(|number| format!("<{number}>")).collect::<Vec<_>>());
    Ok(())
}

#[sockeye::test(flavor = "multi_thread")]
async fn what_is_too_long_is_not_said_and_the_rest_is() -> Result<()> {
    let site = Site::start().await;
    let mut ann = Guest::come(&site.url(), "1", "Ann").await;
    ann.say(&"x".repeat(16_385)).await;
    let line = ann.expect("! not said: xxx").await;
    assert!(line.contains("16385") && line.len() < 250, "{line}");
    ann.say(&"é".repeat(16_384)).await;
    ann.expect("✓ ééé").await;
    assert_eq!(ann.end().await.code, Some(0));
    Ok(())
}

/// Names of rooms are data.
#[sockeye::test(flavor = "multi_thread")]
async fn any_room_can_be_gone_to() -> Result<()> {
    let site = Site::start().await;
    for room in ["a/b ?#%&+", "日本 👩", "..", "*", "\u{1b}[31m", &"é".repeat(512)] {
        let mut guests = Vec::new();
        for (id, name) in [("1", "Ann"), ("2", "Bob & Co=?#")] {
            let mut guest = Guest::new(command(&site.url(), id, name, &["--room", room]));
            guest.expect("connected to ").await;
            guests.push(guest);
        }
        guests[0].expect("→ Bob & Co=?# has come").await;
        guests[1].say(room).await;
        guests[0].expect(" Bob & Co=?#: ").await;
        for guest in guests {
            assert_eq!(guest.end().await.code, Some(0));
        }
    }
    Ok(())
}

/// With a certificate that the system is told to trust; `/stats` too.
#[sockeye::test(flavor = "multi_thread")]
async fn over_tls() -> Result<()> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()])?;
    let tls = TlsConfig::from_pem(cert.pem(), signing_key.serialize_pem())?;
    let site = Site::with(Rate::UNLIMITED, Some(tls)).await;
    let trusted = site.file("roots.pem", &cert.pem());
    let url = format!("https://localhost:{}", site.port());
    let mut trusting = command(&url, "1", "Ann", &[]);
    trusting.env("SSL_CERT_FILE", trusted).env_remove("SSL_CERT_DIR");
    let mut ann = Guest::new(trusting);
    ann.expect("connected to lobby").await;
    ann.say("secret").await;
    ann.expect("✓ secret").await;
    ann.say("/stats").await;
    ann.expect("1 connections in 1 rooms").await;
    assert_eq!(ann.end().await.code, Some(0));

    let other = generate_simple_self_signed(["localhost".to_owned()])?;
    let mut mistrusting = command(&url, "1", "Ann", &["--once"]);
    mistrusting.env("SSL_CERT_FILE", site.file("other.pem", &other.cert.pem())).env_remove("SSL_CERT_DIR");
    let ended = Guest::new(mistrusting).wait().await;
    assert!(ended.code == Some(1) && ended.errors.contains("invalid peer certificate"), "{ended:?}");
    Ok(())
}
