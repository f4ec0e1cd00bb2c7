//! Reads the OpenAPI document for the documentation.

use app::texts::examples::{Call, Key, Language};
use serde_json::{Map, Value};

use crate::api::{ROUTES, throttle::RateLimit};

/// The document, with the addresses and the rate limit of the server.
pub(super) struct Api<'a> {
    origin: &'a str,
    document: &'a Value,
    limit: Option<RateLimit>,
    dashboard: &'a str,
    contact: &'a str,
}

/// One endpoint of the document.
pub(super) struct Operation<'a> {
    api: &'a Api<'a>,
    pub(super) method: String,
    pub(super) path: &'a str,
    fields: &'a Map<String, Value>,
}

/// A parameter of an endpoint, or a field of a request or response body.
pub(super) struct Field<'a> {
    pub(super) name: String,
    pub(super) place: &'a str,
    pub(super) required: bool,
    pub(super) kind: String,
    pub(super) about: String,
    pub(super) example: Option<&'a Value>,
}

/// The errors of an endpoint with one status.
pub(super) struct Failure<'a> {
    pub(super) status: &'a str,
    pub(super) codes: Vec<&'a str>,
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The maximum depth of a schema. Our schemas are less deep; a recursive one ends here.
const MAX_DEPTH: usize = 5;

impl<'a> Api<'a> {
    pub(super) fn new(origin: &'a str, document: &'a Value) -> Self {
        Self {
            origin,
            document,
            limit: None,
            dashboard: "",
            contact: "",
        }
    }

    /// Sets the origin of the dashboard, if it is known.
    pub(super) fn with_dashboard(self, dashboard: Option<&'a str>) -> Self {
        let dashboard = dashboard.unwrap_or_default();
        Self { dashboard, ..self }
    }

    /// The start of links to the dashboard. They need an origin, because the API's hosts serve the documentation too, but
    /// not the dashboard.
    pub(super) fn dashboard(&self) -> &'a str {
        self.dashboard
    }

    /// Sets the link for getting in touch.
    pub(super) fn with_contact(self, contact: &'a str) -> Self {
        Self { contact, ..self }
    }

    /// The link for getting in touch.
    pub(super) fn contact(&self) -> &'a str {
        self.contact
    }

    /// Sets the rate limit of a token.
    pub(super) fn with_limit(self, limit: Option<RateLimit>) -> Self {
        Self { limit, ..self }
    }

    pub(super) fn limit(&self) -> Option<RateLimit> {
        self.limit
    }

    pub(super) fn origin(&self) -> &str {
        self.origin
    }

    /// The host and port of the origin, as in the header `Host`.
    pub(super) fn host(&self) -> &str {
        let authority = self.origin.split_once("://");
        authority.map_or(self.origin, |(_, authority)| authority)
    }

    /// Every endpoint, in the order of the API's list of routes.
    pub(super) fn operations(&'a self) -> Vec<Operation<'a>> {
        let paths = self.document["paths"].as_object();
        let mut operations: Vec<_> = paths
            .into_iter()
            .flatten()
            .flat_map(|(path, item)| {
                METHODS.into_iter().filter_map(move |method| {
                    Some(Operation {
                        api: self,
                        method: method.to_uppercase(),
                        path,
                        fields: item[method].as_object()?,
                    })
                })
            })
            .collect();
        operations.sort_by_key(|operation| {
            ROUTES
                .iter()
                .position(|route| {
                    route.path == operation.path && route.method == operation.method.as_str()
                })
                .unwrap_or(usize::MAX)
        });
        operations
    }

    pub(super) fn operation(&'a self, id: &str) -> Option<Operation<'a>> {
        self.operations()
            .into_iter()
            .find(|operation| operation.id() == id)
    }

    /// Name and description of every group of endpoints.
    pub(super) fn tags(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let tags = self.document["tags"].as_array().into_iter().flatten();
        tags.filter_map(|tag| Some((tag["name"].as_str()?, tag["description"].as_str()?)))
    }

    /// Follows the `$ref` of a value, if it has one.
    fn resolved(&self, value: &'a Value) -> &'a Value {
        value["$ref"]
            .as_str()
            .and_then(|reference| self.document.pointer(reference.strip_prefix('#')?))
            .unwrap_or(value)
    }

    /// A schema's type in words, for example `string or null` or `list of string`, or its allowed values.
    fn kind(&self, schema: &'a Value) -> String {
        let schema = self.resolved(schema);
        if let Some(values) = schema["enum"].as_array() {
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            return values.join(", ");
        }
        if let Some(value) = schema.get("const") {
            return format!("`{value}`");
        }
        if let Some(alternatives) = alternatives(schema) {
            let mut kinds: Vec<_> = alternatives.map(|schema| self.kind(schema)).collect();
            kinds.dedup();
            return kinds.join(" or ");
        }
        let kinds: Vec<_> = match &schema["type"] {
            Value::String(kind) => vec![kind.as_str()],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => vec![],
        };
        let words = kinds.into_iter().map(|kind| match kind {
            "integer" => "whole number".to_owned(),
            "array" => format!("list of {}", self.kind(&schema["items"])),
            other => other.to_owned(),
        });
        let words: Vec<_> = words.collect();
        let range = match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            (Some(least), Some(most)) => format!(", {least} to {most}"),
            (Some(least), None) => format!(", from {least}"),
            (None, Some(most)) => format!(", to {most}"),
            (None, None) => String::new(),
        };
        words.join(" or ") + &range
    }

    /// The fields of an object and of nested objects, for example `events[].event_id`. For alternatives, the fields of all
    /// of them; a field is required if each alternative requires it.
    fn fields(&self, schema: &'a Value, prefix: &str, depth: usize) -> Vec<Field<'a>> {
        let schema = self.resolved(schema);
        if depth == 0 {
            return vec![];
        }
        if let Some(alternatives) = alternatives(schema) {
            let all: Vec<_> = alternatives
                .filter(|schema| schema["type"] != "null")
                .map(|schema| self.fields(schema, prefix, depth - 1))
                .collect();
            return merged(all);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let parts = parts
                .iter()
                .flat_map(|schema| self.fields(schema, prefix, depth - 1));
            return parts.collect();
        }
        if !schema["items"].is_null() {
            return self.fields(&schema["items"], &format!("{prefix}[]"), depth - 1);
        }
        let required = schema["required"].as_array();
        let properties = schema["properties"].as_object().into_iter().flatten();
        properties
            .flat_map(|(own_name, property)| {
                let name = match prefix {
                    "" => own_name.clone(),
                    prefix => format!("{prefix}.{own_name}"),
                };
                let within = self.fields(property, &name, depth - 1);
                let field = Field {
                    required: required
                        .is_some_and(|required| required.iter().any(|field| field == own_name)),
                    kind: self.kind(property),
                    about: about(property)
                        .or_else(|| about(self.resolved(property)))
                        .unwrap_or_default(),
                    place: "body",
                    example: property.get("example"),
                    name,
                };
                // An object with listed fields needs no row of its own.
                let shown = within.is_empty().then_some(field);
                shown.into_iter().chain(within)
            })
            .collect()
    }
}

fn alternatives(schema: &Value) -> Option<impl Iterator<Item = &Value>> {
    let alternatives = schema.get("oneOf").or_else(|| schema.get("anyOf"))?;
    Some(alternatives.as_array()?.iter())
}

/// The description on one line.
fn about(schema: &Value) -> Option<String> {
    let text = schema["description"].as_str()?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Merges the fields of several alternatives.
fn merged(alternatives: Vec<Vec<Field<'_>>>) -> Vec<Field<'_>> {
    let count = alternatives.len();
    let mut fields: Vec<(usize, Field<'_>)> = Vec::new();
    for field in alternatives.into_iter().flatten() {
        match fields
            .iter_mut()
            .find(|(_, known)| known.name == field.name)
        {
            Some((times, known)) => {
                *times += usize::from(field.required);
                if !known.kind.split(" or ").any(|kind| kind == field.kind) {
                    known.kind = format!("{} or {}", known.kind, field.kind);
                }
                if !known.about.contains(&field.about) {
                    known.about = format!("{} {}", known.about, field.about);
                }
            }
            None => fields.push((usize::from(field.required), field)),
        }
    }
    fields
        .into_iter()
        .map(|(times, field)| Field {
            required: times == count,
            ..field
        })
        .collect()
}

impl<'a> Operation<'a> {
    fn text(&self, field: &str) -> &'a str {
        self.fields
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(super) fn id(&self) -> &'a str {
        self.text("operationId")
    }

    pub(super) fn summary(&self) -> &'a str {
        self.text("summary")
    }

    pub(super) fn description(&self) -> &'a str {
        self.text("description")
    }

    /// The id as an anchor, for example `list-events`.
    pub(super) fn anchor(&self) -> String {
        self.id()
            .chars()
            .fold(String::new(), |mut anchor, character| {
                if character.is_uppercase() {
                    anchor.push('-');
                }
                anchor.extend(character.to_lowercase());
                anchor
            })
    }

    /// The group that it belongs to.
    pub(super) fn tag(&self) -> &'a str {
        let tags = self.fields.get("tags");
        tags.and_then(|tags| tags[0].as_str()).unwrap_or_default()
    }

    fn raw_parameters(&self) -> impl Iterator<Item = &'a Value> {
        let api = self.api;
        let parameters = self.fields.get("parameters").and_then(Value::as_array);
        parameters
            .into_iter()
            .flatten()
            .map(|parameter| api.resolved(parameter))
    }

    /// The parameters of path and query.
    pub(super) fn parameters(&self) -> Vec<Field<'a>> {
        let field = |parameter: &'a Value| {
            let schema = self.api.resolved(&parameter["schema"]);
            let default = &schema["default"];
            let default = match default.is_null() {
                true => String::new(),
                false => format!(", default {default}"),
            };
            Field {
                name: parameter["name"].as_str().unwrap_or_default().to_owned(),
                place: parameter["in"].as_str().unwrap_or_default(),
                required: parameter["required"] == true,
                kind: self.api.kind(schema) + &default,
                about: about(parameter).unwrap_or_default(),
                example: parameter.get("example"),
            }
        };
        self.raw_parameters().map(field).collect()
    }

    /// Default and maximum of the parameter `page_size`, if the endpoint has pages.
    pub(super) fn page_sizes(&self) -> Option<(i64, i64)> {
        let size = self
            .raw_parameters()
            .find(|parameter| parameter["name"] == "page_size")?;
        let schema = self.api.resolved(&size["schema"]);
        Some((schema["default"].as_i64()?, schema["maximum"].as_i64()?))
    }

    /// The fields of the request body.
    pub(super) fn body(&self) -> Vec<Field<'a>> {
        self.content("/requestBody/content/application~1json/schema")
            .map(|schema| self.api.fields(schema, "", MAX_DEPTH))
            .unwrap_or_default()
    }

    /// The fields of the response's `data`.
    pub(super) fn data(&self) -> Vec<Field<'a>> {
        let schema = self.content("/responses/200/content/application~1json/schema");
        let schema = schema.map(|schema| self.api.resolved(schema));
        schema
            .map(|schema| &schema["properties"]["data"])
            .filter(|data| !data.is_null())
            .map(|data| self.api.fields(data, "", MAX_DEPTH))
            .unwrap_or_default()
    }

    /// The example response.
    pub(super) fn example_response(&self) -> Option<&'a Value> {
        self.content("/responses/200/content/application~1json/example")
    }

    /// The body of the example call.
    pub(super) fn example_body(&self) -> Option<&'a Value> {
        self.content("/requestBody/content/application~1json/example")
    }

    /// The path and query of the example call.
    fn example_address(&self) -> &'a str {
        self.text("x-example-address")
    }

    /// Whether the example call has the parameter of the query.
    pub(super) fn is_in_example(&self, parameter: &str) -> bool {
        let (_, query) = self.example_address().split_once('?').unwrap_or_default();
        let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
        names.any(|name| name == parameter)
    }

    fn content(&self, pointer: &str) -> Option<&'a Value> {
        let mut steps = pointer.trim_start_matches('/').split('/');
        let first = self.fields.get(steps.next()?)?;
        steps.try_fold(self.api.resolved(first), |value, step| {
            let next = value.get(step.replace("~1", "/"))?;
            Some(self.api.resolved(next))
        })
    }

    pub(super) fn failures(&self) -> Vec<Failure<'a>> {
        let responses = self.fields.get("responses").and_then(Value::as_object);
        responses
            .into_iter()
            .flatten()
            .filter(|(status, _)| status.starts_with(['4', '5']))
            .map(|(status, response)| {
                let response = self.api.resolved(response);
                let codes = response["x-error-codes"].as_array().into_iter().flatten();
                Failure {
                    status,
                    codes: codes.filter_map(Value::as_str).collect(),
                }
            })
            .collect()
    }

    /// The example call.
    pub(super) fn example(&self, language: Language) -> String {
        let body = self.example_body().map(Value::to_string);
        let call = Call {
            origin: self.api.origin,
            path: self.example_address(),
            body: body.as_deref(),
            key: Key::Environment,
        };
        call.written_in(language)
    }
}
