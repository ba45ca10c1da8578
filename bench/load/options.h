/* What the load generator is told, and the loads that it knows. */
#ifndef ROPEWAY_BENCH_OPTIONS_H
#define ROPEWAY_BENCH_OPTIONS_H

#include "wire.h"

struct options {
    uint16_t port;
    size_t connections, depth, size;
    enum kind kind;
    enum deflate deflate;
    bool raw, tls;
    double warmup, seconds;
    long server_pid;
};

/* Each ends the program with a message when something is not as it must be. */
void load_echo(const struct options *options);
void load_idle(const struct options *options);
void load_fan_out(const struct options *options);
void load_accept(const struct options *options);

#endif
