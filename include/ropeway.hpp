// Ropeway for C++17: the classes are thin owners of what ropeway.h hands out, and add nothing to it; every rule on
// threads, lifetimes and errors stands there. Header only; link libropeway.
//
//   auto client = ropeway::Client::open("ws://127.0.0.1:9000/");
//   if (!client) return std::puts(client.error()), 1;
//   client->send("hello");
//   if (auto event = client->receive(std::chrono::seconds(5)); event.status() == ROPEWAY_OK)
//       std::cout << event->text() << '\n';
//   client->close(1000, "bye");
//
// Nothing here throws: a call that can fail returns a Status or a Result. Owners can be moved, and are empty after;
// calls on an empty one give ROPEWAY_ERROR_NULL.
#ifndef ROPEWAY_HPP
#define ROPEWAY_HPP

#include "ropeway.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ropeway {

using Connection = ropeway_connection;
using Listener = ropeway_listener;

/// Bytes of somebody else's, like std::span<const std::byte>.
class Bytes {
public:
    constexpr Bytes() noexcept = default;
    Bytes(const void *data, std::size_t size) noexcept : data_(static_cast<const std::byte *>(data)), size_(size) {}

    /// Any contiguous container of trivial elements that is no text: std::vector, std::array, std::span.
    template <class Container, class = std::enable_if_t<!std::is_convertible_v<const Container &, std::string_view>>,
              class = decltype(std::declval<const Container &>().data()),
              class = decltype(std::declval<const Container &>().size())>
    Bytes(const Container &container) noexcept
        : Bytes(container.data(), container.size() * sizeof *container.data()) {}

    const std::byte *data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    const std::byte *begin() const noexcept { return data_; }
    const std::byte *end() const noexcept { return data_ + size_; }

private:
    const std::byte *data_ = nullptr;
    std::size_t size_ = 0;
};

/// What a call came to: true unless it is an error.
class Status {
public:
    constexpr Status(ropeway_status code) noexcept : code_(code) {}

    constexpr explicit operator bool() const noexcept { return code_ >= 0; }
    constexpr ropeway_status code() const noexcept { return code_; }
    /// A few words for it.
    const char *words() const noexcept { return ropeway_status_string(code_); }
    /// The full sentence of the thread's last error: this one's, when asked at once.
    const char *error() const noexcept { return ropeway_last_error(); }

    friend constexpr bool operator==(Status a, Status b) noexcept { return a.code_ == b.code_; }
    friend constexpr bool operator!=(Status a, Status b) noexcept { return a.code_ != b.code_; }

private:
    ropeway_status code_;
};

/// A value, or why there is none. Look at it as a bool before the value.
template <class T> class Result {
public:
    Result(Status status) noexcept : status_(status) {}
    Result(T value, Status status = ROPEWAY_OK) noexcept : value_(std::move(value)), status_(status) {}

    explicit operator bool() const noexcept { return value_.has_value(); }
    Status status() const noexcept { return status_; }
    const char *error() const noexcept { return status_.error(); }
    T &operator*() & noexcept { return *value_; }
    const T &operator*() const & noexcept { return *value_; }
    T &&operator*() && noexcept { return std::move(*value_); }
    T *operator->() noexcept { return &*value_; }
    const T *operator->() const noexcept { return &*value_; }

private:
    std::optional<T> value_;
    Status status_;
};

namespace detail {

template <auto Free> struct Deleter {
    template <class T> void operator()(T *pointer) const noexcept { Free(pointer); }
};

template <class T, auto Free> using Owner = std::unique_ptr<T, Deleter<Free>>;

inline std::int64_t milliseconds(std::optional<std::chrono::milliseconds> wait) noexcept {
    return wait ? (wait->count() < 0 ? 0 : wait->count()) : -1;
}

} // namespace detail

/// The peer's part of the opening handshake; lent with its event.
class Head {
public:
    explicit Head(const ropeway_head *head) noexcept : head_(head) {}

    explicit operator bool() const noexcept { return head_ != nullptr; }
    std::string_view method() const noexcept { return text(ropeway_head_method(head_)); }
    std::string_view target() const noexcept { return text(ropeway_head_target(head_)); }
    int status() const noexcept { return ropeway_head_status(head_); }
    std::size_t size() const noexcept { return ropeway_head_count(head_); }

    /// The first field of this name.
    std::optional<std::string_view> field(const char *name) const noexcept {
        const char *value;
        std::size_t length;
        if (ropeway_head_field(head_, name, &value, &length) != ROPEWAY_OK) return std::nullopt;
        return std::string_view(value, length);
    }

    /// Whether a request brings this user name and password; compared in constant time.
    bool basic_auth(const char *user, const char *password) const noexcept {
        return ropeway_head_basic_auth(head_, user, password) == ROPEWAY_OK;
    }

    /// Name and value of the field at `index`, both empty past the last.
    std::pair<std::string_view, std::string_view> operator[](std::size_t index) const noexcept {
        const char *name, *value;
        std::size_t name_length, value_length;
        if (ropeway_head_at(head_, index, &name, &name_length, &value, &value_length) != ROPEWAY_OK) return {};
        return {{name, name_length}, {value, value_length}};
    }

    Bytes body() const noexcept {
        const void *data;
        std::size_t length;
        return ropeway_head_body(head_, &data, &length) == ROPEWAY_OK ? Bytes(data, length) : Bytes();
    }

private:
    static std::string_view text(const char *text) noexcept { return text ? std::string_view(text) : std::string_view(); }

    const ropeway_head *head_;
};

/// What a TLS handshake agreed on, lent as ropeway_engine_tls_info says.
class TlsInfo {
public:
    explicit TlsInfo(const ropeway_tls_info *info) noexcept : info_(info) {}

    std::string_view version() const noexcept { return info_->version; }
    std::string_view cipher_suite() const noexcept { return info_->cipher_suite; }
    /// Empty when none was agreed on.
    std::string_view application_protocol() const noexcept { return text(info_->application_protocol); }
    /// Empty when the client asked for no name.
    std::string_view server_name() const noexcept { return text(info_->server_name); }
    bool resumed() const noexcept { return info_->resumed != 0; }
    std::size_t certificate_count() const noexcept { return info_->certificate_count; }
    /// A certificate of the peer's chain in DER, its own the first; empty past the last.
    Bytes certificate(std::size_t index) const noexcept {
        if (index >= info_->certificate_count) return {};
        return {info_->certificates[index].data, info_->certificates[index].length};
    }
    const ropeway_tls_info &raw() const noexcept { return *info_; }

private:
    static std::string_view text(const char *text) noexcept { return text ? std::string_view(text) : std::string_view(); }

    const ropeway_tls_info *info_;
};

/// What has happened, lent as ropeway_event says.
class Event {
public:
    explicit Event(const ropeway_event *event) noexcept : event_(event) {}

    int type() const noexcept { return event_->type; }
    ropeway::Connection connection() const noexcept { return event_->connection; }
    ropeway::Listener listener() const noexcept { return event_->listener; }
    int kind() const noexcept { return event_->kind; }
    bool is_text() const noexcept { return event_->kind == ROPEWAY_TEXT; }
    /// The payload of a message, ping or pong, or the reason of a close.
    std::string_view text() const noexcept { return {static_cast<const char *>(event_->data), event_->length}; }
    Bytes bytes() const noexcept { return {event_->data, event_->length}; }
    bool has(std::uint32_t flag) const noexcept { return (event_->flags & flag) != 0; }
    int close_code() const noexcept { return event_->close_code; }
    Status status() const noexcept { return event_->status; }
    /// Why, as a sentence; empty when there was no error.
    std::string_view error() const noexcept { return event_->error ? event_->error : std::string_view(); }
    std::string_view subprotocol() const noexcept {
        return event_->subprotocol ? event_->subprotocol : std::string_view();
    }
    Head head() const noexcept { return Head(event_->head); }
    std::optional<std::chrono::microseconds> round_trip() const noexcept {
        if (event_->round_trip < 0) return std::nullopt;
        return std::chrono::microseconds(event_->round_trip);
    }
    /// Of ROPEWAY_EVENT_RECONNECTING: the attempt that comes next, and the wait before it.
    unsigned attempt() const noexcept { return event_->attempt; }
    std::chrono::milliseconds delay() const noexcept { return std::chrono::milliseconds(event_->delay); }
    /// Of ROPEWAY_EVENT_REDIRECT: where it leads.
    std::string_view url() const noexcept { return event_->url ? event_->url : std::string_view(); }
    /// Of ROPEWAY_EVENT_RELAYED: the message's topic.
    std::string_view topic() const noexcept { return event_->topic ? event_->topic : std::string_view(); }
    template <class T> T *user_data() const noexcept { return static_cast<T *>(event_->user_data); }
    const ropeway_event &raw() const noexcept { return *event_; }

private:
    const ropeway_event *event_;
};

/// The events there are now, for a range-based for; each is gone when the next is taken. `Next` gives the next.
template <class Next> class Events {
public:
    explicit Events(Next next) noexcept : next_(std::move(next)) {}

    class iterator {
    public:
        explicit iterator(Events *events) noexcept : events_(events) { ++*this; }
        Event operator*() const noexcept { return Event(event_); }
        iterator &operator++() noexcept {
            event_ = events_->next_();
            return *this;
        }
        friend bool operator!=(const iterator &a, std::nullptr_t) noexcept { return a.event_ != nullptr; }

    private:
        Events *events_;
        const ropeway_event *event_ = nullptr;
    };

    iterator begin() noexcept { return iterator(this); }
    std::nullptr_t end() noexcept { return nullptr; }

private:
    Next next_;
};

/// Settings by key; the keys stand in ropeway.h.
class Options {
public:
    Options() noexcept : options_(ropeway_options_new()) {}
    Options(const Options &other) noexcept : options_(ropeway_options_clone(other.get())) {}
    Options(Options &&) noexcept = default;
    Options &operator=(const Options &other) noexcept {
        if (this != &other) options_.reset(ropeway_options_clone(other.get()));
        return *this;
    }
    Options &operator=(Options &&) noexcept = default;

    Status set(int key, std::int64_t value) noexcept { return ropeway_options_set_int(get(), key, value); }
    Status set(int key, const char *value) noexcept { return ropeway_options_set_string(get(), key, value); }
    Status set(int key, const std::string &value) noexcept { return set(key, value.c_str()); }
    Status set(int key, std::chrono::milliseconds value) noexcept { return set(key, std::int64_t(value.count())); }
    Status add_header(const std::string &name, const std::string &value) noexcept {
        return ropeway_options_add_header(get(), name.c_str(), value.c_str());
    }
    /// Resolves names by `resolver`, on other threads; `user` must outlive its calls.
    Status set_resolver(ropeway_resolver resolver, void *user) noexcept {
        return ropeway_options_set_resolver(get(), resolver, user);
    }
    Status set_trace(ropeway_trace trace, void *user) noexcept { return ropeway_options_set_trace(get(), trace, user); }
    Result<std::int64_t> get_int(int key) const noexcept {
        std::int64_t value;
        const Status status = ropeway_options_get_int(get(), key, &value);
        return status ? Result<std::int64_t>(value) : Result<std::int64_t>(status);
    }

    ropeway_options *get() const noexcept { return options_.get(); }

private:
    detail::Owner<ropeway_options, ropeway_options_free> options_;
};

/// An engine from any thread; copies reach the same engine.
class Remote {
public:
    explicit Remote(ropeway_remote *owned) noexcept : remote_(owned) {}
    Remote(const Remote &other) noexcept : remote_(copy(other)) {}
    Remote(Remote &&) noexcept = default;
    Remote &operator=(const Remote &other) noexcept {
        if (this != &other) remote_.reset(copy(other));
        return *this;
    }
    Remote &operator=(Remote &&) noexcept = default;

    Status send(Connection connection, std::string_view text) const noexcept {
        return ropeway_remote_send(get(), connection, ROPEWAY_TEXT, text.data(), text.size());
    }
    Status send(Connection connection, Bytes bytes) const noexcept {
        return ropeway_remote_send(get(), connection, ROPEWAY_BINARY, bytes.data(), bytes.size());
    }
    Status publish(const std::string &topic, std::string_view text) const noexcept {
        return ropeway_remote_publish(get(), topic.c_str(), ROPEWAY_TEXT, text.data(), text.size());
    }
    Status publish(const std::string &topic, Bytes bytes) const noexcept {
        return ropeway_remote_publish(get(), topic.c_str(), ROPEWAY_BINARY, bytes.data(), bytes.size());
    }
    Status close(Connection connection, int code = 1000, const std::string &reason = {}) const noexcept {
        return ropeway_remote_close(get(), connection, code, reason.c_str());
    }
    Status abort(Connection connection) const noexcept { return ropeway_remote_abort(get(), connection); }
    Status wake() const noexcept { return ropeway_remote_wake(get()); }

    ropeway_remote *get() const noexcept { return remote_.get(); }

private:
    static ropeway_remote *copy(const Remote &other) noexcept {
        ropeway_remote *made = nullptr;
        ropeway_remote_clone(other.get(), &made);
        return made;
    }

    detail::Owner<ropeway_remote, ropeway_remote_free> remote_;
};

/// Many connections and listeners, one descriptor, one stream of events.
class Engine {
public:
    static Result<Engine> make() noexcept { return make_with(nullptr); }
    static Result<Engine> make(const Options &options) noexcept { return make_with(options.get()); }

    Result<Listener> listen(const std::string &url) noexcept { return listen_with(url, nullptr); }
    Result<Listener> listen(const std::string &url, const Options &options) noexcept {
        return listen_with(url, options.get());
    }
    /// Takes over a listening socket of the host's: ropeway_engine_adopt_listener.
    Result<Listener> adopt_listener(int descriptor) noexcept { return adopt_listener_with(descriptor, nullptr); }
    Result<Listener> adopt_listener(int descriptor, const Options &options) noexcept {
        return adopt_listener_with(descriptor, options.get());
    }
    /// Takes over a connection of the host's, with what has been read of it already: ropeway_engine_adopt.
    Result<Connection> adopt(int descriptor, Bytes received) noexcept {
        return adopt_with(descriptor, received, nullptr);
    }
    Result<Connection> adopt(int descriptor, Bytes received, const Options &options) noexcept {
        return adopt_with(descriptor, received, options.get());
    }
    Result<std::uint16_t> port(Listener listener) const noexcept {
        std::uint16_t port;
        const Status status = ropeway_engine_listener_port(get(), listener, &port);
        return status ? Result<std::uint16_t>(port) : Result<std::uint16_t>(status);
    }
    /// Gives a wss listener new certificates, for connections accepted from now on: ropeway_engine_reload_tls.
    Status reload_tls(Listener listener, const Options &options) noexcept {
        return ropeway_engine_reload_tls(get(), listener, options.get());
    }
    Status close_listener(Listener listener) noexcept { return ropeway_engine_close_listener(get(), listener); }

    Result<Connection> connect(const std::string &url) noexcept { return connect_with(url, nullptr); }
    Result<Connection> connect(const std::string &url, const Options &options) noexcept {
        return connect_with(url, options.get());
    }

    /// Waits until there is something to do; nullopt waits for ever.
    Status poll(std::optional<std::chrono::milliseconds> wait = std::nullopt) noexcept {
        return ropeway_engine_poll(get(), detail::milliseconds(wait));
    }
    /// for (ropeway::Event event : engine.events()) …
    auto events() noexcept {
        return Events([engine = get()]() noexcept { return ropeway_engine_next_event(engine); });
    }
    int descriptor() const noexcept { return ropeway_engine_descriptor(get()); }
    Result<Remote> remote() noexcept {
        ropeway_remote *remote;
        const Status status = ropeway_engine_remote(get(), &remote);
        return status ? Result<Remote>(Remote(remote)) : Result<Remote>(status);
    }

    Status accept(Connection connection, const char *subprotocol = nullptr) noexcept {
        return ropeway_engine_accept(get(), connection, subprotocol, nullptr);
    }
    Status accept(Connection connection, const char *subprotocol, const Options &headers) noexcept {
        return ropeway_engine_accept(get(), connection, subprotocol, headers.get());
    }
    Status refuse(Connection connection, int status, std::string_view body = {}) noexcept {
        return ropeway_engine_refuse(get(), connection, status, nullptr, body.data(), body.size());
    }
    Status refuse(Connection connection, int status, std::string_view body, const Options &headers) noexcept {
        return ropeway_engine_refuse(get(), connection, status, headers.get(), body.data(), body.size());
    }

    Status send(Connection connection, std::string_view text) noexcept {
        return ropeway_engine_send_text(get(), connection, text.data(), text.size());
    }
    Status send(Connection connection, Bytes bytes) noexcept {
        return ropeway_engine_send_binary(get(), connection, bytes.data(), bytes.size());
    }
    Status send(Connection connection, int kind, Bytes bytes) noexcept {
        return ropeway_engine_send(get(), connection, kind, bytes.data(), bytes.size());
    }
    /// With a word on compression for this message: one of the ROPEWAY_COMPRESS_ numbers.
    Status send_compressed(Connection connection, int kind, int compress, Bytes bytes) noexcept {
        return ropeway_engine_send_compressed(get(), connection, kind, compress, bytes.data(), bytes.size());
    }
    Status send_fragment(Connection connection, int kind, Bytes bytes, bool last) noexcept {
        return ropeway_engine_send_fragment(get(), connection, kind, bytes.data(), bytes.size(), last);
    }
    Status ping(Connection connection, Bytes bytes = {}) noexcept {
        return ropeway_engine_ping(get(), connection, bytes.data(), bytes.size());
    }
    Status pong(Connection connection, Bytes bytes = {}) noexcept {
        return ropeway_engine_pong(get(), connection, bytes.data(), bytes.size());
    }
    Status close(Connection connection, int code = 1000, const std::string &reason = {}) noexcept {
        return ropeway_engine_close(get(), connection, code, reason.c_str());
    }
    Status abort(Connection connection) noexcept { return ropeway_engine_abort(get(), connection); }
    /// What TLS agreed on, lent until the next call; without it, and with the status ROPEWAY_NONE, where there is no TLS.
    Result<TlsInfo> tls_info(Connection connection) const noexcept {
        const ropeway_tls_info *info;
        const Status status = ropeway_engine_tls_info(get(), connection, &info);
        return status == ROPEWAY_OK ? Result<TlsInfo>(TlsInfo(info)) : Result<TlsInfo>(status);
    }
    /// Connects the engine's topics with those of other nodes: ropeway_engine_relay.
    Status relay(const std::string &url) noexcept { return ropeway_engine_relay(get(), url.c_str()); }
    Status end_relay() noexcept { return ropeway_engine_relay(get(), nullptr); }
    /// What the engine has done: ropeway_engine_metrics.
    Result<ropeway_metrics> metrics() const noexcept {
        ropeway_metrics metrics;
        metrics.size = sizeof metrics;
        const Status status = ropeway_engine_metrics(get(), &metrics);
        return status ? Result<ropeway_metrics>(metrics) : Result<ropeway_metrics>(status);
    }
    /// What a connection has done: ropeway_engine_connection_metrics.
    Result<ropeway_connection_metrics> metrics(Connection connection) const noexcept {
        ropeway_connection_metrics metrics;
        metrics.size = sizeof metrics;
        const Status status = ropeway_engine_connection_metrics(get(), connection, &metrics);
        return status ? Result<ropeway_connection_metrics>(metrics) : Result<ropeway_connection_metrics>(status);
    }
    /// What the engine has done, as Prometheus reads it; lent until the next call.
    Result<std::string_view> prometheus() const noexcept {
        const char *text;
        const Status status = ropeway_engine_prometheus(get(), &text);
        return status ? Result<std::string_view>(text) : Result<std::string_view>(status);
    }
    /// The header fields of a connection's further requests: ropeway_engine_set_connection_headers.
    Status set_headers(Connection connection, const Options &headers) noexcept {
        return ropeway_engine_set_connection_headers(get(), connection, headers.get());
    }
    Status reconnect_now(Connection connection) noexcept { return ropeway_engine_reconnect_now(get(), connection); }
    Status pause(Connection connection) noexcept { return ropeway_engine_pause(get(), connection); }
    Status resume(Connection connection) noexcept { return ropeway_engine_resume(get(), connection); }
    Status set_user_data(Connection connection, void *data) noexcept {
        return ropeway_engine_set_user_data(get(), connection, data);
    }

    Status subscribe(Connection connection, const std::string &topic) noexcept {
        return ropeway_engine_subscribe(get(), connection, topic.c_str());
    }
    Status unsubscribe(Connection connection, const std::string &topic) noexcept {
        return ropeway_engine_unsubscribe(get(), connection, topic.c_str());
    }
    Status publish(const std::string &topic, std::string_view text, Connection except = 0) noexcept {
        return ropeway_engine_publish(get(), topic.c_str(), ROPEWAY_TEXT, text.data(), text.size(), except, nullptr);
    }
    Status publish(const std::string &topic, Bytes bytes, Connection except = 0) noexcept {
        return ropeway_engine_publish(get(), topic.c_str(), ROPEWAY_BINARY, bytes.data(), bytes.size(), except,
                                      nullptr);
    }

    ropeway_engine *get() const noexcept { return engine_.get(); }

private:
    explicit Engine(ropeway_engine *owned) noexcept : engine_(owned) {}

    static Result<Engine> make_with(const ropeway_options *options) noexcept {
        ropeway_engine *engine;
        const Status status = ropeway_engine_new(options, &engine);
        return status ? Result<Engine>(Engine(engine)) : Result<Engine>(status);
    }
    Result<Listener> listen_with(const std::string &url, const ropeway_options *options) noexcept {
        Listener listener;
        const Status status = ropeway_engine_listen(get(), url.c_str(), options, &listener);
        return status ? Result<Listener>(listener) : Result<Listener>(status);
    }
    Result<Listener> adopt_listener_with(int descriptor, const ropeway_options *options) noexcept {
        Listener listener;
        const Status status = ropeway_engine_adopt_listener(get(), descriptor, options, &listener);
        return status ? Result<Listener>(listener) : Result<Listener>(status);
    }
    Result<Connection> adopt_with(int descriptor, Bytes received, const ropeway_options *options) noexcept {
        Connection connection;
        const Status status =
            ropeway_engine_adopt(get(), descriptor, received.data(), received.size(), options, &connection);
        return status ? Result<Connection>(connection) : Result<Connection>(status);
    }
    Result<Connection> connect_with(const std::string &url, const ropeway_options *options) noexcept {
        Connection connection;
        const Status status = ropeway_engine_connect(get(), url.c_str(), options, &connection);
        return status ? Result<Connection>(connection) : Result<Connection>(status);
    }

    detail::Owner<ropeway_engine, ropeway_engine_free> engine_;
};

/// One connection whose calls wait.
class Client {
public:
    static Result<Client> open(const std::string &url) noexcept { return open_with(url, nullptr); }
    static Result<Client> open(const std::string &url, const Options &options) noexcept {
        return open_with(url, options.get());
    }

    Status send(std::string_view text) noexcept { return ropeway_client_send_text(get(), text.data(), text.size()); }
    Status send(Bytes bytes) noexcept { return ropeway_client_send_binary(get(), bytes.data(), bytes.size()); }
    Status send_fragment(int kind, Bytes bytes, bool last) noexcept {
        return ropeway_client_send_fragment(get(), kind, bytes.data(), bytes.size(), last);
    }
    Status ping(Bytes bytes = {}) noexcept { return ropeway_client_ping(get(), bytes.data(), bytes.size()); }

    /// The next event; without one, and with the status ROPEWAY_NONE, when nothing came in time.
    Result<Event> receive(std::optional<std::chrono::milliseconds> wait = std::nullopt) noexcept {
        const ropeway_event *event;
        const Status status = ropeway_client_receive(get(), detail::milliseconds(wait), &event);
        return status == ROPEWAY_OK ? Result<Event>(Event(event)) : Result<Event>(status);
    }
    Result<Event> close(int code = 1000, const std::string &reason = {}) noexcept {
        const ropeway_event *event;
        const Status status = ropeway_client_close(get(), code, reason.c_str(), &event);
        return status ? Result<Event>(Event(event)) : Result<Event>(status);
    }
    Result<Event> opened() noexcept {
        const ropeway_event *event;
        const Status status = ropeway_client_opened(get(), &event);
        return status ? Result<Event>(Event(event)) : Result<Event>(status);
    }

    /// What TLS agreed on, lent until the next call; without it, and with the status ROPEWAY_NONE, where there is no TLS.
    Result<TlsInfo> tls_info() noexcept {
        const ropeway_tls_info *info;
        const Status status = ropeway_client_tls_info(get(), &info);
        return status == ROPEWAY_OK ? Result<TlsInfo>(TlsInfo(info)) : Result<TlsInfo>(status);
    }

    ropeway_client *get() const noexcept { return client_.get(); }

private:
    explicit Client(ropeway_client *owned) noexcept : client_(owned) {}

    static Result<Client> open_with(const std::string &url, const ropeway_options *options) noexcept {
        ropeway_client *client;
        const Status status = ropeway_client_open(url.c_str(), options, &client);
        return status ? Result<Client>(Client(client)) : Result<Client>(status);
    }

    detail::Owner<ropeway_client, ropeway_client_free> client_;
};

/// One connection over a transport and a clock of the caller's; `now` is in microseconds, from 1.
class Protocol {
public:
    static Result<Protocol> client(const std::string &url, std::uint64_t now, const Options &options = {}) noexcept {
        ropeway_protocol *protocol;
        return made(ropeway_protocol_client(url.c_str(), options.get(), now, &protocol), protocol);
    }
    static Result<Protocol> server(std::uint64_t now, const Options &options = {}) noexcept {
        ropeway_protocol *protocol;
        return made(ropeway_protocol_server(options.get(), now, &protocol), protocol);
    }

    Status receive(Bytes bytes) noexcept { return ropeway_protocol_receive(get(), bytes.data(), bytes.size()); }
    auto events(std::uint64_t now) noexcept {
        return Events([protocol = get(), now]() noexcept { return ropeway_protocol_next_event(protocol, now); });
    }
    Bytes output() const noexcept {
        const void *data;
        std::size_t length;
        return ropeway_protocol_output(get(), &data, &length) == ROPEWAY_OK ? Bytes(data, length) : Bytes();
    }
    Status consume(std::size_t count) noexcept { return ropeway_protocol_consume(get(), count); }

    Status send(std::string_view text) noexcept { return ropeway_protocol_send_text(get(), text.data(), text.size()); }
    Status send(Bytes bytes) noexcept { return ropeway_protocol_send_binary(get(), bytes.data(), bytes.size()); }
    Status send_fragment(int kind, Bytes bytes, bool last) noexcept {
        return ropeway_protocol_send_fragment(get(), kind, bytes.data(), bytes.size(), last);
    }
    Status ping(Bytes bytes = {}) noexcept { return ropeway_protocol_ping(get(), bytes.data(), bytes.size()); }
    Status pong(Bytes bytes = {}) noexcept { return ropeway_protocol_pong(get(), bytes.data(), bytes.size()); }
    Status close(int code, const std::string &reason, std::uint64_t now) noexcept {
        return ropeway_protocol_close(get(), code, reason.c_str(), now);
    }
    Status accept(const char *subprotocol, std::uint64_t now) noexcept {
        return ropeway_protocol_accept(get(), subprotocol, nullptr, now);
    }
    Status refuse(int status, std::string_view body, std::uint64_t now) noexcept {
        return ropeway_protocol_refuse(get(), status, nullptr, body.data(), body.size(), now);
    }

    std::optional<std::uint64_t> next_deadline() const noexcept {
        std::uint64_t deadline;
        if (ropeway_protocol_next_deadline(get(), &deadline) != ROPEWAY_OK) return std::nullopt;
        return deadline;
    }
    Status on_deadline(std::uint64_t now) noexcept { return ropeway_protocol_on_deadline(get(), now); }
    Status on_eof(std::uint64_t now) noexcept { return ropeway_protocol_on_eof(get(), now); }
    Status on_error(int number, std::uint64_t now) noexcept { return ropeway_protocol_on_error(get(), number, now); }
    Status set_blocked(bool blocked) noexcept { return ropeway_protocol_set_blocked(get(), blocked); }
    int shutdown() const noexcept { return ropeway_protocol_shutdown(get()); }

    ropeway_protocol *get() const noexcept { return protocol_.get(); }

private:
    explicit Protocol(ropeway_protocol *owned) noexcept : protocol_(owned) {}

    static Result<Protocol> made(Status status, ropeway_protocol *&protocol) noexcept {
        return status ? Result<Protocol>(Protocol(protocol)) : Result<Protocol>(status);
    }

    detail::Owner<ropeway_protocol, ropeway_protocol_free> protocol_;
};

} // namespace ropeway

#endif
