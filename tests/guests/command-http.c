// A command of WASI 0.2 that asks over wasi:http, for the tests of the host, with the bindings of that by hand: the
// functions and layouts of the component model's canonical ABI. Its input is a JSON string of four words: a method (GET,
// POST), host and port, how many bytes the body has, and how many milliseconds it waits before each 4096 of them. Its
// output is {"status": …, "bytes": …, "body": <the first of them>}, or {"error": <the number of wasi:http's error-code>}.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern
#define TYPES "wasi:http/types@0.2.12"
#define STREAMS "wasi:io/streams@0.2.12"

IMPORT(TYPES, "[constructor]fields") int fields_new(void);
IMPORT(TYPES, "[constructor]outgoing-request") int request_new(int fields);
IMPORT(TYPES, "[method]outgoing-request.set-method")
int request_set_method(int request, int which, const char *other, size_t length);
IMPORT(TYPES, "[method]outgoing-request.set-authority")
int request_set_authority(int request, int some, const char *text, size_t length);
IMPORT(TYPES, "[method]outgoing-request.set-path-with-query")
int request_set_path(int request, int some, const char *text, size_t length);
IMPORT(TYPES, "[method]outgoing-request.set-scheme")
int request_set_scheme(int request, int some, int which, const char *other, size_t length);
IMPORT(TYPES, "[method]outgoing-request.body") void request_body(int request, void *result);
IMPORT(TYPES, "[method]outgoing-body.write") void body_write(int body, void *result);
IMPORT(TYPES, "[static]outgoing-body.finish") void body_finish(int body, int some, int trailers, void *result);
IMPORT("wasi:http/outgoing-handler@0.2.12", "handle") void handle(int request, int some, int options, void *result);
IMPORT(TYPES, "[method]future-incoming-response.subscribe") int future_subscribe(int future);
IMPORT(TYPES, "[method]future-incoming-response.get") void future_get(int future, void *result);
IMPORT(TYPES, "[method]incoming-response.status") int response_status(int response);
IMPORT(TYPES, "[method]incoming-response.consume") void response_consume(int response, void *result);
IMPORT(TYPES, "[method]incoming-body.stream") void body_stream(int body, void *result);
IMPORT("wasi:io/poll@0.2.12", "[method]pollable.block") void pollable_block(int pollable);
IMPORT(STREAMS, "[method]output-stream.blocking-write-and-flush")
void stream_write(int stream, const char *bytes, size_t length, void *result);
IMPORT(STREAMS, "[resource-drop]output-stream") void stream_drop(int stream);
IMPORT(STREAMS, "[method]input-stream.blocking-read") void stream_read(int stream, int64_t most, void *result);

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old_size;
  if (size == 0) return (void *)align;
  void *got = realloc(old, size);
  if (!got) abort();
  return got;
}

static int failed(const char *what) {
  fprintf(stderr, "%s\n", what);
  return 1;
}

int main(void) {
  static char input[1 << 12], method[16], host[1 << 10];
  size_t length = fread(input, 1, sizeof input - 1, stdin), bytes = 0;
  long wait = 0;
  input[length] = 0;
  if (sscanf(input, "\"%15s %1023s %zu %ld\"", method, host, &bytes, &wait) < 2) return failed("no such input");

  int request = request_new(fields_new());
  if (request_set_method(request, strcmp(method, "POST") ? 0 : 2, NULL, 0)) return failed("method");
  if (request_set_authority(request, 1, host, strlen(host))) return failed("authority");
  if (request_set_path(request, 1, "/x?y=1", 6) || request_set_scheme(request, 1, 0, NULL, 0)) return failed("path");
  struct { uint8_t failed; int what; } body, stream;
  request_body(request, &body);
  if (body.failed) return failed("body");
  body_write(body.what, &stream);
  if (stream.failed) return failed("stream");

  // result<future, error-code>, whose error may hold 64 bits.
  struct { _Alignas(8) uint8_t failed; _Alignas(8) int what; uint8_t rest[48]; } sent;
  handle(request, 0, 0, &sent);
  if (sent.failed) return printf("{\"error\":%d}", sent.what & 0xff), 0;
  static char some[4096];
  memset(some, 'x', sizeof some);
  for (size_t left = bytes; left > 0;) {
    struct timespec time = {wait / 1000, wait % 1000 * 1000000};
    if (wait) nanosleep(&time, NULL);
    size_t now = left < sizeof some ? left : sizeof some;
    struct { uint8_t failed; uint8_t which; int error; } written;
    stream_write(stream.what, some, now, &written);
    // Nobody takes it any more: the answer says why.
    if (written.failed) break;
    left -= now;
  }
  stream_drop(stream.what);
  struct { _Alignas(8) uint8_t failed; uint8_t rest[56]; } finished;
  body_finish(body.what, 0, 0, &finished);

  pollable_block(future_subscribe(sent.what));
  // option<result<result<response, error-code>>>
  struct {
    _Alignas(8) uint8_t there;
    _Alignas(8) uint8_t taken;
    _Alignas(8) uint8_t failed;
    _Alignas(8) int what;
    uint8_t rest[48];
  } got;
  future_get(sent.what, &got);
  if (!got.there || got.taken) return failed("no answer");
  if (got.failed) return printf("{\"error\":%d}", got.what & 0xff), 0;
  int status = response_status(got.what);
  response_consume(got.what, &body);
  if (body.failed) return failed("no body");
  body_stream(body.what, &stream);
  if (stream.failed) return failed("no stream");
  char first[65] = {0};
  size_t all = 0;
  for (;;) {
    struct { uint8_t failed; const char *bytes; size_t length; } read;
    stream_read(stream.what, 1 << 16, &read);
    if (read.failed) break;
    for (size_t n = 0; n < read.length; n++, all++)
      if (all < sizeof first - 1) first[all] = read.bytes[n];
    if (read.length) free((void *)read.bytes);
  }
  printf("{\"status\":%d,\"bytes\":%zu,\"body\":\"%s\"}", status, all, first);
  return 0;
}
