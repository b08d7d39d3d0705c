// The input is JSON on standard input, the tool's id the first argument. The output is JSON on standard output; what goes
// to standard error is the log. Exit code 0 is success.

const MAX_INPUT = 65536;

function fail(what: string): void {
  process.stderr.write(what + "\n");
  process.exit(1);
}

// Everything from standard input.
function read(): string {
  const buffer = new ArrayBuffer(MAX_INPUT + 1);
  let length = 0;
  while (length <= MAX_INPUT) {
    const count = process.stdin.read(buffer, length);
    if (count <= 0) break;
    length += count;
  }
  if (length > MAX_INPUT) fail("the input is too large");
  return String.UTF8.decodeUnsafe(changetype<usize>(buffer), length);
}

// Where the JSON string at `from` ends, behind its closing quote; -1 where it does not.
function endOfString(text: string, from: i32): i32 {
  for (let at = from + 1; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c == 0x5c) at++; // a backslash, and what it escapes
    else if (c == 0x22) return at + 1;
  }
  return -1;
}

const input = read();
// It holds to `input_schema`, or this would not run: an object with `name`, a string, and nothing else. So the string is
// what stands behind the first colon; its escapes are good in the output as they are.
const colon = input.indexOf(":");
const name = colon < 0 ? -1 : input.indexOf("\"", colon);
const end = name < 0 ? -1 : endOfString(input, name);
if (end < 0) fail("the input has no `name`");
process.stdout.write("{\"greeting\":\"Hello, " + input.substring(name + 1, end - 1) + "!\"}\n");
