//! Requests of components, handed to the outside.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::call::{HttpRequest, HttpResponse, Outside, Refusal};

/// The most bytes of a request's body.
const MAX_BODY: usize = 16 << 20;

type Sending = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answering = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Sending), Error>> + Send>;

/// Sends nothing itself: the outside decides and asks.
pub(super) struct Sender {
    pub(super) outside: Arc<dyn Outside>,
}

impl WasiHttpHooks for Sender {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        sent: Sending,
    ) -> Answering {
        let outside = Arc::clone(&self.outside);
        Box::new(async move {
            let (head, body) = request.into_parts();
            let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| {
                // The body's own error, or that of its limit.
                match error.downcast::<Error>() {
                    Ok(error) => *error,
                    Err(_) => Error::HttpRequestBodySize(Some(MAX_BODY as u64)),
                }
            })?;
            let request = HttpRequest {
                method: head.method.as_str().to_owned(),
                url: head.uri.to_string(),
                // The URL says which host it is.
                headers: head
                    .headers
                    .iter()
                    .filter(|(name, _)| *name != http::header::HOST)
                    .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
                    .collect(),
                body: body.to_bytes().to_vec(),
                timeout_ms: options.and_then(timeout_ms),
            };
            // It blocks, so it has a thread of its own; the call's deadline does not wait for it.
            let answer = wasmtime_wasi::runtime::spawn_blocking(move || outside.http(request)).await;
            Ok((response(answer.map_err(refused)?)?, sent))
        })
    }
}

/// How long a guest would wait for the head of an answer: to connect, and then for its first byte.
fn timeout_ms(options: RequestOptions) -> Option<u64> {
    let waits = [options.connect_timeout, options.first_byte_timeout];
    let whole = waits.iter().flatten().copied().reduce(std::time::Duration::saturating_add)?;
    Some(u64::try_from(whole.as_millis()).unwrap_or(u64::MAX))
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Denied(_) => Error::HttpRequestDenied,
        Refusal::Failed(why) => Error::InternalError(Some(why)),
        Refusal::TimedOut(_) => Error::HttpResponseTimeout,
    }
}

fn response(answer: HttpResponse) -> Result<http::Response<WasiBody>, Error> {
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = Full::new(Bytes::from(answer.body)).map_err(Error::from).boxed_unsync();
    response.body(body).map_err(|error| Error::InternalError(Some(error.to_string())))
}
