//! The route table: which handler answers which path and method, and what a body may weigh there.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, StatusCode, header};

use super::{Head, Request, Response};

type Handler<A> = Box<dyn Fn(Arc<A>, Request) -> BoxFuture<'static, Response> + Send + Sync>;
type Guard<A> = fn(&A, &mut Head, Option<u64>) -> Result<(), Response>;

/// What a route's pattern caught from the path.
#[derive(Debug, Default)]
pub struct Params(Vec<(Arc<str>, String)>);

impl Params {
    /// What was caught under this name; empty if the pattern has no such name.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| &**key == name)
            .map_or("", |(_, value)| value)
    }
}

/// One method of one path.
pub struct Route<A> {
    method: Method,
    handler: Handler<A>,
    guard: Option<Guard<A>>,
    body_limit: u64,
}

impl<A> Route<A> {
    /// A route whose requests need no body; one of up to 64 KiB is let through and ignored.
    pub fn new<F, Fut, E>(method: Method, handler: F) -> Self
    where
        F: Fn(Arc<A>, Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, E>> + Send + 'static,
        E: Into<Response>,
    {
        let handler: Handler<A> = Box::new(move |app, request| {
            let answer = handler(app, request);
            Box::pin(async move { answer.await.unwrap_or_else(Into::into) })
        });
        Self {
            method,
            handler,
            guard: None,
            body_limit: 64 * 1024,
        }
    }

    /// The most bytes that a body may have here; more is answered 413.
    #[must_use]
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    /// A check of the head (and of the body's length where it is known) that runs before the body is read, so that a
    /// refusal costs little. It runs again when the body is there; what it must do only once it marks in the head.
    #[must_use]
    pub fn guard(mut self, guard: Guard<A>) -> Self {
        self.guard = Some(guard);
        self
    }
}

struct Resource<A> {
    pattern: &'static str,
    names: Vec<Arc<str>>,
    routes: Vec<Route<A>>,
}

/// All routes of a server.
pub struct Router<A> {
    table: matchit::Router<usize>,
    resources: Vec<Resource<A>>,
}

/// A route that was found, and what its pattern caught.
pub(super) struct Found<'router, A> {
    pub(super) pattern: &'static str,
    pub(super) params: Params,
    route: &'router Route<A>,
}

/// Why no route was found.
pub(super) enum Missing {
    Path,
    Method { allow: HeaderValue },
}

impl<A> Default for Router<A> {
    fn default() -> Self {
        Self {
            table: matchit::Router::new(),
            resources: Vec::new(),
        }
    }
}

impl<A> Router<A> {
    /// The same table with one more path. Patterns are those of `matchit`: `{name}` is one segment, `{*name}` the rest.
    ///
    /// # Panics
    ///
    /// When the pattern is malformed or contradicts an earlier one. Tables are built once, at start.
    #[must_use]
    #[expect(clippy::panic, reason = "a table that contradicts itself must not start")]
    pub fn path(mut self, pattern: &'static str, routes: impl IntoIterator<Item = Route<A>>) -> Self {
        if let Err(error) = self.table.insert(pattern, self.resources.len()) {
            panic!("route {pattern}: {error}");
        }
        let names = pattern
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .map(|name| Arc::from(name.trim_start_matches('*')))
            .collect();
        self.resources.push(Resource {
            pattern,
            names,
            routes: routes.into_iter().collect(),
        });
        self
    }

    /// All patterns, each with its methods.
    pub fn patterns(&self) -> impl Iterator<Item = (&'static str, Vec<&Method>)> {
        self.resources.iter().map(|resource| {
            let methods = resource.routes.iter().map(|route| &route.method);
            (resource.pattern, methods.collect())
        })
    }

    pub(super) fn find(&self, method: &Method, path: &str) -> Result<Found<'_, A>, Missing> {
        let Ok(matched) = self.table.at(path) else {
            // A method that no path has is refused as such wherever it is tried.
            let allow = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE");
            let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE];
            return Err(if known.contains(method) {
                Missing::Path
            } else {
                Missing::Method { allow }
            });
        };
        let resource = self.resources.get(*matched.value).ok_or(Missing::Path)?;
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let Some(route) = resource.routes.iter().find(|route| route.method == *wanted) else {
            return Err(Missing::Method {
                allow: resource.allow(),
            });
        };
        let values = resource.names.iter().map(|name| {
            let value = matched.params.get(&**name).unwrap_or_default();
            (Arc::clone(name), value.to_owned())
        });
        Ok(Found {
            pattern: resource.pattern,
            params: Params(values.collect()),
            route,
        })
    }
}

impl<A> Resource<A> {
    fn allow(&self) -> HeaderValue {
        let mut methods: Vec<&str> = self.routes.iter().map(|route| route.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static("GET"))
    }
}

impl<A> Found<'_, A> {
    pub(super) fn body_limit(&self) -> u64 {
        self.route.body_limit
    }

    pub(super) fn check(&self, app: &A, head: &mut Head, length: Option<u64>) -> Result<(), Response> {
        self.route.guard.map_or(Ok(()), |guard| guard(app, head, length))
    }

    pub(super) fn run(&self, app: Arc<A>, request: Request) -> BoxFuture<'static, Response> {
        (self.route.handler)(app, request)
    }
}

impl Missing {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// Adds what this status owes the client to an answer that has its body already.
    pub(super) fn complete(self, response: Response) -> Response {
        match self {
            Self::Path => response,
            Self::Method { allow } => response.with(header::ALLOW, allow),
        }
    }
}
