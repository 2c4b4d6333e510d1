//! The client for browsers, as the server gives it out.

use sockeye::prelude::*;

#[sockeye::test]
async fn an_app_serves_it_with_its_types() -> Result<()> {
    let client = TestClient::new(App::new().browser_client());
    for (path, content_type, begins) in [
        ("/sockeye/client.js", "text/javascript; charset=utf-8", "/**\n * Sockeye's client for browsers:"),
        ("/sockeye/client.d.ts", "text/plain; charset=utf-8", "/** Types of `client.js`"),
    ] {
        let answer = client.get(path).await?;
        assert_eq!(answer.status(), 200);
        assert!(answer.text().starts_with(begins), "{path}");
        for (name, value) in [
            ("content-type", content_type),
            ("cache-control", "no-cache"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.headers()[name], value, "{path} {name}");
        }
        // No page of another origin may load it as a module.
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
    Ok(())
}

#[sockeye::test]
async fn who_has_it_gets_304() -> Result<()> {
    let client = TestClient::new(App::new().browser_client());
    let tag = |answer: &sockeye::TestResponse| answer.headers()["etag"].to_str().expect("ASCII").to_owned();
    let script = tag(&client.get("/sockeye/client.js").await?);
    let types = tag(&client.get("/sockeye/client.d.ts").await?);
    assert_ne!(script, types);
    for (asked, status) in [
        (script.clone(), 304),
        (format!("W/{script}"), 304),
        (format!("\"other\", {script}"), 304),
        ("*".to_owned(), 304),
        (types, 200),
        (script.trim_matches('"').to_owned(), 200),
        (String::new(), 200),
    ] {
        let answer = client.get("/sockeye/client.js").header("if-none-match", &asked).await?;
        assert_eq!((answer.status().as_u16(), answer.text().is_empty()), (status, status == 304), "{asked}");
        assert_eq!(tag(&answer), script);
    }
    let head = client.request(sockeye::Method::HEAD, "/sockeye/client.js").await?;
    assert_eq!((head.status().as_u16(), head.text().is_empty()), (200, true));
    Ok(())
}

#[sockeye::test]
async fn an_app_that_does_not_ask_for_it_has_none() -> Result<()> {
    #[get("/sockeye/<file>")]
    async fn own(file: String) -> String {
        format!("my own {file}")
    }

    assert_eq!(TestClient::new(App::new()).get("/sockeye/client.js").await?.status(), 404);
    let client = TestClient::new(App::new().route(own));
    assert_eq!(client.get("/sockeye/client.js").await?.text(), "my own client.js");
    // Fixed text wins over a parameter, as anywhere.
    let client = TestClient::new(App::new().route(own).browser_client());
    assert_eq!(client.get("/sockeye/other.js").await?.text(), "my own other.js");
    assert!(client.get("/sockeye/client.js").await?.text().contains("export class Client"));
    Ok(())
}

#[test]
fn a_route_at_the_same_path_is_a_collision() {
    #[get("/sockeye/client.js")]
    async fn own() -> &'static str {
        "mine"
    }

    let error = App::new().browser_client().route(own).check().unwrap_err().to_string();
    let (line, file) = (line!() - 1, file!());
    for part in
        ["GET /sockeye/client.js (`browser_client` at ", &format!("{file}:{line}"), "(`own` at ", "collides with"]
    {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert_eq!(App::new().browser_client().browser_client().check().unwrap_err().problems().len(), 2);
}
