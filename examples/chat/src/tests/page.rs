//! The page is served whole, and names no other host.

use sockeye::Result;

use super::client;

#[sockeye::test]
async fn the_page_is_complete_and_asks_no_other_host() -> Result<()> {
    let client = client();
    let page = client.get("/").await?;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let mut paths: Vec<String> =
        page.text().split('"').filter(|part| part.starts_with("/assets/")).map(str::to_owned).collect();
    assert!(paths.len() >= 4, "{paths:?}");
    let mut at = 0;
    while let Some(path) = paths.get(at).cloned() {
        let response = client.get(&path).await?;
        let content_type = match path.rsplit_once('.') {
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/javascript; charset=utf-8",
        };
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &content_type.parse()?),
            "{path}"
        );
        let text = response.text();
        let names_a_host = text.contains("//cdn") || text.replace("http://www.w3.org/", "").contains("http://");
        assert!(!names_a_host && !text.contains("https://"), "{path}");
        // What a module imports is served, too.
        for import in text.lines().filter_map(|line| line.strip_prefix("import ")?.split('"').nth(1)) {
            let imported =
                import.strip_prefix("./").map_or_else(|| import.to_owned(), |name| format!("/assets/{name}"));
            if import.starts_with("/sockeye/") {
                assert_eq!(client.get(import).await?.status(), 200, "{import}");
            } else if !paths.contains(&imported) {
                paths.push(imported);
            }
        }
        at += 1;
    }
    assert!(paths.contains(&"/assets/connection.js".to_owned()), "{paths:?}");
    for policy in [client.get("/").await?, client.get("/assets/app.js").await?] {
        assert!(policy.headers()["content-security-policy"].to_str()?.starts_with("default-src 'self';"));
    }
    for path in ["/assets/none.js", "/assets/", "/assets/..%2Fpage.rs", "/assets/index.html"] {
        assert_eq!(client.get(path).await?.status(), 404, "{path}");
    }
    Ok(())
}
