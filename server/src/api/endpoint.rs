//! The part of the OpenAPI document that an endpoint defines.

use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use super::query::PageSizes;

/// The page size of the examples: two rows show a list.
const EXAMPLE_PAGE_SIZE: i64 = 2;

/// An endpoint's part of the OpenAPI document.
pub(super) struct Endpoint {
    pub(super) operation_id: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) data: (Value, Vec<(String, RefOr<Schema>)>),
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Value>,
    pub(super) codes: Vec<&'static str>,
    pub(super) example: &'static str,
}

impl Endpoint {
    /// An endpoint whose responses have `T` as their `data`.
    pub(super) fn new<T: ToSchema>(operation_id: &'static str, summary: &'static str) -> Self {
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        Self {
            operation_id,
            summary,
            description: "",
            data: (reference(&T::name()), schemas),
            parameters: Vec::new(),
            body: None,
            codes: Vec::new(),
            example: "null",
        }
    }

    pub(super) fn described(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Adds a parameter.
    pub(super) fn with_parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Adds `page`, `page_size` and `after`.
    pub(super) fn paged<P: PageSizes>(self) -> Self {
        let page = json!({
            "type": "integer", "format": "int64", "minimum": 1,
            "maximum": model::page::PageRequest::MAX_PAGE, "default": 1,
        });
        self.with_parameter(parameter(
            "query",
            "page",
            "The page, counted from 1.",
            page,
            json!(1),
        ))
        .continued::<P>("The `nextCursor` of the page before, in place of `page`: a list read like this loses nothing while photos arrive.")
    }

    /// Adds `page_size` and `after`.
    pub(super) fn continued<P: PageSizes>(self, about_after: &str) -> Self {
        let size = json!({
            "type": "integer", "format": "int64", "minimum": 1, "maximum": P::MAX, "default": P::DEFAULT,
        });
        // Without an example: a made-up cursor is refused.
        let after = json!({
            "in": "query",
            "name": "after",
            "description": about_after,
            "required": false,
            "schema": { "type": "string" },
        });
        self.with_parameter(parameter(
            "query",
            "page_size",
            "The number of entries on a page.",
            size,
            json!(EXAMPLE_PAGE_SIZE),
        ))
        .with_parameter(after)
    }

    /// Adds a JSON body.
    pub(super) fn taking(mut self, schema: Value, example: &'static str) -> Self {
        let content = json!({ "schema": schema, "example": parsed(example) });
        self.body = Some(json!({ "required": true, "content": { "application/json": content } }));
        self
    }

    /// Adds error codes to those of every endpoint.
    pub(super) fn refusing(mut self, codes: &[&'static str]) -> Self {
        self.codes.extend(codes);
        self
    }

    /// Sets an example of a complete response, as the demo data gives it.
    pub(super) fn with_example(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }
}

/// A text in the path.
pub(super) fn text_parameter(name: &str, description: &str, example: &str) -> Value {
    let schema = json!({ "type": "string", "minLength": 1 });
    parameter("path", name, description, schema, json!(example))
}

/// A required time in the query.
pub(super) fn seconds_parameter(name: &str, description: &str, example: i64) -> Value {
    let description = format!("{description}, in Unix seconds.");
    let schema =
        json!({ "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX });
    let mut parameter = parameter("query", name, &description, schema, json!(example));
    parameter["required"] = json!(true);
    parameter
}

pub(super) fn parameter(
    place: &str,
    name: &str,
    description: &str,
    schema: Value,
    example: Value,
) -> Value {
    json!({
        "in": place,
        "name": name,
        "description": description,
        "required": place == "path",
        "schema": schema,
        "example": example,
    })
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Parses an example file. A test reads all of them.
pub(super) fn parsed(example: &str) -> Value {
    serde_json::from_str(example).unwrap_or_default()
}
