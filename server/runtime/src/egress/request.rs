//! What of a guest's request goes onto the wire, at first and after each redirect.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::{EgressLimits, shown};
use crate::call::{HttpRequest, Refusal};

/// Bytes of a URL at most.
const MAX_URL: usize = 16 << 10;
/// Bytes of a method at most; the longest registered one has 17.
const MAX_METHOD: usize = 32;

/// A request whose every part was looked at.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Headers that frame the message or speak to the next hop: what they say is the host's to say.
fn is_forbidden(name: &str) -> bool {
    matches!(
        name,
        "host"
            | "transfer-encoding"
            | "connection"
            | "upgrade"
            | "te"
            | "trailer"
            | "expect"
            | "keep-alive"
            | "http2-settings"
    ) || name.starts_with("proxy-")
}

/// Headers that follow a redirect to another origin: those that hold nothing of the first one's. A key may stand in
/// any other, whatever its name.
fn follows_to_another_origin(name: &HeaderName) -> bool {
    const KEPT: &[HeaderName] = &[
        header::ACCEPT,
        header::ACCEPT_ENCODING,
        header::ACCEPT_LANGUAGE,
        header::CONTENT_LANGUAGE,
        header::CONTENT_TYPE,
        header::RANGE,
        header::USER_AGENT,
    ];
    KEPT.contains(name)
}

impl Outgoing {
    /// Looks at everything but the URL.
    pub(super) fn of(request: HttpRequest, limits: &EgressLimits) -> Result<Self, Refusal> {
        let method = method(&request.method)?;
        if request.body.len() > limits.request_body_bytes {
            return Err(Refusal::Denied(format!(
                "the request has a body of {} bytes: {} may be sent",
                request.body.len(),
                limits.request_body_bytes
            )));
        }
        if matches!(method, Method::GET | Method::HEAD) && !request.body.is_empty() {
            return Err(Refusal::Denied(format!("a {method} request has no body: send it by POST")));
        }
        let headers = headers(&request.headers, request.body.len(), limits)?;
        Ok(Self { method, headers, body: request.body })
    }

    /// Turns into the request that answers a redirect, by the rules of the fetch standard ("HTTP-redirect fetch").
    pub(super) fn redirect(&mut self, status: StatusCode, from: &Url, to: &Url) {
        let to_get = match status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            StatusCode::SEE_OTHER => !matches!(self.method, Method::GET | Method::HEAD),
            _ => false,
        };
        if to_get {
            self.method = Method::GET;
            self.body.clear();
            for name in
                [header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::CONTENT_LOCATION, header::CONTENT_TYPE]
            {
                self.headers.remove(name);
            }
        }
        if from.origin() != to.origin() {
            let gone: Vec<HeaderName> =
                self.headers.keys().filter(|name| !follows_to_another_origin(name)).cloned().collect();
            for name in gone {
                self.headers.remove(name);
            }
        }
    }
}

fn method(written: &str) -> Result<Method, Refusal> {
    let no_method = || Refusal::Denied(format!("`{}` is no method of HTTP", shown_method(written)));
    if written.len() > MAX_METHOD {
        return Err(no_method());
    }
    let upper = written.to_ascii_uppercase();
    match upper.as_str() {
        "CONNECT" | "TRACE" | "TRACK" => Err(Refusal::Denied(format!(
            "the method {upper} is refused: it speaks to what is between here and the host"
        ))),
        // As the fetch standard has it, only these are written in capitals for the guest.
        "DELETE" | "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT" => {
            Method::from_bytes(upper.as_bytes()).map_err(|_| no_method())
        }
        _ => Method::from_bytes(written.as_bytes()).map_err(|_| no_method()),
    }
}

fn headers(given: &[(String, Vec<u8>)], body: usize, limits: &EgressLimits) -> Result<HeaderMap, Refusal> {
    let bytes: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
    if given.len() > limits.headers || bytes > limits.head_bytes {
        return Err(Refusal::Denied(format!(
            "the request has {} headers of {bytes} bytes: {} of {} may be sent",
            given.len(),
            limits.headers,
            limits.head_bytes
        )));
    }
    let mut headers = HeaderMap::with_capacity(given.len());
    for (written, value) in given {
        let refuse = |why: &str| Refusal::Denied(format!("the header `{}` {why}", shown(written)));
        let name = HeaderName::from_bytes(written.as_bytes()).map_err(|_| refuse("has a name that no header has"))?;
        // Neither a line end nor a NUL gets through here.
        let value = HeaderValue::from_bytes(value)
            .map_err(|_| refuse("has a value with a line end or another control character"))?;
        if is_forbidden(name.as_str()) {
            return Err(refuse("is not a tool's to set: leave it out, the host writes what is needed"));
        }
        if name == header::CONTENT_LENGTH {
            // Many a library writes it; the true one is written anyway.
            if value.to_str().ok().and_then(|text| text.parse().ok()) != Some(body) {
                return Err(refuse("is not the length of the body: leave it out, the host writes it"));
            }
            continue;
        }
        headers.append(name, value);
    }
    Ok(headers)
}

/// Reads a URL, once: what it gives decides, and is what is connected to.
pub(super) fn url(written: &str) -> Result<Url, Refusal> {
    if written.len() > MAX_URL {
        return Err(Refusal::Denied(format!("the URL has {} bytes: {MAX_URL} are the most", written.len())));
    }
    let url =
        Url::parse(written).map_err(|error| Refusal::Denied(format!("`{}` is no URL: {error}", shown(written))))?;
    vetted(url)
}

/// Where a redirect leads.
pub(super) fn location(from: &Url, value: &HeaderValue) -> Result<Url, Refusal> {
    let no_url = |why: &str| Refusal::Failed(format!("{} redirects to what is no URL: {why}", shown_host(from)));
    let written = std::str::from_utf8(value.as_bytes()).map_err(|_| no_url("not UTF-8"))?;
    if written.len() > MAX_URL {
        return Err(no_url("too long"));
    }
    let url = from.join(written).map_err(|error| no_url(&error.to_string()))?;
    if from.scheme() == "https" && url.scheme() == "http" {
        return Err(Refusal::Denied(format!(
            "{} redirects from https to http, which is not followed: what was secret would go out in the open",
            shown_host(from)
        )));
    }
    vetted(url)
}

fn vetted(mut url: Url) -> Result<Url, Refusal> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refusal::Denied(format!("`{}:` is refused: only http and https are reached", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::Denied(format!(
            "the URL has a user or password before its host, {}: leave them out and send the header Authorization",
            shown_host(&url)
        )));
    }
    if url.host().is_none() {
        return Err(Refusal::Denied("the URL has no host".to_owned()));
    }
    url.set_fragment(None);
    Ok(url)
}

/// What a guest wrote for a URL, for a person: whole, or none of it.
pub(super) fn shown_url(written: &str) -> String {
    if written.len() > MAX_URL { format!("(a URL of {} bytes)", written.len()) } else { shown(written) }
}

/// What a guest wrote for a method, for a person: whole, or none of it.
pub(super) fn shown_method(written: &str) -> String {
    if written.len() > MAX_METHOD { format!("(a method of {} bytes)", written.len()) } else { shown(written) }
}

/// The host for a person.
pub(super) fn shown_host(url: &Url) -> String {
    match url.host() {
        Some(host) => format!("`{}`", shown(&host.to_string())),
        None => "nothing".to_owned(),
    }
}

/// Whether a status is a redirect that a `Location` goes with.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The answer's headers for the guest: those of the connection are gone, also those that it names itself.
pub(super) fn answered(headers: &HeaderMap, body: Option<usize>) -> Vec<(String, Vec<u8>)> {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let is_kept = |name: &HeaderName, value: &HeaderValue| {
        let hop = matches!(
            name.as_str(),
            "connection" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade" | "http2-settings"
        ) || name.as_str().starts_with("proxy-");
        // A length beside chunks would be another than that of the body.
        let lies = name == header::CONTENT_LENGTH
            && body.is_some_and(|length| value.to_str().ok().and_then(|text| text.parse().ok()) != Some(length));
        !hop && !lies && !named.iter().any(|other| other == name.as_str())
    };
    headers
        .iter()
        .filter(|(name, value)| is_kept(name, value))
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}
