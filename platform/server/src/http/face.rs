//! How an error looks: problem details under `/api/`, a small page elsewhere.

use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use site::shell::Language;

use super::problem::Problem;
use super::request_id::RequestId;

/// The layer. An error that nobody put into words (no body, or axum's plain text) becomes the problem of its
/// status; what a handler wrote itself as JSON or as a page stays.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let (api, language) = (path.starts_with("/api/"), language_of(path));
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let mut response = next.run(request).await;
    let said = response.extensions_mut().remove::<Problem>();
    let unsaid = said.is_none();
    let Some(problem) = said.or_else(|| of_status(&response)) else { return response };
    match (api, unsaid) {
        (true, false) => response,
        (true, true) => with_face(response, problem.into_response()),
        (false, _) => with_face(response, Html(page(language, &problem, &id)).into_response()),
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

/// The language in which a path is written.
fn language_of(path: &str) -> Language {
    match path.starts_with("/ko/") || path.contains("/site/ko/") {
        true => Language::Korean,
        false => Language::English,
    }
}

/// What a status means, in Korean; what has no wording of ours is told in English.
fn korean(problem: &Problem) -> &'static str {
    match problem.status {
        400 => "요청을 이해할 수 없습니다",
        401 => "먼저 로그인하십시오",
        403 => "허용하지 않습니다",
        404 => "찾을 수 없습니다",
        405 => "이 주소에서 쓸 수 없는 방법입니다",
        408 => "요청이 너무 늦게 도착했습니다",
        409 => "저장된 내용과 맞지 않습니다",
        413 => "요청이 너무 큽니다",
        415 => "받을 수 없는 형식입니다",
        422 => "입력한 내용을 고쳐 주십시오",
        429 => "요청이 너무 많습니다. 잠시 뒤에 다시 시도하십시오",
        500 => "플랫폼의 오류입니다",
        503 => "지금은 처리할 수 없습니다. 잠시 뒤에 다시 시도하십시오",
        _ => problem.title,
    }
}

fn page(language: Language, problem: &Problem, id: &str) -> String {
    let (title, status) = (escaped(language.pick(problem.title, korean(problem))), problem.status);
    let detail = problem.detail.as_deref().map(|detail| format!("<p lang=\"en\">{}</p>\n", escaped(detail)));
    let fields = problem.errors.iter().map(|error| {
        let field = error.field.as_deref().or(error.pointer.as_deref()).unwrap_or_default();
        format!("<p lang=\"en\"><code>{}</code> {}</p>\n", escaped(field), escaped(&error.detail))
    });
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{status} {title}</title>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{}{}\
         <p><small>{} {status}, {} <code>{}</code></small></p>\n<p><a href=\"/\">{}</a></p>\n\
         </main>\n</body>\n</html>\n",
        detail.unwrap_or_default(),
        fields.collect::<String>(),
        language.pick("Status", "상태 코드"),
        language.pick("request", "요청"),
        escaped(id),
        language.pick("Front page", "첫 페이지"),
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
        let page = page(Language::English, &problem, "\"><b>");
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"), "{page}");
        assert!(page.contains("&quot;&gt;&lt;b&gt;") && !page.contains("<b>"), "{page}");
    }

    #[test]
    fn a_korean_address_is_answered_in_korean() {
        for (path, language) in [
            ("/ko/home", Language::Korean),
            ("/seasons/spring/site/ko/index.html", Language::Korean),
            ("/en/home", Language::English),
            ("/kowalski", Language::English),
        ] {
            assert_eq!(language_of(path), language, "{path}");
        }
        let page = page(Language::Korean, &Problem::too_many_requests(3), "r1");
        assert!(page.contains("lang=\"ko\"") && page.contains("요청이 너무 많습니다"), "{page}");
    }
}
