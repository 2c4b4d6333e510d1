//! What is logged on this thread.

use std::{
    fmt::{Debug, Write},
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::DefaultGuard,
};

/// Keeps the lines of the framework, with their levels, for as long as it lives.
pub(super) struct Logs {
    lines: Arc<Mutex<Vec<(Level, String)>>>,
    _guard: DefaultGuard,
}

impl Logs {
    pub(super) fn keep() -> Self {
        let lines = Arc::<Mutex<Vec<_>>>::default();
        let guard = tracing::subscriber::set_default(Keeper(lines.clone()));
        Self { lines, _guard: guard }
    }

    /// What has been logged since the last time, of this level and worse.
    pub(super) fn take(&self, level: Level) -> Vec<String> {
        let lines = std::mem::take(&mut *self.lines.lock().expect("no panic"));
        lines.into_iter().filter(|(of, _)| *of <= level).map(|(_, line)| line).collect()
    }
}

struct Keeper(Arc<Mutex<Vec<(Level, String)>>>);

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("sockeye")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().expect("no panic").push((*event.metadata().level(), line.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let written = match field.name() {
            "message" => write!(self.0, "{value:?} "),
            name => write!(self.0, "{name}={value:?} "),
        };
        written.expect("a string takes all");
    }
}
