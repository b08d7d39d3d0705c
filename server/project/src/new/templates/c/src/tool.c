/* The input is JSON on standard input, the tool's id the first argument. The output is JSON on standard output; what goes
 * to standard error is the log. Exit code 0 is success. */
#include <stdio.h>
#include <string.h>

#define MAX_INPUT 65536

static char input[MAX_INPUT + 1];

static int fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    return 1;
}

/* Where the JSON string at `text` ends, behind its closing quote; NULL where it does not. */
static const char *end_of_string(const char *text) {
    for (text++; *text && *text != '"'; text++) {
        if (*text == '\\' && !*++text) {
            return NULL;
        }
    }
    return *text ? text + 1 : NULL;
}

int main(void) {
    size_t length = fread(input, 1, MAX_INPUT, stdin);
    if (ferror(stdin) || !feof(stdin)) {
        return fail("the input cannot be read, or is too large");
    }
    input[length] = 0;
    /* It holds to `input_schema`, or this would not run: an object with `name`, a string, and nothing else. So the
     * string is what stands behind the first colon; its escapes are good in the output as they are. */
    const char *name = strchr(input, ':');
    name = name ? strchr(name, '"') : NULL;
    const char *end = name ? end_of_string(name) : NULL;
    if (!end) {
        return fail("the input has no `name`");
    }
    printf("{\"greeting\":\"Hello, %.*s!\"}\n", (int)(end - name - 2), name + 1);
    return 0;
}
