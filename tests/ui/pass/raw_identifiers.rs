//! Names that are keywords.

use sockeye::prelude::*;

#[get("/<type>/<name>")]
async fn r#match(r#type: String, name: String, r#in: Option<String>) -> String {
    [r#type, name, r#in.unwrap_or_default()].concat()
}

#[dependency]
async fn r#loop(#[query(rename = "for")] r#for: u8) -> u8 {
    r#for
}

#[router]
mod r#mod {
    use sockeye::prelude::*;

    #[get("/while")]
    async fn r#while(#[depends(super::r#loop)] r#loop: u8) -> String {
        r#loop.to_string()
    }
}

#[derive(Param)]
pub enum Word {
    r#Async,
    r#Where,
}

fn main() {
    let _ = App::new().route(r#match).include_router(r#mod::router());
}
