//! The user's attributes on a function that becomes two: the one that holds the body, and the one
//! that everybody calls.

use proc_macro2::TokenStream;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use crate::cfg::cfg_attr;

/// Where each attribute belongs.
#[derive(Default)]
pub(crate) struct Attributes<'a> {
    /// Documentation and what callers must know.
    pub(crate) outer: Vec<&'a Attribute>,
    /// What concerns the body: `#[tracing::instrument]`, `#[expect(…)]`.
    pub(crate) inner: Vec<&'a Attribute>,
}

impl<'a> Attributes<'a> {
    pub(crate) fn split(attributes: &'a [Attribute]) -> Self {
        let mut split = Attributes::default();
        for attribute in attributes {
            let path = attribute.path();
            let is = |names: &[&str]| names.iter().any(|name| path.is_ident(name));
            if is(&["allow", "warn", "deny", "forbid"]) {
                split.outer.push(attribute);
                split.inner.push(attribute);
            } else if is(&["doc", "deprecated", "must_use"]) || adds_docs(attribute) {
                split.outer.push(attribute);
            } else {
                split.inner.push(attribute);
            }
        }
        split
    }
}

/// `#[cfg_attr(docsrs, doc(…))]`.
fn adds_docs(attribute: &Attribute) -> bool {
    let outer = |meta: &Meta| {
        let path = meta.path();
        path.is_ident("doc") || path.is_ident("deprecated") || path.is_ident("must_use")
    };
    cfg_attr(attribute).is_some_and(|(_, metas)| metas.iter().any(outer))
}

/// The first paragraph of the documentation on one line; API docs show it.
pub(crate) fn summary(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(doc_line);
    let text: Vec<String> = lines.collect();
    let paragraph = text
        .iter()
        .flat_map(|line| line.lines().chain(line.is_empty().then_some("")))
        .map(str::trim)
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty());
    paragraph.collect::<Vec<_>>().join(" ")
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let pair = attribute.meta.require_name_value().ok()?;
    if !pair.path.is_ident("doc") {
        return None;
    }
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

/// Items, each under `cfgs`.
pub(crate) fn under(cfgs: &[Attribute], items: &[TokenStream]) -> TokenStream {
    items.iter().map(|item| quote::quote!(#(#cfgs)* #item)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Attributes, summary};
    use crate::function::Function;

    fn attributes(text: &str) -> Vec<syn::Attribute> {
        let function: Function = syn::parse_str(&format!("{text}\nfn f() {{}}")).expect("attributes");
        function.attrs
    }

    #[test]
    fn each_attribute_goes_where_it_counts() {
        let list = attributes(
            "/// d\n#[allow(x)] #[expect(y)] #[deprecated] #[cfg_attr(a, doc(hidden))] #[cfg_attr(a, inline)] #[tracing::instrument]",
        );
        let split = Attributes::split(&list);
        assert_eq!(split.outer.len(), 4);
        assert_eq!(split.inner.len(), 4);
    }

    #[test]
    fn the_summary_is_the_first_paragraph() {
        let list = attributes("/// One\n/// two.\n///\n/// Three.");
        assert_eq!(summary(&list), "One two.");
        assert_eq!(summary(&attributes("/** One\n * two. */")), "One * two.");
        assert_eq!(summary(&attributes("#[doc = include_str!(\"x\")]")), "");
    }
}
