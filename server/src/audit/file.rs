//! The download of an organisation's audit trail.

use std::error::Error;

use app::{
    RequestError,
    paths::ACTIVITY_FILE,
    session::{Cookies, signed_in},
    texts::activity::ActivityQuery,
    time_zone::ReaderZone,
};
use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use model::{
    audit::{Cursor, Filter},
    client::{Client, ClientAddress},
    organisation::OrganisationId,
};
use store::{Member, Origin, Store};

use super::{csv_header, csv_lines};

/// Before the first line. Excel reads a file without it in the encoding of its country.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// The number of records read and sent at a time.
const PAGE_SIZE: u32 = 500;

/// The route of the file, for signed-in users.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(
    store: Store,
    cookies: Cookies,
) -> Router<S> {
    Router::new()
        .route(ACTIVITY_FILE, get(download))
        .with_state((store, cookies))
}

/// All records that match the filter, newest first. They are read while the browser downloads them. If a read fails, or
/// the session or the membership ends meanwhile, the server closes the connection, so that the browser reports a failed
/// download.
async fn download(
    State((store, cookies)): State<(Store, Cookies)>,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let store = store.on_behalf_of(Origin::Request(Client {
        address: client.map(|Extension(address)| address),
        user_agent: None,
    }));
    let query = ActivityQuery::parse(&query.unwrap_or_default());
    let reader = Reader {
        store,
        cookies,
        headers,
    };
    match begin(reader, query).await {
        Ok(file) => file,
        Err(error) => (error.status(), error.to_string()).into_response(),
    }
}

/// The browser that downloads the file.
struct Reader {
    store: Store,
    cookies: Cookies,
    headers: HeaderMap,
}

impl Reader {
    /// The member who downloads the file, from a fresh read.
    async fn member(&self, organisation: OrganisationId) -> Result<Member, RequestError> {
        let session = signed_in(&self.headers, &self.store, self.cookies).await?;
        let session = session.ok_or(RequestError::SessionEnded)?;
        let member = self.store.members().find(&session, organisation).await?;
        member.require_developer_zone()?;
        Ok(member)
    }
}

async fn begin(reader: Reader, query: ActivityQuery) -> Result<Response, RequestError> {
    let organisation = query.organisation.ok_or(RequestError::BadRequest)?;
    reader.member(organisation).await?;
    let headers = [
        (
            header::CONTENT_TYPE,
            "text/csv; charset=utf-8; header=present".to_owned(),
        ),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"activity-{organisation}.csv\""),
        ),
    ];
    let filter = query.filter(&ReaderZone::of(&reader.headers));
    Ok((headers, lines(reader, organisation, filter)).into_response())
}

fn lines(reader: Reader, organisation: OrganisationId, filter: Filter) -> Body {
    enum Next {
        Header,
        From(Cursor),
        End,
    }
    let reading = (reader, Next::Header);
    Body::from_stream(stream::try_unfold(
        reading,
        move |(reader, next)| async move {
            let (bytes, next) = match next {
                Next::Header => ([MARK, &csv_header()].concat(), Next::From(Cursor::Newest)),
                Next::End => return Ok(None),
                Next::From(place) => {
                    let member = reader.member(organisation).await;
                    let member = member.map_err(|error| error.to_string())?;
                    let audit = reader.store.audit();
                    let page = audit
                        .list((&member).into(), filter, place, PAGE_SIZE)
                        .await?;
                    let last = page.entries.last().filter(|_| page.has_older);
                    let next =
                        last.map_or(Next::End, |entry| Next::From(Cursor::Before(entry.key)));
                    (csv_lines(page.entries), next)
                }
            };
            Ok::<_, Box<dyn Error + Send + Sync>>(Some((Bytes::from(bytes), (reader, next))))
        },
    ))
}
