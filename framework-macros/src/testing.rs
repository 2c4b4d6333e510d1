//! Expansions as readable files, for the unit tests of the macros.

use proc_macro2::TokenStream;

/// The tokens of `text`.
pub(crate) fn tokens(text: &str) -> TokenStream {
    text.parse().expect("Rust tokens")
}

/// The tokens as rustfmt would have them.
pub(crate) fn formatted(tokens: TokenStream) -> String {
    let file = syn::parse2(tokens).expect("an expansion is a list of items");
    prettyplease::unparse(&file)
}

/// Compares an expansion with the file `expansions/NAME.snap`. After a change:
/// `INSTA_UPDATE=always cargo test -p sockeye-macros`, then read the difference.
pub(crate) fn assert_expansion(name: &str, tokens: TokenStream) {
    let text = formatted(tokens);
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/expansions"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, text) });
}
