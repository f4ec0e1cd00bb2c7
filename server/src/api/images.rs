//! `GET /event/{event_id}/images` and `GET /event/{event_id}/bibs/{bib}`: lists of photos.

use model::{
    event::Feature,
    page::{Page, Pagination},
    photo::{Bib, ListedPhoto},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::Call,
    endpoint::{Endpoint, ResponseData, Tag, text_parameter},
    envelope::Success,
    error::ApiError,
    query::PhotoPage,
};

/// A page of photos: by capture time, photos without one last, then by `image_id`.
#[derive(Serialize, ToSchema)]
pub(super) struct ImagesData {
    images: Vec<ListedPhoto>,
    pagination: Pagination,
}

impl ResponseData for ImagesData {
    const RESPONSE: &'static str = "PhotoPage";
    const TAG: Tag = Tag::Photos;
}

impl From<Page<ListedPhoto>> for ImagesData {
    fn from(page: Page<ListedPhoto>) -> Self {
        Self {
            images: page.rows,
            pagination: page.pagination,
        }
    }
}

/// A page of photos, with the message that the contract prescribes.
pub(super) fn images(page: Page<ListedPhoto>, message: &'static str) -> Success<ImagesData> {
    let found = page.pagination.total > 0;
    Success {
        message: if found { message } else { "No images found" }.into(),
        data: page.into(),
    }
}

pub(super) fn document_all() -> Endpoint {
    Endpoint::new::<ImagesData>("listImages", "List an event’s photos")
        .described(
            "Every photo of the event, by capture time; photos without one come last. The order is \
             stable from page to page.",
        )
        .paged::<PhotoPage>()
        .with_example(include_str!("examples/images.json"))
}

pub(super) async fn all(call: &Call<'_>) -> Result<Success<ImagesData>, ApiError> {
    let permission = call.event().await?;
    let page = PhotoPage::read(&call.head.uri)?;
    let page = call.backends.store.photos().all(permission, page.0).await?;
    Ok(images(page, "Records for all images"))
}

pub(super) fn document_with_bib() -> Endpoint {
    Endpoint::new::<ImagesData>("listImagesByBib", "Find photos by bib number")
        .described(
            "The photos that show a bib number. Upper and lower case and surrounding white space do not \
             matter. A number that no photo shows gets 404. Needs `bib_search`.",
        )
        .with_parameter(text_parameter("bib", "The bib number.", "1234"))
        .paged::<PhotoPage>()
        .refusing(&["feature_disabled", "bib_not_found"])
        .with_example(include_str!("examples/bib.json"))
}

pub(super) async fn with_bib(call: &Call<'_>) -> Result<Success<ImagesData>, ApiError> {
    let permission = call.event_with(Feature::BibSearch).await?;
    let text = call.value("bib")?;
    let page = PhotoPage::read(&call.head.uri)?;
    // A text that cannot be a bib number is on no photo.
    let Ok(bib) = Bib::parse(&text) else {
        return Err(ApiError::NoSuchBib(text.trim().to_owned()));
    };
    let photos = call.backends.store.photos();
    let page = photos.with_bib(permission, &bib, page.0).await?;
    if page.pagination.total == 0 {
        return Err(ApiError::NoSuchBib(bib.to_string()));
    }
    Ok(Success {
        message: format!("Records for bib number {bib}").into(),
        data: page.into(),
    })
}
