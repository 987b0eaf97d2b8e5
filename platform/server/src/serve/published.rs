//! What is published of a season, as files: its site and its bundle; and the style sheet. The public reads these and
//! nothing else, so a flood of readers is a flood on files in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use model::SeasonId;

use super::app::App;
use super::fault::Fault;
use crate::http::etag::{self, Tagged};
use crate::http::extract;
use crate::static_site::{CHART_POLICY, SVG, inside, kind};

/// Bytes of files that are kept in memory for one folder.
const MOST_KEPT: usize = 64 << 20;
/// A file longer than this is read each time.
const LONGEST_KEPT: usize = 8 << 20;
/// How often it is looked whether a folder was published anew.
const LOOK: Duration = Duration::from_millis(500);

/// `/seasons/{season}/site/...`, `/seasons/{season}/bundle/...` and `/style.css`.
pub fn router() -> Router<Arc<App>> {
    let style = Arc::new(Tagged::new("text/css; charset=utf-8", site::shell::STYLE).compressed());
    let style = async move |headers: HeaderMap| style.answer(&headers, etag::REVALIDATE);
    Router::new()
        .route("/style.css", get(style))
        .route("/seasons/{season}/site", get(front))
        .route("/seasons/{season}/site/", get(front))
        .route("/seasons/{season}/site/{*path}", get(page))
        .route("/seasons/{season}/bundle/{*path}", get(bundle))
        .route("/seasons/{season}/bundle.tar", get(packed))
        .route("/seasons/{season}/signer.vkey", get(key))
}

type Of = extract::Path<(SeasonId, String)>;

async fn front(extract::Path(season): extract::Path<SeasonId>) -> Redirect {
    Redirect::to(&format!("/seasons/{season}/site/index.html"))
}

async fn page(
    State(app): State<Arc<App>>,
    extract::Path((season, path)): Of,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    if path.ends_with('/') {
        return Ok(Redirect::to(&format!("{}index.html", uri.path())).into_response());
    }
    file(&app, &season, "site", &path, &headers)
}

async fn bundle(
    State(app): State<Arc<App>>,
    extract::Path((season, path)): Of,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    file(&app, &season, "bundle", &path, &headers)
}

async fn packed(
    State(app): State<Arc<App>>,
    extract::Path(season): extract::Path<SeasonId>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    file(&app, &season, "download", "bundle.tar", &headers)
}

async fn key(
    State(app): State<Arc<App>>,
    extract::Path(season): extract::Path<SeasonId>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    file(&app, &season, "download", "signer.vkey", &headers)
}

fn file(
    app: &App,
    season: &SeasonId,
    folder: &'static str,
    path: &str,
    headers: &HeaderMap,
) -> Result<Response, Fault> {
    let missing = || Fault::NotFound("such file: nothing is published there".into());
    let directory = app.service.directory(season).join(folder);
    let tagged = app.shelves.find(&directory, path).ok_or_else(missing)?;
    let mut response = tagged.answer(headers, etag::REVALIDATE);
    if tagged.content_type() == SVG {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, CHART_POLICY);
    }
    Ok(response)
}

/// Published files in memory, each folder's until it is published anew.
#[derive(Default)]
pub struct Shelves(Mutex<BTreeMap<PathBuf, Shelf>>);

struct Shelf {
    /// Which folder it was: one that takes its place is another.
    folder: (u64, u64),
    looked: Instant,
    bytes: usize,
    files: BTreeMap<String, Arc<Tagged>>,
}

impl Shelves {
    /// The file at `path` in `folder`; none when there is none, or the path would lead out of it.
    pub fn find(&self, folder: &Path, path: &str) -> Option<Arc<Tagged>> {
        if let Some(kept) = self.kept(folder, path) {
            return kept;
        }
        let place = inside(folder, path)?;
        let tagged = Arc::new(Tagged::new(kind(&place), std::fs::read(&place).ok()?).compressed());
        self.keep(folder, path, &tagged);
        Some(tagged)
    }

    /// What is known of a file: itself, that there is no such folder, or nothing.
    fn kept(&self, folder: &Path, path: &str) -> Option<Option<Arc<Tagged>>> {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shelf = shelves.get(folder);
        if let Some(shelf) = shelf.filter(|shelf| shelf.looked.elapsed() < LOOK) {
            return shelf.files.get(path).cloned().map(Some);
        }
        // Names that nobody published must not fill the memory.
        let Some(now) = identity(folder) else {
            shelves.remove(folder);
            return Some(None);
        };
        let new = || Shelf { folder: now, looked: Instant::now(), bytes: 0, files: BTreeMap::new() };
        let shelf = shelves.entry(folder.to_owned()).or_insert_with(new);
        shelf.looked = Instant::now();
        if shelf.folder != now {
            *shelf = new();
        }
        shelf.files.get(path).cloned().map(Some)
    }

    fn keep(&self, folder: &Path, path: &str, tagged: &Arc<Tagged>) {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(shelf) = shelves.get_mut(folder) else { return };
        let fits = tagged.len() <= LONGEST_KEPT && shelf.bytes + tagged.len() <= MOST_KEPT;
        // Read from the folder that the shelf is of, and not from the next one.
        if fits && identity(folder) == Some(shelf.folder) && !shelf.files.contains_key(path) {
            shelf.bytes += tagged.len();
            shelf.files.insert(path.to_owned(), Arc::clone(tagged));
        }
    }
}

/// Device and inode: a folder that was renamed into place has others.
fn identity(folder: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(folder).ok().filter(std::fs::Metadata::is_dir)?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    #[test]
    fn a_folder_is_kept_until_another_takes_its_place() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (site, new) = (directory.path().join("site"), directory.path().join(".new"));
        let shelves = Shelves::default();
        assert!(shelves.find(&site, "index.html").is_none(), "nothing is published yet");
        write(&site.join("index.html"), "one");
        write(&directory.path().join("seed"), "secret");
        let length = |name: &str| shelves.find(&site, name).map(|tagged| tagged.len());
        assert_eq!((length("index.html"), length("nothing"), length("../seed")), (Some(3), None, None));
        write(&new.join("index.html"), "another");
        std::fs::rename(&site, directory.path().join(".old")).expect("renamed");
        std::fs::rename(&new, &site).expect("renamed");
        let since = Instant::now();
        while length("index.html") != Some(7) {
            assert!(since.elapsed() < Duration::from_secs(20), "the old folder is still served");
            std::thread::sleep(LOOK / 10);
        }
    }

    #[test]
    fn what_is_too_much_is_read_each_time() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        write(&directory.path().join("long"), &"x".repeat(LONGEST_KEPT + 1));
        let shelves = Shelves::default();
        assert!(shelves.find(directory.path(), "long").is_some());
        let kept = shelves.0.lock().expect("whole");
        assert_eq!((kept[directory.path()].bytes, kept[directory.path()].files.len()), (0, 0));
    }
}
