/*
 * The measured window of a load generator: it begins after a warm-up, and what was counted in it, the CPU time of the
 * generator and that of the server are printed as one line of JSON.
 */
#ifndef ROPEWAY_BENCH_WINDOW_H
#define ROPEWAY_BENCH_WINDOW_H

#include "fail.h"
#include "histogram.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <time.h>

static inline uint64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* CPU nanoseconds that all living threads of a process have used, from /proc/PID/task/TID/schedstat; 0 for no process. */
static inline uint64_t cpu_of(long pid) {
    char path[320];
    uint64_t sum = 0;
    if (pid == 0) {
        return 0;
    }
    snprintf(path, sizeof path, "/proc/%ld/task", pid);
    DIR *tasks = opendir(path);
    if (!tasks) {
        fail("the server's process is gone");
    }
    for (struct dirent *task; (task = readdir(tasks));) {
        snprintf(path, sizeof path, "/proc/%ld/task/%s/schedstat", pid, task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "re");
        uint64_t used;
        if (file && fscanf(file, "%" SCNu64, &used) == 1) {
            sum += used;
        }
        if (file) {
            fclose(file);
        }
    }
    closedir(tasks);
    return sum;
}

struct window {
    long server_pid; /* 0 for none */
    uint64_t length; /* ns */
    uint64_t begin, end; /* by CLOCK_MONOTONIC; `end` is UINT64_MAX during the warm-up */
    uint64_t own_cpu, server_cpu; /* at the begin; after the end, what was used in between */
    uint64_t messages;
    uint64_t verified; /* bytes that came back and were compared */
    uint64_t made; /* with compression, bytes of their payloads as they were on the wire */
    struct histogram latencies;
};

static inline void window_set(struct window *window, double warmup, double seconds, long server_pid) {
    memset(window, 0, sizeof *window);
    window->server_pid = server_pid;
    window->length = (uint64_t)(seconds * 1e9);
    window->begin = now(CLOCK_MONOTONIC) + (uint64_t)(warmup * 1e9);
    window->end = UINT64_MAX;
}

/* Counts messages that came back so long after they were sent. */
static inline void window_add(struct window *window, uint64_t latency, uint64_t messages) {
    histogram_add(&window->latencies, latency, messages);
    window->messages += messages;
}

/* To be called between turns: whether the window is over. */
static inline bool window_over(struct window *window) {
    uint64_t time = now(CLOCK_MONOTONIC);
    if (window->end == UINT64_MAX && time >= window->begin) {
        memset(&window->latencies, 0, sizeof window->latencies);
        window->messages = window->verified = window->made = 0;
        window->own_cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        window->server_cpu = cpu_of(window->server_pid);
        window->begin = now(CLOCK_MONOTONIC);
        window->end = window->begin + window->length;
    } else if (time >= window->end) {
        window->server_cpu = cpu_of(window->server_pid) - window->server_cpu;
        window->own_cpu = now(CLOCK_PROCESS_CPUTIME_ID) - window->own_cpu;
        window->end = now(CLOCK_MONOTONIC);
        return true;
    }
    return false;
}

static inline void window_print(const struct window *window) {
    const struct histogram *latencies = &window->latencies;
    double seconds = (double)(window->end - window->begin) / 1e9;
    printf("{\"messages\": %" PRIu64 ", \"seconds\": %.6f, \"messages_per_second\": %.0f, "
           "\"p50_ns\": %" PRIu64 ", \"p99_ns\": %" PRIu64 ", \"p99_9_ns\": %" PRIu64 ", "
           "\"load_cpu_seconds\": %.6f, \"server_cpu_seconds\": %.6f, \"verified_bytes\": %" PRIu64
           ", \"made_bytes\": %" PRIu64 "}\n",
           window->messages, seconds, (double)window->messages / seconds, histogram_at(latencies, 0.5),
           histogram_at(latencies, 0.99), histogram_at(latencies, 0.999), (double)window->own_cpu / 1e9,
           (double)window->server_cpu / 1e9, window->verified, window->made);
}

#endif
