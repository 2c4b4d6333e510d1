//! What the environment may say.

use crate::{Rate, Settings};

fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
    let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Settings::from_variables(find).map_err(|error| error.to_string())
}

#[test]
fn there_are_defaults() {
    for variables in [&[][..], &[("CHAT_DB", ""), ("CHAT_RATE", ""), ("DATABASE_URL", ""), ("REDIS_URL", "")]] {
        let settings = read(variables).unwrap();
        assert_eq!((settings.file.to_str(), settings.rate), (Some("chat.db"), Rate::default()));
    }
    let settings = read(&[("CHAT_DB", "/tmp/x y.db"), ("CHAT_RATE", "0")]).unwrap();
    assert_eq!((settings.file.to_str(), settings.rate), (Some("/tmp/x y.db"), Rate::UNLIMITED));
}

#[test]
fn what_is_wrong_is_said_at_start() {
    for (name, value, part) in [
        ("CHAT_RATE", "fast", "expected CHAT_RATE to be a whole number, got `fast`"),
        ("DATABASE_URL", "postgres://localhost", "expected DATABASE_URL not to be set"),
        ("REDIS_URL", "redis://localhost", "expected REDIS_URL not to be set"),
    ] {
        let error = read(&[(name, value)]).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    let error = crate::app(&Settings::sqlite("/nowhere/at/all/chat.db")).unwrap_err();
    assert!(error.is_storage() && error.to_string().contains("/nowhere/at/all/chat.db"), "{error}");
}
