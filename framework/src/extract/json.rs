//! JSON bodies.

use ::http::header;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{ArgInfo, FromRequest, Rejection, Request};
use crate::http::Json;

/// The body as JSON: 415 without a JSON content type, 400 if it is not JSON, 422 if it does not fit `T`.
impl<T: DeserializeOwned + Send + 'static> FromRequest for Json<T> {
    type Rejection = Rejection;
    const BODY: bool = true;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Self, Rejection> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default();
        if !is_json(content_type) {
            return Err(Rejection::media_type("application/json", content_type));
        }
        let body = request.read_body().await?;
        serde_json::from_slice(&body).map(Json).map_err(|error| {
            // serde may meet the wrong type before the broken end: what is not JSON at all is 400 in any case.
            let broken = serde_json::from_slice::<IgnoredAny>(&body).err();
            Rejection::json(&broken.unwrap_or(error))
        })
    }
}

/// `application/json` and `application/…+json`, with or without parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

impl<T> std::ops::Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
