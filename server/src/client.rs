//! Where a request comes from.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use model::client::ClientAddress;

/// Puts the [`ClientAddress`] beside the request. There is none where there is no connection, as in the
/// dashboard's own test of a token.
pub(crate) fn tell(mut request: Request) -> Request {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if let Some(ConnectInfo(peer)) = peer.copied() {
        request
            .extensions_mut()
            .insert(ClientAddress::new(peer.ip()));
    }
    request
}
