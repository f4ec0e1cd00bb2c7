//! The API as a Postman collection, generated from the OpenAPI document: a folder for each tag, and a request with its
//! example response for each endpoint. The format is 2.1.0 (schema.postman.com).

use serde_json::{Value, json};

use super::{
    markdown::pretty,
    operation::{Api, Field, Operation},
    reference,
};

/// The address of the collection.
pub(super) const PATH: &str = "/docs/postman.json";

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

const ABOUT: &str = "To begin, set the variable `api_token` of this collection to an API token, and `organisation` \
and `event` to your IDs. Optional parameters are switched off.";

const TOKEN: &str =
    "An API token. Enter it as the current value only: Postman does not share that with your team.";

/// The parameters that are variables of the collection, because most endpoints have them.
const VARIABLES: [(&str, &str); 2] = [("org_id", "organisation"), ("event_id", "event")];

/// Whose values a request has.
#[derive(Clone, Copy, PartialEq)]
enum Values {
    /// The variables of the collection, and no optional parameters.
    Reader,
    /// Those of the example response.
    Example,
}

pub(super) fn collection(api: &Api<'_>) -> String {
    let operations = api.operations();
    let folders: Vec<_> = api
        .tags()
        .map(|(name, description)| {
            let requests = operations
                .iter()
                .filter(|operation| operation.tag() == name)
                .map(|operation| item(operation, api.origin()));
            json!({ "name": name, "description": description, "item": requests.collect::<Vec<_>>() })
        })
        .collect();
    let collection = json!({
        "info": { "name": "9Pic API", "description": ABOUT, "schema": SCHEMA },
        "auth": { "type": "apikey", "apikey": [
            { "key": "key", "value": "X-API-Key", "type": "string" },
            { "key": "value", "value": "{{api_token}}", "type": "string" },
            { "key": "in", "value": "header", "type": "string" },
        ] },
        "variable": variables(api.origin(), &operations),
        "item": folders,
    });
    pretty(&collection)
}

fn variables(origin: &str, operations: &[Operation<'_>]) -> Vec<Value> {
    let parameters: Vec<_> = operations.iter().flat_map(Operation::parameters).collect();
    let ids = VARIABLES.into_iter().filter_map(|(parameter, variable)| {
        let field = parameters.iter().find(|field| field.name == parameter)?;
        let (value, description) = (example(field), &field.about);
        Some(json!({ "key": variable, "value": value, "description": description, "type": "string" }))
    });
    let origin = json!({ "key": "origin", "value": origin, "type": "string" });
    // The format has no type for secrets.
    let token = json!({ "key": "api_token", "value": "", "description": TOKEN, "type": "string" });
    [origin].into_iter().chain(ids).chain([token]).collect()
}

fn item(operation: &Operation<'_>, origin: &str) -> Value {
    let response = operation.example_response().map(|response| {
        json!({
            "name": "Example",
            "originalRequest": request(operation, origin, Values::Example),
            "status": "OK",
            "code": 200,
            "header": [{ "key": "Content-Type", "value": "application/json" }],
            "body": pretty(response),
            "_postman_previewlanguage": "json",
        })
    });
    json!({
        "name": operation.summary(),
        "request": request(operation, origin, Values::Reader),
        "response": response.into_iter().collect::<Vec<_>>(),
    })
}

fn request(operation: &Operation<'_>, origin: &str, values: Values) -> Value {
    let (about, anchor) = (operation.description().trim(), operation.anchor());
    let reference = format!("[Reference]({origin}{}#{anchor})", reference::PATH);
    let mut request = json!({
        "method": operation.method,
        "header": [],
        "url": url(operation, values),
        "description": format!("{about}\n\n{reference}").trim_start(),
    });
    if let Some(body) = operation.example_body() {
        request["header"] = json!([{ "key": "Content-Type", "value": "application/json" }]);
        request["body"] = json!({
            "mode": "raw",
            "raw": pretty(body),
            "options": { "raw": { "language": "json" } },
        });
    }
    request
}

fn url(operation: &Operation<'_>, values: Values) -> Value {
    let steps = operation.path.trim_start_matches('/').split('/');
    let path: Vec<_> = steps
        .map(|step| match step.strip_prefix('{') {
            Some(name) => format!(":{}", name.trim_end_matches('}')),
            None => step.to_owned(),
        })
        .collect();
    let parameters = operation.parameters();
    let of = |place| parameters.iter().filter(move |field| field.place == place);
    let is_sent = |field: &Field<'_>| {
        field.required || values == Values::Example && operation.is_in_example(&field.name)
    };
    let variable = of("path").map(|field| {
        let known = VARIABLES.iter().find(|(name, _)| *name == field.name);
        let value = match (values, known) {
            (Values::Reader, Some((_, variable))) => format!("{{{{{variable}}}}}"),
            _ => example(field),
        };
        json!({ "key": field.name, "value": value, "description": field.about })
    });
    let query = of("query").map(|field| {
        json!({
            "key": field.name,
            "value": example(field),
            "description": field.about,
            "disabled": !is_sent(field),
        })
    });
    let sent: Vec<_> = of("query")
        .filter(|field| is_sent(field))
        .map(|field| format!("{}={}", field.name, example(field)))
        .collect();
    let question = if sent.is_empty() { "" } else { "?" };
    json!({
        "raw": format!("{{{{origin}}}}/{}{question}{}", path.join("/"), sent.join("&")),
        "host": ["{{origin}}"],
        "path": path,
        "query": query.collect::<Vec<_>>(),
        "variable": variable.collect::<Vec<_>>(),
    })
}

/// The example value as text.
fn example(field: &Field<'_>) -> String {
    match field.example {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}
