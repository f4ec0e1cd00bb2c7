//! `GET /files/{path}`: an original from this server's folder.
//!
//! The link's signature is the permission, so no key is needed. The token that made the link must still be accepted: its
//! deactivation, deletion or expiry, or its organisation's plan, ends the link with the guard's refusal. A download that
//! has begun is finished. Errors look like those of the API: envelope, code, request id.
//!
//! On a small installation these files, which photographers uploaded, share the dashboard's origin. So the response
//! protects the dashboard:
//!
//! - `Content-Disposition`: a browser saves the file and does not show it.
//! - `nosniff`: a browser does not guess another content type.
//! - `Content-Security-Policy`: if a browser shows the file anyway, it runs nothing and has no origin.
//! - `Cross-Origin-Resource-Policy`: partners' pages may load the file, because the link is the permission and no cookie
//!   counts here.

use std::{path::Path as FilePath, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::rejection::{PathRejection, QueryRejection},
    extract::{Path, Query, Request, State},
    middleware::from_fn,
    response::Response,
    routing::get,
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, ETAG, X_CONTENT_TYPE_OPTIONS,
    },
};
use model::{permission::Refusal, token::TokenId};
use serde::Deserialize;
use store::Store;
use tower::{ServiceExt, util::MapResponseLayer};
use tower_http::services::ServeFile;

use super::{call::decimal, catch_panic, error::ApiError, file_state::FileState, help::HelpLinks};
use crate::{
    http::{
        headers::{ANY_ORIGIN, NO_SNIFFING, RESOURCE_POLICY},
        host::{HostName, requested_host},
        request_id,
    },
    originals::{
        Originals,
        folder::{Folder, Refused},
        object_name::ObjectName,
    },
};

/// Nothing runs, no origin, no frames.
const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");

#[derive(Clone)]
struct Files {
    folder: Folder,
    store: Store,
    hosts: Arc<[HostName]>,
}

#[derive(Deserialize)]
struct Signed {
    expires: String,
    token: String,
    signature: String,
}

/// Serves the folder of originals under the API's hosts. Without such a folder there is no route.
/// Errors link to `help`.
pub(crate) fn router(
    store: Store,
    originals: &Originals,
    hosts: Vec<HostName>,
    help: Arc<HelpLinks>,
) -> Router {
    let Some(folder) = originals.folder().cloned() else {
        return Router::new();
    };
    let files = Router::new()
        .route("/files/{*path}", get(download))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(Files {
            folder,
            store,
            hosts: hosts.into(),
        })
        .layer(from_fn(catch_panic::layer))
        .layer(MapResponseLayer::new(move |response| help.add(response)));
    request_id::identify(files)
}

async fn download(
    State(files): State<Files>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<Signed>, QueryRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    let host = requested_host(request.uri(), request.headers());
    let host = host.ok_or(Refusal::HostNotAllowed)?;
    if !files.hosts.iter().any(|own| own.is(host)) {
        return Err(Refusal::HostNotAllowed.into());
    }
    let Path(path) = path.map_err(|_| ApiError::LinkInvalid)?;
    let Query(signed) = query.map_err(|_| ApiError::LinkInvalid)?;
    let expires = decimal(&signed.expires).ok_or(ApiError::LinkInvalid)?;
    let token = TokenId(decimal(&signed.token).ok_or(ApiError::LinkInvalid)?);
    let now = files.store.clock().now();
    let Files { folder, store, .. } = &files;
    folder.check(&path, expires, token, &signed.signature, now)?;
    let record = store.key_cache().token_by_id(token).await?;
    record.ok_or(Refusal::TokenInvalid)?.admit(now)?;
    let name = ObjectName::parse(&path).ok_or(ApiError::NoSuchFile)?;
    let file = files.folder.find(name).await.map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "cannot read the folder of originals"
        );
        ApiError::Internal
    })?;
    let file = file.ok_or(ApiError::NoSuchFile)?;
    let mut response = serve(&file, request).await?;
    let disposition = HeaderValue::try_from(name.disposition()).map_err(|_| ApiError::Internal)?;
    let headers = response.headers_mut();
    headers.insert(CONTENT_DISPOSITION, disposition);
    for (name, value) in [
        (CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        (X_CONTENT_TYPE_OPTIONS, NO_SNIFFING),
        (CONTENT_SECURITY_POLICY, POLICY),
        (RESOURCE_POLICY, ANY_ORIGIN),
    ] {
        headers.insert(name, value);
    }
    Ok(response)
}

/// The file, the part of it that the request names, or what its conditions demand.
async fn serve(file: &FilePath, request: Request) -> Result<Response, ApiError> {
    let (method, mut headers) = (request.method().clone(), request.headers().clone());
    let state = state(file).await?;
    if let Err(status) = state.decide(&method, &mut headers) {
        let mut response = Response::default();
        *response.status_mut() = status;
        response
            .headers_mut()
            .extend(state.etag().map(|tag| (ETAG, tag)));
        return Ok(response);
    }
    let mut response = open(file, &method, headers).await?;
    if self::state(file).await? == state {
        response
            .headers_mut()
            .extend(state.etag().map(|tag| (ETAG, tag)));
        return Ok(response);
    }
    // The file was changed meanwhile: no tag and no part is right for what was opened.
    open(file, &method, HeaderMap::new()).await
}

async fn state(file: &FilePath) -> Result<FileState, ApiError> {
    let data = tokio::fs::metadata(file).await;
    data.map(|data| FileState::of(&data))
        .map_err(|_| ApiError::NoSuchFile)
}

async fn open(file: &FilePath, method: &Method, headers: HeaderMap) -> Result<Response, ApiError> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method.clone();
    *request.headers_mut() = headers;
    let response = ServeFile::new(file).oneshot(request).await;
    let response = response.unwrap_or_else(|never| match never {});
    match response.status() {
        StatusCode::NOT_FOUND => Err(ApiError::NoSuchFile),
        StatusCode::INTERNAL_SERVER_ERROR => Err(ApiError::Internal),
        _ => Ok(response.map(Body::new)),
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid => Self::LinkInvalid,
            Refused::Expired => Self::LinkExpired,
        }
    }
}
