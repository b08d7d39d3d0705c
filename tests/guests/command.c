// A command of WASI preview 1 for the tests of the host. The tool's id (argument 1), without the publisher's namespace
// before its last dot, says what it does; the input is on standard input, the output goes to standard output.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char input[1 << 16];
// What is stored here is not optimized away.
static void *volatile kept;
extern char **environ;

static void quote(const char *text) {
  putchar('"');
  for (; *text; text++) {
    unsigned char byte = (unsigned char)*text;
    if (byte == '"' || byte == '\\') printf("\\%c", byte);
    else if (byte < 0x20) printf("\\u%04x", byte);
    else putchar(byte);
  }
  putchar('"');
}

// Says how an attempt went: {"result": <its number>, "errno": "<its text>"}.
static int attempt(int result) {
  printf("{\"result\":%d,\"errno\":", result < 0 ? -1 : 0);
  quote(result < 0 ? strerror(errno) : "");
  printf("}");
  return 0;
}

// The input is a JSON string of two words with a space between them, for what needs two paths.
static char *words(char **second) {
  char *first = input + 1;
  first[strlen(first) - 1] = 0;
  char *space = strchr(first, ' ');
  if (space) *space = 0;
  *second = space ? space + 1 : first;
  return first;
}

// Deep, and not to be turned into a loop.
__attribute__((noinline)) static int deep(volatile int *n) {
  volatile int here[64];
  here[0] = *n + 1;
  int below = deep(&here[0]);
  return below + here[0];
}

int main(int argc, char **argv) {
  const char *tool = argc > 1 ? argv[1] : "";
  const char *dot = strrchr(tool, '.');
  if (dot) tool = dot + 1;
  size_t length = fread(input, 1, sizeof input - 1, stdin);
  input[length] = 0;
  char *to, *path;
  if (!strcmp(tool, "echo")) {
    fprintf(stderr, "hello\nfrom %s, with %d arguments", tool, argc);
    printf("%s", input);
    return 0;
  }
  if (!strcmp(tool, "fail")) {
    fputs("it is broken\n", stderr);
    printf("{}");
    return 3;
  }
  if (!strcmp(tool, "surroundings")) {
    int count = 0;
    while (environ && environ[count]) count++;
    printf("{\"program\":");
    quote(argv[0]);
    printf(",\"environment\":%d}", count);
    return 0;
  }
  if (!strcmp(tool, "colours")) {
    fputs("\x1b[31mred\x07 \xe2\x80\xae\n", stderr);
    printf("\"\\u001b[2J \\u202e \\u0007\"");
    return 0;
  }
  if (!strcmp(tool, "read")) {
    path = words(&to);
    FILE *file = fopen(path, "r");
    if (!file) return attempt(-1);
    char text[256] = {0};
    if (fread(text, 1, sizeof text - 1, file) == 0 && ferror(file)) return attempt(-1);
    quote(text);
    return 0;
  }
  if (!strcmp(tool, "write")) {
    path = words(&to);
    FILE *file = fopen(path, "w");
    if (!file) return attempt(-1);
    fputs("written", file);
    return attempt(fclose(file));
  }
  if (!strcmp(tool, "truncate")) {
    path = words(&to);
    return attempt(open(path, O_RDONLY | O_TRUNC));
  }
  if (!strcmp(tool, "link")) return path = words(&to), attempt(link(path, to));
  if (!strcmp(tool, "rename")) return path = words(&to), attempt(rename(path, to));
  if (!strcmp(tool, "symlink")) return path = words(&to), attempt(symlink(path, to));
  if (!strcmp(tool, "unlink")) return path = words(&to), attempt(unlink(path));
  if (!strcmp(tool, "mkdir")) return path = words(&to), attempt(mkdir(path, 0777));
  if (!strcmp(tool, "loop")) for (volatile unsigned n = 0;; n++) {}
  if (!strcmp(tool, "recurse")) {
    volatile int n = 0;
    return deep(&n);
  }
  if (!strcmp(tool, "memory")) {
    size_t got = 0;
    for (char *block; (block = malloc(1 << 20)); got++) kept = memset(block, 1, 1 << 20);
    printf("{\"megabytes\":%zu}", got);
    return 0;
  }
  if (!strcmp(tool, "memory-trap")) for (char *block;;) {
    block = malloc(1 << 20);
    if (!block) __builtin_trap();
    kept = memset(block, 1, 1 << 20);
  }
  if (!strcmp(tool, "logs")) for (;;) fputs("a line of thirty-two bytes, all\n", stderr);
  if (!strcmp(tool, "long-line")) for (;;) fputs("no end", stderr);
  if (!strcmp(tool, "output")) for (;;) fwrite(input, 1, sizeof input, stdout);
  if (!strcmp(tool, "binary")) {
    fwrite("ab\xff", 1, 3, stdout);
    return 0;
  }
  if (!strcmp(tool, "sleep")) {
    struct timespec long_time = {3600, 0};
    nanosleep(&long_time, NULL);
    printf("\"awake\"");
    return 0;
  }
  if (!strcmp(tool, "random")) {
    unsigned char bytes[16];
    struct timespec wall, steady;
    if (getentropy(bytes, sizeof bytes)) return 9;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &steady);
    printf("{\"bytes\":\"");
    for (size_t n = 0; n < sizeof bytes; n++) printf("%02x", bytes[n]);
    printf("\",\"wall\":%lld,\"steady\":%lld}", (long long)wall.tv_sec, (long long)steady.tv_nsec);
    return 0;
  }
  fprintf(stderr, "no tool is called so\n");
  return 1;
}
