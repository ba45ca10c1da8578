/* How a load generator gives up. */
#ifndef ROPEWAY_BENCH_FAIL_H
#define ROPEWAY_BENCH_FAIL_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program with the message and, where `errno` is set, its text. */
static inline _Noreturn void fail(const char *what) {
    if (errno != 0) {
        fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    } else {
        fprintf(stderr, "load: %s\n", what);
    }
    exit(1);
}

#endif
