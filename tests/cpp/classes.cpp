// ropeway.hpp: each class does what its C functions do, frees what it owns, and can be moved, copied and empty.

#include <array>
#include <iostream>
#include <ropeway.hpp>
#include <set>
#include <string>
#include <vector>

using namespace std::string_literals;
using namespace std::string_view_literals;

static int failed = 0;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            std::cerr << __FILE__ << ":" << __LINE__ << ": not so: " #condition " (" << ropeway_last_error() << ")\n"; \
            failed++;                                                                                                  \
        }                                                                                                              \
    } while (false)

static void options() {
    ropeway::Options options;
    CHECK(options.set(ROPEWAY_OPTION_OPEN_TIMEOUT, std::chrono::seconds(3)));
    ropeway::Options copy = options;
    CHECK(copy.set(ROPEWAY_OPTION_OPEN_TIMEOUT, 1));
    CHECK(*options.get_int(ROPEWAY_OPTION_OPEN_TIMEOUT) == 3000);
    CHECK(*copy.get_int(ROPEWAY_OPTION_OPEN_TIMEOUT) == 1);
    CHECK(options.set(ROPEWAY_OPTION_SUBPROTOCOL, "cabin"s));
    CHECK(options.set(ROPEWAY_OPTION_SUBPROTOCOL, "not a token") == ROPEWAY_ERROR_INVALID_SUBPROTOCOL);
    CHECK(!options.get_int(-1));
    CHECK(options.get_int(-1).status().words() == "unknown option"sv);
    const ropeway::Options moved = std::move(options);
    CHECK(*moved.get_int(ROPEWAY_OPTION_OPEN_TIMEOUT) == 3000);
    CHECK(options.set(ROPEWAY_OPTION_STREAMING, 1) == ROPEWAY_ERROR_NULL);
}

// A server and two clients on one engine: subscriptions, a remote, a refusal, both kinds of message.
static void engine() {
    auto made = ropeway::Engine::make();
    CHECK(made);
    ropeway::Engine engine = std::move(*made);
    CHECK(made->poll() == ROPEWAY_ERROR_NULL);
    ropeway::Options asking;
    CHECK(asking.set(ROPEWAY_OPTION_ASK_UPGRADE, 1));
    const auto listener = engine.listen("ws://127.0.0.1:0/", asking);
    CHECK(listener && !engine.listen("nonsense"));
    const std::string url = "ws://127.0.0.1:" + std::to_string(*engine.port(*listener));
    CHECK(engine.connect(url + "/a") && engine.connect(url + "/b") && engine.connect(url + "/closed"));
    auto remote = engine.remote();
    CHECK(remote);

    int opened = 0, refused = 0, texts = 0, binaries = 0, ended = 0, mark = 0;
    std::set<ropeway::Connection> servers;
    while (ended < 5 && engine.poll(std::chrono::seconds(10))) {
        for (const ropeway::Event event : engine.events()) {
            const auto id = event.connection();
            switch (event.type()) {
            case ROPEWAY_EVENT_UPGRADE_REQUEST:
                CHECK(event.head() && event.head().method() == "GET" && event.listener() == *listener);
                CHECK(event.head().field("upgrade") == "websocket"sv && !event.head().field("cookie"));
                CHECK(event.head()[0].first == "Host" && event.head()[99].first.empty());
                if (event.head().target() == "/closed") {
                    CHECK(engine.refuse(id, 403, "no"));
                } else {
                    CHECK(engine.accept(id));
                    servers.insert(id);
                    CHECK(engine.set_user_data(id, &mark));
                }
                break;
            case ROPEWAY_EVENT_OPENED:
                if (servers.count(id)) {
                    CHECK(event.user_data<int>() == &mark);
                    CHECK(engine.subscribe(id, "all") == ROPEWAY_OK && engine.subscribe(id, "all") == ROPEWAY_UNCHANGED);
                }
                if (++opened == 4) {
                    // One from here, one from a copy of the remote.
                    CHECK(engine.publish("all", "to everybody"));
                    const ropeway::Remote copy = *remote;
                    CHECK(copy.publish("all", std::vector<std::uint16_t>{1, 2, 3}));
                }
                break;
            case ROPEWAY_EVENT_MESSAGE:
                if (event.is_text()) {
                    CHECK(event.text() == "to everybody");
                    texts++;
                } else {
                    CHECK(event.bytes().size() == 6);
                    if (++binaries <= 2) CHECK(engine.close(id, 4000, "enough"));
                }
                break;
            case ROPEWAY_EVENT_CLOSED:
                if (event.status() == ROPEWAY_ERROR_HTTP_STATUS) {
                    CHECK(event.head().status() == 403 && event.head().body().size() == 2);
                    refused++;
                } else if (event.status()) {
                    CHECK(event.close_code() == 4000 && event.has(ROPEWAY_FLAG_CLEAN) && event.error().empty());
                }
                ended++;
                break;
            }
        }
    }
    CHECK(opened == 4 && refused == 1 && texts == 2 && binaries == 2);
    engine = std::move(*ropeway::Engine::make());
    CHECK(remote->wake() == ROPEWAY_ERROR_ENGINE_GONE);
}

static const char *resolve(void *user, const char *host, std::uint16_t, ropeway_addresses *addresses) {
    CHECK(host == "cabin.example"s);
    ++*static_cast<int *>(user);
    ropeway_addresses_add(addresses, "127.0.0.1");
    return nullptr;
}

// A name of one's own, credentials, a compressed message; and what TLS would tell.
static void settings() {
    auto engine = ropeway::Engine::make();
    ropeway::Options server, client;
    int resolved = 0;
    CHECK(server.set(ROPEWAY_OPTION_COMPRESSION, 1) && server.set(ROPEWAY_OPTION_ASK_UPGRADE, 1));
    CHECK(client.set(ROPEWAY_OPTION_BASIC_AUTH, "user:pass") && client.set_resolver(resolve, &resolved));
    const auto listener = engine->listen("ws://127.0.0.1:0/", server);
    CHECK(engine->reload_tls(*listener, server) == ROPEWAY_ERROR_TLS_SETTINGS);
    const auto dialled = engine->connect("ws://cabin.example:" + std::to_string(*engine->port(*listener)), client);
    CHECK(dialled);
    const std::string text(1000, 'x');
    bool done = false;
    while (!done && engine->poll(std::chrono::seconds(10))) {
        for (const ropeway::Event event : engine->events()) {
            const auto id = event.connection();
            if (event.type() == ROPEWAY_EVENT_UPGRADE_REQUEST) {
                CHECK(event.head().basic_auth("user", "pass") && !event.head().basic_auth("user", "word"));
                CHECK(engine->accept(id));
            } else if (event.type() == ROPEWAY_EVENT_OPENED && id == *dialled) {
                CHECK(engine->tls_info(id).status() == ROPEWAY_NONE);
                CHECK(engine->send_compressed(id, ROPEWAY_TEXT, 99, ropeway::Bytes(text.data(), text.size())) ==
                      ROPEWAY_ERROR_INVALID_ARGUMENT);
                CHECK(engine->send_compressed(id, ROPEWAY_TEXT, ROPEWAY_COMPRESS_ALWAYS,
                                              ropeway::Bytes(text.data(), text.size())));
            } else if (event.type() == ROPEWAY_EVENT_MESSAGE) {
                CHECK(event.text() == text);
                CHECK(engine->metrics()->messages_received == 1 && engine->metrics()->opened == 2);
                CHECK(engine->metrics(id).status() == ROPEWAY_ERROR_MISUSE);
                CHECK(engine->prometheus()->find("\nropeway_opened_total 2\n") != std::string_view::npos);
                done = true;
            }
        }
    }
    CHECK(done && resolved == 1);
    CHECK(engine->relay("redis+unix:///nonexistent") && engine->publish("topic", "hello") &&
          engine->metrics()->relay_queued > 0);
    CHECK(engine->end_relay() && engine->metrics()->relay_queued == 0);

    const ropeway_certificate chain[] = {{"0", 1}};
    const ropeway_tls_info told = {sizeof told, 1, "TLSv1.3", "TLS13_X", nullptr, "cabin.example", chain, 1};
    const ropeway::TlsInfo info(&told);
    CHECK(info.version() == "TLSv1.3" && info.cipher_suite() == "TLS13_X" && info.application_protocol().empty());
    CHECK(info.server_name() == "cabin.example" && info.resumed() && info.certificate_count() == 1);
    CHECK(info.certificate(0).size() == 1 && info.certificate(1).empty() && &info.raw() == &told);
}

// A client that is there before its server, and is led on by it.
static void reconnecting() {
    ropeway::Engine engine = std::move(*ropeway::Engine::make());
    ropeway::Options asking, options, fields;
    CHECK(asking.set(ROPEWAY_OPTION_ASK_UPGRADE, 1) && options.set(ROPEWAY_OPTION_MAX_REDIRECTS, 1));
    CHECK(options.set(ROPEWAY_OPTION_RECONNECT, 1) && fields.add_header("X-Again", "1"));
    CHECK(options.set(ROPEWAY_OPTION_RECONNECT_BASE, std::chrono::hours(1)));
    CHECK(options.set(ROPEWAY_OPTION_RECONNECT_CAP, std::chrono::hours(1)));
    const auto listener = engine.listen("ws://127.0.0.1:0/", asking);
    const std::string url = "ws://127.0.0.1:" + std::to_string(*engine.port(*listener)) + "/";
    CHECK(engine.close_listener(*listener));
    const auto client = engine.connect(url, options);
    std::string told;
    for (bool open = false; !open && engine.poll(std::chrono::seconds(10));) {
        for (const ropeway::Event event : engine.events()) {
            const auto id = event.connection();
            switch (event.type()) {
            case ROPEWAY_EVENT_RECONNECTING:
                told += std::to_string(event.attempt()) + " ";
                CHECK(event.delay() < std::chrono::hours(1) && event.status() == ROPEWAY_ERROR_CONNECT);
                CHECK(engine.listen(url, asking) && engine.set_headers(id, fields) && engine.reconnect_now(id));
                break;
            case ROPEWAY_EVENT_UPGRADE_REQUEST: {
                ropeway::Options location;
                CHECK(location.add_header("Location", "/there") && event.head().field("X-Again") == "1"sv);
                if (event.head().target() == "/there")
                    CHECK(engine.accept(id));
                else
                    CHECK(engine.refuse(id, 307, {}, location));
                break;
            }
            case ROPEWAY_EVENT_REDIRECT: told += event.url(); break;
            case ROPEWAY_EVENT_OPENED: open |= id == *client; break;
            }
        }
    }
    CHECK(told == "1 " + url + "there");
}

// Two protocols, each the other's transport.
static void protocols() {
    auto client = ropeway::Protocol::client("ws://example.com/", 1);
    auto server = ropeway::Protocol::server(1);
    CHECK(client && server && !ropeway::Protocol::client("", 1));
    CHECK(client->next_deadline() == std::uint64_t(10000001));
    bool closed = false;
    for (int turn = 0; turn < 20 && !closed; turn++) {
        for (auto [from, to] : {std::pair(&*client, &*server), std::pair(&*server, &*client)}) {
            CHECK(to->receive(from->output()) && from->consume(from->output().size()));
            for (const ropeway::Event event : to->events(1)) {
                if (event.type() == ROPEWAY_EVENT_OPENED && to == &*client) CHECK(client->send("text"s));
                if (event.type() == ROPEWAY_EVENT_MESSAGE && to == &*server)
                    CHECK(server->send(std::array<unsigned char, 2>{0, 255}));
                if (event.type() == ROPEWAY_EVENT_MESSAGE && to == &*client) CHECK(client->close(1000, "done", 1));
                if (event.type() == ROPEWAY_EVENT_CLOSED && to == &*client) closed = event.has(ROPEWAY_FLAG_CLEAN);
            }
        }
    }
    CHECK(closed && server->shutdown() == ROPEWAY_SHUTDOWN_CLOSE);
}

int main() {
    options();
    engine();
    settings();
    reconnecting();
    protocols();
    const auto nobody = ropeway::Client::open("ws://127.0.0.1:1/");
    CHECK(!nobody && nobody.status() == ROPEWAY_ERROR_CONNECT && nobody.error() == std::string(ropeway_last_error()));
    return failed > 0;
}
