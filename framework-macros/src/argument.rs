//! One argument of a handler or dependency: what it is called, what it takes from the request.

mod mark;
#[cfg(test)]
mod tests;
mod types;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Attribute, Expr, LitStr, Pat, PatType, Type};

use crate::errors::Errors;
use crate::path::{Param, Path};
use mark::Mark;

pub(crate) use mark::is_mark;
pub(crate) use types::{is_optional, is_owned, is_scalar, last_segment, owned};

/// An argument, ready to be expanded.
#[derive(Clone)]
pub(crate) struct Argument {
    pub(crate) pat: Pat,
    /// The name it binds: its own, or the only one inside of a pattern such as `Json(x)`.
    pub(crate) name: Option<Ident>,
    /// Whether the name binds the whole value, so that the path may mean it.
    pub(crate) plain: bool,
    pub(crate) ty: Type,
    /// What the user's function keeps: lint levels and the like.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) source: Source,
}

impl Argument {
    pub(crate) fn is_socket(&self) -> bool {
        matches!(self.source, Source::Socket)
    }
}

/// Where the value comes from.
#[derive(Clone)]
pub(crate) enum Source {
    Socket,
    Path {
        name: String,
        rest: bool,
    },
    /// `FromRequest` decides.
    Request,
    Value {
        place: Place,
        name: String,
        default: Option<Expr>,
    },
    Depends(syn::Path),
}

/// Where values stand that have a name of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Query,
    Header,
    Cookie,
}

/// What the function around an argument offers.
#[derive(Clone, Copy)]
pub(crate) struct Host<'h> {
    /// The attribute, as in a message.
    pub(crate) owner: &'static str,
    pub(crate) socket: bool,
    pub(crate) path: &'h Path,
}

impl Host<'_> {
    /// The path parameter that the argument `name` takes. `_name` takes it unused.
    pub(crate) fn param(&self, name: &str) -> Option<&Param> {
        let quiet = name.strip_prefix('_');
        let find = |name: &str| self.path.param(name);
        find(name).or_else(|| find(quiet?))
    }
}

impl Argument {
    pub(crate) fn read(input: &PatType, host: &Host<'_>, errors: &mut Errors) -> Self {
        let (marks, attrs) = mark::read_all(&input.attrs, errors);
        let (name, plain) = bound_name(&input.pat);
        let mut argument = Argument {
            pat: (*input.pat).clone(),
            name,
            plain,
            ty: (*input.ty).clone(),
            attrs,
            source: Source::Request,
        };
        argument.source = argument.find_source(marks, host, errors);
        if !argument.is_socket() {
            types::check(&argument, errors);
        }
        argument
    }

    /// The bound name without `r#`, or nothing.
    pub(crate) fn text(&self) -> String {
        let name = self.name.as_ref();
        name.map(|name| name.unraw().to_string()).unwrap_or_default()
    }

    /// The argument as it should read in a signature, perhaps under another name.
    pub(crate) fn expected(&self, renamed: Option<Ident>) -> TokenStream {
        let ty = types::owned(&self.ty);
        match renamed {
            Some(name) => quote!(#name: #ty),
            None => {
                let pat = &self.pat;
                quote!(#pat: #ty)
            }
        }
    }

    fn find_source(&self, mark: Option<Mark>, host: &Host<'_>, errors: &mut Errors) -> Source {
        let param = self.plain.then(|| host.param(&self.text())).flatten();
        let source = match mark {
            Some(Mark::Socket(word)) => {
                if !host.socket {
                    errors.push(word, no_socket(host));
                }
                Source::Socket
            }
            Some(Mark::Depends(path)) => Source::Depends(path),
            Some(Mark::Value { word, place, name, default }) => self.value(&word, place, name, default, errors),
            None if types::is_socket(&self.ty) => {
                if !host.socket {
                    errors.push(&self.pat, no_socket(host));
                }
                Source::Socket
            }
            None => match param {
                Some(param) => Source::Path { name: param.name.clone(), rest: param.rest },
                None => Source::Request,
            },
        };
        if let Some(param) = param {
            self.not_in_path(param, &source, errors);
        }
        source
    }

    /// An argument that the path names cannot come from anywhere else.
    fn not_in_path(&self, param: &Param, source: &Source, errors: &mut Errors) {
        let name = &param.name;
        match source {
            Source::Path { .. } | Source::Request => {}
            Source::Socket => errors.push(
                &self.pat,
                format!("the socket has the name of the path parameter `<{name}>`\n\nhelp: rename one of them"),
            ),
            Source::Value { .. } | Source::Depends(_) => errors.push(
                &self.pat,
                format!("`{name}` is a path parameter, so it cannot be taken from somewhere else\n\nhelp: remove the attribute, or rename the argument"),
            ),
        }
    }

    fn value(
        &self,
        word: &Ident,
        place: Place,
        name: Option<LitStr>,
        default: Option<Expr>,
        errors: &mut Errors,
    ) -> Source {
        let own = match place {
            Place::Header => self.text().replace('_', "-"),
            Place::Query | Place::Cookie => self.text(),
        };
        let name = match name {
            Some(name) => name.value(),
            None if own.is_empty() => {
                errors.push(
                    &self.pat,
                    format!("this argument has no name, so it is not clear which {} it takes\n\nhelp: say so: `#[{word}(\"name\")]`", place.what()),
                );
                own
            }
            None => own,
        };
        let name = match place {
            Place::Header => name.to_ascii_lowercase(),
            Place::Query | Place::Cookie => name,
        };
        Source::Value { place, name, default }
    }
}

impl Place {
    /// The name of the attribute.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Place::Query => "query",
            Place::Header => "header",
            Place::Cookie => "cookie",
        }
    }

    /// What is named, in a sentence.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Place::Query => "query value",
            Place::Header => "header",
            Place::Cookie => "cookie",
        }
    }

    /// The variant of the runtime's `Place`.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Place::Query => "Query",
            Place::Header => "Header",
            Place::Cookie => "Cookie",
        }
    }
}

fn no_socket(host: &Host<'_>) -> String {
    if host.owner == "`#[dependency]`" {
        return "a dependency has no socket: it runs before the upgrade\n\nhelp: take what it needs from the request, and the socket in the handler".to_owned();
    }
    format!("{} serves plain requests, which have no socket\n\nhelp: use `#[websocket(\"/path\")]`", host.owner)
}

/// The only name that `pat` binds, and whether it binds the whole value.
pub(crate) fn bound_name(pat: &Pat) -> (Option<Ident>, bool) {
    match pat {
        Pat::Ident(pat) => (Some(pat.ident.clone()), true),
        Pat::Paren(pat) => bound_name(&pat.pat),
        Pat::Reference(pat) => (bound_name(&pat.pat).0, false),
        Pat::TupleStruct(pat) if pat.elems.len() == 1 => (bound_name(&pat.elems[0]).0, false),
        _ => (None, false),
    }
}
