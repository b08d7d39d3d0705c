//! The way out: what a tool asks of the network, the parent decides and does.
//!
//! One parsed form of a URL decides about it and is connected to. Its host must be granted, its name is looked up once,
//! every address that comes back must be one of the public internet, and a connection is made to just those. Each
//! redirect starts over. Nothing of the environment has a say: no proxy, no other roots.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use url::{Host, Url};

use crate::call::{Decision, HostCall, HttpRequest, HttpResponse, Refusal};

mod address;
mod hosts;
mod replay;
mod request;
mod resolve;
mod room;
mod roots;
mod wire;

pub use address::{is_loopback, objection};
pub use hosts::Hosts;
pub use replay::{Answers, Written};
pub use resolve::{Lookup, System};
pub use room::Held;

use request::{Outgoing, shown_host};
use resolve::{Resolver, Unresolved};
use room::Room;
use wire::{Broken, Wire};

/// What one request may use at most, and all of one call together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EgressLimits {
    /// Bytes of a request's body.
    pub request_body_bytes: usize,
    /// Bytes of an answer's body, as they come: nothing is decompressed.
    pub response_body_bytes: usize,
    /// Bytes of all bodies that are there at once, of the requests under way and of the answers until they are taken.
    /// While a body grows, and while it is sent to the worker, it may be there twice for a moment.
    pub held_bytes: usize,
    /// Bytes of all headers, of a request and of an answer.
    pub head_bytes: usize,
    /// Headers, of a request and of an answer (of the latter never more than 128).
    pub headers: usize,
    /// Redirects followed.
    pub redirects: usize,
    /// Time from the start to the answer's last byte, redirects included.
    pub total: Duration,
}

impl Default for EgressLimits {
    fn default() -> Self {
        Self {
            request_body_bytes: 16 << 20,
            response_body_bytes: 16 << 20,
            held_bytes: 64 << 20,
            head_bytes: 64 << 10,
            headers: 100,
            redirects: 5,
            total: Duration::from_secs(30),
        }
    }
}

/// Where requests may go.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Allow {
    /// `capabilities.http_egress_allowlist` of a manifest that was accepted.
    pub hosts: Vec<String>,
    /// A developer's word: granted names may lead to this machine, on any port.
    pub allow_loopback: bool,
    /// The limits.
    pub limits: EgressLimits,
}

/// One request on its way, for whoever traces a call. Its texts are a tool's own: mask secrets before they are shown.
#[derive(Clone, PartialEq, Debug)]
pub struct Hop {
    /// The method.
    pub method: String,
    /// The parsed URL, or what was written instead of one, with everything unshowable escaped.
    pub url: String,
    /// The addresses of the host, all of them vetted and good; the first that answered was connected to.
    pub addresses: Vec<SocketAddr>,
    /// The status that came back.
    pub status: Option<u16>,
    /// Bytes of the body that came back.
    pub body_bytes: usize,
    /// What was decided.
    pub decision: Decision,
    /// When it began.
    pub began: Instant,
    /// How long it took.
    pub took: Duration,
}

impl Hop {
    /// The host call that a report shows for it, of a tool that started at `start`.
    #[must_use]
    pub fn to_host_call(&self, start: Instant) -> HostCall {
        let mut arguments = format!("{} {}", self.method, self.url);
        if let Some(status) = self.status {
            arguments.push_str(&format!(" → {status}, {} bytes", self.body_bytes));
        }
        HostCall {
            name: "http".to_owned(),
            arguments,
            decision: self.decision.clone(),
            at_ms: self.began.saturating_duration_since(start).as_secs_f64() * 1e3,
            took_ms: self.took.as_secs_f64() * 1e3,
        }
    }
}

/// Which clock ends a request.
#[derive(Clone, Copy)]
struct Clock {
    at: Instant,
    whose: &'static str,
}

impl Clock {
    fn refusal(self, url: &Url) -> Refusal {
        Refusal::TimedOut(format!("{} did not answer in time: {} ended the request", shown_host(url), self.whose))
    }
}

/// Decides about requests and does those that may be. One lasts for one call.
pub struct Broker {
    hosts: Hosts,
    allow_loopback: bool,
    limits: EgressLimits,
    far: Far,
    room: Room,
}

/// Who answers a request that may be made.
enum Far {
    /// The hosts themselves.
    Hosts { resolver: Resolver, wire: Wire },
    /// What is written down: no name is looked up and no connection made.
    Written(Box<dyn Answers>),
}

impl Broker {
    /// A broker that looks names up as the system does.
    #[must_use]
    pub fn new(allow: &Allow) -> Self {
        Self::with_lookup(allow, Arc::new(System))
    }

    /// A broker that looks names up by `lookup`. What it answers is vetted like any other answer.
    #[must_use]
    pub fn with_lookup(allow: &Allow, lookup: Arc<dyn Lookup>) -> Self {
        Self::to(allow, Far::Hosts { resolver: Resolver::new(lookup), wire: Wire::new() })
    }

    /// A broker that decides as any other, about all that needs no network, and hands what may be asked to `answers`.
    #[must_use]
    pub fn replayed(allow: &Allow, answers: Box<dyn Answers>) -> Self {
        Self::to(allow, Far::Written(answers))
    }

    fn to(allow: &Allow, far: Far) -> Self {
        Self {
            hosts: Hosts::new(&allow.hosts),
            allow_loopback: allow.allow_loopback,
            limits: allow.limits,
            far,
            room: Room::of(allow.limits.held_bytes),
        }
    }

    /// Does a request and the redirects after it, until the first of the request's own timeout, the broker's limit and
    /// `deadline`. Every hop, also a refused one, is added to `hops`.
    ///
    /// # Errors
    /// [`Refusal::Denied`] says what the manifest or the command would need, [`Refusal::Failed`] what went wrong on the
    /// way, [`Refusal::TimedOut`] which clock ended it.
    pub fn fetch(&self, request: HttpRequest, deadline: Instant, hops: &mut Vec<Hop>) -> Result<HttpResponse, Refusal> {
        let clock = self.clock(request.timeout_ms, deadline);
        let began = Instant::now();
        let written = (request::shown_method(&request.method), request::shown_url(&request.url));
        let read = request::url(&request.url).and_then(|url| Ok((url, Outgoing::of(request, &self.limits)?)));
        let (mut url, mut outgoing) = match read {
            Ok(read) => read,
            Err(refusal) => {
                let mut hop = Hop::new(written.0, written.1, began);
                hop.end(Err(&refusal));
                hops.push(hop);
                return Err(refusal);
            }
        };
        let mut sent = self.room.hold();
        if !sent.grow(outgoing.body.len()) {
            let refusal = Refusal::Failed(format!(
                "too many requests at once: their bodies take more than {} bytes; wait for the answer to one",
                self.limits.held_bytes
            ));
            let mut hop = Hop::new(written.0, written.1, began);
            hop.end(Err(&refusal));
            hops.push(hop);
            return Err(refusal);
        }
        for followed in 0..=self.limits.redirects {
            let mut hop = Hop::new(outgoing.method.to_string(), shown(url.as_str()), Instant::now());
            let result = self.exchange(&url, &outgoing, clock, &mut hop);
            hop.end(result.as_ref().map(|_| ()));
            hops.push(hop);
            let answer = result?;
            let to = answer.headers.get(http::header::LOCATION).filter(|_| request::is_redirect(answer.status));
            let Some(to) = to else {
                // The answer to HEAD, and 304, tell the length of a body that does not come.
                let has_body = outgoing.method != http::Method::HEAD && answer.status != http::StatusCode::NOT_MODIFIED;
                return Ok(HttpResponse {
                    status: answer.status.as_u16(),
                    headers: request::answered(&answer.headers, has_body.then_some(answer.body.len())),
                    body: answer.body,
                    held: answer.held,
                });
            };
            if followed == self.limits.redirects {
                break;
            }
            let next = match request::location(&url, to) {
                Ok(next) => next,
                Err(refusal) => {
                    let written = request::shown_url(&String::from_utf8_lossy(to.as_bytes()));
                    let mut hop = Hop::new(outgoing.method.to_string(), written, Instant::now());
                    hop.end(Err(&refusal));
                    hops.push(hop);
                    return Err(refusal);
                }
            };
            outgoing.redirect(answer.status, &url, &next);
            url = next;
        }
        Err(Refusal::Failed(format!("{} redirects for more than {} times", shown_host(&url), self.limits.redirects)))
    }

    /// Ends every request under way, its connection closed, and lets none begin any more: the call is over.
    pub fn end(&self) {
        if let Far::Hosts { wire, .. } = &self.far {
            wire.end();
        }
    }

    fn clock(&self, guest_ms: Option<u64>, deadline: Instant) -> Clock {
        let now = Instant::now();
        let of_call = Clock { at: deadline, whose: "the call's own time (capabilities.quotas.wall_clock_timeout_ms)" };
        // A time too far away to be counted is no limit.
        let of_broker = now.checked_add(self.limits.total).map(|at| Clock { at, whose: "the time for one request" });
        let of_guest = guest_ms
            .and_then(|ms| now.checked_add(Duration::from_millis(ms)))
            .map(|at| Clock { at, whose: "the time that the tool set itself" });
        [of_broker, of_guest].into_iter().flatten().fold(of_call, |a, b| if b.at < a.at { b } else { a })
    }

    fn exchange(&self, url: &Url, outgoing: &Outgoing, clock: Clock, hop: &mut Hop) -> Result<wire::Answer, Refusal> {
        hop.addresses = self.vet(url, clock)?;
        let answer = match &self.far {
            Far::Hosts { wire, .. } => {
                wire.exchange(url, hop.addresses.clone(), outgoing, &self.limits, self.room.hold(), clock.at)
            }
            Far::Written(answers) => {
                let written = answers.answer(outgoing.method.as_str(), url)?;
                written.answer(&outgoing.method, &self.limits, self.room.hold())
            }
        };
        let answer = answer.map_err(|broken| match broken {
            Broken::Late => clock.refusal(url),
            Broken::Over => Refusal::Failed("the call is over".to_owned()),
            Broken::Failed(why) => Refusal::Failed(format!("{}: {why}", shown_host(url))),
        })?;
        hop.status = Some(answer.status.as_u16());
        hop.body_bytes = answer.body.len();
        Ok(answer)
    }

    /// Decides about a parsed URL, and gives the addresses to connect to.
    fn vet(&self, url: &Url, clock: Clock) -> Result<Vec<SocketAddr>, Refusal> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Refusal::Denied("the URL has no host".to_owned()));
        };
        let name_shown = shown_host(url);
        if !self.hosts.grant(&host) {
            return Err(Refusal::Denied(not_granted(&host, self.allow_loopback)));
        }
        let is_usual = matches!(port, 80 | 443);
        let odd_port = || {
            Refusal::Denied(format!(
                "port {port} of {name_shown} is refused: only 80 and 443 are reached (and any port of this machine by `--allow-loopback`)"
            ))
        };
        if !is_usual && !self.allow_loopback {
            return Err(odd_port());
        }
        let addresses: Vec<IpAddr> = match host {
            Host::Ipv4(v4) => vec![v4.into()],
            Host::Ipv6(v6) => vec![v6.into()],
            Host::Domain(name) => match &self.far {
                Far::Written(_) => Vec::new(),
                Far::Hosts { resolver, .. } => {
                    resolver.resolve(name, clock.at).map_err(|unresolved| match unresolved {
                        Unresolved::Late => clock.refusal(url),
                        Unresolved::Busy => {
                            Refusal::Failed(format!("{name_shown} is not looked up: too many look-ups hang"))
                        }
                        Unresolved::Failed(error) => {
                            Refusal::Failed(format!("{name_shown} cannot be looked up: {}", shown(&error.to_string())))
                        }
                    })?
                }
            },
        };
        // One bad answer spoils all: who gives a public and a private address for one name wants the private one to be
        // taken sooner or later, and an honest name has none.
        for address in &addresses {
            if let Some(why) = objection(*address, self.allow_loopback) {
                return Err(Refusal::Denied(format!("{name_shown} leads to {address}, {why}: tools do not get there")));
            }
        }
        if !is_usual && !addresses.iter().all(|address| is_loopback(*address)) {
            return Err(odd_port());
        }
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }
}

/// What would have to be for `host` to be reached.
fn not_granted(host: &Host<&str>, allow_loopback: bool) -> String {
    let name = shown(&host.to_string());
    let address = match host {
        Host::Domain(_) => None,
        Host::Ipv4(v4) => Some(IpAddr::from(*v4)),
        Host::Ipv6(v6) => Some(IpAddr::from(*v6)),
    };
    if let Some(why) = address.and_then(|address| objection(address, allow_loopback)) {
        // To grant it would not help.
        return format!("`{name}` is not granted, and is {why}: tools do not get there");
    }
    match host {
        Host::Domain(_) if name.ends_with('.') => {
            format!("`{name}` is not granted: write the host without the dot at its end")
        }
        Host::Ipv6(_) => format!("`{name}` is not granted, and no manifest can grant it: name the host"),
        _ => format!("`{name}` is not granted: add \"{name}\" to capabilities.http_egress_allowlist"),
    }
}

/// Text with everything unshowable escaped. It is never cut: half a secret is one that no mask knows.
fn shown(text: &str) -> String {
    skillyard_manifest::show::line(text).into_owned()
}

impl Hop {
    fn new(method: String, url: String, began: Instant) -> Self {
        Self {
            method,
            url,
            addresses: Vec::new(),
            status: None,
            body_bytes: 0,
            decision: Decision::Allowed,
            began,
            took: Duration::ZERO,
        }
    }

    fn end(&mut self, result: Result<(), &Refusal>) {
        self.took = self.began.elapsed();
        self.decision = match result {
            Ok(()) => Decision::Allowed,
            Err(Refusal::Denied(why)) => Decision::Denied(why.clone()),
            Err(Refusal::Failed(why) | Refusal::TimedOut(why)) => Decision::Failed(why.clone()),
        };
    }
}
