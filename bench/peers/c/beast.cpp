// An echo server of Boost.Beast, asynchronous on one thread.
//
// beast [--tls CERTIFICATE KEY] [--deflate alone|takeover] [--fan-out]
//
// A message is written from the buffer it was read into, as Beast's own examples do it. With --fan-out a message goes to all
// other connections, each with a queue of its own.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <unordered_set>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using Tls = asio::ssl::stream<tcp::socket>;

struct Settings {
    bool fans_out = false, deflates = false, takeover = false;
};
static Settings settings;

template <class Stream> class Connection : public std::enable_shared_from_this<Connection<Stream>> {
public:
    template <class... Arguments> explicit Connection(Arguments &&...arguments) : stream(std::forward<Arguments>(arguments)...) {}

    ~Connection() { all().erase(this); }

    void start() {
        beast::get_lowest_layer(stream).set_option(tcp::no_delay(true));
        if constexpr (std::is_same_v<Stream, Tls>) {
            stream.next_layer().async_handshake(asio::ssl::stream_base::server,
                                                [self = this->shared_from_this()](auto error) { self->accept(error); });
        } else {
            accept({});
        }
    }

private:
    websocket::stream<Stream> stream;
    beast::flat_buffer buffer;
    std::deque<std::shared_ptr<std::string>> queue;

    static std::unordered_set<Connection *> &all() {
        static std::unordered_set<Connection *> connections;
        return connections;
    }

    void accept(beast::error_code error) {
        if (error) {
            return;
        }
        websocket::permessage_deflate deflate;
        deflate.server_enable = settings.deflates;
        deflate.server_no_context_takeover = deflate.client_no_context_takeover = !settings.takeover;
        stream.set_option(deflate);
        stream.read_message_max(64 << 20);
        stream.auto_fragment(false);
        stream.async_accept([self = this->shared_from_this()](auto error) {
            if (!error) {
                all().insert(self.get());
                self->read();
            }
        });
    }

    void read() {
        stream.async_read(buffer, [self = this->shared_from_this()](auto error, std::size_t) {
            if (error) {
                all().erase(self.get());
            } else if (settings.fans_out) {
                self->hand_on();
            } else {
                self->echo();
            }
        });
    }

    void echo() {
        stream.text(stream.got_text());
        stream.async_write(buffer.data(), [self = this->shared_from_this()](auto error, std::size_t) {
            if (!error) {
                self->buffer.consume(self->buffer.size());
                self->read();
            }
        });
    }

    void hand_on() {
        auto message = std::make_shared<std::string>(beast::buffers_to_string(buffer.data()));
        buffer.consume(buffer.size());
        for (Connection *other : all()) {
            if (other != this) {
                other->queue.push_back(message);
                if (other->queue.size() == 1) {
                    other->write();
                }
            }
        }
        read();
    }

    void write() {
        stream.binary(true);
        stream.async_write(asio::buffer(*queue.front()), [self = this->shared_from_this()](auto error, std::size_t) {
            if (!error) {
                self->queue.pop_front();
                if (!self->queue.empty()) {
                    self->write();
                }
            }
        });
    }
};

static void listen(tcp::acceptor &acceptor, asio::ssl::context *tls) {
    acceptor.async_accept([&acceptor, tls](auto error, tcp::socket socket) {
        if (!error && tls) {
            std::make_shared<Connection<Tls>>(std::move(socket), *tls)->start();
        } else if (!error) {
            std::make_shared<Connection<tcp::socket>>(std::move(socket))->start();
        }
        listen(acceptor, tls);
    });
}

int main(int argc, char **argv) {
    asio::ssl::context tls(asio::ssl::context::tls_server);
    bool secure = false;
    for (int i = 1; i < argc; i++) {
        if (i + 2 < argc && !std::strcmp(argv[i], "--tls")) {
            secure = true;
            tls.use_certificate_chain_file(argv[++i]);
            tls.use_private_key_file(argv[++i], asio::ssl::context::pem);
        } else if (i + 1 < argc && !std::strcmp(argv[i], "--deflate")) {
            settings.deflates = true;
            settings.takeover = !std::strcmp(argv[++i], "takeover");
        } else if (!std::strcmp(argv[i], "--fan-out")) {
            settings.fans_out = true;
        }
    }
    asio::io_context context{1};
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    acceptor.listen(4096);
    std::printf("listening on ws://127.0.0.1:%u/\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    listen(acceptor, secure ? &tls : nullptr);
    context.run();
}
