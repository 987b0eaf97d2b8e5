//! How an error looks: problem details under `/api/`, a small page elsewhere.

use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::problem::Problem;
use super::request_id::RequestId;

/// The layer. An error that nobody put into words (no body, or axum's plain text) becomes the problem of its
/// status; what a handler wrote itself as JSON or as a page stays.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let mut response = next.run(request).await;
    let said = response.extensions_mut().remove::<Problem>();
    let unsaid = said.is_none();
    let Some(problem) = said.or_else(|| of_status(&response)) else { return response };
    match (api, unsaid) {
        (true, false) => response,
        (true, true) => with_face(response, problem.into_response()),
        (false, _) => with_face(response, Html(page(&problem, &id)).into_response()),
    }
}

fn of_status(response: &Response) -> Option<Problem> {
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    (failed && is_plain(response.headers())).then(|| Problem::of(status))
}

fn is_plain(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// The same answer, status and headers, with another body.
fn with_face(response: Response, face: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    let kind = face.headers().get(CONTENT_TYPE).cloned();
    parts.headers.insert(CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("text/plain")));
    Response::from_parts(parts, face.into_body())
}

fn page(problem: &Problem, id: &str) -> String {
    let (title, status) = (escaped(problem.title), problem.status);
    let detail = problem.detail.as_deref().map(|detail| format!("<p>{}</p>\n", escaped(detail)));
    let fields = problem.errors.iter().map(|error| {
        let field = error.field.as_deref().or(error.pointer.as_deref()).unwrap_or_default();
        format!("<p><code>{}</code> {}</p>\n", escaped(field), escaped(&error.detail))
    });
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{status} {title}</title>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{}{}\
         <p><small>Status {status}, request <code>{}</code></small></p>\n<p><a href=\"/\">Front page</a></p>\n\
         </main>\n</body>\n</html>\n",
        detail.unwrap_or_default(),
        fields.collect::<String>(),
        escaped(id),
    )
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_wrote_is_no_markup() {
        let problem = Problem::bad_request("<script>alert('1')</script>");
        let page = page(&problem, "\"><b>");
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"), "{page}");
        assert!(page.contains("&quot;&gt;&lt;b&gt;") && !page.contains("<b>"), "{page}");
    }
}
