//! Where are the sources, and where does what is built go?

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders that chores work in.
pub(crate) struct Place {
    /// The workspace's root.
    pub(crate) root: PathBuf,
    /// Where this program lies, and where `cargo build` puts the command `downslope`.
    pub(crate) programs: PathBuf,
    /// Cargo's target folder: everything that chores make goes below it.
    pub(crate) target: PathBuf,
}

impl Place {
    /// Asks where this very program lies, which is right whatever cargo was told about its target folder.
    pub(crate) fn find() -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        let above = |path: &Path| {
            path.parent().map(Path::to_path_buf).ok_or_else(|| format!("no folder above {}", path.display()))
        };
        let programs = above(&program)?;
        let target = above(&programs)?;
        let root = above(Path::new(env!("CARGO_MANIFEST_DIR")))?;
        Ok(Self { root, programs, target })
    }

    /// A command that starts in the workspace's root.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }
}
