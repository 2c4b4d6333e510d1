//! How events look: a line each.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    screen::{Look, Screen},
    text::{visible, visible_lines},
    wire::{Posted, User},
};

/// Names that are listed.
const MOST_NAMES: usize = 30;
/// Characters that a name may have on the screen.
const LONGEST_NAME: usize = 64;

impl Screen {
    pub(crate) fn message(&self, posted: &Posted) -> String {
        let time = self.paint(Look::Faint, clock(&posted.created_at));
        format!("{time} {}: {}", self.name(&posted.user), visible_lines(&posted.content, "      "))
    }

    /// What the user has said, now that it is stored.
    pub(crate) fn stored(&self, timestamp: &str, content: &str) -> String {
        let (time, tick) = (self.paint(Look::Faint, clock(timestamp)), self.paint(Look::Good, "✓"));
        format!("{time} {tick} {}", self.paint(Look::Faint, visible_lines(content, "      ")))
    }

    pub(crate) fn read_by(&self, user: &User) -> String {
        format!(
            "      {} {}",
            self.paint(Look::Good, "✓✓"),
            self.paint(Look::Faint, format_args!("read by {}", name(user)))
        )
    }

    pub(crate) fn came(&self, user: &User) -> String {
        self.note(format_args!("→ {} has come", name(user)))
    }

    pub(crate) fn went(&self, user: &User) -> String {
        self.note(format_args!("← {} has gone", name(user)))
    }

    pub(crate) fn typing(&self, user: &User) -> String {
        self.note(format_args!("… {} is typing", name(user)))
    }

    pub(crate) fn here(&self, room: &str, users: &[User]) -> String {
        let mut names: Vec<String> = users.iter().take(MOST_NAMES).map(name).collect();
        if users.len() > MOST_NAMES {
            names.push(format!("{} more", users.len() - MOST_NAMES));
        }
        self.note(format_args!("connected to {}; here: {}", visible(room), names.join(", ")))
    }

    pub(crate) fn note(&self, text: impl std::fmt::Display) -> String {
        self.paint(Look::Faint, text)
    }

    pub(crate) fn problem(&self, text: impl std::fmt::Display) -> String {
        self.paint(Look::Bad, format_args!("! {text}"))
    }

    fn name(&self, user: &User) -> String {
        self.paint(Look::User(user.user_id), name(user))
    }
}

pub(crate) fn name(user: &User) -> String {
    visible(&user.username.chars().take(LONGEST_NAME).collect::<String>())
}

/// Hours and minutes where the user is.
fn clock(timestamp: &str) -> String {
    let moment = timestamp.parse::<Timestamp>();
    moment
        .map_or_else(|_| "--:--".to_owned(), |moment| moment.to_zoned(TimeZone::system()).strftime("%H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Target;

    #[test]
    fn nothing_that_others_wrote_gets_through() {
        let screen = Screen::new(Target::Lines);
        let user = User { user_id: i64::MIN, username: "\u{1b}[31mann\n".to_owned() + &"x".repeat(1000) };
        let posted = Posted {
            id: 1.into(),
            user: user.clone(),
            content: "a\nb\u{1b}]0;title\u{7}".to_owned(),
            created_at: "\u{1b}[2J".to_owned(),
        };
        for line in [
            screen.message(&posted),
            screen.read_by(&user),
            screen.came(&user),
            screen.went(&user),
            screen.typing(&user),
            screen.here("\u{1b}c", std::slice::from_ref(&user)),
        ] {
            assert!(!line.contains(|letter: char| letter.is_control() && letter != '\n'), "{line:?}");
            assert!(line.chars().count() < 150, "{line}");
        }
        assert!(screen.message(&posted).starts_with("--:-- ␛[31mann␊x"));
        assert!(screen.message(&posted).ends_with(": a\n      b␛]0;title␇"));
    }

    #[test]
    fn times_are_hours_and_minutes() {
        assert_eq!(clock("2026-11-21T10:30:00.123Z").len(), 5);
        assert_eq!(clock("yesterday"), "--:--");
    }
}
