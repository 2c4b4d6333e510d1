//! The numbers and the state.

use serde_json::{Value, json};
use sockeye::Result;

use super::{ann_and_bob, client, guest, receive};

#[sockeye::test]
async fn the_numbers_are_right() -> Result<()> {
    let client = client();
    let stats = async || Ok::<Value, sockeye::Error>(client.get("/ws/stats").await?.json());
    assert_eq!(stats().await?, json!({ "total_connections": 0, "total_rooms": 0, "rooms": {} }));
    let (mut ann, mut bob) = ann_and_bob(&client, "1").await?;
    let mut tab = guest(&client, "1", 2, "Bob").await?;
    let other = guest(&client, "2", 2, "Bob").await?;
    let rooms = json!({ "1": { "connections": 3, "users": 2 }, "2": { "connections": 1, "users": 1 } });
    assert_eq!(stats().await?, json!({ "total_connections": 4, "total_rooms": 2, "rooms": rooms }));
    bob.close(1000).await?;
    tab.close(1000).await?;
    assert_eq!(receive(&mut ann, "user_left").await?["user_id"], 2);
    drop(other);
    while stats().await?["total_rooms"] != 1 {
        sockeye::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let rooms = json!({ "1": { "connections": 1, "users": 1 } });
    assert_eq!(stats().await?, json!({ "total_connections": 1, "total_rooms": 1, "rooms": rooms }));
    Ok(())
}

#[sockeye::test]
async fn it_says_that_it_is_well() -> Result<()> {
    let response = client().get("/health").await?;
    assert_eq!(
        (response.status().as_u16(), response.json::<Value>()),
        (200, json!({ "status": "ok", "storage": "ok" }))
    );
    Ok(())
}
