#include <stdio.h>
int main(void) { FILE *f = fopen("/data/x.txt", "r"); char b[100]; if (!f) return 1; fgets(b, 100, f); puts(b); return 0; }
