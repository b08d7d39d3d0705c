//! The broker against real servers on this machine, and against names that answer what an enemy wants.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{IpAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use skillyard_runtime::{
    call::{Decision, HttpRequest, HttpResponse, Refusal},
    egress::{Allow, Answers, Broker, EgressLimits, Hop, Lookup, Written},
};

/// A request as a server saw it.
#[derive(Clone, Debug)]
struct Seen {
    head: String,
    body: Vec<u8>,
}

impl Seen {
    fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }
}

struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        let mut one = [0];
        if stream.read(&mut one).ok()? == 0 {
            return None;
        }
        bytes.push(one[0]);
        if bytes.ends_with(b"\r\n\r\n") {
            break bytes.len();
        }
    };
    let mut seen = Seen { head: String::from_utf8_lossy(&bytes[..end]).into_owned(), body: Vec::new() };
    let length = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    seen.body.resize(length, 0);
    stream.read_exact(&mut seen.body).ok()?;
    Some(seen)
}

/// A server that gives each request to `answer`, and closes the connection after it.
fn serve(answer: impl Fn(&Seen, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (seen, connections) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::<AtomicUsize>::default());
    let server = Server { port, seen: Arc::clone(&seen), connections: Arc::clone(&connections) };
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            connections.fetch_add(1, Ordering::SeqCst);
            let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
            thread::spawn(move || {
                if let Some(request) = read_request(&mut stream) {
                    seen.lock().unwrap().push(request.clone());
                    // The client may have gone, as it should in many a test.
                    let _ = answer(&request, &mut stream);
                }
            });
        }
    });
    server
}

/// A server that answers every request with these bytes.
fn fixed(bytes: impl Into<Vec<u8>>) -> Server {
    let bytes = bytes.into();
    serve(move |_, stream| stream.write_all(&bytes))
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn moved(status: u16, to: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

/// Names that answer what a test says; at each look-up the next answer, the last one for ever.
#[derive(Default)]
struct Names {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Lookup for Names {
    fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut asked = self.asked.lock().unwrap();
        let before = asked.iter().filter(|other| *other == name).count();
        asked.push(name.to_owned());
        match self.answers.get(name) {
            Some(answers) => Ok(answers[before.min(answers.len() - 1)].clone()),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "no such name")),
        }
    }
}

fn names(answers: &[(&str, &[&str])]) -> Arc<Names> {
    let parse =
        |list: &str| list.split(' ').filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect();
    let answers =
        answers.iter().map(|(name, lists)| ((*name).to_owned(), lists.iter().map(|list| parse(list)).collect()));
    Arc::new(Names { answers: answers.collect(), asked: Mutex::default() })
}

const HERE: &[(&str, &[&str])] = &[("api.example", &["127.0.0.1"]), ("other.example", &["127.0.0.1"])];

fn allow(hosts: &[&str], allow_loopback: bool) -> Allow {
    Allow {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        allow_loopback,
        limits: EgressLimits::default(),
    }
}

fn broker(hosts: &[&str]) -> Broker {
    Broker::with_lookup(&allow(hosts, true), names(HERE))
}

fn limited(limits: EgressLimits) -> Broker {
    Broker::with_lookup(&Allow { limits, ..allow(&["api.example"], true) }, names(HERE))
}

fn request(method: &str, url: &str) -> HttpRequest {
    HttpRequest {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: None,
    }
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn get(broker: &Broker, url: &str) -> Result<HttpResponse, Refusal> {
    broker.fetch(request("GET", url), far(), &mut Vec::new())
}

fn traced(broker: &Broker, request: HttpRequest) -> (Result<HttpResponse, Refusal>, Vec<Hop>) {
    let mut hops = Vec::new();
    let result = broker.fetch(request, far(), &mut hops);
    (result, hops)
}

#[track_caller]
fn denied<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    match result {
        Err(Refusal::Denied(why)) => why,
        other => panic!("not denied: {other:?}"),
    }
}

#[track_caller]
fn failed<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    match result {
        Err(Refusal::Failed(why)) => why,
        other => panic!("did not fail: {other:?}"),
    }
}

#[track_caller]
fn timed_out<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    match result {
        Err(Refusal::TimedOut(why)) => why,
        other => panic!("did not time out: {other:?}"),
    }
}

fn header<'a>(response: &'a HttpResponse, name: &str) -> Option<&'a [u8]> {
    response.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice())
}

#[test]
fn a_granted_host_is_asked_and_answers() {
    let server = fixed("HTTP/1.1 201 Made\r\nX-Kind: a\r\nX-Kind: b\r\nContent-Length: 5\r\n\r\nhello");
    let broker = broker(&["api.example"]);
    let mut asked = request("POST", &server.url("api.example", "/a%20b/../c?q=1#fragment"));
    asked.headers = vec![("X-Key".to_owned(), b"one".to_vec()), ("content-length".to_owned(), b"3".to_vec())];
    asked.body = b"abc".to_vec();
    let (result, hops) = traced(&broker, asked);
    let response = result.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (201, b"hello".as_slice()));
    assert_eq!(response.headers.iter().filter(|(name, _)| name == "x-kind").count(), 2);
    let seen = &server.seen()[0];
    assert_eq!(seen.line(), "POST /c?q=1 HTTP/1.1");
    assert_eq!(seen.header("host"), Some(format!("api.example:{}", server.port).as_str()));
    assert_eq!(seen.header("x-key"), Some("one"));
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    assert_eq!(seen.head.to_ascii_lowercase().matches("content-length").count(), 1);
    assert_eq!(seen.body, b"abc");
    assert_eq!(hops.len(), 1);
    assert_eq!((hops[0].status, hops[0].body_bytes, &hops[0].decision), (Some(201), 5, &Decision::Allowed));
    assert_eq!(hops[0].addresses, [format!("127.0.0.1:{}", server.port).parse().unwrap()]);
}

#[test]
fn methods_with_and_without_bodies_reach_the_server_as_they_are() {
    let server = fixed("HTTP/1.1 204 Nothing\r\n\r\n");
    let broker = broker(&["api.example"]);
    for (method, body, line) in [
        ("get", "", "GET"),
        ("HEAD", "", "HEAD"),
        ("POST", "", "POST"),
        ("PUT", "x", "PUT"),
        ("PATCH", "x", "PATCH"),
        ("DELETE", "x", "DELETE"),
        ("DELETE", "", "DELETE"),
        ("OPTIONS", "", "OPTIONS"),
        ("PROPFIND", "x", "PROPFIND"),
    ] {
        let mut asked = request(method, &server.url("api.example", "/"));
        asked.body = body.as_bytes().to_vec();
        let response = traced(&broker, asked).0.unwrap_or_else(|refusal| panic!("{method}: {refusal:?}"));
        assert_eq!(response.status, 204, "{method}");
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.line(), format!("{line} / HTTP/1.1"));
        assert_eq!(seen.body, body.as_bytes(), "{method}");
    }
}

#[test]
fn what_is_not_granted_is_denied_with_the_line_that_would_grant_it() {
    let server = fixed(ok(""));
    for (url, part) in [
        ("http://api.example./", "without the dot"),
        ("http://10.0.0.1/", "private network: tools do not get there"),
        ("http://8.8.8.8/", "add \"8.8.8.8\""),
        ("http://[2606:4700::1111]/", "name the host"),
        ("http://\u{430}pi.example/", "add \"xn--"),
    ] {
        let why = denied(get(&broker(&["api.example"]), url));
        assert!(why.contains(part), "{why}");
    }
    let why = denied(get(&broker(&["api.example"]), &server.url("other.example", "/")));
    assert_eq!(why, "`other.example` is not granted: add \"other.example\" to capabilities.http_egress_allowlist");
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn one_parsed_form_decides_about_every_spelling() {
    let lookup = names(&[("api.example", &["127.0.0.1"]), ("other.example", &["127.0.0.1"])]);
    let server = fixed(ok("here"));
    let port = server.port;
    // The host that each is read as: nothing but that counts. The manifest grants api.example.
    let broker = Broker::with_lookup(&allow(&["api.example"], true), Arc::clone(&lookup) as Arc<dyn Lookup>);
    for same in ["API.Example", "%61pi.example", "api\u{3002}example", "\u{ff41}pi\u{ff0e}example", "a\tpi.example"] {
        assert_eq!(get(&broker, &format!("http://{same}:{port}/")).unwrap().body, b"here", "{same}");
        assert_eq!(server.seen().pop().unwrap().header("host"), Some(format!("api.example:{port}").as_str()), "{same}");
    }
    // Here the host ends at the backslash, and what follows is path.
    assert!(get(&broker, &format!("http://api.example:{port}\\@other.example/")).is_ok());
    assert_eq!(server.seen().pop().unwrap().line(), "GET /@other.example/ HTTP/1.1");
    assert!(lookup.asked.lock().unwrap().iter().all(|name| name == "api.example"));

    let before = server.connections.load(Ordering::SeqCst);
    for other in [
        "http://api.example@other.example/",
        "http://api.example:80@other.example/",
        "http://other.example\\@api.example/",
        "http://other.example/@api.example",
        "http://other.example?@api.example",
        "http://other.example#@api.example",
        "http://api.example./",
        "http://api.example../",
        "http://api.example%2eother.example/",
        "http://api.example\u{3002}other.example/",
        "http://xn--pi-7ka.example/",
        "http://\u{430}pi.example/",
        "http://user:pass@api.example/",
        "http://user@api.example/",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://\u{2460}\u{2461}\u{2466}.0.0.1/",
        "ftp://api.example/",
        "file:///etc/passwd",
        "data:text/plain,x",
        "//api.example/",
        "api.example",
        "http://",
        "http:///",
        "http://api.example:99999/",
        "http://api.example\u{0}.other.example/",
        "http://api.exam ple/",
        "http://api.example%00/",
        "http://*/",
        "",
    ] {
        denied(get(&broker, other));
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), before);
    assert!(lookup.asked.lock().unwrap().iter().all(|name| name == "api.example"), "nothing else is even looked up");
}

#[test]
fn addresses_in_a_granted_list_are_still_vetted() {
    let broker = Broker::with_lookup(
        &allow(&["127.0.0.1", "10.0.0.1", "169.254.169.254", "localhost", "8.8.8.8"], false),
        names(&[("localhost", &["127.0.0.1"])]),
    );
    for (url, part) in [
        ("http://127.1/", "--allow-loopback"),
        ("http://0x7f.1/", "--allow-loopback"),
        ("http://2130706433/", "--allow-loopback"),
        ("http://localhost/", "--allow-loopback"),
        ("http://10.1/", "private"),
        ("http://0xa9fea9fe/latest/meta-data", "metadata"),
    ] {
        let why = denied(get(&broker, url));
        assert!(why.contains(part), "{url}: {why}");
    }
}

#[test]
fn a_name_that_leads_inside_is_refused() {
    for address in [
        "10.0.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "192.0.0.1",
        "198.18.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "2002:7f00:1::1",
        "203.0.113.1",
        "2001:db8::1",
    ] {
        for answer in [address.to_owned(), format!("8.8.8.8 {address}"), format!("{address} 2606:4700::1111")] {
            let lookup = names(&[("api.example", &[answer.as_str()])]);
            let broker = Broker::with_lookup(&allow(&["api.example"], false), lookup);
            let (result, hops) = traced(&broker, request("GET", "https://api.example/"));
            let why = denied(result);
            assert!(why.starts_with("`api.example` leads to "), "{answer}: {why}");
            assert!(hops[0].addresses.is_empty(), "{answer}");
            assert!(matches!(hops[0].decision, Decision::Denied(_)), "{answer}");
        }
    }
}

#[test]
fn the_flag_opens_this_machine_and_nothing_else() {
    for address in ["10.0.0.1", "169.254.169.254", "fe80::1", "0.0.0.0", "64:ff9b::7f00:1", "127.0.0.1 10.0.0.1"] {
        let broker = Broker::with_lookup(&allow(&["api.example"], true), names(&[("api.example", &[address])]));
        denied(get(&broker, "http://api.example/"));
    }
    // A public address has the two usual ports only, with the flag too.
    let broker = Broker::with_lookup(&allow(&["api.example"], true), names(&[("api.example", &["8.8.8.8"])]));
    assert!(denied(get(&broker, "http://api.example:8080/")).contains("port 8080"));
    let broker = Broker::with_lookup(&allow(&["api.example"], false), names(&[("api.example", &["127.0.0.1"])]));
    let server = fixed(ok(""));
    assert!(denied(get(&broker, &server.url("api.example", "/"))).contains("--allow-loopback"));
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn a_name_is_looked_up_once_and_a_second_answer_is_judged_anew() {
    let server = serve(|seen, stream| {
        let to = if seen.line().contains("/start") { moved(302, "/end") } else { ok("end") };
        stream.write_all(to.as_bytes())
    });
    let lookup = names(&[("api.example", &["127.0.0.1", "169.254.169.254"])]);
    let broker = Broker::with_lookup(&allow(&["api.example"], true), Arc::clone(&lookup) as Arc<dyn Lookup>);
    let (result, hops) = traced(&broker, request("GET", &server.url("api.example", "/start")));
    assert!(denied(result).contains("metadata"));
    assert_eq!(hops.len(), 2);
    assert_eq!(server.seen().len(), 1, "the first answer was connected to, once");
    assert_eq!(lookup.asked.lock().unwrap().len(), 2, "once for each hop");
    let lookup = names(&[("api.example", &["127.0.0.1", "169.254.169.254"])]);
    let broker = Broker::with_lookup(&allow(&["api.example"], true), Arc::clone(&lookup) as Arc<dyn Lookup>);
    assert!(get(&broker, &server.url("api.example", "/end")).is_ok());
    assert_eq!(lookup.asked.lock().unwrap().len(), 1);
}

#[test]
fn a_redirect_out_of_the_grant_is_refused() {
    let inner = fixed(ok("secret"));
    for to in [
        format!("http://127.0.0.1:{}/", inner.port),
        format!("http://2130706433:{}/", inner.port),
        format!("http://localhost:{}/", inner.port),
        format!("//other.example:{}/", inner.port),
        format!("http://api.example@other.example:{}/", inner.port),
        format!("http://user:pass@api.example:{}/", inner.port),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "file:///etc/passwd".to_owned(),
        "ftp://api.example/".to_owned(),
        "javascript:alert(1)".to_owned(),
    ] {
        let server = fixed(moved(302, &to));
        let (result, hops) = traced(&broker(&["api.example"]), request("GET", &server.url("api.example", "/")));
        denied(result);
        assert_eq!(hops.len(), 2, "{to}");
        assert_eq!(hops[0].status, Some(302));
        assert!(matches!(hops[1].decision, Decision::Denied(_)), "{to}");
    }
    assert_eq!(inner.connections.load(Ordering::SeqCst), 0);
    let server = fixed(moved(302, "http://[bad/"));
    failed(get(&broker(&["api.example"]), &server.url("api.example", "/")));
}

#[test]
fn redirects_end_after_five() {
    let server = serve(|seen, stream| {
        let left: usize = seen.line().split(['/', ' ']).nth(2).unwrap().parse().unwrap();
        stream.write_all(if left == 0 { ok("end") } else { moved(307, &format!("/{}", left - 1)) }.as_bytes())
    });
    let broker = broker(&["api.example"]);
    assert_eq!(get(&broker, &server.url("api.example", "/5")).unwrap().body, b"end");
    let (result, hops) = traced(&broker, request("GET", &server.url("api.example", "/6")));
    assert!(failed(result).contains("more than 5"));
    assert_eq!(hops.len(), 6);
}

#[test]
fn a_redirect_changes_the_method_as_the_fetch_standard_says() {
    for (status, method, body, then, sent) in [
        (301, "POST", "x", "GET", ""),
        (302, "POST", "x", "GET", ""),
        (303, "POST", "x", "GET", ""),
        (303, "PUT", "x", "GET", ""),
        (303, "HEAD", "", "HEAD", ""),
        (301, "PUT", "x", "PUT", "x"),
        (302, "DELETE", "", "DELETE", ""),
        (307, "POST", "x", "POST", "x"),
        (308, "POST", "x", "POST", "x"),
        (308, "GET", "", "GET", ""),
    ] {
        let server = serve(move |seen, stream| {
            let answer = if seen.line().contains("/start") { moved(status, "/end") } else { ok("") };
            stream.write_all(answer.as_bytes())
        });
        let mut asked = request(method, &server.url("api.example", "/start"));
        asked.body = body.as_bytes().to_vec();
        asked.headers = vec![("Content-Type".to_owned(), b"text/plain".to_vec())];
        traced(&broker(&["api.example"]), asked).0.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.line(), format!("{then} /end HTTP/1.1"), "{status} {method}");
        assert_eq!(seen.body, sent.as_bytes(), "{status} {method}");
        assert_eq!(seen.header("content-type").is_some(), then == method, "{status} {method}");
    }
    // No place to go to: the answer is the tool's.
    let server = fixed("HTTP/1.1 302 Found\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(get(&broker(&["api.example"]), &server.url("api.example", "/")).unwrap().status, 302);
    let server = fixed("HTTP/1.1 300 Many\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(get(&broker(&["api.example"]), &server.url("api.example", "/")).unwrap().status, 300);
}

#[test]
fn keys_stay_with_the_origin_that_they_were_meant_for() {
    let second = fixed(ok("end"));
    let to = second.url("other.example", "/end");
    let first = serve(move |seen, stream| {
        let to = if seen.line().contains("/same") { "/again" } else { to.as_str() };
        stream.write_all(moved(307, to).as_bytes())
    });
    let headers = [
        ("Authorization", "Bearer k"),
        ("Cookie", "k"),
        ("X-Api-Key", "k"),
        ("Accept", "text/plain"),
        ("Content-Type", "text/x"),
    ];
    let mut asked = request("GET", &first.url("api.example", "/same"));
    asked.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    let broker = broker(&["api.example", "other.example"]);
    assert_eq!(traced(&broker, asked).0.unwrap().body, b"end");
    let again = first.seen().pop().unwrap();
    assert!(again.line().contains("/again"));
    for (name, value) in headers {
        assert_eq!(again.header(name), Some(value), "the same origin");
    }
    let other = second.seen().pop().unwrap();
    for name in ["authorization", "cookie", "x-api-key"] {
        assert_eq!(other.header(name), None, "another origin");
    }
    assert_eq!((other.header("accept"), other.header("content-type")), (Some("text/plain"), Some("text/x")));
    // Another port is another origin, be it of the same name.
    let to = second.url("api.example", "/end");
    let first = fixed(moved(307, &to));
    let mut asked = request("GET", &first.url("api.example", "/"));
    asked.headers = vec![("Authorization".to_owned(), b"k".to_vec())];
    traced(&broker, asked).0.unwrap();
    assert_eq!(second.seen().pop().unwrap().header("authorization"), None);
}

#[test]
fn what_frames_a_message_is_not_the_tools_to_set() {
    let server = fixed(ok(""));
    let broker = broker(&["api.example"]);
    let given = |name: &str, value: &[u8]| {
        let mut asked = request("POST", &server.url("api.example", "/"));
        asked.headers = vec![(name.to_owned(), value.to_vec())];
        asked.body = b"abc".to_vec();
        traced(&broker, asked).0
    };
    for name in [
        "Host",
        "hOST",
        "Transfer-Encoding",
        "Connection",
        "Upgrade",
        "TE",
        "Trailer",
        "Expect",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Connection",
        "proxy-anything",
    ] {
        assert!(denied(given(name, b"x")).contains("not a tool's to set"), "{name}");
    }
    for length in ["0", "4", "abc", "3, 3", "-3", " 3"] {
        denied(given("Content-Length", length.as_bytes()));
    }
    for value in [b"a\r\nHost: evil".as_slice(), b"a\nb", b"a\rb", b"a\0b", b"\x1b[2J"] {
        denied(given("X-Key", value));
    }
    for name in ["X Key", "X:Key", "X\r\nHost", "", "X\u{e9}"] {
        denied(given(name, b"x"));
    }
    for method in ["CONNECT", "connect", "TRACE", "TrAcE", "TRACK", "", "G T", "GET /x HTTP/1.1\r\nA", "\u{e9}"] {
        denied(traced(&broker, request(method, &server.url("api.example", "/"))).0);
    }
    let mut asked = request("GET", &server.url("api.example", "/"));
    asked.body = b"x".to_vec();
    denied(traced(&broker, asked).0);
    let mut asked = request("GET", &server.url("api.example", "/"));
    asked.headers = (0..101).map(|i| (format!("x-{i}"), b"x".to_vec())).collect();
    denied(traced(&broker, asked).0);
    denied(given("x-long", &[b'x'; 70_000]));
    denied(get(&broker, &server.url("api.example", &"/x".repeat(9000))));
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn a_body_that_is_too_long_is_not_sent() {
    let server = fixed(ok(""));
    let broker = limited(EgressLimits { request_body_bytes: 3, ..EgressLimits::default() });
    let mut asked = request("POST", &server.url("api.example", "/"));
    asked.body = b"abc".to_vec();
    assert!(traced(&broker, asked.clone()).0.is_ok());
    asked.body = b"abcd".to_vec();
    denied(traced(&broker, asked).0);
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn endless_answers_end() {
    let limits = EgressLimits { response_body_bytes: 10_000, head_bytes: 4096, headers: 20, ..EgressLimits::default() };
    let broker = limited(limits);
    let ask = |server: &Server| get(&broker, &server.url("api.example", "/"));
    let exact = format!("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n{}", "x".repeat(10_000));
    assert_eq!(ask(&fixed(exact)).unwrap().body.len(), 10_000);
    // A length that is announced, one that is not, and chunks.
    assert!(failed(ask(&fixed("HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\n"))).contains("10000 bytes"));
    let endless = serve(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        loop {
            stream.write_all(&[b'x'; 1000])?;
        }
    });
    assert!(failed(ask(&endless)).contains("10000 bytes"));
    let chunks = serve(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        loop {
            stream.write_all(b"4\r\nabcd\r\n")?;
        }
    });
    assert!(failed(ask(&chunks)).contains("10000 bytes"));
    // Headers without an end, one header without an end, and a count above what may come.
    let many = serve(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            stream.write_all(b"A: b\r\n")?;
        }
    });
    failed(ask(&many));
    let long = serve(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nA: ")?;
        loop {
            stream.write_all(&[b'x'; 1000])?;
        }
    });
    failed(ask(&long));
    let head = (0..21).map(|i| format!("X-{i}: x\r\n")).collect::<String>();
    assert!(failed(ask(&fixed(format!("HTTP/1.1 200 OK\r\n{head}\r\n")))).contains("20 may come"));
    // Interim answers without an end.
    let interim = serve(|_, stream| {
        loop {
            stream.write_all(b"HTTP/1.1 103 Early\r\n\r\n")?;
        }
    });
    let soon = Instant::now() + Duration::from_millis(500);
    assert!(broker.fetch(request("GET", &interim.url("api.example", "/")), soon, &mut Vec::new()).is_err());
    // A body that stops short is no answer; nor is something that is not HTTP.
    failed(ask(&fixed("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")));
    failed(ask(&fixed("SSH-2.0-OpenSSH\r\n\r\n")));
    failed(ask(&fixed("")));
    failed(ask(&fixed("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")));
}

/// Sends `start` and then a byte every little while, until the client goes.
fn drip(start: &'static [u8]) -> Server {
    serve(move |_, stream| {
        stream.write_all(start)?;
        loop {
            thread::sleep(Duration::from_millis(20));
            stream.write_all(b"x")?;
        }
    })
}

#[test]
fn a_server_that_drips_ends_at_the_first_of_three_clocks() {
    for start in [
        b"HTTP/1.1 200 OK\r\nA: ".as_slice(),
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
    ] {
        let server = drip(start);
        let url = server.url("api.example", "/");
        let soon = Instant::now() + Duration::from_millis(200);
        let why = timed_out(broker(&["api.example"]).fetch(request("GET", &url), soon, &mut Vec::new()));
        assert!(why.contains("wall_clock_timeout_ms"), "{why}");
        let mut asked = request("GET", &url);
        asked.timeout_ms = Some(200);
        assert!(timed_out(traced(&broker(&["api.example"]), asked).0).contains("tool set"));
        let broker = limited(EgressLimits { total: Duration::from_millis(200), ..EgressLimits::default() });
        assert!(timed_out(get(&broker, &url)).contains("one request"));
    }
    // Redirects share the one clock.
    let server = serve(|_, stream| {
        thread::sleep(Duration::from_millis(150));
        stream.write_all(moved(302, "/").as_bytes())
    });
    let broker = limited(EgressLimits { total: Duration::from_millis(400), ..EgressLimits::default() });
    timed_out(get(&broker, &server.url("api.example", "/")));
    // A time without end is no time to be counted.
    let broker = self::broker(&["api.example"]);
    let server = fixed(ok(""));
    let mut asked = request("GET", &server.url("api.example", "/"));
    asked.timeout_ms = Some(u64::MAX);
    assert!(traced(&broker, asked).0.is_ok());
    // What is over does not begin.
    let before = server.connections.load(Ordering::SeqCst);
    let over = Instant::now();
    timed_out(broker.fetch(request("GET", &server.url("api.example", "/")), over, &mut Vec::new()));
    assert_eq!(server.connections.load(Ordering::SeqCst), before);
}

#[test]
fn a_handshake_that_drips_ends_too() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                // The head of a long record of a handshake, and its bytes one by one.
                let Ok(mut stream) = stream else { return };
                let _ = stream.write_all(&[0x16, 3, 3, 0x3f, 0xff]);
                while stream.write_all(&[2]).is_ok() {
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
    });
    if !cfg!(target_os = "linux") || std::path::Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        let soon = Instant::now() + Duration::from_millis(300);
        let asked = request("GET", &format!("https://api.example:{port}/"));
        timed_out(broker(&["api.example"]).fetch(asked, soon, &mut Vec::new()));
    }
}

#[test]
fn a_look_up_that_hangs_ends_and_does_not_pile_up() {
    struct Hangs;
    impl Lookup for Hangs {
        fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            loop {
                thread::park();
            }
        }
    }
    let broker = Broker::with_lookup(&allow(&["api.example"], false), Arc::new(Hangs));
    let mut refusals = (0..20).map(|_| {
        let mut asked = request("GET", "http://api.example/");
        asked.timeout_ms = Some(1);
        traced(&broker, asked).0
    });
    for _ in 0..16 {
        timed_out(refusals.next().unwrap());
    }
    for refusal in refusals {
        assert!(failed(refusal).contains("too many"));
    }
    let broker =
        Broker::with_lookup(&allow(&["api.example", "none.example"], false), names(&[("none.example", &[""])]));
    failed(get(&broker, "http://api.example/"));
    failed(get(&broker, "http://none.example/"));
}

#[test]
fn headers_of_the_connection_do_not_reach_the_tool() {
    let server = fixed(
        "HTTP/1.1 200 OK\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: x\r\nProxy-Authenticate: x\r\n\
         TE: x\r\nTrailer: x\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\nX-Yours: 2\r\n\
         Set-Cookie: a\r\nContent-Encoding: gzip\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    );
    let response = get(&broker(&["api.example"]), &server.url("api.example", "/")).unwrap();
    assert_eq!(response.body, b"hi", "as it came: nothing is decompressed");
    let mut names: Vec<&str> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-encoding", "set-cookie", "x-yours"]);
    let server = fixed("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
    let response = traced(&broker(&["api.example"]), request("HEAD", &server.url("api.example", "/"))).0.unwrap();
    assert_eq!(header(&response, "content-length"), Some(b"99".as_slice()));
}

#[test]
fn many_threads_may_ask_one_broker() {
    let server = serve(|seen, stream| {
        let path = seen.line().split(' ').nth(1).unwrap_or_default().to_owned();
        stream.write_all(ok(&path).as_bytes())
    });
    let broker = broker(&["api.example", "other.example"]);
    thread::scope(|scope| {
        for i in 0..8 {
            let (broker, server) = (&broker, &server);
            scope.spawn(move || {
                let host = if i % 2 == 0 { "api.example" } else { "other.example" };
                let path = format!("/{i}");
                assert_eq!(get(broker, &server.url(host, &path)).unwrap().body, path.as_bytes());
            });
        }
    });
    assert_eq!(server.connections.load(Ordering::SeqCst), 8, "no connection is used twice");
}

#[test]
fn the_bodies_of_many_answers_are_not_held_at_once() {
    const BODY: usize = 200 << 10;
    let limits = EgressLimits { held_bytes: 1 << 20, total: Duration::from_secs(3600), ..EgressLimits::default() };
    // Each answer lacks its last byte.
    let server = serve(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", BODY + 1)?;
        stream.write_all(&vec![b'x'; BODY])?;
        io::copy(stream, &mut io::sink()).map(drop)
    });
    let (broker, url) = (Arc::new(limited(limits)), server.url("api.example", "/"));
    let (tell, said) = std::sync::mpsc::channel();
    for _ in 0..16 {
        let (broker, url, tell) = (Arc::clone(&broker), url.clone(), tell.clone());
        thread::spawn(move || tell.send(failed(get(&broker, &url))));
    }
    // No more than five have room; the others are told so while those wait.
    drop(tell);
    for _ in 0..16 - 5 {
        let why = said.recv().unwrap();
        assert!(why.contains("too many answers at once"), "{why}");
    }
    broker.end();
    for why in said {
        assert!(why.contains("too many answers at once") || why.contains("the call is over"), "{why}");
    }

    // What is taken makes room; what is not, does not.
    let server = fixed(ok(&"x".repeat(BODY)));
    let (broker, url) = (limited(limits), server.url("api.example", "/"));
    for _ in 0..10 {
        assert_eq!(get(&broker, &url).unwrap().body.len(), BODY);
    }
    let mut kept = Vec::new();
    let why = loop {
        match get(&broker, &url) {
            Ok(response) => kept.push(response),
            refused => break failed(refused),
        }
    };
    assert!(why.contains("too many answers at once"), "{why}");
    assert!((3..=5).contains(&kept.len()), "{}", kept.len());
    kept.pop();
    assert!(get(&broker, &url).is_ok());
    // The bodies of requests take of the same room.
    let mut request = request("POST", &url);
    request.body = vec![0; 600 << 10];
    let why = failed(traced(&broker, request.clone()).0);
    assert!(why.contains("too many requests at once"), "{why}");
    kept.clear();
    assert!(traced(&broker, request).0.is_ok());
}

#[test]
fn refusals_are_whole_so_that_a_mask_finds_a_secret_in_them() {
    let token = "0123456789abcdef".repeat(8);
    let mut values = skillyard_runtime::secrets::Values::new();
    values.insert("global/token", token.clone().into()).unwrap();
    let mask = values.mask();
    let broker = broker(&["api.example"]);
    for url in [
        format!("http://evil.example/?k={token}"),
        format!("nonsense {token}"),
        format!("http://[{token}]/"),
        format!("{token}://api.example/"),
        format!("http://api.example:1/{}{token}", "x".repeat(3000)),
    ] {
        let (result, hops) = traced(&broker, request("GET", &url));
        let why = match result {
            Err(Refusal::Denied(why) | Refusal::Failed(why)) => why,
            other => panic!("{url}: {other:?}"),
        };
        let mut call = hops[0].to_host_call(hops[0].began);
        mask.host_call(&mut call);
        let shown = format!("{} {call:?}", mask.text(&why));
        assert!(!shown.contains(&token), "{shown}");
        assert!(shown.contains("***"), "{shown}");
    }
}

#[test]
fn what_is_recorded_can_be_shown() {
    let (result, hops) = traced(&broker(&["api.example"]), request("G\u{1b}T", "http://a\u{202e}\u{1b}[2J\n/"));
    let why = denied(result);
    let call = hops[0].to_host_call(hops[0].began);
    for text in [&why, &call.arguments, &hops[0].url] {
        assert!(!text.contains(skillyard_manifest::is_unseen), "{text:?}");
    }
    assert!(get(&broker(&["api.example"]), "http://api.example:1/").is_err());
}

proptest::proptest! {
    /// However a URL is put together, nothing but a granted name is ever looked up, and nothing else connected to.
    #[test]
    fn no_spelling_reaches_another_name(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "http:", "https:", "//", "/", "\\", "@", ":", "?", "#", ".", "%2e", "%40", "%2f", "%5c", "%00", "\u{3002}",
            "\u{ff0f}", "\u{ff20}", "\t", "\n", " ", "[", "]", "::1", "127.1", "0x7f.1", "80", "api.example", "API", "x",
            "evil.example", "xn--", "\u{ad}", "\u{200d}", "-", "_", "*", "0",
        ]), 0..12),
    ) {
        let lookup = names(&[]);
        let broker = Broker::with_lookup(&allow(&["api.example"], true), Arc::clone(&lookup) as Arc<dyn Lookup>);
        for start in ["", "http://", "http://api.example"] {
            let url = format!("{start}{}", parts.concat());
            let (result, hops) = traced(&broker, request("GET", &url));
            proptest::prop_assert!(result.is_err());
            proptest::prop_assert!(hops.iter().all(|hop| hop.addresses.is_empty()));
        }
        proptest::prop_assert!(lookup.asked.lock().unwrap().iter().all(|name| name == "api.example"));
    }
}

/// Roots and proxies of the environment have no say. The test runs itself again with the environment of an enemy.
#[test]
fn the_environment_has_no_say() {
    const MARK: &str = "SKILLYARD_TEST_OF_THE_ENVIRONMENT";
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    if std::env::var_os(MARK).is_none() {
        let proxy = fixed(ok("from a proxy"));
        let at = format!("http://127.0.0.1:{}", proxy.port);
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "the_environment_has_no_say", "--nocapture"]).env(MARK, "1");
        child.env("SSL_CERT_FILE", format!("{data}/tls.pem")).env("SSL_CERT_DIR", data).env_remove("NO_PROXY");
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            child.env(name, &at);
        }
        let output = child.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(proxy.connections.load(Ordering::SeqCst), 0);
        return;
    }
    let server = fixed(ok("direct"));
    assert_eq!(get(&broker(&["api.example"]), &server.url("api.example", "/")).unwrap().body, b"direct");

    let pem = std::fs::read(format!("{data}/tls.pem")).unwrap();
    let key = std::fs::read(format!("{data}/tls-key.pem")).unwrap();
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(&pem).unwrap()],
            PrivateKeyDer::from_pem_slice(&key).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), Ok(mut tls)) = (stream, rustls::ServerConnection::new(Arc::clone(&config))) else {
                continue;
            };
            // It is the client that ends this.
            let _ = tls.complete_io(&mut stream);
            let _ = tls.writer().write_all(ok("trusted").as_bytes());
            let _ = tls.complete_io(&mut stream);
        }
    });
    // A client that does trust the certificate is answered: it is the roots that make the difference.
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let trusting = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tls = rustls::ClientConnection::new(Arc::new(trusting), "api.example".try_into().unwrap()).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut answer = [0; 15];
    rustls::Stream::new(&mut tls, &mut stream).read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");

    let why = failed(get(&broker(&["api.example"]), &format!("https://api.example:{port}/")));
    assert!(why.contains("certificate") || why.contains("Issuer"), "{why}");
}

/// Answers by the path that is asked for, and notes what is asked.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<String>>>);

impl Answers for Book {
    fn answer(&self, method: &str, url: &url::Url) -> Result<Written, Refusal> {
        self.0.lock().unwrap().push(format!("{method} {url}"));
        let (status, headers, body) = match url.path() {
            "/go" => (302, vec![("Location", "/fine")], String::new()),
            "/leaves" => (307, vec![("Location", "http://other.example/")], String::new()),
            "/opens" => (302, vec![("Location", "http://api.example/fine")], String::new()),
            "/hops" => (
                200,
                vec![("Connection", "x-mine"), ("X-Mine", "1"), ("Keep-Alive", "5"), ("X-Kept", "2")],
                String::new(),
            ),
            "/endless" => (200, vec![], "x".repeat(101)),
            _ => (200, vec![], "fine".to_owned()),
        };
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Written { status, headers, body: body.into_bytes() })
    }
}

#[test]
fn what_is_written_down_is_asked_for_by_the_same_rules() {
    let limits = EgressLimits { request_body_bytes: 10, response_body_bytes: 100, ..EgressLimits::default() };
    let hosts = vec!["api.example".to_owned(), "10.0.0.1".to_owned()];
    let book = Book::default();
    let broker = Broker::replayed(&Allow { hosts, allow_loopback: false, limits }, Box::new(book.clone()));
    let ask = |method: &str, url: &str, header: Option<&str>, body: usize| {
        book.0.lock().unwrap().clear();
        let request = HttpRequest {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: header.into_iter().map(|name| (name.to_owned(), b"1".to_vec())).collect(),
            body: vec![b'x'; body],
            timeout_ms: None,
        };
        let mut hops = Vec::new();
        let result = broker.fetch(request, Instant::now() + Duration::from_secs(60), &mut hops);
        (result, hops.len(), book.0.lock().unwrap().clone())
    };
    let (answer, _, asked) = ask("GET", "https://api.example/fine#part", None, 0);
    assert_eq!((answer.unwrap().body, asked), (b"fine".to_vec(), vec!["GET https://api.example/fine".to_owned()]));
    let (answer, hops, asked) = ask("POST", "https://api.example/go", None, 3);
    assert_eq!((answer.unwrap().body, hops, asked.len()), (b"fine".to_vec(), 2, 2), "a redirect is followed");
    assert_eq!(asked[1], "GET https://api.example/fine");
    let (answer, _, _) = ask("GET", "https://api.example/hops", None, 0);
    assert_eq!(answer.unwrap().headers, [("x-kept".to_owned(), b"2".to_vec())]);
    assert_eq!(ask("HEAD", "https://api.example/fine", None, 0).0.unwrap().body, b"");

    for (method, url, header, body, asked) in [
        ("GET", "https://other.example/", None, 0, 0),
        ("GET", "https://user@api.example/", None, 0, 0),
        ("GET", "https://:password@api.example/", None, 0, 0),
        ("GET", "https://api.example:8443/", None, 0, 0),
        ("GET", "http://10.0.0.1/", None, 0, 0),
        ("GET", "ftp://api.example/", None, 0, 0),
        ("TRACE", "https://api.example/", None, 0, 0),
        ("GET", "https://api.example/", Some("Host"), 0, 0),
        ("GET", "https://api.example/", Some("Transfer-Encoding"), 0, 0),
        ("GET", "https://api.example/", Some("Proxy-Authorization"), 0, 0),
        ("POST", "https://api.example/", None, 11, 0),
        ("GET", "https://api.example/", None, 1, 0),
        ("GET", "https://api.example/leaves", None, 0, 1),
        ("GET", "https://api.example/opens", None, 0, 1),
    ] {
        let (answer, _, all) = ask(method, url, header, body);
        assert!(matches!(answer, Err(Refusal::Denied(_))), "{method} {url} {header:?}: {answer:?}");
        assert_eq!(all.len(), asked, "{method} {url} {header:?}: {all:?}");
    }
    let (answer, _, _) = ask("GET", "https://api.example/endless", None, 0);
    assert!(matches!(&answer, Err(Refusal::Failed(why)) if why.contains("100 bytes")), "{answer:?}");
}
