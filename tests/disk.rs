//! A small disk, to be filled.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A tmpfs that is mounted on a folder until this is dropped.
#[derive(Debug)]
pub struct Disk(PathBuf);

impl Disk {
    /// Of so many KiB. Where it can't be mounted it says so: who may not mount can't test this.
    pub fn mount(folder: &Path, size: u64) -> Option<Self> {
        let mut mount = Command::new("mount");
        let output = mount.args(["-t", "tmpfs", "-o", &format!("size={size}k"), "tmpfs"]).arg(folder).output();
        let why = match output {
            Ok(output) if output.status.success() => return Some(Self(folder.to_owned())),
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        eprintln!("SKIPPED: a small disk can't be mounted here: {why}");
        None
    }

    /// A file on it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} is still mounted", self.0.display());
    }
}
