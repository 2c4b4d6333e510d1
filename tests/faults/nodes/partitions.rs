//! A node is cut off from the broker, and comes back.

use std::time::Duration;

use sockeye::Result;
use tokio::time::sleep;

use super::{
    load::{BACK, Load, NOTICED, until},
    with_each_broker,
};

with_each_broker![one_is_cut_off, both_are_cut_off];

/// A lease, and some seconds for what goes on besides.
const GONE: Duration = Duration::from_secs(15);

/// The other one sees its users leave, and come back.
async fn one_is_cut_off(load: Load) -> Result<()> {
    let [one, two] = &load.nodes;
    let _ada = one.socket("/as?room=cafe&user=ada").await?;
    let _bob = two.socket("/as?room=cafe&user=bob").await?;
    until(BACK, "both see both", async || one.users("cafe") == ["ada", "bob"] && two.users("cafe") == ["ada", "bob"])
        .await;
    two.proxy.stall(true);
    until(NOTICED, "the one knows", async || !two.is_ready().await).await;
    until(GONE, "the other one's user has left", async || one.users("cafe") == ["ada"]).await;
    assert!(one.is_ready().await);
    load.local_delivery_goes_on(Duration::from_secs(2)).await?;
    two.proxy.stall(false);
    load.until_all_are(true, BACK).await;
    until(GONE, "both see both again", async || {
        one.users("cafe") == ["ada", "bob"] && two.users("cafe") == ["ada", "bob"]
    })
    .await;
    load.ends_well().await
}

/// Nobody knows whether the other one lives: nobody leaves.
async fn both_are_cut_off(load: Load) -> Result<()> {
    let [one, two] = &load.nodes;
    let _ada = one.socket("/as?room=cafe&user=ada").await?;
    let bob = two.socket("/as?room=cafe&user=bob").await?;
    let both = ["ada", "bob"];
    until(BACK, "both see both", async || one.users("cafe") == both && two.users("cafe") == both).await;
    load.nodes.iter().for_each(|node| node.proxy.stall(true));
    load.until_all_are(false, NOTICED).await;
    // Meanwhile one goes, of which the other node can't hear.
    drop(bob);
    load.local_delivery_goes_on(Duration::from_secs(10)).await?;
    assert_eq!(one.users("cafe"), both);
    load.nodes.iter().for_each(|node| node.proxy.stall(false));
    load.until_all_are(true, BACK).await;
    until(GONE, "the one has left", async || one.users("cafe") == ["ada"]).await;
    // And nobody else leaves afterwards.
    sleep(Duration::from_secs(3)).await;
    assert_eq!(one.users("cafe"), ["ada"]);
    load.ends_well().await
}
