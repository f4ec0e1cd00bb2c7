//! The reference page, generated from the OpenAPI document: each endpoint with parameters, example, response and errors.

use super::{
    codes,
    markdown::{example, fence, pretty, table},
    operation::{Api, Field, Operation},
};

/// The address of the page.
pub(super) const PATH: &str = "/docs/reference";

const START: &str = "# API reference

Every endpoint with its parameters, a call that is ready to run, the response, and its errors. \
Organisation, event and bib are those of the [overview](/docs.md#before-you-start); the token \
comes from the environment variable `API_TOKEN`. The same calls are a [Postman collection](/docs/clients.md#postman).
";

pub(super) fn markdown(api: &Api<'_>) -> String {
    let endpoints = api.operations();
    endpoints.iter().fold(START.to_owned(), |page, operation| {
        page + "\n" + &endpoint(operation)
    })
}

fn endpoint(operation: &Operation<'_>) -> String {
    let Operation { method, path, .. } = operation;
    let (summary, anchor) = (operation.summary(), operation.anchor());
    let mut parts = vec![
        format!("## {summary} {{#{anchor}}}\n"),
        fence("http", &format!("{method} {path}")),
        paragraphs(operation.description()),
    ];
    parts.extend(section("Parameters", parameters(&operation.parameters())));
    parts.extend(section("Body", fields(&operation.body(), true)));
    let data = fields(&operation.data(), false);
    parts.extend(section(
        "Fields of the response",
        data.map(|table| format!("Within `data`:\n\n{table}")),
    ));
    parts.extend(section("Errors", errors(operation)));
    // On wide screens, the call and its response stand beside what explains them.
    if let Some(response) = operation.example_response() {
        parts.push(format!("### Example\n\n{}", example(operation)));
        parts.push(format!(
            "### Response\n\n{}",
            fence("json", &pretty(response))
        ));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn section(title: &str, text: Option<String>) -> Option<String> {
    Some(format!("### {title}\n\n{}", text?))
}

fn paragraphs(text: &str) -> String {
    match text.trim() {
        "" => String::new(),
        text => format!("{text}\n"),
    }
}

fn parameters(fields: &[Field<'_>]) -> Option<String> {
    let row = |field: &Field<'_>| {
        [
            format!("`{}`", field.name),
            field.place.to_owned(),
            field.kind.clone(),
            yes_or_no(field.required),
            field.about.clone(),
        ]
    };
    table(
        ["Name", "In", "Type", "Required", "Meaning"],
        fields.iter().map(row),
    )
}

fn fields(fields: &[Field<'_>], of_request: bool) -> Option<String> {
    let name = |field: &Field<'_>| format!("`{}`", field.name);
    if of_request {
        let row = |field: &Field<'_>| {
            [
                name(field),
                field.kind.clone(),
                yes_or_no(field.required),
                field.about.clone(),
            ]
        };
        table(
            ["Name", "Type", "Required", "Meaning"],
            fields.iter().map(row),
        )
    } else {
        let row = |field: &Field<'_>| [name(field), field.kind.clone(), field.about.clone()];
        table(["Name", "Type", "Meaning"], fields.iter().map(row))
    }
}

fn errors(operation: &Operation<'_>) -> Option<String> {
    let failures = operation.failures();
    let rows = failures.iter().map(|failure| {
        let codes: Vec<_> = failure.codes.iter().map(|code| codes::link(code)).collect();
        [failure.status.to_owned(), codes.join(", ")]
    });
    table(["Status", "Codes"], rows)
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(operation: Value) -> Value {
        json!({
            "paths": { "/api/v1/ext/{org_id}/event/{event_id}/ping": { "get": operation } },
            "components": {
                "parameters": {
                    "org_id": {
                        "name": "org_id", "in": "path", "required": true, "example": 903,
                        "schema": { "type": "integer" },
                    },
                },
                "schemas": {
                    "Row": { "type": "object", "required": ["id"], "properties": {
                        "id": { "type": "integer", "description": "Its number." },
                        "name": { "type": ["string", "null"], "description": "Its\nname." },
                    } },
                },
            },
        })
    }

    fn page(operation: Value) -> String {
        markdown(&Api::new("https://api.example.com", &document(operation)))
    }

    #[track_caller]
    fn assert_has(page: &str, lines: &[&str]) {
        for line in lines {
            assert!(page.lines().any(|own| own == *line), "{line}\n{page}");
        }
    }

    #[test]
    fn a_parameter_has_its_range_and_default() {
        let page = page(json!({
            "operationId": "listRows", "summary": "List rows", "description": "All of them.",
            "parameters": [
                { "$ref": "#/components/parameters/org_id" },
                { "name": "from", "in": "query", "schema": { "type": "integer", "format": "int64" } },
                { "name": "page_size", "in": "query", "description": "Rows | page.",
                  "schema": { "type": "integer", "minimum": 1, "maximum": 60, "default": 30 } },
            ],
        }));
        assert_has(
            &page,
            &[
                "## List rows {#list-rows}",
                "GET /api/v1/ext/{org_id}/event/{event_id}/ping",
                "All of them.",
                "| `org_id` | path | whole number | yes |  |",
                "| `from` | query | whole number | no |  |",
                "| `page_size` | query | whole number, 1 to 60, default 30 | no | Rows \\| page. |",
            ],
        );
    }

    #[test]
    fn an_example_is_the_call_of_the_example_response() {
        let page = page(json!({
            "operationId": "x", "summary": "X",
            "x-example-address": "/api/v1/ext/903/event/456/ping?from=5&to=6",
            "requestBody": { "content": { "application/json": { "example": { "z": "1", "y": 2 } } } },
            "responses": { "200": { "content": { "application/json": { "example": { "b": 1, "a": 2 } } } } },
        }));
        let address = "https://api.example.com/api/v1/ext/903/event/456/ping?from=5&to=6\"";
        assert_eq!(page.matches(address).count(), 3, "{page}");
        assert_eq!(page.matches("'{\"z\":\"1\",\"y\":2}'").count(), 3, "{page}");
        assert!(page.contains("{\n  \"b\": 1,\n  \"a\": 2\n}"), "{page}");
    }

    #[test]
    fn a_body_with_several_forms_is_one_list_of_fields() {
        let form = |methods: Value, identifier: Value| {
            json!({ "required": ["method", "identifier"], "properties": {
                "method": { "enum": methods }, "identifier": identifier, "note": { "type": "string" },
            } })
        };
        let one = form(json!(["bib"]), json!({ "type": "string" }));
        let list = json!({ "type": "array", "items": { "type": "string" } });
        let many = form(json!(["image_ids"]), list);
        let page = page(json!({
            "operationId": "x", "summary": "X",
            "requestBody": { "content": { "application/json": { "schema": { "oneOf": [one, many] } } } },
        }));
        assert_has(
            &page,
            &[
                "| `method` | `\"bib\"` or `\"image_ids\"` | yes |  |",
                "| `identifier` | string or list of string | yes |  |",
                "| `note` | string | no |  |",
            ],
        );
    }

    #[test]
    fn all_fields_of_a_response_are_listed() {
        let data = json!({ "type": "object", "properties": {
            "rows": { "type": "array", "items": { "$ref": "#/components/schemas/Row" } },
        } });
        let page = page(json!({
            "operationId": "x", "summary": "X",
            "responses": { "200": { "content": { "application/json": {
                "schema": { "properties": { "data": data } }, "example": {},
            } } } },
        }));
        assert_has(
            &page,
            &[
                "| `rows[].id` | whole number | Its number. |",
                "| `rows[].name` | string or null | Its name. |",
            ],
        );
    }

    #[test]
    fn a_recursive_schema_ends() {
        let mut document = document(
            json!({ "operationId": "x", "summary": "X", "responses": { "200": {
            "content": { "application/json": { "example": {}, "schema": { "properties": {
                "data": { "$ref": "#/components/schemas/Row" },
            } } } },
        } } }),
        );
        let row = json!({ "properties": { "row": { "$ref": "#/components/schemas/Row" } } });
        document["components"]["schemas"]["Row"] = row;
        let page = markdown(&Api::new("https://api.example.com", &document));
        assert!(page.contains("| `row.row"), "{page}");
    }

    #[test]
    fn an_error_links_to_its_row_in_the_table_of_errors() {
        let page = page(json!({
            "operationId": "x", "summary": "X",
            "responses": { "403": {
                "description": "Refused.", "x-error-codes": ["token_invalid", "event_mismatch"],
            } },
        }));
        let codes = "[`token_invalid`](/docs/errors.md#token_invalid), \
                     [`event_mismatch`](/docs/errors.md#event_mismatch)";
        assert_has(&page, &[&format!("| 403 | {codes} |")]);
    }
}
