//! The input is JSON on standard input, the tool's id the first argument. The output is JSON on standard output; what goes
//! to standard error is the log. Exit code 0 is success.

use std::{
    io::{self, Read as _, Write as _},
    process::ExitCode,
};

const MAX_INPUT: u64 = 65536;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            let _ = writeln!(io::stderr(), "{what}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), &'static str> {
    let mut input = Vec::new();
    io::stdin().take(MAX_INPUT + 1).read_to_end(&mut input).map_err(|_| "the input cannot be read")?;
    if input.len() as u64 > MAX_INPUT {
        return Err("the input is too large");
    }
    let name = name(&input).ok_or("the input has no `name`")?;
    let output = [b"{\"greeting\":\"Hello, ", name, b"!\"}\n"].concat();
    io::stdout().write_all(&output).map_err(|_| "the output cannot be written")
}

/// What stands between the quotes of the string `name`.
///
/// The input holds to `input_schema`, or this would not run: an object with `name`, a string, and nothing else. So the
/// string is what stands behind the first colon; its escapes are good in the output as they are.
fn name(input: &[u8]) -> Option<&[u8]> {
    let colon = input.iter().position(|&b| b == b':')?;
    let (_, after) = input.split_at(colon);
    let open = after.iter().position(|&b| b == b'"')?;
    let text = after.get(open + 1..)?;
    let mut escaped = false;
    let close = text.iter().position(|&b| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    })?;
    text.get(..close)
}
