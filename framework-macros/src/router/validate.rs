//! The judgement: what a module of handlers may hold.

use proc_macro2::Ident;
use syn::Item;

use super::{RouterModule, routes::Route};
use crate::errors::Errors;
use crate::path::draw;

/// Finds the mistakes, and says whether the name `router` is free.
pub(super) fn check(module: &RouterModule, errors: &mut Errors) -> bool {
    if module.routes.is_empty() && !module.elsewhere {
        errors.push(
            &module.name,
            "this module has no handlers\n\nhelp: mark its functions: `#[websocket(\"/path\")]`, `#[get(\"/path\")]`",
        );
    }
    collisions(&module.routes, errors);
    for route in &module.routes {
        prefix_twice(module, route, errors);
    }
    let taken = module.items.iter().find_map(named_router);
    if let Some(name) = taken {
        errors.push(name, "`#[router]` adds a function of this name to the module\n\nhelp: give this one another name");
    }
    taken.is_none()
}

/// Two handlers of one kind whose paths take the same requests. Conditions may exclude each other,
/// so conditional handlers are left to the check at start.
fn collisions(routes: &[Route], errors: &mut Errors) {
    let sure = |route: &&Route| route.cfgs.is_empty() && !route.path.broken;
    let sure: Vec<&Route> = routes.iter().filter(sure).collect();
    for (at, second) in sure.iter().enumerate() {
        let same = |first: &&&Route| first.kind == second.kind && first.path.shape() == second.path.shape();
        if let Some(first) = sure[..at].iter().find(same) {
            let message = format!(
                "`{}` and `{}` take the same requests: {} and {}\n\nhelp: change one of the paths",
                first.name, second.name, first.path.text, second.path.text,
            );
            errors.push(&second.literal, message);
        }
    }
}

/// A parameter of the prefix cannot stand in a path again.
fn prefix_twice(module: &RouterModule, route: &Route, errors: &mut Errors) {
    for param in route.path.params() {
        let name = &param.name;
        if module.options.path.param(name).is_some() {
            let message = format!("the prefix of the module already has a path parameter `{name}`");
            let help = format!("give this one a name of its own, such as `<{name}_2>`");
            let drawn = draw(&message, &route.path.text, param.range.clone(), &help);
            errors.push(&route.literal, drawn);
        }
    }
}

/// The name of an item that would collide with the function `router`.
fn named_router(item: &Item) -> Option<&Ident> {
    let name = match item {
        Item::Fn(item) => &item.sig.ident,
        Item::Const(item) => &item.ident,
        Item::Static(item) => &item.ident,
        _ => return None,
    };
    (name == "router").then_some(name)
}
