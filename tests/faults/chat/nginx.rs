//! Nginx before several nodes, as the book has it.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::chat::node::{free_address, signal};

const PAGE: &str = "../book/src/three-nodes.md";
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Nginx {
    pub(crate) addr: SocketAddr,
    child: Child,
    errors: PathBuf,
}

impl Nginx {
    /// Starts it before these nodes, with the configuration of the page, and waits until it accepts connections.
    pub(crate) fn start(folder: &Path, nodes: &[SocketAddr]) -> Result<Self> {
        let addr = free_address(Ipv4Addr::LOCALHOST.into());
        let (conf, errors) = (folder.join("nginx.conf"), folder.join("nginx.log"));
        fs::write(&conf, configuration(folder, addr, nodes)?)?;
        let command = || {
            // It ends with us whatever happens, and its workers with it.
            let mut command = Command::new("setpriv");
            command
                .args(["--pdeathsig", "TERM", "nginx", "-p"])
                .arg(folder)
                .arg("-c")
                .arg(&conf)
                .arg("-e")
                .arg(&errors);
            let path = std::env::var("PATH").unwrap_or_default();
            command.env("PATH", format!("{path}:/usr/sbin"));
            command
        };
        let checked = command().arg("-t").output().context("nginx can't be run")?;
        ensure!(checked.status.success(), "the page is not valid: {}", String::from_utf8_lossy(&checked.stderr));
        let log = File::options().append(true).create(true).open(&errors)?;
        let child = command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let nginx = Self { addr, child, errors };
        let begin = Instant::now();
        while TcpStream::connect(addr).is_err() {
            ensure!(begin.elapsed() < PATIENCE, "it does not start: {}", nginx.errors()?);
            sleep(Duration::from_millis(10));
        }
        Ok(nginx)
    }

    /// Has it read its configuration again, as after a change: new workers take new connections.
    pub(crate) fn reload(&self) {
        signal(self.child.id(), "-HUP");
    }

    fn errors(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.errors)?)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed, it would leave its workers behind.
        signal(self.child.id(), "-TERM");
        self.child.wait().expect("its end");
    }
}

/// The page's blocks, and what a proxy that is not installed as a service needs around them.
fn configuration(folder: &Path, addr: SocketAddr, nodes: &[SocketAddr]) -> Result<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&page).with_context(|| page.display().to_string())?;
    let mut blocks =
        page.split("```nginx\n").skip(1).filter_map(|rest| rest.split_once("\n```")).map(|(block, _)| block);
    let (site, main) =
        (blocks.next().context("no site on the page")?, blocks.next().context("no main part on the page")?);
    let mut site = site.replace("listen 80;", &format!("listen {addr};"));
    for (number, node) in nodes.iter().enumerate() {
        let shown = format!("10.0.0.1{}:8000", number + 1);
        ensure!(site.contains(&shown), "the page has no server {shown}");
        site = site.replace(&shown, &node.to_string());
    }
    ensure!(!site.contains("10.0.0."), "the page has more than {} servers", nodes.len());
    let folder = folder.display();
    // As root its workers would be nobody, who may not write to our folder.
    let is_root = fs::metadata("/proc/self")?.uid() == 0;
    let user = if is_root { "user root;" } else { "" };
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: String = temporary.map(|kind| format!("{kind}_temp_path {folder}/{kind};\n")).concat();
    Ok(format!(
        "{user}\ndaemon off;\npid {folder}/nginx.pid;\n{main}\nhttp {{\naccess_log off;\n{temporary}{site}\n}}\n"
    ))
}
