//! One exchange with one vetted address.

use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderMap, StatusCode, Uri, header};
use ureq::{
    Agent, Error,
    config::Config,
    tls::{TlsConfig, TlsProvider},
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::{ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector, Transport},
    },
};
use url::Url;

use super::{EgressLimits, Held, request::Outgoing, roots, shown};

/// What came back of one exchange.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// The place of the body.
    pub(super) held: Held,
}

/// Why nothing did.
pub(super) enum Broken {
    /// The deadline came first.
    Late,
    /// The call is over.
    Over,
    /// Anything else; text for a person.
    Failed(String),
}

/// The part of a client that lasts from hop to hop. No connection does: each is made to an address vetted for it.
pub(super) struct Wire {
    tls: Arc<RustlsConnector>,
    roots: OnceLock<Result<ureq::tls::RootCerts, String>>,
    live: Mutex<Live>,
}

/// The exchanges under way.
#[derive(Default)]
struct Live {
    /// Whether no more may begin.
    over: bool,
    next: u64,
    agents: BTreeMap<u64, Agent>,
}

/// An exchange under way, until this goes.
struct UnderWay<'w> {
    wire: &'w Wire,
    id: u64,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.wire.live().agents.remove(&self.id);
    }
}

/// Answers with what was vetted, whatever it is asked for.
#[derive(Debug)]
struct Vetted(Vec<SocketAddr>);

impl Resolver for Vetted {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut found = self.empty();
        for address in self.0.iter().take(MAX_TRIED) {
            found.push(*address);
        }
        if found.is_empty() { Err(Error::HostNotFound) } else { Ok(found) }
    }
}

/// The least of a body for which place is taken, in bytes.
const CHUNK: usize = 64 << 10;
/// Addresses that are tried at most; what `ureq` has room for.
const MAX_TRIED: usize = 16;

/// The TLS of the broker, whose configuration is made once.
#[derive(Debug)]
struct SharedTls(Arc<RustlsConnector>);

impl<In: Transport> Connector<In> for SharedTls {
    type Out = <RustlsConnector as Connector<In>>::Out;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        self.0.connect(details, chained)
    }
}

impl Wire {
    pub(super) fn new() -> Self {
        Self { tls: Arc::default(), roots: OnceLock::new(), live: Mutex::default() }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes every connection, and lets none begin any more. What waits for one comes back at once; one that is only
    /// being made is closed as soon as it is there, before anything is sent over it.
    pub(super) fn end(&self) {
        let agents = {
            let mut live = self.live();
            live.over = true;
            std::mem::take(&mut live.agents)
        };
        agents.into_values().for_each(Agent::shutdown);
    }

    fn begin(&self, agent: &Agent) -> Result<UnderWay<'_>, Broken> {
        let mut live = self.live();
        if live.over {
            return Err(Broken::Over);
        }
        let id = live.next;
        live.next += 1;
        live.agents.insert(id, agent.clone());
        Ok(UnderWay { wire: self, id })
    }

    /// Asks one of `addresses` for `url`, all of it before `deadline`; the body of the answer takes its place in `held`.
    pub(super) fn exchange(
        &self,
        url: &Url,
        addresses: Vec<SocketAddr>,
        outgoing: &Outgoing,
        limits: &EgressLimits,
        held: Held,
        deadline: Instant,
    ) -> Result<Answer, Broken> {
        let uri = uri(url)?;
        let tls = if url.scheme() == "https" { self.tls_config()? } else { TlsConfig::default() };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Broken::Late);
        }
        let agent = Agent::with_parts(
            config(tls, limits, left),
            // No proxy can come in between: there is no connector that knows of one.
            ().chain(TcpConnector::default()).chain(SharedTls(Arc::clone(&self.tls))),
            Vetted(addresses),
        );
        let under_way = self.begin(&agent)?;
        let result = Self::run(&agent, uri, outgoing, limits, held);
        drop(under_way);
        match result {
            _ if self.live().over => Err(Broken::Over),
            Err(_) if Instant::now() >= deadline => Err(Broken::Late),
            Err(Error::Timeout(_)) => Err(Broken::Late),
            Err(error) => Err(Broken::Failed(explain(&error, limits))),
            Ok(answer) => Ok(answer),
        }
    }

    /// TLS that trusts the system's roots, which are read once.
    fn tls_config(&self) -> Result<TlsConfig, Broken> {
        let roots = self.roots.get_or_init(roots::system).clone().map_err(Broken::Failed)?;
        Ok(TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(roots)
            .build())
    }

    fn run(
        agent: &Agent,
        uri: Uri,
        outgoing: &Outgoing,
        limits: &EgressLimits,
        mut held: Held,
    ) -> Result<Answer, Error> {
        let mut request = http::Request::builder().method(outgoing.method.clone()).uri(uri);
        if let Some(headers) = request.headers_mut() {
            headers.clone_from(&outgoing.headers);
        }
        // An empty body of a method that has one is sent with its length, 0.
        let has_body = !outgoing.body.is_empty() || matches!(outgoing.method.as_str(), "POST" | "PUT" | "PATCH");
        let response = if has_body {
            agent.run(request.body(outgoing.body.as_slice())?)?
        } else {
            agent.run(request.body(())?)?
        };
        let (parts, body) = response.into_parts();
        if parts.status.is_informational() {
            return Err(Error::Io(io::Error::other("it answered with another protocol")));
        }
        if parts.headers.len() > limits.headers {
            let why = format!("its answer has {} headers: {} may come", parts.headers.len(), limits.headers);
            return Err(Error::Io(io::Error::other(why)));
        }
        let most = limits.response_body_bytes;
        let too_much = || Error::BodyExceedsLimit(most as u64);
        let announced = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > most as u64) && outgoing.method != http::Method::HEAD {
            return Err(too_much());
        }
        let mut bytes = Vec::new();
        let mut reader = body.into_reader();
        loop {
            // As much as is there already, and one more than may come, so that more is seen.
            let more = bytes.len().max(CHUNK).min((most + 1).saturating_sub(bytes.len()));
            if !held.grow(more) {
                let why = format!(
                    "too many answers at once: their bodies take more than {} bytes; take one before the next is asked",
                    limits.held_bytes
                );
                return Err(Error::Io(io::Error::other(why)));
            }
            bytes.reserve_exact(more);
            let read = reader.by_ref().take(more as u64).read_to_end(&mut bytes)?;
            if bytes.len() > most {
                return Err(too_much());
            }
            if read < more {
                break;
            }
        }
        bytes.shrink_to_fit();
        held.shrink_to(bytes.capacity());
        Ok(Answer { status: parts.status, headers: parts.headers, body: bytes, held })
    }
}

/// A client that follows nothing, keeps nothing and adds little.
fn config(tls: TlsConfig, limits: &EgressLimits, left: Duration) -> Config {
    Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(left))
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_idle_connections(0)
        .max_response_header_size(limits.head_bytes)
        .input_buffer_size(limits.head_bytes.saturating_add(1 << 10))
        .accept_encoding("identity")
        .user_agent(concat!("skillyard/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The URL as `http` has it: taken apart from the parsed form, and seen to name the same host.
fn uri(url: &Url) -> Result<Uri, Broken> {
    let no_uri = || Broken::Failed("the URL has a form that no request can be written for".to_owned());
    let host = url.host_str().ok_or_else(no_uri)?;
    let authority = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let uri = Uri::builder()
        .scheme(url.scheme())
        .authority(authority)
        .path_and_query(target)
        .build()
        .map_err(|_| no_uri())?;
    if uri.host() == Some(host) && uri.port_u16() == url.port() { Ok(uri) } else { Err(no_uri()) }
}

fn explain(error: &Error, limits: &EgressLimits) -> String {
    match error {
        Error::LargeResponseHeader(..) => {
            format!("the head of its answer is longer than the {} bytes that may come", limits.head_bytes)
        }
        Error::BodyExceedsLimit(most) => {
            format!("the body of its answer is longer than the {most} bytes that may come")
        }
        // The words of the other side are not in these texts, but those of its certificate are.
        error => shown(&error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
    };

    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

    use super::*;

    const CERTIFICATE: &[u8] = include_bytes!("../../tests/data/tls.pem");
    const KEY: &[u8] = include_bytes!("../../tests/data/tls-key.pem");

    /// A server with a certificate of `api.example`, which tells by name what it was asked for.
    fn server() -> SocketAddr {
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
                PrivateKeyDer::from_pem_slice(KEY).unwrap(),
            )
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut tls = rustls::StreamOwned::new(tls, stream.unwrap());
                // To close while a request is unread would reset the connection, and take the answer with it.
                let (mut request, mut byte) = (Vec::new(), [0]);
                while !request.ends_with(b"\r\n\r\n") && matches!(tls.read(&mut byte), Ok(1)) {
                    request.extend(byte);
                }
                // A client that does not trust the certificate sends none.
                let asked = tls.conn.server_name().unwrap_or_default().to_owned();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{asked}", asked.len());
                let _ = tls.write_all(answer.as_bytes());
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        });
        address
    }

    fn exchange(wire: &Wire, url: &str, address: SocketAddr) -> Result<Answer, Broken> {
        let outgoing = Outgoing { method: http::Method::GET, headers: HeaderMap::new(), body: Vec::new() };
        let deadline = Instant::now() + Duration::from_secs(60);
        wire.exchange(
            &Url::parse(url).unwrap(),
            vec![address],
            &outgoing,
            &EgressLimits::default(),
            Held::default(),
            deadline,
        )
    }

    #[test]
    fn tls_is_to_the_name_of_the_url_at_the_vetted_address() {
        let address = server();
        let wire = Wire::new();
        let certificate = ureq::tls::Certificate::from_pem(CERTIFICATE).unwrap();
        assert!(wire.roots.set(Ok([certificate].into_iter().into())).is_ok());
        for _ in 0..2 {
            let answer = exchange(&wire, "https://api.example/", address).unwrap_or_else(|_| panic!("not trusted"));
            assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, b"api.example".as_slice()));
        }
        // The certificate is trusted, but not for these.
        for other in ["https://other.example/", "https://x.api.example/", "https://127.0.0.1/"] {
            assert!(matches!(exchange(&wire, other, address), Err(Broken::Failed(_))), "{other}");
        }
    }

    #[test]
    fn without_roots_there_is_no_tls() {
        let wire = Wire::new();
        assert!(wire.roots.set(Err("none".to_owned())).is_ok());
        let refused = exchange(&wire, "https://api.example/", server());
        assert!(matches!(refused, Err(Broken::Failed(why)) if why == "none"));
    }
}
