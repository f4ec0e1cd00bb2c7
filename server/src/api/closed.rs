//! The doors that stay closed: selfie search and video clipping need a recognition engine that is no
//! part of this product. Their paths answer behind the same guard, so that a caller learns
//! `feature_disabled` and nothing less (contract, section 1).

use model::{
    access::{EventAccess, Refusal},
    event::Feature,
};

use super::{access::Event, error::ApiError};

pub(super) async fn faces(Event(access): Event) -> ApiError {
    closed(access, Feature::SelfieSearch)
}

pub(super) async fn video_clipping(Event(access): Event) -> ApiError {
    closed(access, Feature::VideoSelfieSearch)
}

/// Check 10, as at every other endpoint. Should it ever open one of these features, there is still
/// nothing behind the door.
fn closed(access: EventAccess, feature: Feature) -> ApiError {
    let refusal = access.require(feature).err();
    refusal.unwrap_or(Refusal::FeatureDisabled).into()
}
