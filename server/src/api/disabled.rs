//! Disabled features: selfie search and video clipping need a recognition engine, which this product does not have.
//! Their paths run all checks and then respond with `feature_disabled` (contract, section 1).

use model::{event::Feature, permission::Refusal};

use super::{call::Call, error::ApiError};

pub(super) async fn faces(call: &Call<'_>) -> ApiError {
    disabled(call, Feature::SelfieSearch).await
}

pub(super) async fn video_clipping(call: &Call<'_>) -> ApiError {
    disabled(call, Feature::VideoSelfieSearch).await
}

/// Runs checks 7 to 10, as every endpoint does. The feature is disabled even if all checks pass.
async fn disabled(call: &Call<'_>, feature: Feature) -> ApiError {
    let refused = call.event_with(feature).await.err();
    refused.unwrap_or(Refusal::FeatureDisabled.into())
}
