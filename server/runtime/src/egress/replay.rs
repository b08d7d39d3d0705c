//! Answers that are written down, in place of those of hosts: for the cases of a skill.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use url::Url;

use super::{
    EgressLimits, Held,
    wire::{Answer, Broken},
};
use crate::call::Refusal;

/// Who has the answers.
pub trait Answers: Send + Sync {
    /// The answer to a request that may be made, one hop of it: a redirect comes back as a further one.
    ///
    /// # Errors
    /// If there is none.
    fn answer(&self, method: &str, url: &Url) -> Result<Written, Refusal>;
}

/// What a host would have answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The status.
    pub status: u16,
    /// Headers by name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Written {
    /// The same as if it had come over a connection: what none would bring, or would be too much, is refused.
    pub(super) fn answer(self, method: &Method, limits: &EgressLimits, mut held: Held) -> Result<Answer, Broken> {
        let failed = |why: String| Err(Broken::Failed(why));
        let status = match StatusCode::from_u16(self.status) {
            Ok(status) if !status.is_informational() => status,
            _ => return failed(format!("the status {} is none that ends an exchange", self.status)),
        };
        let bytes: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        if self.headers.len() > limits.headers || bytes > limits.head_bytes {
            return failed(format!(
                "its answer has {} headers of {bytes} bytes: {} of {} may come",
                self.headers.len(),
                limits.headers,
                limits.head_bytes
            ));
        }
        let mut headers = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes())) {
                (Ok(name), Ok(value)) => drop(headers.append(name, value)),
                _ => return failed("its answer has a header that none is".to_owned()),
            }
        }
        let bodiless = method == Method::HEAD || matches!(status.as_u16(), 204 | 304);
        let body = if bodiless { Vec::new() } else { self.body };
        if body.len() > limits.response_body_bytes {
            return failed(format!(
                "the body of its answer is longer than the {} bytes that may come",
                limits.response_body_bytes
            ));
        }
        if !held.grow(body.len()) {
            return failed(format!(
                "too many answers at once: their bodies take more than {} bytes; take one before the next is asked",
                limits.held_bytes
            ));
        }
        Ok(Answer { status, headers, body, held })
    }
}
