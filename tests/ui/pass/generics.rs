//! Generic types as arguments.

use sockeye::prelude::*;
use std::collections::HashMap;

#[get("/a/<ids>")]
async fn a(ids: String, State(map): State<HashMap<String, Vec<u8>>>, page: Option<u32>) -> String {
    format!("{ids} {} {page:?}", map.len())
}

#[websocket("/typed")]
async fn typed(mut ws: WebSocket<Vec<u32>, HashMap<String, u32>>) -> Result<()> {
    while let Some(numbers) = ws.next().await {
        ws.send(&HashMap::from([("sum".to_owned(), numbers?.iter().sum())])).await?;
    }
    Ok(())
}

fn main() {
    let _ = App::new().route(a).route(typed);
}
