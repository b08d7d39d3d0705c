//! The body of a message: JSON in, a request, a notification or a response out.
//!
//! Read more tolerantly than the letter of the protocol, since a message that is dropped leaves the server with another
//! text than the editor's: a lone surrogate or a byte that is no UTF-8 becomes U+FFFD, and a line or column of a position
//! that is no unsigned 32-bit number becomes the nearest one. An ability that a client calls by another name is heard too.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use tower_lsp::jsonrpc::{Error, Id, Request, Response};

/// What a client sends.
#[derive(Debug)]
pub(crate) enum Message {
    /// A request, or a notification where it has no id.
    Request(Request),
    /// The answer to a request of the server.
    Response(Response),
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default, deserialize_with = "present")]
    id: Option<Id>,
    method: Option<String>,
    params: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    error: Option<Error>,
}

/// For an optional field of which `null` is a value and not an absence.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// Reads the body of a message.
///
/// # Errors
/// The answer to send where it is no message.
pub(crate) fn parse(body: &[u8]) -> Result<Message, Box<Response>> {
    let raw = serde_json::from_slice(body).or_else(|error| match mend(body) {
        Some(mended) => serde_json::from_str(&mended),
        None => Err(error),
    });
    let raw: Raw = raw.map_err(|error| {
        let answer = if error.is_data() { Error::invalid_request() } else { Error::parse_error() };
        Box::new(Response::from_error(Id::Null, answer))
    })?;
    match raw {
        Raw { method: Some(method), id, params, .. } => {
            let initializes = method == "initialize";
            let mut request = Request::build(method);
            if let Some(mut params) = params {
                tame(&mut params);
                if initializes {
                    rename_abilities(&mut params);
                }
                request = request.params(params);
            }
            if let Some(id) = id {
                request = request.id(id);
            }
            Ok(Message::Request(request.finish()))
        }
        Raw { id: Some(id), error: Some(error), .. } => Ok(Message::Response(Response::from_error(id, error))),
        Raw { id: Some(id), result: Some(result), .. } => Ok(Message::Response(Response::from_ok(id, result))),
        Raw { id, .. } => Err(Box::new(Response::from_error(id.unwrap_or_default(), Error::invalid_request()))),
    }
}

/// The body with U+FFFD for every lone surrogate and every run of bytes that is no UTF-8; `None` where it has neither.
fn mend(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let lossy = matches!(text, Cow::Owned(_));
    let bytes = text.as_bytes();
    let escape = |at: usize| -> Option<u16> {
        let hex = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
    };
    let mut out = String::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while let Some(step) = bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == b'\\')) {
        at += step;
        at += match (escape(at), escape(at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                out.push_str(text.get(copied..at).unwrap_or_default());
                out.push_str("\\ufffd");
                copied = at + 6;
                6
            }
            (Some(_), _) => 6,
            (None, _) => 2,
        };
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    (lossy || copied > 0).then_some(out)
}

/// The fields that hold positions, and those on the way to them, in the parameters of all requests and notifications. What
/// is not the protocol's own (the arguments of a command, settings, the `data` that an item carries) is reached by none.
const OF_POSITIONS: [&str; 18] = [
    "additionalTextEdits",
    "contentChanges",
    "context",
    "diagnostics",
    "end",
    "insert",
    "item",
    "location",
    "position",
    "positions",
    "range",
    "ranges",
    "relatedInformation",
    "replace",
    "selectionRange",
    "start",
    "textDocument",
    "textEdit",
];

/// Where `textDocument.codeLens.resolveSupport` of LSP 3.18 is found among the experimental abilities.
pub(crate) const LENS_RESOLVE_SUPPORT: &str = "skillyard.codeLens.resolveSupport";

/// Gives an ability of the client the name that the protocol has for it: Helix (25.07) says `workspace.diagnostic` where
/// LSP 3.17 has `workspace.diagnostics`, and would never be told that what it shows is old. What LSP 3.18 added is handed on
/// as an experiment, since the protocol's types here are those of 3.17.
fn rename_abilities(params: &mut Value) {
    if let Some(resolves) = params.pointer("/capabilities/textDocument/codeLens/resolveSupport").cloned()
        && let Some(capabilities) = params.get_mut("capabilities").and_then(Value::as_object_mut)
        && let Some(experimental) =
            capabilities.entry("experimental").or_insert_with(|| Value::Object(Map::new())).as_object_mut()
    {
        experimental.insert(LENS_RESOLVE_SUPPORT.to_owned(), resolves);
    }
    let workspace = params.pointer_mut("/capabilities/workspace").and_then(Value::as_object_mut);
    if let Some(workspace) = workspace
        && !workspace.contains_key("diagnostics")
        && let Some(named_otherwise) = workspace.remove("diagnostic")
    {
        workspace.insert("diagnostics".to_owned(), named_otherwise);
    }
}

/// Makes every `line` and `character` of a position an unsigned 32-bit number: a negative one counts as 0, one that is too
/// large as the largest.
fn tame(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                match field {
                    Value::Number(number)
                        if (key == "line" || key == "character")
                            && number.as_u64().is_none_or(|n| n > u64::from(u32::MAX)) =>
                    {
                        let nearest = number.as_f64().unwrap_or_default().clamp(0.0, f64::from(u32::MAX));
                        *field = Value::from(nearest as u32);
                    }
                    _ if OF_POSITIONS.contains(&key.as_str()) => tame(field),
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tame),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(body: &str) -> Request {
        match parse(body.as_bytes()) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn fault(body: &str) -> Value {
        serde_json::to_value(parse(body.as_bytes()).unwrap_err()).unwrap()
    }

    #[test]
    fn tells_requests_from_notifications_and_responses() {
        let read = request(r#"{"jsonrpc":"2.0","id":7,"method":"a","params":[1]}"#);
        assert_eq!((read.id(), read.method(), read.params()), (Some(&Id::Number(7)), "a", Some(&json!([1]))));
        assert_eq!(request(r#"{"jsonrpc":"2.0","method":"a"}"#).id(), None);
        let response = parse(br#"{"jsonrpc":"2.0","id":7,"result":null}"#);
        assert!(matches!(response, Ok(Message::Response(response)) if response.is_ok()));
        let response = parse(br#"{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no"}}"#);
        assert!(matches!(response, Ok(Message::Response(response)) if response.is_error()));
    }

    #[test]
    fn an_ability_is_heard_under_its_other_name() {
        let heard = |workspace: Value| {
            let params = json!({"capabilities": {"workspace": workspace}});
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).to_string();
            request(&body).params().unwrap()["capabilities"]["workspace"].clone()
        };
        let (yes, no) = (json!({"refreshSupport": true}), json!({"refreshSupport": false}));
        assert_eq!(heard(json!({"diagnostic": yes})), json!({"diagnostics": yes}));
        assert_eq!(heard(json!({"diagnostic": yes, "diagnostics": no}))["diagnostics"], no);
        let params =
            json!({"capabilities": {"textDocument": {"codeLens": {"resolveSupport": {"properties": ["command"]}}}}});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).to_string();
        assert_eq!(
            request(&body).params().unwrap()["capabilities"]["experimental"],
            json!({LENS_RESOLVE_SUPPORT: {"properties": ["command"]}})
        );
        for other in ["{}", r#"{"capabilities": 1}"#, "[]", "null"] {
            request(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{other}}}"#));
        }
    }

    #[test]
    fn what_is_no_message_gets_an_answer() {
        assert_eq!(fault("{")["error"]["code"], -32700);
        assert_eq!(fault("[]")["error"]["code"], -32600);
        assert_eq!(fault("{}")["error"]["code"], -32600);
        assert_eq!(
            fault(r#"{"id":3}"#),
            json!({"jsonrpc":"2.0","id":3,"error":{"code":-32600,"message":"Invalid request"}})
        );
        let deep = "[".repeat(100_000);
        assert_eq!(fault(&format!(r#"{{"method":"a","params":{deep}"#))["error"]["code"], -32700);
    }

    #[test]
    fn lone_surrogates_and_stray_bytes_are_replaced() {
        let text = |body: &str| request(body).params().unwrap()[0].as_str().unwrap().to_owned();
        let one = |escaped: &str| text(&format!(r#"{{"method":"a","params":["{escaped}"]}}"#));
        assert_eq!(one(r"a\ud83db"), "a\u{fffd}b");
        assert_eq!(one(r"\ude00\ud83d"), "\u{fffd}\u{fffd}");
        assert_eq!(one(r"\ud83d\ude00\ud83d"), "\u{1F600}\u{fffd}");
        assert_eq!(one(r"\ud83d\ud83d\ude00"), "\u{fffd}\u{1F600}");
        // An escaped backslash in front of `u` is no escape.
        assert_eq!(one(r"\\ud83d\ud83d"), "\\ud83d\u{fffd}");
        let Ok(Message::Request(read)) = parse(b"{\"method\":\"a\",\"params\":[\"\xff\"]}") else { panic!() };
        assert_eq!(read.params(), Some(&json!(["\u{fffd}"])));
    }

    #[test]
    fn positions_are_made_to_fit() {
        let read = request(
            r#"{"method":"a","params":{"range":{"start":{"line":-1,"character":1e300},"end":{"line":1.5,"character":4294967296}}}}"#,
        );
        assert_eq!(
            read.params().unwrap()["range"],
            json!({"start":{"line":0,"character":u32::MAX},"end":{"line":1,"character":u32::MAX}})
        );
        let read = request(
            r#"{"method":"a","params":{"position":{"line":-1,"character":0},"positions":[{"line":0,"character":-1}],"contentChanges":[{"range":{"start":{"line":-1}}}],"context":{"diagnostics":[{"range":{"end":{"line":-1}}}]}}}"#,
        );
        assert_eq!(
            read.params(),
            Some(&json!({
                "position": {"line": 0, "character": 0}, "positions": [{"line": 0, "character": 0}],
                "contentChanges": [{"range": {"start": {"line": 0}}}],
                "context": {"diagnostics": [{"range": {"end": {"line": 0}}}]},
            }))
        );
    }

    #[test]
    fn what_only_looks_like_a_position_stays() {
        let like = json!({"line": -1, "character": 1.5, "position": {"line": -1}, "range": {"start": {"line": 1e300}}});
        for params in [
            json!({"command": "c", "arguments": [{"input": like, "range": like}]}),
            json!({"settings": like}),
            json!({"initializationOptions": like}),
            json!({"context": {"diagnostics": [{"data": like}]}, "data": like}),
        ] {
            let read = request(&json!({"method": "a", "params": params}).to_string());
            assert_eq!(read.params(), Some(&params));
        }
    }
}
