use futures_util::stream;
use sockeye::prelude::*;

#[get("/numbers")]
async fn numbers() -> Sse {
    Sse::new(stream::iter([1, 2, 3]))
}

fn main() {
    let _ = App::new().route(numbers);
}
