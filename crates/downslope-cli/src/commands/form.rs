//! In which form is a report written?

use std::path::{Path, PathBuf};

use downslope::{Error, ErrorKind, Result};

/// The forms a report can be written in.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Html,
    Svg,
    Png,
    Csv,
    Json,
}

impl Form {
    pub(super) fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("html") => Ok(Self::Html),
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            _ => {
                let expected = "a file that ends in .html, .svg, .png, .csv or .json";
                let problem = downslope::error::Problem::new("report", expected, path.display());
                Err(ErrorKind::Settings(vec![problem]).into())
            }
        }
    }
}

/// Fails if one of the files asked for cannot be written: before the work and not after it.
pub(super) fn check_reports(paths: &[PathBuf]) -> Result<()> {
    for path in paths {
        Form::of(path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::metadata(folder).map_err(|error| Error::io("write", path, error))?;
    }
    Ok(())
}
