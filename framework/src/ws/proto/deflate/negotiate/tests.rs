use std::time::Instant;

use super::*;

const DECLINED: &str = "";
const PLAIN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The answer to these header lines.
#[track_caller]
fn answers(ours: Compression, table: &[(&[&str], &str)]) {
    for (lines, expected) in table {
        let agreed = negotiate(lines.iter().map(|line| line.as_bytes()), &ours);
        let answer = agreed.map(|agreed| agreed.answer()).unwrap_or_default();
        assert_eq!(answer, *expected, "{lines:?}");
    }
}

#[test]
fn by_default_nothing_is_held() {
    let bits = |bits| format!("{PLAIN}; server_max_window_bits={bits}");
    answers(
        Compression::new(),
        &[
            (&[], DECLINED),
            (&[""], DECLINED),
            (&["permessage-deflate"], PLAIN),
            (&["permessage-deflate; client_no_context_takeover; server_no_context_takeover"], PLAIN),
            // §7.1.2.2: a hint, of which we have no use.
            (&["permessage-deflate; client_max_window_bits"], PLAIN),
            (&["permessage-deflate; client_max_window_bits=8"], PLAIN),
            (&["permessage-deflate; client_max_window_bits=\"15\""], PLAIN),
            // §7.1.2.1: what is asked for is answered.
            (&["permessage-deflate; server_max_window_bits=15"], &bits(15)),
            (&["permessage-deflate; server_max_window_bits=9"], &bits(9)),
            (&[r#"permessage-deflate; server_max_window_bits="1\0""#], &bits(10)),
            // zlib can't, and more than was asked for must not be answered.
            (&["permessage-deflate; server_max_window_bits=8"], DECLINED),
            (&["permessage-deflate; server_max_window_bits=8, permessage-deflate"], PLAIN),
            // §5.1: the first that can be accepted, in all lines.
            (&["x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=10, permessage-deflate"], &bits(10)),
            (&["permessage-deflate; a, permessage-bzip2", "permessage-deflate; server_max_window_bits=11"], &bits(11)),
            (&["permessage-deflate", "permessage-deflate; server_max_window_bits=11"], PLAIN),
        ],
    );
}

#[test]
fn what_is_wrong_is_declined_as_a_whole() {
    for params in [
        "unknown",
        "server_no_context_takeover; unknown=1",
        "server_no_context_takeover=1",
        "server_no_context_takeover=true",
        "client_no_context_takeover=\"x\"",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "server_max_window_bits",
        "server_max_window_bits=",
        "server_max_window_bits=\"\"",
        "server_max_window_bits=0",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=08",
        "server_max_window_bits=015",
        "server_max_window_bits=+10",
        "server_max_window_bits=10.0",
        "server_max_window_bits=100",
        "server_max_window_bits=10; server_max_window_bits=10",
        "server_max_window_bits=10; server_max_window_bits=11",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits; client_max_window_bits",
        "client_max_window_bits; client_max_window_bits=10",
        "client_max_window_bits=\"10",
        "client_max_window_bits=10 11",
        "SERVER_NO_CONTEXT_TAKEOVER",
        "=10",
        "; server_no_context_takeover",
        "\"server_no_context_takeover\"",
    ] {
        for ours in [Compression::new(), Compression::new().takeover(true).window_bits(9)] {
            let line = format!("permessage-deflate; {params}");
            assert_eq!(negotiate([line.as_bytes()], &ours), None, "{line}");
        }
    }
    assert_eq!(negotiate([&b"permessage-deflate"[..]], &Compression::off()), None);
    assert_eq!(
        negotiate([&b"permessage-deflat, ermessage-deflate, Permessage-Deflate"[..]], &Compression::new()),
        None
    );
    assert_eq!(negotiate([&b"permessage-deflate; client_max_window_bits=1\xe9"[..]], &Compression::new()), None);
}

#[test]
fn with_takeover_each_side_is_agreed_on_by_itself() {
    answers(
        Compression::new().takeover(true),
        &[
            (&["permessage-deflate"], "permessage-deflate"),
            (&["permessage-deflate; client_max_window_bits"], "permessage-deflate"),
            (&["permessage-deflate; client_max_window_bits=15"], "permessage-deflate"),
            (&["permessage-deflate; client_max_window_bits=10"], "permessage-deflate; client_max_window_bits=10"),
            (&["permessage-deflate; client_max_window_bits=8"], "permessage-deflate; client_max_window_bits=8"),
            (&["permessage-deflate; server_max_window_bits=12"], "permessage-deflate; server_max_window_bits=12"),
            (&["permessage-deflate; server_no_context_takeover"], "permessage-deflate; server_no_context_takeover"),
            (&["permessage-deflate; client_no_context_takeover"], "permessage-deflate; client_no_context_takeover"),
        ],
    );
    answers(
        Compression::new().takeover(true).window_bits(11),
        &[
            // §7.1.2.1: ours may always be said. §7.1.2.2: the client's only to one that offers it.
            (&["permessage-deflate"], "permessage-deflate; server_max_window_bits=11"),
            (&["permessage-deflate; server_max_window_bits=12"], "permessage-deflate; server_max_window_bits=11"),
            (&["permessage-deflate; server_max_window_bits=10"], "permessage-deflate; server_max_window_bits=10"),
            (
                &["permessage-deflate; client_max_window_bits"],
                "permessage-deflate; server_max_window_bits=11; client_max_window_bits=11",
            ),
            (
                &["permessage-deflate; client_max_window_bits=10"],
                "permessage-deflate; server_max_window_bits=11; client_max_window_bits=10",
            ),
        ],
    );
}

#[test]
fn many_offers_take_linear_time() {
    // Far more than a head may have: with quadratic time this would take minutes.
    let hostile = [
        "permessage-deflate; x, ".repeat(100_000),
        "permessage-deflate; server_no_context_takeover".to_owned() + &"; server_no_context_takeover".repeat(100_000),
        "a; b=\"".repeat(100_000),
        "a; b=\"\\".repeat(100_000),
        ",".repeat(1_000_000),
        ";".repeat(1_000_000),
        " ".repeat(1_000_000) + "x",
    ];
    let start = Instant::now();
    for line in &hostile {
        assert_eq!(negotiate([line.as_bytes()], &Compression::new()), None);
    }
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    let late = "permessage-deflate; server_max_window_bits=8, ".repeat(100) + "permessage-deflate";
    assert!(negotiate([late.as_bytes()], &Compression::new()).is_some());
}
