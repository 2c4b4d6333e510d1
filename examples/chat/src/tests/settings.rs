//! What the environment may say.

use crate::{Rate, Settings, settings::Store};

fn file(settings: &Settings) -> Option<&str> {
    match &settings.store {
        Store::Sqlite(file) => file.to_str(),
        Store::Postgres(_) => None,
    }
}

fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
    let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Settings::from_variables(find).map_err(|error| error.to_string())
}

#[test]
fn there_are_defaults() {
    for variables in [&[][..], &[("CHAT_DB", ""), ("CHAT_RATE", ""), ("DATABASE_URL", ""), ("REDIS_URL", "")]] {
        let settings = read(variables).unwrap();
        assert_eq!((file(&settings), settings.rate), (Some("chat.db"), Rate::default()));
    }
    let settings = read(&[("CHAT_DB", "/tmp/x y.db"), ("CHAT_RATE", "0")]).unwrap();
    assert_eq!((file(&settings), settings.rate), (Some("/tmp/x y.db"), Rate::UNLIMITED));
}

#[test]
fn servers_have_a_database_and_a_redis_in_common() {
    let settings =
        read(&[("DATABASE_URL", "postgres://db"), ("REDIS_URL", "redis://cache"), ("CHAT_DB", "x")]).unwrap();
    assert_eq!((file(&settings), settings.redis.as_deref()), (None, Some("redis://cache")));
}

#[test]
fn what_is_wrong_is_said_at_start() {
    let error = read(&[("CHAT_RATE", "fast")]).unwrap_err();
    assert!(error.contains("expected CHAT_RATE to be a whole number, got `fast`"), "{error}");
    for (name, value, part) in [
        ("DATABASE_URL", "https://localhost", "expected `postgres://"),
        ("REDIS_URL", "https://localhost", "expected `redis://"),
    ] {
        let settings = read(&[(name, value), ("CHAT_DB", ":memory:")]).unwrap();
        let error = crate::app(&settings).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let error = crate::app(&Settings::sqlite("/nowhere/at/all/chat.db")).unwrap_err();
    assert!(error.is_storage() && error.to_string().contains("/nowhere/at/all/chat.db"), "{error}");
}
