//! Dependencies: async functions whose results are arguments.

use std::any::TypeId;

use super::{Needs, Request};
use crate::{http::Response, rt::BoxFuture};

/// What `#[dependency]` makes of a function.
pub trait Dependency: 'static {
    /// What it gives.
    type Value: Clone + Send + Sync + 'static;

    /// Whether one of its arguments reads the body.
    const BODY: bool;

    /// What its arguments need.
    fn needs(needs: &mut Needs);

    /// Resolves its arguments and runs it.
    fn resolve(request: &mut Request) -> BoxFuture<'_, Result<Self::Value, Response>>;
}

/// A function marked `#[dependency]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a dependency",
    label = "not a dependency",
    note = "add `#[dependency]` to the function"
)]
pub trait DependencyFn<Args> {
    /// What the macro made of it.
    type Dependency: Dependency;
}

/// Gives the value of `D`: of a dependency that several arguments name, only the first use runs it.
pub(crate) async fn run_dependency<D: Dependency>(request: &mut Request) -> Result<D::Value, Response> {
    let id = TypeId::of::<D>();
    let known = request.resolved.iter().find(|(known, _)| *known == id);
    if let Some(value) = known.and_then(|(_, value)| value.downcast_ref::<D::Value>()) {
        return Ok(value.clone());
    }
    let value = D::resolve(request).await?;
    request.resolved.push((id, Box::new(value.clone())));
    Ok(value)
}
