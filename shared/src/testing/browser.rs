//! Chromium for tests of pages, with a script that looks for what keeps people from reading them.

use std::path::{Path, PathBuf};
use std::{env, fs};

use super::process::{Watched, accepts_connections, free_port};
use super::{find_program, missing, target_directory, unique_name};

/// A driver that opens windows, and what a test needs for that.
#[derive(Debug)]
pub struct Browser {
    /// Where the driver speaks WebDriver, without a slash at its end.
    pub url: String,
    /// The axe script, which checks a page that it is run in.
    pub axe: String,
    directory: PathBuf,
    _driver: Watched,
}

/// A browser of the test's own, or `None` after saying why there is none.
///
/// # Panics
/// If it does not start.
#[must_use]
pub fn browser() -> Option<Browser> {
    let (Some(driver), Some(_)) = (find_program("chromedriver", &[]), find_program("chromium", &[])) else {
        return missing("browser", "run `apt install chromium chromium-driver`");
    };
    let Some(axe) = axe() else {
        return missing(
            "axe script",
            "run `python3 -m venv target/python` and `target/python/bin/pip install --no-deps \
             axe-playwright-python==0.1.8`, or name an axe.min.js in TEST_AXE",
        );
    };
    let directory = env::temp_dir().join(format!("test-browser-{}", unique_name()));
    fs::create_dir_all(&directory).unwrap();
    let port = free_port();
    let arguments = [driver.display().to_string(), format!("--port={port}")];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let process = Watched::start(&directory, "KILL", &arguments);
    process.wait_until(|| accepts_connections(port));
    Some(Browser {
        url: format!("http://127.0.0.1:{port}"),
        axe: fs::read_to_string(axe).unwrap(),
        directory,
        _driver: process,
    })
}

impl Browser {
    /// What the browser is started with: a profile of its own, no window that anybody could see, and no life without the
    /// driver.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let profile = self.directory.join(unique_name());
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--remote-debugging-pipe".to_owned(),
            format!("--user-data-dir={}", profile.display()),
        ];
        // Its sandbox does not work for root.
        if rustix::process::getuid().is_root() {
            arguments.push("--no-sandbox".to_owned());
        }
        arguments
    }
}

/// The script, where `.ci/run` and the hint above put it.
fn axe() -> Option<PathBuf> {
    if let Some(path) = env::var_os("TEST_AXE") {
        return Some(PathBuf::from(path));
    }
    let script = Path::new("site-packages/axe_playwright_python/axe.min.js");
    let versions = fs::read_dir(target_directory().join("python/lib")).ok()?;
    let mut scripts = versions.filter_map(|version| Some(version.ok()?.path().join(script)));
    scripts.find(|path| path.is_file())
}
