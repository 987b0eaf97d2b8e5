//! The API's description of itself: OpenAPI 3.1, and a page to read it.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use serde_json::Value;
use site::shell::{Language, Shell, TEMPLATE};
use tera::{Context, Tera};
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use super::{ROOT, routes};
use crate::account::cookie;
use crate::http::etag::{REVALIDATE, Tagged};
use crate::serve::app::App;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Touchstone",
        description = "Validator admission by evidence that anyone can re-derive. Whoever only reads what is \
            published needs no token; operators and reviewers get one with `touchstone login`. Errors are problem \
            details (RFC 9457).",
        license(name = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "account", description = "Who is asking."),
        (name = "season", description = "The seasons, as far as everybody may know."),
        (name = "publication", description = "What is published, byte for byte."),
        (name = "operator", description = "An operator's own road through a season."),
        (name = "review", description = "What reviewers see and decide."),
    )
)]
struct Described;

/// The router to which everything that is described is added.
pub(super) fn begin() -> OpenApiRouter<Arc<App>> {
    let mut described = Described::openapi();
    let components = described.components.get_or_insert_with(Default::default);
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    let session = ApiKeyValue::new(cookie::NAME);
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    OpenApiRouter::with_openapi(described)
}

/// The description, as it is served.
pub fn description() -> utoipa::openapi::OpenApi {
    routes().split_for_parts().1
}

/// `openapi.json`, and `docs` to read it.
pub(super) fn router(described: utoipa::openapi::OpenApi) -> Router<Arc<App>> {
    let value = serde_json::to_value(&described).unwrap_or_default();
    let json = Arc::new(Tagged::new("application/json", value.to_string()).compressed());
    let page = Arc::new(Tagged::new("text/html; charset=utf-8", page(&value)).compressed());
    Router::new()
        .route(&format!("{ROOT}/openapi.json"), get(answer).with_state(json))
        .route(&format!("{ROOT}/docs"), get(answer).with_state(page))
}

async fn answer(State(tagged): State<Arc<Tagged>>, headers: HeaderMap) -> Response {
    tagged.answer(&headers, REVALIDATE)
}

/// A noun's operations.
#[derive(Serialize)]
struct Group {
    name: String,
    description: String,
    operations: Vec<Operation>,
}

#[derive(Serialize)]
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    parameters: Vec<Parameter>,
    body: String,
    answers: Vec<Answer>,
    needs: bool,
}

#[derive(Serialize)]
struct Parameter {
    name: String,
    place: String,
    required: bool,
    description: String,
}

#[derive(Serialize)]
struct Answer {
    status: String,
    kind: String,
    description: String,
}

/// The page, in the pages' own shell; a template that does not render is told in a test.
fn page(described: &Value) -> String {
    render(described).unwrap_or_else(|error| format!("the page cannot be made: {error}"))
}

fn render(described: &Value) -> tera::TeraResult<String> {
    let mut tera = Tera::new();
    tera.add_raw_templates([TEMPLATE, ("docs.html", include_str!("docs.html"))])?;
    // In English alone, as the API is.
    let mut shell = Shell::new(Language::English, "API", "/style.css", "#content", |_| String::new());
    shell.languages.clear();
    let mut context = Context::new();
    context.insert("shell", &shell);
    context.insert("groups", &groups(described));
    context.insert("about", &text(&described["info"]["description"]));
    context.insert("schemas", &schemas(described));
    tera.render("docs.html", &context)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn map(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn groups(described: &Value) -> Vec<Group> {
    let tags = list(&described["tags"]);
    tags.map(|tag| Group {
        name: text(&tag["name"]),
        description: text(&tag["description"]),
        operations: map(&described["paths"])
            .flat_map(|(path, methods)| map(methods).map(move |(method, it)| (path, method, it)))
            .filter(|(_, _, it)| list(&it["tags"]).any(|name| *name == tag["name"]))
            .map(|(path, method, it)| operation(path, method, it))
            .collect(),
    })
    .collect()
}

fn operation(path: &str, method: &str, it: &Value) -> Operation {
    let parameter = |it: &Value| Parameter {
        name: text(&it["name"]),
        place: text(&it["in"]),
        required: it["required"] == true,
        description: text(&it["description"]),
    };
    let answers = map(&it["responses"]).map(|(status, it)| Answer {
        status: status.clone(),
        kind: map(&it["content"]).map(|(kind, it)| format!("{kind} {}", name_of(&it["schema"]))).collect(),
        description: text(&it["description"]),
    });
    Operation {
        id: format!("{method}{}", path.replace(['/', '{', '}', '.'], "-")),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&it["summary"]),
        description: text(&it["description"]),
        parameters: list(&it["parameters"]).map(parameter).collect(),
        body: map(&it["requestBody"]["content"]).map(|(_, it)| name_of(&it["schema"])).collect(),
        answers: answers.collect(),
        needs: list(&it["security"]).next().is_some(),
    }
}

/// What a schema is called, for a person.
fn name_of(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", name_of(&schema["items"])),
        Some(kind) => kind.to_owned(),
        // Nullable ones are lists of types, or of alternatives.
        None => {
            let types = list(&schema["type"]).map(text);
            let either = list(&schema["oneOf"]).map(name_of);
            types.chain(either).collect::<Vec<_>>().join(" or ")
        }
    }
}

/// A schema's fields.
#[derive(Serialize)]
struct Schema {
    name: String,
    description: String,
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Field {
    name: String,
    kind: String,
    description: String,
}

fn schemas(described: &Value) -> Vec<Schema> {
    let field = |(name, it): (&String, &Value)| Field {
        name: name.clone(),
        kind: name_of(it),
        description: text(&it["description"]),
    };
    map(&described["components"]["schemas"])
        .map(|(name, it)| Schema {
            name: name.clone(),
            description: text(&it["description"]),
            fields: map(&it["properties"]).map(field).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_described_can_be_read() {
        let value = serde_json::to_value(description()).expect("JSON");
        assert!(value["openapi"].as_str().expect("a version").starts_with("3.1"), "{}", value["openapi"]);
        let page = render(&value).expect("the page renders");
        let mut operations = 0;
        for (path, methods) in map(&value["paths"]) {
            for (method, operation) in map(methods) {
                operations += 1;
                assert!(page.contains(&format!("<code>{} {path}</code>", method.to_uppercase())), "{path}");
                assert!(!text(&operation["summary"]).is_empty(), "{method} {path} has no summary");
            }
        }
        assert!(operations >= 25, "only {operations} operations");
        assert!(!page.contains("<script") && !page.contains(" style="));
    }
}
