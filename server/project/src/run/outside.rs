//! What a running tool may ask of this process, who asked for what, and that no secret comes back with it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use skillyard_runtime::{
    call::{Decision, HostCall, HttpRequest, HttpResponse, Log, Outside, Refusal},
    egress::Broker,
    secrets::{Mask, Values},
    worker::HOST_CALLS,
};

use super::replay::Exchanges;

/// The world behind the walls of one call.
pub(super) struct World {
    /// The network, or why the policy did not give it.
    pub(super) network: Result<Broker, String>,
    /// Who answers in its place, of a case.
    pub(super) exchanges: Option<Exchanges>,
    /// The secrets that the policy gave.
    pub(super) secrets: Values,
    /// Granted secrets that are nowhere to be found, and those that the policy did not give, each with the reason.
    pub(super) missing: Vec<(String, String)>,
    pub(super) mask: Mask,
    pub(super) started: Instant,
    pub(super) deadline: Instant,
    pub(super) seen: Mutex<Seen>,
}

/// What was seen of a call.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) logs: Vec<Log>,
    pub(super) calls: Vec<HostCall>,
    /// Calls that were not kept: more than [`HOST_CALLS`].
    pub(super) unrecorded: u64,
    /// Requests that are on their way, each with what it asks.
    pub(super) under_way: Vec<(Instant, String)>,
    /// Whether the call is over: nothing begins any more.
    pub(super) ended: bool,
}

/// The longest text of a host call that is kept, in bytes.
const TEXT_BYTES: usize = 8 << 10;

impl World {
    /// `text` without secrets; where it is long, cut behind the mask, as half a secret is one that no mask knows.
    fn shortened(&self, text: &str) -> String {
        let mut text = self.mask.text(text);
        if text.len() > TEXT_BYTES {
            let bytes = text.len();
            text.truncate(text.floor_char_boundary(TEXT_BYTES));
            text.push_str(&format!("… ({bytes} bytes)"));
        }
        text
    }

    /// Ends the call: what was seen of it, with what is still under way.
    pub(super) fn end(&self) -> Seen {
        let mut seen = self.seen();
        let under_way = std::mem::take(&mut seen.under_way);
        let mut all = std::mem::take(&mut *seen);
        seen.ended = true;
        drop(seen);
        if let Ok(broker) = &self.network {
            broker.end();
        }
        all.calls.extend(under_way.into_iter().map(|(began, arguments)| HostCall {
            name: "http".to_owned(),
            arguments,
            decision: Decision::Failed("still under way when the call ended; it may have reached the host".to_owned()),
            at_ms: milliseconds(began.saturating_duration_since(self.started)),
            took_ms: milliseconds(began.elapsed()),
        }));
        all
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a host call that this process decided.
    fn record(&self, name: &str, arguments: String, began: Instant, decision: Decision) {
        let call = HostCall {
            name: name.to_owned(),
            arguments,
            decision,
            at_ms: milliseconds(began.saturating_duration_since(self.started)),
            took_ms: milliseconds(began.elapsed()),
        };
        self.host_call(call);
    }
}

fn milliseconds(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn decision<T>(result: &Result<T, Refusal>) -> Decision {
    match result {
        Ok(_) => Decision::Allowed,
        Err(Refusal::Denied(why)) => Decision::Denied(why.clone()),
        Err(Refusal::Failed(why) | Refusal::TimedOut(why)) => Decision::Failed(why.clone()),
    }
}

impl Outside for World {
    fn http(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        let began = Instant::now();
        let asked = format!("{} {}", request.method, request.url);
        let broker = match &self.network {
            Ok(broker) => broker,
            Err(why) => {
                self.record("http", asked, began, Decision::Denied(why.clone()));
                return Err(Refusal::Denied(why.clone()));
            }
        };
        {
            // What is still under way when the call ends is in its report too.
            let mut seen = self.seen();
            if seen.ended {
                return Err(Refusal::Failed("the call is over".to_owned()));
            }
            seen.under_way.push((began, self.shortened(&asked)));
        }
        let mut hops = Vec::new();
        let result = broker.fetch(request, self.deadline, &mut hops);
        for hop in &hops {
            self.host_call(hop.to_host_call(self.started));
        }
        // Only now: a call that ends in between has the request in its report all the same.
        let mut seen = self.seen();
        if let Some(at) = seen.under_way.iter().position(|(at, _)| *at == began) {
            seen.under_way.swap_remove(at);
        }
        drop(seen);
        result
    }

    fn secret(&self, name: &str) -> Result<String, Refusal> {
        let began = Instant::now();
        let result = match self.secrets.get(name) {
            Some(value) => Ok(value.to_owned()),
            None => Err(match self.missing.iter().find(|(missing, _)| missing == name) {
                Some((_, why)) => Refusal::Denied(why.clone()),
                None => Refusal::Denied(format!(
                    "the manifest does not grant it; add it to capabilities.secrets: {}",
                    skillyard_manifest::quoted(&self.mask.text(name))
                )),
            }),
        };
        self.record("secret", name.to_owned(), began, decision(&result));
        result
    }

    fn log(&self, log: Log) {
        // Masked when all are there: a secret may stand in two lines.
        self.seen().logs.push(log);
    }

    fn host_call(&self, mut call: HostCall) {
        call.arguments = self.shortened(&call.arguments);
        if let Decision::Denied(why) | Decision::Failed(why) = &mut call.decision {
            *why = self.shortened(why);
        }
        let mut seen = self.seen();
        if (seen.calls.len() as u64) < HOST_CALLS {
            seen.calls.push(call);
        } else {
            seen.unrecorded += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        sync::Arc,
        thread,
        time::Duration,
    };

    use skillyard_runtime::egress::{Allow, EgressLimits};
    use zeroize::Zeroizing;

    use super::*;

    fn world(allow: Option<Allow>, secret: Option<&str>) -> World {
        let mut secrets = Values::default();
        if let Some(value) = secret {
            secrets.insert("a/b", Zeroizing::new(value.to_owned())).unwrap();
        }
        let network = allow.map(|allow| Broker::new(&allow)).ok_or_else(|| "no host".to_owned());
        let (mask, now) = (secrets.mask(), Instant::now());
        let deadline = now + Duration::from_secs(30);
        World {
            network,
            exchanges: None,
            secrets,
            missing: Vec::new(),
            mask,
            started: now,
            deadline,
            seen: Mutex::default(),
        }
    }

    #[test]
    fn a_tool_that_asks_without_end_fills_no_memory() {
        let world = world(None, None);
        let name = "x".repeat(1 << 16);
        for _ in 0..HOST_CALLS + 7 {
            assert!(world.secret(&name[..100]).is_err());
        }
        assert!(world.secret(&name).is_err());
        let seen = world.end();
        assert_eq!((seen.calls.len() as u64, seen.unrecorded), (HOST_CALLS, 8));
        let world = self::world(None, None);
        assert!(world.secret(&name).is_err());
        assert!(world.end().calls.iter().all(|call| call.arguments.len() < 2 * TEXT_BYTES));
    }

    #[test]
    fn no_part_of_a_secret_comes_back_in_a_refusal() {
        let secret = "s3cr3t-".repeat(20);
        let world = world(None, Some(&secret));
        assert!(world.secret(&secret).is_err());
        let call = &world.end().calls[0];
        assert!(!format!("{call:?}").contains("s3cr3t"), "{call:?}");
    }

    #[test]
    fn a_request_that_outlives_its_call_is_in_the_report() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let allow = Allow { hosts: vec!["127.0.0.1".to_owned()], allow_loopback: true, ..Allow::default() };
        let world = Arc::new(world(Some(allow), None));
        let asking = Arc::clone(&world);
        let request = move || HttpRequest {
            method: "GET".to_owned(),
            url: format!("http://127.0.0.1:{port}/slow"),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: None,
        };
        let asked = request();
        let asker = thread::spawn(move || asking.http(asked));
        // The server has the request, and does not answer until the call is over.
        let (mut connection, _) = server.accept().unwrap();
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        let seen = world.end();
        let listed = seen.calls.iter().find(|call| call.arguments.contains("/slow")).unwrap();
        assert!(matches!(&listed.decision, Decision::Failed(why) if why.contains("under way")), "{listed:?}");
        assert!(matches!(world.http(request()), Err(Refusal::Failed(_))), "nothing begins after the end");
        drop(connection);
        assert!(asker.join().unwrap().is_err());
    }

    #[test]
    fn the_end_of_a_call_closes_the_connections_of_its_requests() {
        const LONG: Duration = Duration::from_secs(3600);
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let limits = EgressLimits { total: LONG, ..EgressLimits::default() };
        let allow = Allow { hosts: vec!["127.0.0.1".to_owned()], allow_loopback: true, limits };
        let world = Arc::new(World { deadline: Instant::now() + LONG, ..world(Some(allow), None) });
        let asking = Arc::clone(&world);
        let asker = thread::spawn(move || {
            let url = format!("http://127.0.0.1:{port}/drips");
            asking.http(HttpRequest {
                method: "GET".to_owned(),
                url,
                headers: Vec::new(),
                body: Vec::new(),
                timeout_ms: None,
            })
        });
        let (mut connection, _) = server.accept().unwrap();
        connection.read_exact(&mut [0]).unwrap();
        let (tell, closed) = std::sync::mpsc::channel();
        thread::spawn(move || {
            connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n").unwrap();
            // Until nobody takes it any more.
            while connection.write_all(b"x").is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
            tell.send(()).unwrap();
        });
        world.end();
        closed.recv_timeout(Duration::from_secs(120)).expect("the connection is open though the call is over");
        assert!(matches!(asker.join().unwrap(), Err(Refusal::Failed(why)) if why.contains("over")));
    }
}
