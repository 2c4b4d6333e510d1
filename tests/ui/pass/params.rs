//! Derived params.

use sockeye::prelude::*;

#[derive(Param, Debug, PartialEq)]
#[param(rename_all = "kebab-case")]
enum Color {
    Red,
    DarkRed,
    #[param(rename = "BLUE!")]
    Blue,
}

#[derive(Param, Debug, PartialEq)]
enum Sort {
    Newest,
    Oldest,
}

#[derive(Param)]
struct Id(u32);

#[derive(Param)]
struct Wrapped<T> {
    inner: T,
}

#[derive(Param, Debug)]
#[param(from_str, expected = "an address such as 127.0.0.1:80")]
struct Address(std::net::SocketAddr);

impl std::str::FromStr for Address {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        text.parse().map(Address)
    }
}

#[get("/<color>/<id>")]
async fn show(color: Color, id: Id, sort: Option<Sort>, to: Vec<Address>, w: Wrapped<u8>) -> String {
    format!("{color:?} {} {sort:?} {} {}", id.0, to.len(), w.inner)
}

fn main() {
    assert_eq!(Color::from_param("dark-red").unwrap(), Color::DarkRed);
    assert_eq!(Color::from_param("BLUE!").unwrap(), Color::Blue);
    assert!(Color::from_param("Red").is_err());
    assert_eq!(Sort::from_param("NEWest").unwrap(), Sort::Newest);
    assert_eq!(Sort::expected(), "`newest` or `oldest`");
    assert_eq!(Wrapped::<u8>::from_param("7").unwrap().inner, 7);
    assert!(Address::from_param("x").unwrap_err().to_string().contains("invalid"));
    let to = [Address::from_param("127.0.0.1:1").unwrap().0];
    let _ = (App::new().route(show), to, Sort::Oldest, Color::Red);
}
