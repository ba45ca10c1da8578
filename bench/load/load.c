/*
 * load: a load generator for WebSocket servers (RFC 6455), with no part of Ropeway in it.
 *
 *   load --port N [--connections C] [--depth D] [--size B] [--kind binary|text|mixed|json] [--raw] [--tls]
 *        [--deflate alone|takeover] [--warmup S] [--seconds S] [--server-pid P]
 *   load --port N --fan-out ...
 *   load --port N --accept ...
 *   load --port N --idle ...
 *
 * Each of C connections sends D messages in one write, waits until all D are back, and sends the next D. With --fan-out one
 * more connection sends D messages, which the server has to send to each of the C, waits until all have all, and sends the
 * next D. With --accept C connections are opened at a time, past the handshake, and closed. Every byte that comes back is compared
 * with what must come back; a difference ends the program with status 1.
 * After the warm-up the measured window begins; then one line of JSON follows: messages (deliveries, handshakes) completed in
 * the window, its length, the time from a write to each of its messages' return (50th, 99th and 99.9th percentile, ns), the
 * CPU time of this process in the window and, given the server's process id, that of the server, read at the same moments.
 *
 * With --idle opens C connections and prints "open C"; for each line on standard input then sends one message over every
 * connection, one after another, and prints "echoed C" when all have come back; ends at end of input.
 *
 * --raw is for bare TCP servers (bench/floor): no handshake, and the very bytes sent are expected back.
 */
#include "fail.h"
#include "options.h"

#include <sys/resource.h>

typedef void load(const struct options *options);

static _Noreturn void usage(void) {
    fputs("usage: load --port N [--fan-out | --accept | --idle] [--connections C] [--depth D] [--size B]\n"
          "            [--kind binary|text|mixed|json] [--deflate alone|takeover] [--raw] [--tls]\n"
          "            [--warmup S] [--seconds S] [--server-pid P]\n",
          stderr);
    exit(2);
}

/* The place of a name among those that an option may have. */
static int named(const char *name, const char *const *names) {
    for (int at = 0; names[at]; at++) {
        if (strcmp(name, names[at]) == 0) {
            return at;
        }
    }
    usage();
}

/* Takes an option with a value. */
static void take(struct options *options, const char *name, const char *value) {
    static const char *const KINDS[] = {"binary", "text", "mixed", "json", NULL};
    static const char *const DEFLATES[] = {"off", "alone", "takeover", NULL};
    if (strcmp(name, "--kind") == 0) {
        options->kind = (enum kind)named(value, KINDS);
    } else if (strcmp(name, "--deflate") == 0) {
        options->deflate = (enum deflate)named(value, DEFLATES);
    } else if (strcmp(name, "--port") == 0) {
        options->port = (uint16_t)strtoul(value, NULL, 10);
    } else if (strcmp(name, "--connections") == 0) {
        options->connections = strtoul(value, NULL, 10);
    } else if (strcmp(name, "--depth") == 0) {
        options->depth = strtoul(value, NULL, 10);
    } else if (strcmp(name, "--size") == 0) {
        options->size = strtoul(value, NULL, 10);
    } else if (strcmp(name, "--warmup") == 0) {
        options->warmup = strtod(value, NULL);
    } else if (strcmp(name, "--seconds") == 0) {
        options->seconds = strtod(value, NULL);
    } else if (strcmp(name, "--server-pid") == 0) {
        options->server_pid = strtol(value, NULL, 10);
    } else {
        usage();
    }
}

int main(int argc, char **argv) {
    struct options options = {.connections = 1, .depth = 1, .size = 20, .warmup = 0.3, .seconds = 1};
    load *load = load_echo;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--raw") == 0) {
            options.raw = true;
        } else if (strcmp(name, "--tls") == 0) {
            options.tls = true;
        } else if (strcmp(name, "--fan-out") == 0) {
            load = load_fan_out;
        } else if (strcmp(name, "--accept") == 0) {
            load = load_accept;
        } else if (strcmp(name, "--idle") == 0) {
            load = load_idle;
        } else if (++i == argc) {
            usage();
        } else {
            take(&options, name, argv[i]);
        }
    }
    if (options.port == 0 || options.depth == 0 || options.connections == 0) {
        usage();
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    load(&options);
    return 0;
}
