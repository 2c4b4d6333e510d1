//! The pages are served whole, and name no other host.

use sockeye::Result;

use super::client;

#[sockeye::test]
async fn the_pages_are_complete_and_ask_no_other_host() -> Result<()> {
    let client = client();
    for (path, content_type) in [
        ("/ws/test", "text/html; charset=utf-8"),
        ("/websocket", "text/html; charset=utf-8"),
        ("/assets/style.css", "text/css; charset=utf-8"),
        ("/assets/test.js", "text/javascript; charset=utf-8"),
        ("/assets/integration.js", "text/javascript; charset=utf-8"),
    ] {
        let response = client.get(path).await?;
        assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &content_type.parse()?));
        let policy = response.headers()["content-security-policy"].to_str()?;
        assert!(policy.starts_with("default-src 'self';"), "{policy}");
        let text = response.text();
        assert!(!text.contains("//cdn") && !text.contains("http://") && !text.contains("https://"), "{path}");
        for asset in text.split('"').filter(|part| part.starts_with("/assets/")) {
            assert_eq!(client.get(asset).await?.status(), 200, "{asset}");
        }
    }
    Ok(())
}

#[sockeye::test]
async fn the_integration_page_names_everything() -> Result<()> {
    let text = client().get("/websocket").await?.text();
    for part in [
        "<code>/ws</code>",
        "<code>/ws/test</code>",
        "<code>/ws/stats</code>",
        "<code>/websocket</code>",
        "chat",
        "notification",
        "system",
        "heartbeat",
        "user_joined",
        "user_left",
        "user_list",
        "error",
        "new WebSocket",
        "useEffect",
        "onUnmounted",
    ] {
        assert!(text.contains(part), "{part}");
    }
    Ok(())
}
