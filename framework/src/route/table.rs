//! All routes of an app, ready to be looked up. The only door to matchit.

use std::collections::HashMap;

use ::http::{HeaderValue, Method, StatusCode, header};

use super::{
    BuildError, Conflict, Route, RouteKind, Router,
    into_route::Target,
    layer::LayeredService,
    pattern::{Pattern, normalize},
};
use crate::{
    extract::{Location, PathValues, TypeMap},
    http::{IntoResponse, Problem, Response},
};

/// The routes by path and method.
#[derive(Default)]
pub(crate) struct Table {
    paths: matchit::Router<usize>,
    nodes: Vec<Node>,
    routes: Vec<Entry>,
}

/// A route that can be called.
pub(crate) struct Entry {
    pub(crate) target: Target,
    pub(crate) pattern: Pattern,
    conflict: Conflict,
}

/// All that answers at one path.
#[derive(Default)]
struct Node {
    socket: Option<usize>,
    methods: Vec<(Method, usize)>,
    mount: Option<Mounted>,
    allow: Option<HeaderValue>,
}

/// A tower service at or below a path.
struct Mounted {
    service: LayeredService,
    /// The segments of the path that the service does not see.
    depth: usize,
    conflict: Conflict,
}

/// What there is for a request.
pub(crate) enum Found<'t> {
    Route(&'t Target, PathValues),
    Mount(&'t LayeredService, String),
    /// A socket, asked for without an upgrade.
    UpgradeRequired,
    /// The path is known and the handlers are not asked: the method is another, or OPTIONS wants to know which there are.
    /// With the target of one of them, whose layers are to see the request.
    Refused(Refusal, &'t Target),
    Nothing,
    /// The path is broken: a bad escape, a NUL, not UTF-8.
    BadPath,
}

impl Table {
    /// Puts the routes in, or says everything that is wrong with them.
    pub(crate) fn build(router: Router, states: &TypeMap) -> Result<Self, BuildError> {
        let mut builder = Builder::default();
        for route in router.routes {
            builder.needs(&route, states);
            builder.route(route);
        }
        for mount in router.mounts {
            builder.mount(&mount.prefix, mount.location, &mount.service);
        }
        builder.finish()
    }

    /// Looks a request up. `wants_socket`: it asks for a WebSocket, by an upgrade or by CONNECT. Where there is no socket an
    /// upgrade is ignored (RFC 9110 section 7.8) and a CONNECT refused: any 2xx would say that the socket is open.
    pub(crate) fn find(&self, method: &Method, path: &str, wants_socket: bool) -> Found<'_> {
        let Some(normal) = normalize(path) else { return Found::BadPath };
        let Ok(matched) = self.paths.at(&normal) else { return Found::Nothing };
        let node = &self.nodes[*matched.value];
        if let Some(mounted) = &node.mount {
            return Found::Mount(&mounted.service, below(path, mounted.depth));
        }
        let route = |index: usize| {
            let entry = &self.routes[index];
            Found::Route(&entry.target, entry.pattern.values(matched.params.iter().map(|(_, value)| value)))
        };
        let by_method = |method: &Method| node.methods.iter().find(|(known, _)| known == method);
        match (node.socket, by_method(method)) {
            (Some(socket), _) if wants_socket && (method == Method::GET || method == Method::CONNECT) => route(socket),
            (_, Some((_, index))) => route(*index),
            (Some(_), None) if method == Method::GET => Found::UpgradeRequired,
            _ if method == Method::HEAD => match (by_method(&Method::GET), node.socket) {
                (Some((_, index)), _) => route(*index),
                (None, Some(_)) => Found::UpgradeRequired,
                (None, None) => self.refuse(node, StatusCode::METHOD_NOT_ALLOWED),
            },
            _ if method == Method::OPTIONS => self.refuse(node, StatusCode::NO_CONTENT),
            _ => self.refuse(node, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    fn refuse(&self, node: &Node, status: StatusCode) -> Found<'_> {
        let first = node.methods.first().map(|(_, index)| *index).or(node.socket);
        match (first, &node.allow) {
            (Some(first), Some(allow)) => {
                Found::Refused(Refusal { status, allow: allow.clone() }, &self.routes[first].target)
            }
            // A node without a handler is a mount, which was found before.
            _ => Found::Nothing,
        }
    }
}

/// An answer in place of the handlers': which methods there are (RFC 9110 section 10.2.1).
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    allow: HeaderValue,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = match self.status {
            StatusCode::METHOD_NOT_ALLOWED => {
                let text = format!("expected one of the methods {}", self.allow.to_str().unwrap_or_default());
                Problem::new(self.status, "method_not_allowed", text).into_response()
            }
            status => status.into_response(),
        };
        response.headers_mut().insert(header::ALLOW, self.allow);
        response
    }
}

/// The path below so many segments, still escaped as it came.
fn below(path: &str, depth: usize) -> String {
    path.match_indices('/').nth(depth).map_or("/", |(at, _)| &path[at..]).to_owned()
}

impl Node {
    /// The value of `Allow` (RFC 9110 section 10.2.1).
    fn finish(&mut self) {
        let mut methods: Vec<_> = self.methods.iter().map(|(method, _)| method.as_str()).collect();
        if self.socket.is_some() && !methods.contains(&"GET") {
            methods.push("GET");
        }
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.sort_unstable();
        self.allow = HeaderValue::from_str(&methods.join(", ")).ok();
    }
}

#[derive(Default)]
struct Builder {
    table: Table,
    by_shape: HashMap<String, usize>,
    problems: Vec<super::Problem>,
}

impl Builder {
    fn needs(&mut self, route: &Route, states: &TypeMap) {
        for need in route.needs.states.iter().filter(|need| !states.has(need.id)) {
            self.problems.push(super::Problem::MissingState {
                type_name: need.type_name,
                handler: route.name.to_string(),
                argument: need.argument.map(|(name, location)| (name, location.to_string())),
            });
        }
    }

    fn route(&mut self, route: Route) {
        let Some(pattern) = self.parse(&route.path, route.location) else { return };
        let conflict = Conflict {
            kind: route.kind.to_string(),
            path: route.path,
            handler: route.name.to_string(),
            location: route.location,
        };
        let Some(node) = self.node(&pattern, &conflict) else { return };
        let index = self.table.routes.len();
        let node = &mut self.table.nodes[node];
        let taken = match route.kind {
            RouteKind::WebSocket => node.socket.replace(index),
            RouteKind::Http(method) => {
                let method = method.as_method();
                let taken = node.methods.iter().find(|(known, _)| *known == method).map(|(_, index)| *index);
                node.methods.push((method, index));
                taken
            }
        };
        if let Some(first) = taken {
            self.collision(first, conflict.clone());
        }
        self.table.routes.push(Entry { target: route.target, pattern, conflict });
    }

    fn mount(&mut self, prefix: &str, location: Location, service: &LayeredService) {
        let depth = prefix.matches('/').count();
        // The path itself, with and without its slash, and all below it.
        for path in [prefix.to_owned(), format!("{prefix}/"), format!("{prefix}/<rest..>")] {
            if path.is_empty() {
                continue;
            }
            let Some(pattern) = self.parse(&path, location) else { return };
            let conflict = Conflict { kind: "mount".into(), path, handler: "mount".into(), location };
            let Some(node) = self.node(&pattern, &conflict) else { return };
            let taken = &mut self.table.nodes[node];
            if let Some(first) = &taken.mount {
                self.problems.push(super::Problem::Collision { first: first.conflict.clone(), second: conflict });
                return;
            }
            // A route at exactly this path goes before what is mounted there.
            if taken.socket.is_none() && taken.methods.is_empty() {
                taken.mount = Some(Mounted { service: service.clone(), depth, conflict });
            }
        }
    }

    fn parse(&mut self, path: &str, location: Location) -> Option<Pattern> {
        let parsed = Pattern::parse(path);
        parsed
            .map_err(|reason| self.problems.push(super::Problem::BadPath { reason, location: location.to_string() }))
            .ok()
    }

    /// The node of a path, made if need be.
    fn node(&mut self, pattern: &Pattern, conflict: &Conflict) -> Option<usize> {
        let shape = pattern.shape();
        if let Some(node) = self.by_shape.get(&shape) {
            return Some(*node);
        }
        let overlapping = self.table.routes.iter().position(|other| other.pattern.overlaps(pattern));
        if let Some(first) = overlapping {
            self.collision(first, conflict.clone());
            return None;
        }
        let node = self.table.nodes.len();
        if let Err(error) = self.table.paths.insert(shape.clone(), node) {
            let reason = format!("the path `{}` can't stand beside another: {error}", conflict.path);
            self.problems.push(super::Problem::BadPath { reason, location: conflict.location.to_string() });
            return None;
        }
        self.table.nodes.push(Node::default());
        self.by_shape.insert(shape, node);
        Some(node)
    }

    fn collision(&mut self, first: usize, second: Conflict) {
        let first = self.table.routes[first].conflict.clone();
        self.problems.push(super::Problem::Collision { first, second });
    }

    fn finish(mut self) -> Result<Table, BuildError> {
        self.table.nodes.iter_mut().for_each(Node::finish);
        if self.problems.is_empty() { Ok(self.table) } else { Err(BuildError(self.problems)) }
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|entry| entry.conflict.to_string())).finish()
    }
}
