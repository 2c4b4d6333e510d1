//! The page is served whole, and names no other host.

use sockeye::{Result, TestClient};

use crate::{Model, app};

#[sockeye::test]
async fn the_page_is_complete_and_asks_no_other_host() -> Result<()> {
    let client = TestClient::new(app(Model::offline()));
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/script.js", "text/javascript; charset=utf-8"),
    ] {
        let response = client.get(path).await?;
        assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &content_type.parse()?));
        let policy = response.headers()["content-security-policy"].to_str()?;
        assert!(policy.starts_with("default-src 'self';"), "{policy}");
        let text = response.text();
        assert!(!text.contains("//cdn") && !text.contains("http://") && !text.contains("https://"), "{path}");
    }
    Ok(())
}
