//! The doors that stay closed: selfie search and video clipping need a recognition engine that is no
//! part of this product. Their paths answer behind the same guard, so that a caller learns
//! `feature_disabled` and nothing less (contract, section 1).

use model::{event::Feature, permission::Refusal};

use super::{call::Call, error::ApiError};

pub(super) async fn faces(call: &Call<'_>) -> ApiError {
    closed(call, Feature::SelfieSearch).await
}

pub(super) async fn video_clipping(call: &Call<'_>) -> ApiError {
    closed(call, Feature::VideoSelfieSearch).await
}

/// Checks 7 to 10, as at every other endpoint. Should the last of them ever let somebody pass, there is still
/// nothing behind the door.
async fn closed(call: &Call<'_>, feature: Feature) -> ApiError {
    let refused = call.event_with(feature).await.err();
    refused.unwrap_or(Refusal::FeatureDisabled.into())
}
