//! What keeps an app from being served, all of it at once.

use std::fmt;

use crate::extract::Location;

/// Everything that keeps an app from being served.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[get("/rooms/<id>")]
/// async fn one(id: u32) -> String { id.to_string() }
///
/// #[get("/rooms/<name>")]
/// async fn two(name: String) -> String { name }
///
/// let error = App::new().route(one).route(two).check().unwrap_err();
/// assert_eq!(error.problems().len(), 1);
/// assert!(error.to_string().contains("`one`"));
/// ```
#[derive(Debug)]
pub struct BuildError(pub(crate) Vec<Problem>);

impl BuildError {
    /// The problems, in the order of the routes.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the app can't be served, {count} problem{}:", if count == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|problem| write!(f, "\n- {problem}"))
    }
}

impl std::error::Error for BuildError {}

/// One reason why an app can't be served.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Problem {
    /// Two routes can match the same request.
    Collision {
        /// The route that came first.
        first: Conflict,
        /// The route that came second.
        second: Conflict,
    },
    /// A handler needs state that was never provided.
    MissingState {
        /// The type of the state.
        type_name: &'static str,
        /// The handler.
        handler: String,
        /// The argument that asks for it, and where it stands.
        argument: Option<(&'static str, String)>,
    },
    /// A path or prefix is not of the form `/fixed/<param>/<rest..>`.
    BadPath {
        /// What is wrong.
        reason: String,
        /// Where the route stands.
        location: String,
    },
}

/// One of two routes that collide.
#[derive(Clone, Debug)]
pub struct Conflict {
    pub(crate) kind: String,
    pub(crate) path: String,
    pub(crate) handler: String,
    pub(crate) location: Location,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (`{}` at {})", self.kind, self.path, self.handler, self.location)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collision { first, second } => {
                let help = "a request could match both; change one of the paths";
                write!(f, "{first} collides with {second}: {help}")
            }
            Self::MissingState { type_name, handler, argument } => {
                write!(f, "the handler `{handler}` needs `State<{type_name}>`")?;
                if let Some((argument, location)) = argument {
                    write!(f, " (argument `{argument}` at {location})")?;
                }
                write!(f, ", which was never provided; add `.state(…)` with a `{type_name}` to the app")
            }
            Self::BadPath { reason, location } => write!(f, "{reason} (at {location})"),
        }
    }
}
