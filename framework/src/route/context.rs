//! What all requests of one app share.

use std::sync::Arc;

use crate::{
    config::{Compression, Limits, Origins},
    extract::TypeMap,
    ws::Sockets,
};

/// The app at run time: its settings, its state and its open sockets.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) states: Arc<TypeMap>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) origins: Origins,
    pub(crate) compression: Compression,
    pub(crate) sockets: Arc<Sockets>,
}
