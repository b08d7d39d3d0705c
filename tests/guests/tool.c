// A tool component (schema/wit/skill.wit) for the tests of the host, with its bindings by hand: the functions and layouts
// of the component model's canonical ABI. `tool-id`, without the publisher's namespace before its last dot, says what it
// does.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern
#define EXPORT(name) __attribute__((export_name(name)))

#define HOST "palyra:skill/host@0.1.0"
#define TYPES "wasi:http/types@0.2.12"

IMPORT(HOST, "log") void host_log(int level, const char *text, size_t length);
IMPORT(HOST, "secret") void host_secret(const char *name, size_t length, void *result);
IMPORT(TYPES, "[constructor]fields") int fields_new(void);
IMPORT(TYPES, "[constructor]outgoing-request") int request_new(int fields);
IMPORT(TYPES, "[method]outgoing-request.set-authority")
int request_set_authority(int request, int some, const char *text, size_t length);
IMPORT(TYPES, "[method]outgoing-request.set-path-with-query")
int request_set_path(int request, int some, const char *text, size_t length);
IMPORT(TYPES, "[method]outgoing-request.set-scheme")
int request_set_scheme(int request, int some, int which, const char *other, size_t length);
IMPORT("wasi:http/outgoing-handler@0.2.12", "handle") void handle(int request, int some, int options, void *result);
IMPORT(TYPES, "[method]future-incoming-response.subscribe") int future_subscribe(int future);
IMPORT(TYPES, "[method]future-incoming-response.get") void future_get(int future, void *result);
IMPORT(TYPES, "[method]incoming-response.status") int response_status(int response);
IMPORT(TYPES, "[method]incoming-response.consume") void response_consume(int response, void *result);
IMPORT(TYPES, "[method]incoming-body.stream") void body_stream(int body, void *result);
IMPORT("wasi:io/poll@0.2.12", "[method]pollable.block") void pollable_block(int pollable);
IMPORT("wasi:io/poll@0.2.12", "[method]pollable.ready") int pollable_ready(int pollable);
IMPORT("wasi:io/streams@0.2.12", "[method]input-stream.blocking-read")
void stream_read(int stream, int64_t most, void *result);
// An audit lets no skill pass that imports sockets.
#ifndef NO_SOCKETS
IMPORT("wasi:sockets/tcp-create-socket@0.2.12", "create-tcp-socket") void tcp_new(int family, void *result);
#endif

extern char __heap_base;
static size_t top;

// Takes memory from its end, and gives none back: a call has an instance of its own.
static void *take(size_t align, size_t size) {
  if (!top) top = (size_t)&__heap_base;
  top = (top + align - 1) & ~(align - 1);
  size_t at = top;
  top += size;
  size_t have = (size_t)__builtin_wasm_memory_size(0) << 16;
  if (top > have && (int)__builtin_wasm_memory_grow(0, (top - have + 0xffff) >> 16) == -1) __builtin_trap();
  return (void *)at;
}

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  if (size <= old_size) return old;
  void *new = take(align, size);
  if (old_size) memcpy(new, old, old_size);
  return new;
}

// result<string, error>: a string at 4; or the error's kind at 4 and its message at 8.
struct result {
  uint8_t failed;
  union {
    struct { const char *text; size_t length; } ok;
    struct { uint8_t kind; const char *text; size_t length; } error;
  };
};
static struct result answer;

static struct result *ok(const char *text, size_t length) {
  answer.failed = 0;
  answer.ok.text = text;
  answer.ok.length = length;
  return &answer;
}

static struct result *say(const char *text) { return ok(text, strlen(text)); }

static char *append(char *to, const char *text, size_t length) {
  memcpy(to, text, length);
  return to + length;
}

static struct result *secret(const char *name, size_t length) {
  // result<string, variant { denied(string), missing(string) }>
  struct {
    uint8_t failed;
    union {
      struct { const char *text; size_t length; } ok;
      struct { uint8_t which; const char *text; size_t length; } error;
    };
  } given;
  host_secret(name, length, &given);
  if (!given.failed) return ok(given.ok.text, given.ok.length);
  const char *why = given.error.which == 0 ? "denied: " : "missing: ";
  char *text = take(1, strlen(why) + given.error.length);
  char *end = append(append(text, why, strlen(why)), given.error.text, given.error.length);
  return ok(text, (size_t)(end - text));
}

// A text between the quotes of JSON; it holds nothing that would be escaped there.
static struct result *quoted(struct result *given) {
  if (given->failed) return given;
  char *text = take(1, given->ok.length + 2), *end = append(append(text, "\"", 1), given->ok.text, given->ok.length);
  *end = '"';
  return ok(text, given->ok.length + 2);
}

// Asks for http[s]://<host>/x?y=1 and gives "<status> <body>".
static struct result *http(const char *host, size_t length, int plain, int spin) {
  int request = request_new(fields_new());
  if (request_set_authority(request, 1, host, length) || request_set_path(request, 1, "/x?y=1", 6)) return say("bad");
  if (plain && request_set_scheme(request, 1, 0, NULL, 0)) return say("bad");
  // result<future, error-code>, whose error may hold 64 bits.
  struct { _Alignas(8) uint8_t failed; _Alignas(8) int future; uint8_t rest[48]; } sent;
  handle(request, 0, 0, &sent);
  if (sent.failed) return say("refused");
  // option<result<result<response, error-code>>>
  struct {
    _Alignas(8) uint8_t there;
    _Alignas(8) uint8_t taken;
    _Alignas(8) uint8_t failed;
    _Alignas(8) int response;
    uint8_t rest[48];
  } got;
  int pollable = future_subscribe(sent.future);
  if (spin) while (!pollable_ready(pollable)) {}
  else pollable_block(pollable);
  future_get(sent.future, &got);
  if (!got.there) return say("not there");
  if (got.taken || got.failed) return say("refused");
  struct { uint8_t failed; int what; } step;
  response_consume(got.response, &step);
  if (step.failed) return say("no body");
  body_stream(step.what, &step);
  if (step.failed) return say("no stream");
  struct { uint8_t failed; const char *text; size_t length; } read;
  stream_read(step.what, 4096, &read);
  if (read.failed) return say("no bytes");
  int status = response_status(got.response);
  char *text = take(1, 4 + read.length);
  for (int n = 2, rest = status; n >= 0; n--, rest /= 10) text[n] = (char)('0' + rest % 10);
  text[3] = ' ';
  return ok(text, (size_t)(append(text + 4, read.text, read.length) - text));
}

EXPORT("palyra:skill/tool@0.1.0#invoke")
struct result *invoke(const char *id, size_t id_length, const char *input, size_t length) {
  for (size_t n = id_length; n > 0; n--) {
    if (id[n - 1] != '.') continue;
    id += n;
    id_length -= n;
    break;
  }
#define IS(name) (id_length == sizeof name - 1 && !memcmp(id, name, sizeof name - 1))
  if (IS("echo")) {
    host_log(2, "called", 6);
    return ok(input, length);
  }
  if (IS("secret")) return secret(input, length);
  // The secret that a JSON string names: in a line of the log, in two, and in the error.
  if (length >= 2 && (IS("secret-log") || IS("secret-error"))) {
    struct result *given = secret(input + 1, length - 2);
    if (given->failed || given->ok.length < 2) return given;
    const char *text = given->ok.text;
    size_t all = given->ok.length, half = all / 2;
    host_log(2, text, all);
    host_log(2, text, half);
    host_log(2, text + half, all - half);
    if (IS("secret-log")) return say("\"done\"");
    answer.failed = 1;
    answer.error.kind = 1;
    answer.error.text = text;
    answer.error.length = all;
    return &answer;
  }
  if (IS("http")) return http(input, length, 0, 0);
  if (IS("http-spin")) return http(input, length, 0, 1);
  // What a JSON string holds, with a JSON string for an answer.
  if (length >= 2 && input[0] == '"') {
    if (IS("ask")) return quoted(http(input + 1, length - 2, 1, 0));
    if (IS("give")) return quoted(secret(input + 1, length - 2));
  }
#ifndef NO_SOCKETS
  if (IS("socket")) {
    struct { uint8_t failed; int what; } made;
    tcp_new(0, &made);
    return say(made.failed ? "refused" : "made");
  }
#endif
  if (IS("loop")) for (volatile unsigned n = 0;; n++) {}
  if (IS("logs")) for (;;) host_log(0, "a line of the log", 17);
  if (IS("output")) {
    size_t much = (16 << 20) + 1;
    char *text = take(1, much);
    memset(text, 'x', much);
    return ok(text, much);
  }
  if (IS("memory")) for (;;) memset(take(1, 1 << 20), 1, 1 << 20);
  if (IS("trap")) __builtin_trap();
  answer.failed = 1;
  answer.error.kind = 1;
  answer.error.text = "there is no such thing";
  answer.error.length = strlen(answer.error.text);
  return &answer;
}
