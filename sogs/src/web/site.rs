//! The templates and the files beside them: the built-in ones, or an operator's own.
//!
//! The built-in templates are compiled into the program. If any of them is replaced, all are handed to an engine that
//! reads the same language at run time. Whatever an operator's template gets wrong, a page is shown: the built-in one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};
use shared::crypto::hash::blake2b;

use super::samples;
use super::view::{Page, Site};
use crate::settings::Settings;

/// The built-in templates that can be replaced.
const TEMPLATES: [(&str, &str); 5] = [
    ("base.html", include_str!("../../templates/base.html")),
    ("error.html", include_str!("../../templates/error.html")),
    ("index.html", include_str!("../../templates/index.html")),
    ("message.html", include_str!("../../templates/message.html")),
    ("room.html", include_str!("../../templates/room.html")),
];

/// The built-in files beside them.
const FILES: [(&str, &str); 2] = [
    ("icon.svg", include_str!("../../templates/static/icon.svg")),
    ("style.css", include_str!("../../templates/static/style.css")),
];

/// The folder for files beside the templates.
const FILES_FOLDER: &str = "static";

/// What kinds of files may stand beside templates; scripts would not run.
const KINDS: [(&str, &str); 10] = [
    ("css", "text/css; charset=utf-8"),
    ("gif", "image/gif"),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("webp", "image/webp"),
    ("woff2", "font/woff2"),
];

/// The largest file, in bytes. All of them are kept in memory.
const LARGEST: u64 = 1024 * 1024;

/// The most files.
const MOST_FILES: usize = 50;

/// Why templates cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct BadTemplates {
    path: PathBuf,
    reason: String,
}

/// A file beside the templates.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) content_type: &'static str,
    pub(super) bytes: Bytes,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Pages {
    site: Site,
    own: Option<Environment<'static>>,
    files: BTreeMap<String, File>,
}

impl BadTemplates {
    fn new(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            reason: reason.into(),
        }
    }
}

/// Whether the templates of these settings can be used.
///
/// # Errors
///
/// [`BadTemplates`] with the first that cannot.
pub fn check(settings: &Settings) -> Result<(), BadTemplates> {
    Pages::open(settings).map(drop)
}

/// Writes the built-in templates and what stands beside them into a folder, and answers their names.
///
/// # Errors
///
/// When one of them is there already, or cannot be written.
pub fn write_built_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder.join(FILES_FOLDER))?;
    let files = FILES.map(|(name, text)| (PathBuf::from(FILES_FOLDER).join(name), text));
    let all = TEMPLATES.map(|(name, text)| (PathBuf::from(name), text));
    let all: Vec<_> = all.into_iter().chain(files).collect();
    if let Some((name, _)) = all.iter().find(|(name, _)| folder.join(name).exists()) {
        let reason = format!("{} is there already", folder.join(name).display());
        return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, reason));
    }
    for (name, text) in &all {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(all.into_iter().map(|(name, _)| name).collect())
}

impl Pages {
    /// The built-in templates and files, with those of `web.templates` in the place of the ones of the same names.
    pub(super) fn open(settings: &Settings) -> Result<Self, BadTemplates> {
        let mut files: BTreeMap<String, File> = FILES
            .iter()
            .filter_map(|(name, text)| Some(((*name).to_owned(), file(name, text.as_bytes().into())?)))
            .collect();
        let mut own = BTreeMap::new();
        if let Some(folder) = &settings.web.templates {
            own = read_templates(folder)?;
            read_files(&folder.join(FILES_FOLDER), &mut files)?;
        }
        let address = |name: &str| {
            let digest = files.get(name).map(|file| digest(&file.bytes)).unwrap_or_default();
            format!("/{FILES_FOLDER}/{name}?v={digest}")
        };
        let site = Site {
            name: host(&settings.base_url()),
            style: address("style.css"),
            icon: address("icon.svg"),
            has_index: settings.web.show_index,
        };
        let mut pages = Self { site, own: None, files };
        if let Some(folder) = settings.web.templates.as_deref().filter(|_| !own.is_empty()) {
            pages.own = Some(environment(folder, own)?);
            pages.try_out(folder)?;
        }
        Ok(pages)
    }

    /// What every page has.
    pub(super) fn site(&self) -> Site {
        self.site.clone()
    }

    /// A file beside the templates.
    pub(super) fn file(&self, name: &str) -> Option<&File> {
        self.files.get(name)
    }

    /// The text of a page.
    pub(super) fn render<P: Page>(&self, page: &P) -> Result<String, askama::Error> {
        if let Some(own) = &self.own
            && TEMPLATES.iter().any(|(name, _)| *name == P::TEMPLATE)
        {
            match render_own(own, page) {
                Ok(text) => return Ok(text),
                Err(error) => {
                    let reason = broken(Path::new(""), &error);
                    tracing::error!(%reason, "a page is shown as it is built in, for a template of web.templates failed");
                }
            }
        }
        page.render()
    }

    /// Fills every template with all there can be, and with as little as there can be, so that mistakes show at once.
    fn try_out(&self, folder: &Path) -> Result<(), BadTemplates> {
        let Some(own) = &self.own else { return Ok(()) };
        let site = || self.site.clone();
        let results = [
            render_own(own, &samples::index(site())),
            render_own(own, &samples::empty_index(site())),
            render_own(own, &samples::room(site())),
            render_own(own, &samples::empty_room(site())),
            render_own(own, &samples::error(site())),
        ];
        for result in results {
            result.map_err(|error| broken(folder, &error))?;
        }
        Ok(())
    }
}

fn render_own<P: Page>(own: &Environment<'_>, page: &P) -> Result<String, minijinja::Error> {
    own.get_template(P::TEMPLATE)?.render(Value::from(Serde(page)))
}

fn environment(folder: &Path, own: BTreeMap<String, String>) -> Result<Environment<'static>, BadTemplates> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(|out, state, value| {
        let is_text = value.as_str().is_some() && !value.is_safe();
        match (value.as_str(), state.auto_escape()) {
            // As the built-in templates escape, so that the same template gives the same bytes.
            (Some(text), AutoEscape::Html) if is_text => write!(out, "{}", escaped(text))
                .map_err(|_| minijinja::Error::new(ErrorKind::WriteFailure, "out of memory")),
            _ => minijinja::escape_formatter(out, state, value),
        }
    });
    let mut sources: BTreeMap<String, String> = TEMPLATES
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    sources.extend(own);
    for (name, text) in sources {
        environment
            .add_template_owned(name, text)
            .map_err(|error| broken(folder, &error))?;
    }
    Ok(environment)
}

/// Text with what means something in HTML written in another way.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // Writing to a string does not fail.
    let _ = askama::filters::Escaper::write_escaped_str(&askama::filters::Html, &mut escaped, text);
    escaped
}

fn broken(folder: &Path, error: &minijinja::Error) -> BadTemplates {
    let error = innermost(error);
    let path = error.name().map_or_else(|| folder.to_owned(), |name| folder.join(name));
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    BadTemplates::new(path, format!("{line}{}", one_line(error)))
}

/// Where the mistake is, and not where the template with it is included.
fn innermost(error: &minijinja::Error) -> &minijinja::Error {
    let source = std::error::Error::source(error);
    source.and_then(|source| source.downcast_ref()).map_or(error, innermost)
}

fn one_line(error: &minijinja::Error) -> String {
    let mut text = error.kind().to_string();
    if let Some(detail) = error.detail() {
        let _ = write!(text, ": {detail}");
    }
    text
}

fn read_templates(folder: &Path) -> Result<BTreeMap<String, String>, BadTemplates> {
    let mut templates = BTreeMap::new();
    for (name, path) in entries(folder)? {
        if path.is_dir() && name == FILES_FOLDER {
            continue;
        }
        if !TEMPLATES.iter().any(|(known, _)| *known == name) {
            let known = TEMPLATES.map(|(known, _)| known).join(", ");
            let reason =
                format!("no page is made from it; templates are {known}, other files belong into {FILES_FOLDER}/");
            return Err(BadTemplates::new(path, reason));
        }
        let text = String::from_utf8(read(&path)?).map_err(|_| BadTemplates::new(&path, "it is no UTF-8"))?;
        templates.insert(name, text);
    }
    Ok(templates)
}

fn read_files(folder: &Path, files: &mut BTreeMap<String, File>) -> Result<(), BadTemplates> {
    if !folder.exists() {
        return Ok(());
    }
    for (name, path) in entries(folder)? {
        let Some(file) = file(&name, read(&path)?.into()) else {
            let known = KINDS.map(|(ending, _)| ending).join(", ");
            return Err(BadTemplates::new(
                path,
                format!("files of this kind are not served, only {known}"),
            ));
        };
        files.insert(name, file);
    }
    if files.len() > MOST_FILES {
        return Err(BadTemplates::new(
            folder,
            format!("there are more than {MOST_FILES} files in it"),
        ));
    }
    Ok(())
}

/// What is in a folder, but for hidden files and the copies that editors make.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, BadTemplates> {
    let failed = |error: std::io::Error| BadTemplates::new(folder, format!("it cannot be read: {error}"));
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !name.ends_with('~') {
            entries.push((name, entry.path()));
        }
    }
    entries.sort();
    Ok(entries)
}

fn read(path: &Path) -> Result<Vec<u8>, BadTemplates> {
    let failed = |error: std::io::Error| BadTemplates::new(path, format!("it cannot be read: {error}"));
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(BadTemplates::new(path, "it is no file"));
    }
    if metadata.len() > LARGEST {
        return Err(BadTemplates::new(path, "it is larger than 1 MiB"));
    }
    std::fs::read(path).map_err(failed)
}

fn file(name: &str, bytes: Bytes) -> Option<File> {
    let ending = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
    let (_, content_type) = KINDS.iter().find(|(known, _)| *known == ending)?;
    Some(File { content_type, bytes })
}

/// What stands for these bytes in addresses and ETags.
pub(super) fn digest(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(blake2b::<16>(bytes))
}

/// The host of an address, with its port if it has an unusual one.
fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_make_the_same_of_the_built_in_templates() {
        let mut pages = Pages::open(&Settings::default()).unwrap();
        let site = pages.site();
        pages.own = Some(environment(Path::new("."), BTreeMap::new()).unwrap());
        macro_rules! same {
            ($($page:expr),+) => {$(
                let page = $page;
                let own = render_own(pages.own.as_ref().unwrap(), &page).unwrap();
                assert_eq!(own, askama::Template::render(&page).unwrap());
            )+};
        }
        same!(
            samples::index(site.clone()),
            samples::empty_index(site.clone()),
            samples::room(site.clone()),
            samples::empty_room(site.clone()),
            samples::error(site)
        );
    }
}
