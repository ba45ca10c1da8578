// A server that sends back every message it gets, until SIGTERM or SIGINT.
//
//     echo_server_cpp [PORT]        9000; 0 takes a free one

#include <atomic>
#include <csignal>
#include <iostream>
#include <ropeway.hpp>
#include <string>
#include <thread>

static int fail(const char *error) {
    std::cerr << error << '\n';
    return 1;
}

int main(int argc, char **argv) {
    auto engine = ropeway::Engine::make();
    if (!engine) return fail(engine.error());
    const auto listener = engine->listen(std::string("ws://127.0.0.1:") + (argc > 1 ? argv[1] : "9000") + "/");
    if (!listener) return fail(listener.error());
    auto remote = engine->remote();
    if (!remote) return fail(remote.error());

    // Signals come to a thread of their own, which wakes the engine.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::atomic<bool> stopping = false;
    std::thread waiting([&] {
        int number;
        sigwait(&signals, &number);
        stopping = true;
        remote->wake();
    });

    std::cout << "listening on ws://127.0.0.1:" << *engine->port(*listener) << "/" << std::endl;
    while (!stopping && engine->poll())
        for (const ropeway::Event event : engine->events())
            if (event.type() == ROPEWAY_EVENT_MESSAGE) engine->send(event.connection(), event.kind(), event.bytes());

    if (!stopping) pthread_kill(waiting.native_handle(), SIGTERM);
    waiting.join();
    return 0;
}
