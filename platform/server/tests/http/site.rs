//! The published folder, as the demonstration serves it.

use std::path::Path;

use server::http::{ServeOptions, serve};
use server::static_site;
use tokio::net::TcpListener;

use crate::support::{get, request, send};

fn publish(folder: &Path) {
    let pairs = [
        ("index.html", "<!DOCTYPE html><title>Ranked list</title><p>".to_owned() + &"word ".repeat(1_000)),
        ("style.css", "p { color: red }".into()),
        ("chart/totals.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"><style>g{}</style></svg>".into()),
        ("operator/index.html", "<!DOCTYPE html><title>Operators</title>".into()),
    ];
    for (path, text) in pairs {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
}

#[tokio::test]
async fn a_published_folder_is_served() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    publish(&directory.path().join("site"));
    std::fs::write(directory.path().join("seed"), "a secret").expect("a file");
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let server = listener.local_addr().expect("an address");
    let router = static_site::router(directory.path().join("site")).expect("randomness");
    tokio::spawn(serve(listener, router, ServeOptions::default(), std::future::pending()));

    let page = get(server, "/").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.text().contains("Ranked list"));
    assert!(page.header("content-security-policy").contains("style-src 'self';"), "{page:?}");
    assert_eq!(get(server, "/operator").await.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(get(server, "/style.css").await.header("content-type"), "text/css; charset=utf-8");
    let chart = get(server, "/chart/totals.svg").await;
    assert_eq!(chart.header("content-type"), "image/svg+xml");
    assert!(chart.header("content-security-policy").contains("style-src 'unsafe-inline'"), "{chart:?}");
    for outside in ["/../seed", "/%2e%2e/seed", "/chart/../../seed", "//seed", "/nothing"] {
        let answer = get(server, outside).await;
        assert_eq!(answer.status, 404, "{outside}: {answer:?}");
    }
    assert_eq!(send(server, request("POST", "/", &[])).await.status, 405);

    let etag = page.header("etag");
    assert_eq!(page.header("cache-control"), "public, no-cache");
    let again = send(server, request("GET", "/", &[("if-none-match", etag)])).await;
    assert_eq!((again.status.as_u16(), again.body.len(), again.header("etag")), (304, 0, etag));
    let packed = send(server, request("GET", "/", &[("accept-encoding", "gzip")])).await;
    assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "accept-encoding"));
    assert!(packed.body.len() < page.body.len() / 4, "{} of {}", packed.body.len(), page.body.len());
    assert_eq!(packed.header("etag"), format!("W/{etag}"), "other bytes, the same content");
    let again = send(server, request("GET", "/", &[("if-none-match", packed.header("etag"))])).await;
    assert_eq!(again.status, 304);
}
