//! `POST /event/{event_id}/original-photos`: links to originals.

use std::collections::HashSet;

use axum::body::Body;
use model::{
    page::{ListRequest, Page, PageRequest, Pagination},
    permission::EventPermission,
    photo::{Bib, ImageId, Original},
    timestamp::Timestamp,
    token::TokenId,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::Store;
use utoipa::ToSchema;

use crate::originals::{Originals, link::Link};

use super::{
    body::json_object,
    call::{Backends, Call},
    endpoint::{Endpoint, ResponseData, Tag, reference},
    envelope::{Success, Unstored},
    error::ApiError,
    query::OriginalPage,
};

/// The maximum number of photos in one request.
const MAX_IDS: usize = 1_000;

/// Links to originals, and the photos without a link.
#[derive(Serialize, ToSchema)]
pub(super) struct OriginalsData {
    presigned_urls: Vec<OriginalLink>,
    failed_urls: Vec<FailedOriginal>,
    /// Requested photos on all pages.
    #[schema(minimum = 0)]
    total_images: i64,
    /// Links on this page.
    #[schema(format = "int32")]
    successful_count: usize,
    /// Photos on this page that have no link.
    #[schema(format = "int32")]
    failed_count: usize,
    /// The identifier of the request; null for a list.
    #[schema(required)]
    identifier: Option<String>,
    pagination: Pagination,
}

impl ResponseData for OriginalsData {
    const RESPONSE: &'static str = "OriginalLinkPage";
    const TAG: Tag = Tag::Originals;
}

/// A link to an original. Anyone who has it can download the file until it expires.
#[derive(Serialize, ToSchema)]
struct OriginalLink {
    /// The photo.
    image_id: String,
    /// The link. Its parameter `expires` is the Unix time until which it works, or `X-Amz-Date` and `X-Amz-Expires` are
    /// the time when it was made and the seconds that it works.
    #[schema(format = "uri")]
    url: String,
    /// The file's own name. It is not unique: two cameras can have an `IMG_0001.jpg`. Save the file under a name with
    /// `image_id`.
    filename: String,
}

/// A photo without a link to its original.
#[derive(Serialize, ToSchema)]
struct FailedOriginal {
    image_id: String,
    /// The reason, in words.
    error: String,
    /// The expected place of the original in storage, if it is known.
    #[schema(required)]
    path: Option<String>,
}

/// The photos that a request names.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// Those that show a bib number. `None` if the text cannot be one, so that no photo matches.
    Bib(Option<Bib>),
    /// Those that show a face. There is no recognition engine, so none is found.
    Selfie,
    /// One photo.
    Image(ImageId),
    /// Each of these photos.
    Images(Vec<ImageId>),
}

/// The request body (contract, section 6).
#[derive(Debug, PartialEq, Eq)]
struct Selection {
    wanted: Wanted,
    /// The identifier, which the response repeats.
    identifier: Option<String>,
}

impl Selection {
    /// # Errors
    /// The problem of each field, joined.
    fn read(body: &Map<String, Value>) -> Result<Self, String> {
        let identifier = body.get("identifier").ok_or("identifier: is required");
        let method = match body.get("method") {
            None => Err("method: is required"),
            Some(Value::String(method)) => Ok(method.as_str()),
            Some(_) => Err("method: must be a text"),
        };
        match (method, identifier) {
            (Ok("image_ids"), Ok(list)) => Ok(Self {
                wanted: Wanted::Images(image_ids(list)?),
                identifier: None,
            }),
            (Ok(method @ ("bib" | "selfie" | "image_id")), Ok(text)) => {
                let text = text.as_str().ok_or("identifier: must be a text")?;
                Ok(Self {
                    wanted: match method {
                        "bib" => Wanted::Bib(Bib::parse(text).ok()),
                        "selfie" => Wanted::Selfie,
                        _ => Wanted::Image(ImageId(text.to_owned())),
                    },
                    identifier: Some(text.to_owned()),
                })
            }
            (method, identifier) => {
                let method = method.and_then(|method| match method {
                    "bib" | "selfie" | "image_id" | "image_ids" => Ok(()),
                    _ => Err("method: must be bib, selfie, image_id or image_ids"),
                });
                let problems = [method.err(), identifier.err()];
                Err(problems
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("; "))
            }
        }
    }
}

/// The ids in a list, without duplicates.
fn image_ids(list: &Value) -> Result<Vec<ImageId>, String> {
    let list = list
        .as_array()
        .filter(|list| (1..=MAX_IDS).contains(&list.len()))
        .ok_or(format!(
            "identifier: must be a list of 1 to {MAX_IDS} image ids"
        ))?;
    let mut seen = HashSet::with_capacity(list.len());
    let mut ids = Vec::with_capacity(list.len());
    let mut problems = Vec::new();
    for (place, id) in list.iter().enumerate() {
        match id.as_str() {
            None => problems.push(format!("identifier.{place}: must be a text")),
            Some(id) if seen.insert(id) => ids.push(ImageId(id.to_owned())),
            Some(_) => {}
        }
    }
    if problems.is_empty() {
        Ok(ids)
    } else {
        Err(problems.join("; "))
    }
}

/// A requested photo: its original, or only the id if the event has no such photo.
#[derive(Clone)]
enum Found {
    Photo(Original),
    Nothing(ImageId),
}

pub(super) fn document() -> Endpoint {
    Endpoint::new::<OriginalsData>("createOriginalPhotoLinks", "Get links to original photos")
        .described(
            "Links for downloading originals without a key. Each is valid for a limited time, usually one \
             hour, and only as long as the token that made it. (If its address is that of a storage \
             service, only the time counts.) `method` says what \
             `identifier` is: a bib number (`bib`), one photo (`image_id`) or a list of up to 1,000 photos \
             (`image_ids`). Selfie search (`selfie`) needs a recognition engine that is not part of this \
             product, and finds nothing. `after` works with `bib`; the photos of a list of ids do not move. \
             Photos without a link are in `failed_urls`, with the reason.",
        )
        .paged::<OriginalPage>()
        .taking(body_schemas(), include_str!("examples/original_photos.request.json"))
        .refusing(&[
            "image_not_found",
            "malformed_request",
            "body_too_large",
            "unsupported_media_type",
        ])
        .with_example(include_str!("examples/original_photos.json"))
}

pub(super) async fn links(
    call: &Call<'_>,
    body: Body,
) -> Result<Unstored<OriginalsData>, ApiError> {
    let permission = call.event().await?;
    let page = OriginalPage::read(&call.head.uri)?;
    let body = json_object(&call.head.headers, body).await?;
    let selection = Selection::read(&body).map_err(ApiError::Invalid)?;
    let Backends { store, originals } = call.backends;
    let found = find(store, permission, &selection.wanted, &page.0).await?;
    let (mut links, mut failed) = (Vec::new(), Vec::new());
    for photo in found.rows {
        let now = store.clock().now();
        match link(originals, photo, call.caller.token_id(), now).await {
            Ok(link) => links.push(link),
            Err(failure) => failed.push(failure),
        }
    }
    let message = match (links.is_empty(), failed.is_empty()) {
        _ if found.pagination.total == 0 => "No photos found, so there are no originals",
        (true, false) => "None of these originals is available",
        _ => "Links to original photos",
    };
    Ok(Unstored(Success {
        message: message.into(),
        data: OriginalsData {
            total_images: found.pagination.total,
            successful_count: links.len(),
            failed_count: failed.len(),
            presigned_urls: links,
            failed_urls: failed,
            identifier: selection.identifier,
            pagination: found.pagination,
        },
    }))
}

async fn find(
    store: &Store,
    permission: EventPermission,
    wanted: &Wanted,
    request: &ListRequest,
) -> Result<Page<Found>, ApiError> {
    let ids = match wanted {
        Wanted::Bib(Some(bib)) => {
            let found = store
                .photos()
                .originals_with_bib(permission, bib, request.clone())
                .await?;
            return Ok(Page {
                rows: found.rows.into_iter().map(Found::Photo).collect(),
                pagination: found.pagination,
            });
        }
        _ if request.cursor().is_some() => {
            let problem = "after: works only with the method bib. Send page";
            return Err(ApiError::Invalid(problem.to_owned()));
        }
        Wanted::Selfie | Wanted::Bib(None) => return Ok(page_of(&[], request.page())),
        Wanted::Image(id) => std::slice::from_ref(id),
        Wanted::Images(ids) => ids,
    };
    let mut originals = store
        .photos()
        .originals(permission, ids)
        .await?
        .into_iter()
        .peekable();
    if originals.peek().is_none() {
        return Err(ApiError::NoSuchImage);
    }
    // Both lists are in the order of the request. An id without an original in the second list is not a photo of the
    // event.
    let found: Vec<_> = ids
        .iter()
        .map(|id| {
            originals
                .next_if(|original| original.image_id == *id)
                .map_or_else(|| Found::Nothing(id.clone()), Found::Photo)
        })
        .collect();
    Ok(page_of(&found, request.page()))
}

/// One page of a complete list.
fn page_of(found: &[Found], request: PageRequest) -> Page<Found> {
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let skipped = usize::try_from(request.offset()).unwrap_or(usize::MAX);
    let size = usize::try_from(request.page_size()).unwrap_or(usize::MAX);
    Page {
        rows: found.iter().skip(skipped).take(size).cloned().collect(),
        pagination: Pagination::new(request, total),
    }
}

async fn link(
    originals: &Originals,
    photo: Found,
    token: TokenId,
    now: Timestamp,
) -> Result<OriginalLink, FailedOriginal> {
    let Original { image_id, path } = match photo {
        Found::Photo(original) => original,
        Found::Nothing(id) => {
            return Err(FailedOriginal {
                image_id: id.0,
                error: "The event has no photo with this id.".to_owned(),
                path: None,
            });
        }
    };
    let Some(path) = path else {
        return Err(FailedOriginal {
            image_id: image_id.0,
            error: "The original of this photo was not stored.".to_owned(),
            path: None,
        });
    };
    match originals.link(&path, token, now).await {
        Ok(Link { url, filename }) => Ok(OriginalLink {
            image_id: image_id.0,
            url,
            filename,
        }),
        Err(error) => Err(FailedOriginal {
            image_id: image_id.0,
            error: error.to_string(),
            path: Some(path),
        }),
    }
}

/// The schemas of the body that [`Selection::read`] accepts: first the body, then its form for each `method`.
fn body_schemas() -> Vec<(&'static str, Value)> {
    let text = |about| json!({ "type": "string", "description": about });
    let ids = json!({
        "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": MAX_IDS,
        "description": "For `image_ids`: the `image_id` of each photo.",
    });
    let forms = [
        ("bib", "OriginalsByBib", text("For `bib`: the bib number.")),
        (
            "selfie",
            "OriginalsBySelfie",
            text("For `selfie`: any text. It finds no photo."),
        ),
        (
            "image_id",
            "OriginalsByImageId",
            text("For `image_id`: the photo’s `image_id`."),
        ),
        ("image_ids", "OriginalsByImageIds", ids),
    ];
    let form = |method, identifier| {
        json!({
            "type": "object",
            "required": ["method", "identifier"],
            "properties": {
                "method": { "type": "string", "const": method, "description": "What the identifier is." },
                "identifier": identifier,
            },
        })
    };
    let names = forms.each_ref().map(|(_, name, _)| reference(name));
    let mapping: Map<_, _> = forms
        .iter()
        .map(|(method, name, _)| ((*method).to_owned(), reference(name)["$ref"].clone()))
        .collect();
    let body = json!({
        "oneOf": names,
        "discriminator": { "propertyName": "method", "mapping": mapping },
    });
    let forms = forms.map(|(method, name, identifier)| (name, form(method, identifier)));
    [("OriginalsRequest", body)]
        .into_iter()
        .chain(forms)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<Selection, String> {
        match body {
            Value::Object(object) => Selection::read(&object),
            other => panic!("{other} is no object"),
        }
    }

    fn problem(body: Value) -> String {
        read(body).expect_err("refused")
    }

    #[test]
    fn every_invalid_field_is_named() {
        assert_eq!(
            problem(json!({})),
            "method: is required; identifier: is required"
        );
        assert_eq!(
            problem(json!({ "method": "face", "identifier": "x" })),
            "method: must be bib, selfie, image_id or image_ids"
        );
        assert_eq!(
            problem(json!({ "method": "face" })),
            "method: must be bib, selfie, image_id or image_ids; identifier: is required"
        );
        assert_eq!(
            problem(json!({ "method": 1, "identifier": "x" })),
            "method: must be a text"
        );
        for method in ["bib", "selfie", "image_id"] {
            for identifier in [json!(null), json!(1234), json!(["x"]), json!({})] {
                let found = problem(json!({ "method": method, "identifier": identifier }));
                assert_eq!(found, "identifier: must be a text");
            }
        }
        let list = |list: Value| problem(json!({ "method": "image_ids", "identifier": list }));
        for identifier in [json!([]), json!("x"), json!(null), json!(vec!["x"; 1_001])] {
            assert_eq!(
                list(identifier),
                "identifier: must be a list of 1 to 1000 image ids"
            );
        }
        assert_eq!(
            list(json!(["a", 1, "b", null])),
            "identifier.1: must be a text; identifier.3: must be a text"
        );
    }

    #[test]
    fn a_photo_that_is_named_twice_is_returned_once() {
        let selection = read(json!({ "method": "image_ids", "identifier": ["b", "a", "b"] }));
        let ids = ["b", "a"].map(|id| ImageId(id.to_owned())).to_vec();
        assert_eq!(
            selection,
            Ok(Selection {
                wanted: Wanted::Images(ids),
                identifier: None
            })
        );
    }

    #[test]
    fn the_identifier_is_echoed_as_it_was_sent() {
        let selection = read(json!({ "method": "bib", "identifier": " a17 " })).expect("accepted");
        assert_eq!(selection.identifier.as_deref(), Some(" a17 "));
        assert_eq!(selection.wanted, Wanted::Bib(Bib::parse("a17").ok()));
    }
}
