//! Who is let in.

use sockeye::{Origins, Result, prelude::*};

use super::receive;
use crate::{Settings, app};

#[sockeye::test]
async fn a_token_is_asked_for() -> Result<()> {
    let client = TestClient::new(app(Settings::default().token("s3cret&é")));
    for query in ["", "?token=", "?token=wrong", "?token=s3cret", "?token=s3cret%26%C3%A9x", "?Token=s3cret%26%C3%A9"] {
        client.websocket(&format!("/ws{query}")).connect().await.expect_denied(401);
    }
    let mut ws = client.websocket_connect("/ws?username=Ann&token=s3cret%26%C3%A9").await?;
    let list = receive(&mut ws, "user_list").await?;
    assert!(!list.to_string().contains("s3cret"), "{list}");
    // The pages and the numbers hold no secret.
    for path in ["/ws/stats", "/ws/test", "/websocket"] {
        assert_eq!(client.get(path).await?.status(), 200);
    }
    Ok(())
}

#[sockeye::test]
async fn without_a_token_any_will_do() -> Result<()> {
    let client = TestClient::new(app(Settings::default()));
    let mut ws = client.websocket_connect("/ws?token=any").await?;
    receive(&mut ws, "user_list").await?;
    Ok(())
}

#[sockeye::test]
async fn pages_of_other_origins_are_refused() -> Result<()> {
    let listed = Settings::default().origins("https://app.example, http://localhost:5173/,")?;
    for (settings, origin, enters) in [
        (Settings::default(), "https://app.example", false),
        (Settings { origins: listed.origins.clone(), ..Settings::default() }, "https://app.example", true),
        (Settings { origins: listed.origins.clone(), ..Settings::default() }, "http://localhost:5173", true),
        (Settings { origins: listed.origins.clone(), ..Settings::default() }, "http://localhost:5174", false),
        (Settings { origins: listed.origins.clone(), ..Settings::default() }, "http://app.example", false),
        (Settings { origins: listed.origins, ..Settings::default() }, "null", false),
    ] {
        let client = TestClient::new(app(settings));
        let connecting = client.websocket("/ws").origin(origin).connect().await;
        if enters {
            connecting?;
        } else {
            connecting.expect_denied(403);
        }
        // Programs send no origin.
        client.websocket_connect("/ws").await?;
    }
    Ok(())
}

#[test]
fn what_is_no_origin_is_refused_at_start() {
    for list in
        ["*", "example.com", "https://a.example/path", "https://a.example?x", "ftp://a.example", "https://u@a.example"]
    {
        let error = Settings::default().origins(&format!("https://fine.example,{list}")).unwrap_err().to_string();
        assert!(
            error.starts_with("expected HUB_ORIGINS to be a list") && error.contains(&format!("`{list}`")),
            "{error}"
        );
    }
    let none = Settings::default().origins(" , ,").unwrap();
    assert_eq!(format!("{:?}", none.origins), format!("{:?}", Origins::list([""; 0])));
    assert!(!format!("{:?}", Settings::default().token("s3cret")).contains("s3cret"));
}
