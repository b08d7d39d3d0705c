#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv) { char *b = malloc(65536); size_t n = fread(b, 1, 65535, stdin); b[n] = 0; printf("{\"tool\":\"%s\",\"n\":%zu,\"f\":%f}\n", argc > 1 ? argv[1] : "", n, (double)n / 3.0); return 0; }
