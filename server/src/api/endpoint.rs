//! The part of the OpenAPI document that an endpoint defines.

use serde_json::{Value, json};
use utoipa::ToSchema;

use super::query::PageSizes;

/// The page size of the examples: two rows show a list.
const EXAMPLE_PAGE_SIZE: i64 = 2;

/// A group of endpoints. Generators write a class or a module for each.
#[derive(Clone, Copy)]
pub(super) enum Tag {
    Events,
    Photos,
    Originals,
}

impl Tag {
    /// Every group, in the order of the document.
    pub(super) const ALL: [Self; 3] = model::all_variants![Events, Photos, Originals];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Events => "Events",
            Self::Photos => "Photos",
            Self::Originals => "Originals",
        }
    }

    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Events => "The organisation’s events, and the check of a connection.",
            Self::Photos => "An event’s photos: all of them, by bib number and by time.",
            Self::Originals => "Links to original photos.",
        }
    }
}

/// What an endpoint returns as `data`.
pub(super) trait ResponseData: ToSchema {
    /// The name of the whole response as a schema. Generated clients have a type with this name.
    const RESPONSE: &'static str;
    /// The group of the endpoints that return it.
    const TAG: Tag;
}

/// An endpoint's part of the OpenAPI document.
pub(super) struct Endpoint {
    pub(super) operation_id: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) tag: Tag,
    /// The name of the response's schema.
    pub(super) response: &'static str,
    /// Its schemas by name, the response's among them.
    pub(super) schemas: Vec<(String, Value)>,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Value>,
    pub(super) codes: Vec<&'static str>,
    pub(super) example: &'static str,
}

impl Endpoint {
    /// An endpoint whose responses have `T` as their `data`.
    pub(super) fn new<T: ResponseData>(operation_id: &'static str, summary: &'static str) -> Self {
        let mut parts = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut parts);
        let mut schemas: Vec<_> = parts
            .into_iter()
            .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
            .collect();
        let response = envelope("success", &reference(&T::name()));
        schemas.push((T::RESPONSE.to_owned(), response));
        Self {
            operation_id,
            summary,
            description: "",
            tag: T::TAG,
            response: T::RESPONSE,
            schemas,
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
            "type": "integer", "format": "int32", "minimum": 1, "maximum": P::MAX, "default": P::DEFAULT,
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

    /// Adds a JSON body. Its schema is the first of `schemas`, the others are its parts.
    pub(super) fn taking(mut self, schemas: Vec<(&str, Value)>, example: &str) -> Self {
        let schema = schemas.first().map(|(name, _)| reference(name));
        let content = json!({ "schema": schema, "example": parsed(example) });
        self.body = Some(json!({ "required": true, "content": { "application/json": content } }));
        let schemas = schemas.into_iter();
        self.schemas
            .extend(schemas.map(|(name, schema)| (name.to_owned(), schema)));
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

/// The three keys of every response (contract, section 4).
pub(super) fn envelope(kind: &str, data: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["responseType", "message", "data"],
        "additionalProperties": false,
        "properties": {
            "responseType": { "type": "string", "const": kind },
            "message": { "type": "string", "description": "For people; may change at any time." },
            "data": data,
        },
    })
}

/// A text in the path.
pub(super) fn text_parameter(name: &str, description: &str, example: &str) -> Value {
    let schema = json!({ "type": "string", "minLength": 1 });
    parameter("path", name, description, schema, json!(example))
}

/// A required time in the query.
pub(super) fn seconds_parameter(name: &str, description: &str, example: i64) -> Value {
    let description = format!("{description}, in Unix seconds.");
    let schema = json!({ "type": "integer", "format": "int64" });
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

/// A reference to a schema of the document.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Parses an example file. A test reads all of them.
pub(super) fn parsed(example: &str) -> Value {
    serde_json::from_str(example).unwrap_or_default()
}
