// Says hello and prints what comes back.
//
//     hello_client_cpp ws://127.0.0.1:9000/ [TEXT]

#include <iostream>
#include <ropeway.hpp>

int main(int argc, char **argv) {
    using namespace std::chrono_literals;
    auto client = ropeway::Client::open(argc > 1 ? argv[1] : "ws://127.0.0.1:9000/");
    if (!client) {
        std::cerr << client.error() << '\n';
        return 1;
    }
    client->send(argc > 2 ? argv[2] : "hello");
    if (const auto event = client->receive(5s); event && event->type() == ROPEWAY_EVENT_MESSAGE)
        std::cout << event->text() << '\n';
    if (const auto event = client->close(1000, "bye")) std::cout << "closed with " << event->close_code() << '\n';
    return 0;
}
