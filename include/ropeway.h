// Ropeway: WebSocket (RFC 6455), client and server.
//
// This header is the reference of the C interface. It is generated from ffi/src; edit that.
//
// THREE LAYERS, each complete, all with the same options, events and statuses
//
//   ropeway_client    one connection, calls that wait: for the ten-line program
//   ropeway_engine    any number of connections and listeners, one descriptor, one stream of events
//   ropeway_protocol  one connection without a socket, a clock or a thread: bytes in, events and bytes out
//
// A client:
//
//   ropeway_client *client;
//   const ropeway_event *event;
//   if (ropeway_client_open("ws://127.0.0.1:9000/", NULL, &client) != ROPEWAY_OK)
//       return fprintf(stderr, "%s\n", ropeway_last_error()), 1;
//   ropeway_client_send_text(client, "hello", 5);
//   if (ropeway_client_receive(client, 5000, &event) == ROPEWAY_OK && event->type == ROPEWAY_EVENT_MESSAGE)
//       printf("%.*s\n", (int)event->length, (const char *)event->data);
//   ropeway_client_close(client, 1000, "bye", NULL);
//   ropeway_client_free(client);
//
// An engine that sends back what it gets:
//
//   while (ropeway_engine_poll(engine, -1) == ROPEWAY_OK)
//       while ((event = ropeway_engine_next_event(engine)) != NULL)
//           switch (event->type) {
//           case ROPEWAY_EVENT_MESSAGE:
//               ropeway_engine_send(engine, event->connection, event->kind, event->data, event->length);
//               break;
//           }
//
// In a loop of your own, watch ropeway_engine_descriptor for reading instead of the poll, and take the events whenever
// it is readable. Time-outs make it readable too: there is no timer to keep.
//
// STATUSES. A function that can fail returns a ropeway_status: 0 is ROPEWAY_OK, a positive number a success with
// something to know, a negative one an error. On an error nothing was done, and what a pointer argument points to was
// not written. ropeway_last_error has the full sentence. A defect in Ropeway never unwinds into the caller: it is
// ROPEWAY_ERROR_PANIC, and the object it happened in takes no more calls but its free.
//
// OWNERS, by these words:
//
//   owned     the caller has it, and frees it once by the function named after its type
//   copied    the caller's memory is its own again when the call returns; so it is with every argument, unless its
//             function says otherwise
//   lent      Ropeway's memory, which the caller may read until the moment that is named, and must not free
//
// Connections and listeners are numbers: nothing to free, and a stale one is a clean error.
//
// THREADS. An engine, a client, a protocol and a set of options belong to one thread at a time: it may change, but two
// must not be inside at once. A remote may be used by any thread at any time, and is how other threads reach an
// engine. Functions without such an object may be called from any thread. A function that is called back must not call
// into the object it is called from. After fork(), the child's calls on the parent's engines and clients give
// ROPEWAY_ERROR_FORKED; it may free them.
//
// ARGUMENTS. A pointer must not be NULL unless its function says so; NULL is an error, not a crash. Strings are
// NUL-terminated UTF-8; what has a length needs no NUL. Sizes are in bytes; times in milliseconds, in the protocol
// layer in microseconds. Constants come as plain integers, and one that is unknown is an error.


#ifndef ROPEWAY_H
#define ROPEWAY_H

#include <stddef.h>
#include <stdint.h>

/// The number of the binary interface, which the shared library bears in its soname: a program that was built
/// against one number runs with every library of that number. It changes only when a function or a structure does in
/// a way that breaks such programs, and has nothing to do with the version of the release.
#define ROPEWAY_ABI_VERSION 0

/// Bytes of one received message, all fragments together. Passing it closes with 1009. Not applied with
/// ROPEWAY_OPTION_STREAMING. Default 16 MiB.
#define ROPEWAY_OPTION_MAX_MESSAGE_SIZE 100

/// Frames of one received message. Passing it closes with 1009. Not applied with ROPEWAY_OPTION_STREAMING.
/// Default 65,536.
#define ROPEWAY_OPTION_MAX_FRAGMENTS 101

/// Bytes of the peer's handshake head. Default 16 KiB.
#define ROPEWAY_OPTION_MAX_HEAD_SIZE 102

/// Header fields of the peer's handshake head. Default 100.
#define ROPEWAY_OPTION_MAX_HEADERS 103

/// Client: bytes of a refusing response's body that are kept. Default 64 KiB.
#define ROPEWAY_OPTION_MAX_REFUSED_BODY 104

/// Name resolution, connecting, what a proxy takes and opening handshake together, in milliseconds; 0 turns it off.
/// Default 10,000.
#define ROPEWAY_OPTION_OPEN_TIMEOUT 200

/// Closing handshake up to the end of the stream, in milliseconds; 0 turns it off. Default 10,000.
#define ROPEWAY_OPTION_CLOSE_TIMEOUT 201

/// Silence of the peer after which a ping is sent, in milliseconds; 0 turns it off. Default 20,000.
#define ROPEWAY_OPTION_PING_INTERVAL 202

/// Wait after that ping for any byte of the peer before the connection is failed, in milliseconds; 0 turns it off.
/// Default 20,000.
#define ROPEWAY_OPTION_PONG_TIMEOUT 203

/// Wait for a data message of the peer before the connection is closed with 1001, in milliseconds. Default 0: for
/// ever.
#define ROPEWAY_OPTION_IDLE_TIMEOUT 204

/// Low-water mark of a connection's send queue, in bytes: falling below it gives ROPEWAY_EVENT_WRITABLE.
/// Default 256 KiB.
#define ROPEWAY_OPTION_SEND_QUEUE_LOW 300

/// High-water mark, in bytes: above it a send is answered by ROPEWAY_QUEUED. Default 1 MiB.
#define ROPEWAY_OPTION_SEND_QUEUE_HIGH 301

/// Bytes that a connection's send queue may hold: a message that would pass it is refused whole by
/// ROPEWAY_ERROR_FULL. Default 64 MiB.
#define ROPEWAY_OPTION_SEND_QUEUE_LIMIT 302

/// 1: received messages come in pieces (ROPEWAY_EVENT_FRAGMENT) as the bytes come, in constant memory. Default 0:
/// whole.
#define ROPEWAY_OPTION_STREAMING 400

/// Server, 1: each upgrade is the application's to accept or refuse (ROPEWAY_EVENT_UPGRADE_REQUEST). Default 0:
/// accepted.
#define ROPEWAY_OPTION_ASK_UPGRADE 401

/// Server, 1: plain HTTP requests are the application's to answer (ROPEWAY_EVENT_HTTP_REQUEST). Default 0: they get
/// 426.
#define ROPEWAY_OPTION_PLAIN_HTTP 402

/// 1: a subscriber that is above its high-water mark when a message is published is closed. Default 0: the message is
/// left out for it.
#define ROPEWAY_OPTION_CLOSE_SLOW_SUBSCRIBERS 403

/// A string, set once for each subprotocol, best first: a client's offers, a server's supported ones (RFC 6455
/// section 1.9). Default none.
#define ROPEWAY_OPTION_SUBPROTOCOL 500

/// A string: a client's Origin field (RFC 6455 section 10.2). Default none.
#define ROPEWAY_OPTION_ORIGIN 501

/// Engine: connections at one time; one accepted beyond is answered 503. Default 1,000,000, at most 1,048,576.
#define ROPEWAY_OPTION_MAX_CONNECTIONS 600

/// Engine: bytes that incomplete messages of all connections may hold together; the one that would pass it is closed
/// with 1013. Default 512 MiB.
#define ROPEWAY_OPTION_MAX_INCOMPLETE_BYTES 601

/// Engine: bytes that may wait for it from its remotes. Default 64 MiB.
#define ROPEWAY_OPTION_REMOTE_QUEUE_LIMIT 602

/// Listener: connections that the kernel holds until they are accepted. Default 1,024.
#define ROPEWAY_OPTION_BACKLOG 700

/// Listener, 1: several engines, each with this option, may listen on one port and share its connections
/// (SO_REUSEPORT). Default 0.
#define ROPEWAY_OPTION_REUSE_PORT 701

/// Listener on an IPv6 address, 0: IPv4 connections are taken too. Default 1.
#define ROPEWAY_OPTION_IPV6_ONLY 702

/// Listener on a Unix socket: the permissions of its file, such as 0660; connecting takes the right to write. -1 leaves
/// them to the process's umask. Default -1.
#define ROPEWAY_OPTION_UNIX_MODE 703

/// A string, for a server's wss listener at least once: a certificate in PEM, with the intermediate ones behind it. It is
/// the path of a file, or the text itself, which then begins with -----BEGIN. Set ROPEWAY_OPTION_TLS_KEY right after it.
/// A server takes several: a client gets the first whose names match the one it asks for, or else the first of all. A
/// client shows the first one to a server that asks for a client's certificate. Default none.
#define ROPEWAY_OPTION_TLS_CERTIFICATE 900

/// A string: the private key, not encrypted, of the certificate that was set last; a path or PEM text as there.
#define ROPEWAY_OPTION_TLS_KEY 901

/// A string, client, set once for each: an authority to trust besides those of the system; a path or PEM text.
/// Default none.
#define ROPEWAY_OPTION_TLS_CA 902

/// Client, 0: the authorities that the system trusts are not trusted, only those of ROPEWAY_OPTION_TLS_CA. Default 1.
#define ROPEWAY_OPTION_TLS_SYSTEM_CA 903

/// A string, client: the name that is sent to the server and looked for in its certificate, where it is not the URL's
/// host. Default none.
#define ROPEWAY_OPTION_TLS_SERVER_NAME 904

/// Client, 0: sessions are not resumed. Default 1: later connections made from the same set, unchanged, cost less.
#define ROPEWAY_OPTION_TLS_RESUMPTION 905

/// A string, server, set once for each: an authority whose certificates are asked of clients; a path or PEM text.
/// Default none: clients are not asked for certificates.
#define ROPEWAY_OPTION_TLS_CLIENT_CA 906

/// Server with ROPEWAY_OPTION_TLS_CLIENT_CA, 1: clients without a certificate are served too. Default 0.
#define ROPEWAY_OPTION_TLS_CLIENT_CERTIFICATE_OPTIONAL 907

/// A string, client and server: the application protocols offered or taken (ALPN, RFC 7301), best first, with commas
/// between; "" for none. A client that offers a server some, but none of its own, is refused. Default "http/1.1".
#define ROPEWAY_OPTION_TLS_APPLICATION_PROTOCOLS 908

/// DANGER. Client, 1: any certificate is taken, of anybody, expired or not, so that whoever is on the way can read and
/// change everything. For tests only. Default 0.
#define ROPEWAY_OPTION_DANGER_TLS_ACCEPT_INVALID_CERTIFICATES 999

/// A string, client: the proxy that every connection made from the set goes through, whatever the environment says, or
/// "" for none. "http://", "https://" (HTTP CONNECT, in plain or in TLS), "socks5://" (SOCKS 5, RFC 1928; this side
/// resolves the server's name) or "socks5h://" (the proxy resolves it); then "user:password@" if it wants credentials,
/// percent-encoded where they hold special characters; the host; and ":port", by default 80, 443 or, of SOCKS, 1080.
/// Without a scheme it is "http://". Credentials are sent when the proxy asks for them: to HTTP proxies as Digest
/// (RFC 7616; SHA-256 or MD5) rather than Basic (RFC 7617), to SOCKS proxies as RFC 1929 says. Connections to Unix
/// sockets go through none. Default: as ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT says; of the two what was set last counts.
#define ROPEWAY_OPTION_PROXY 1000

/// Client, 1: connections go through the proxy that the environment names when they are dialled: for ws URLs the first
/// of ws_proxy, http_proxy and all_proxy that is set and not empty, for wss URLs of wss_proxy, https_proxy and
/// all_proxy, each in lower case or else in upper case. Hosts in no_proxy, and localhost and loopback addresses, are
/// reached without. HTTP_PROXY is not looked at where REQUEST_METHOD is set, since a web server's client chooses it
/// there. 0: no proxy. The environment must not be changed by another thread during a call that dials. Default 1.
#define ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT 1001

/// A string, client, set once for each: an authority to trust, besides those of the system, in an https proxy's own
/// certificate; a path or PEM text, as of ROPEWAY_OPTION_TLS_CA. That one and the other TLS options are about the
/// server behind the proxy. Default none.
#define ROPEWAY_OPTION_PROXY_CA 1002

/// This side is a client: it dialled, and masks its frames.
#define ROPEWAY_CLIENT 1

/// This side is a server.
#define ROPEWAY_SERVER 2

/// A string, server, set once for each: an origin whose pages may connect (RFC 6455 section 10.2), as browsers write it:
/// `https://example.com`, `http://localhost:3000`, `https://*.example.com` for the hosts below a domain, `null` for
/// files and sandboxed pages, "" for requests without Origin, which programs make. Others get 403 before
/// ROPEWAY_EVENT_UPGRADE_REQUEST. Default none: no check.
#define ROPEWAY_OPTION_ALLOWED_ORIGIN 1060

/// A string, client: "user:password", sent as Authorization (Basic, RFC 7617) in place of what that was. The password
/// begins behind the first colon. Default none: those in the URL, if there are any.
#define ROPEWAY_OPTION_BASIC_AUTH 1061

/// A string, client: a token, sent as Authorization (Bearer, RFC 6750) in place of what that was. Default none.
#define ROPEWAY_OPTION_BEARER_AUTH 1062

/// Listener: connections of one address at one time; those of an IPv6 network of 64 bits count together. One accepted
/// beyond is answered 503, in TLS closed, and counted as `refused_addresses`. Connections by Unix sockets are not
/// counted. Default 0: as many as come.
#define ROPEWAY_OPTION_MAX_PER_ADDRESS 705

/// TCP, dialled and accepted, 1: what is sent leaves at once (TCP_NODELAY). Default 1.
#define ROPEWAY_OPTION_TCP_NODELAY 1050

/// TCP, dialled and accepted: silence after which TCP asks whether the peer is there (SO_KEEPALIVE), in milliseconds,
/// rounded up to whole seconds. Default 0: never; ROPEWAY_OPTION_PING_INTERVAL does more.
#define ROPEWAY_OPTION_TCP_KEEPALIVE 1051

/// TCP, dialled and accepted: the differentiated services code point of what is sent (RFC 2474), 0 to 63. Default -1:
/// the system's.
#define ROPEWAY_OPTION_DSCP 1052

/// TCP, dialled and accepted: bytes the kernel holds of what is sent (SO_SNDBUF), within the system's bounds; Linux
/// doubles the number. Default 0: as the system finds right.
#define ROPEWAY_OPTION_SEND_BUFFER 1053

/// TCP, dialled and accepted: bytes the kernel holds of what has come (SO_RCVBUF), likewise. Default 0.
#define ROPEWAY_OPTION_RECEIVE_BUFFER 1054

/// A string, client: the address to connect from, one of this machine's, as `192.0.2.1` or, with a port,
/// `192.0.2.1:5000` and `[2001:db8::1]:5000`. Addresses of the other family then cannot be connected to. Default: the
/// system chooses.
#define ROPEWAY_OPTION_LOCAL_ADDRESS 1055

/// A string, TCP, dialled and accepted: the only network interface to use, by its name (SO_BINDTODEVICE). Linux alone;
/// elsewhere the connection or listener fails. Default: any.
#define ROPEWAY_OPTION_INTERFACE 1056

/// A text message: UTF-8 (RFC 6455 section 5.6). The number is its opcode's.
#define ROPEWAY_TEXT 1

/// A binary message.
#define ROPEWAY_BINARY 2

/// Server with ROPEWAY_OPTION_ASK_UPGRADE: a client asks to open. `head` is its request. Answer by accept or refuse,
/// now or later; until then nothing more is read, and the open time-out runs.
#define ROPEWAY_EVENT_UPGRADE_REQUEST 1

/// Server with ROPEWAY_OPTION_PLAIN_HTTP: an HTTP request that asks for no upgrade. `head` is the request. Answer by
/// refuse, whose status may be any from 200 to 599.
#define ROPEWAY_EVENT_HTTP_REQUEST 2

/// The connection is open, or open again: messages can be sent. `subprotocol` was agreed on; `head` is the client's request on a
/// server, the server's response on a client.
#define ROPEWAY_EVENT_OPENED 3

/// A whole message: `kind`, `data`, `length`. Text has been checked to be UTF-8.
#define ROPEWAY_EVENT_MESSAGE 4

/// With ROPEWAY_OPTION_STREAMING: a piece of a message, as it came: `kind`, `data`, `length`, and in `flags`
/// ROPEWAY_FLAG_FIRST and ROPEWAY_FLAG_LAST. A piece of text may end inside a character.
#define ROPEWAY_EVENT_FRAGMENT 5

/// A ping came, with `data` and `length`; its pong has been sent already.
#define ROPEWAY_EVENT_PING 6

/// A pong came, with `data` and `length`; `round_trip` when it answers a keep-alive ping.
#define ROPEWAY_EVENT_PONG 7

/// Engine: the send queue has fallen below its low-water mark after ROPEWAY_QUEUED, or went with a loss after which the
/// connection is open again.
#define ROPEWAY_EVENT_WRITABLE 8

/// The end, once on each connection: `close_code`, the reason in `data` and `length`, `sent_code`, `flags`, and
/// `status` and `error` when an error ended it. After a refusal `head` is the server's response. The connection's
/// number is stale from the next call on.
#define ROPEWAY_EVENT_CLOSED 9

/// Engine: a connection could not be taken from `listener`: `status`, `error`.
#define ROPEWAY_EVENT_ACCEPT_FAILED 10

/// Engine: what a remote sent to `connection` was refused when its turn came: `status`, `error`, and in
/// `undelivered` the size of the message.
#define ROPEWAY_EVENT_UNDELIVERED 11

/// Engine, with ROPEWAY_OPTION_RECONNECT: the connection could not be made, or is lost, and is tried again: as
/// ROPEWAY_EVENT_CLOSED, but the connection's number stays good. `attempt` is the attempt that comes next, counted from 1
/// since the connection was last stable, and `delay` the wait before it.
#define ROPEWAY_EVENT_RECONNECTING 12

/// Engine, with ROPEWAY_OPTION_MAX_REDIRECTS: the server has redirected the opening handshake to `url`, which is dialled
/// now; `head` is its response.
#define ROPEWAY_EVENT_REDIRECT 13

/// Engine, with ropeway_engine_relay: another node has published a message, which the subscribers here have got: `topic`,
/// `kind`, `data`, `length`. For a server that keeps something of what is said, whoever listens.
#define ROPEWAY_EVENT_RELAYED 14

/// ROPEWAY_EVENT_FRAGMENT: a message begins here.
#define ROPEWAY_FLAG_FIRST 1

/// ROPEWAY_EVENT_FRAGMENT: the message ends here.
#define ROPEWAY_FLAG_LAST 2

/// ROPEWAY_EVENT_CLOSED: both Close frames were exchanged and no error came between.
#define ROPEWAY_FLAG_CLEAN 4

/// ROPEWAY_EVENT_CLOSED: the peer's Close frame came.
#define ROPEWAY_FLAG_CLOSE_RECEIVED 8

/// ROPEWAY_EVENT_CLOSED: this side sent a Close frame.
#define ROPEWAY_FLAG_CLOSE_SENT 16

/// ROPEWAY_EVENT_CLOSED: this side's Close frame was the first.
#define ROPEWAY_FLAG_CLOSED_BY_US 32

/// Compression (permessage-deflate, RFC 7692): 1 offers it (client) or accepts it (server), 0 does not. Default -1: a
/// client offers it, a server does not accept it.
#define ROPEWAY_OPTION_COMPRESSION 800

/// 1: the server forgets what it compressed after each message, so that an idle connection costs no compression memory
/// on either side. 0: it keeps it, and compresses better. Default -1: a server wants 1, a client 0.
#define ROPEWAY_OPTION_SERVER_NO_CONTEXT_TAKEOVER 801

/// The same of what the client compresses. Default -1: a server wants 1, a client 0.
#define ROPEWAY_OPTION_CLIENT_NO_CONTEXT_TAKEOVER 802

/// Bits of the server's window, 9 to 15 on a server, 8 to 15 on a client. Less costs less memory and compresses less.
/// Default 15.
#define ROPEWAY_OPTION_SERVER_MAX_WINDOW_BITS 803

/// Bits of the client's window, 9 to 15 on a client, 8 to 15 on a server. Default 15.
#define ROPEWAY_OPTION_CLIENT_MAX_WINDOW_BITS 804

/// Messages below so many bytes are sent as they are. Default 128.
#define ROPEWAY_OPTION_COMPRESSION_THRESHOLD 805

/// From 1, fast, to 9, small. Default 2.
#define ROPEWAY_OPTION_COMPRESSION_LEVEL 806

/// Memory for gathering a block, from 1, little, to 9, much. Default 6.
#define ROPEWAY_OPTION_COMPRESSION_MEMORY_LEVEL 807

/// A message is compressed from ROPEWAY_OPTION_COMPRESSION_THRESHOLD on, where the peers agreed on compression.
#define ROPEWAY_COMPRESS_BY_OPTIONS 0

/// A message is not compressed: it is already, or it holds a secret beside what an attacker may have chosen.
#define ROPEWAY_COMPRESS_NEVER 1

/// A message is compressed whatever its size, where the peers agreed on compression.
#define ROPEWAY_COMPRESS_ALWAYS 2

/// Client: redirects that are followed (HTTP status 301, 302, 303, 307 or 308, with a Location), all within one
/// ROPEWAY_OPTION_OPEN_TIMEOUT; the engine tells each by ROPEWAY_EVENT_REDIRECT. None leads from wss to ws
/// (ROPEWAY_ERROR_INSECURE_REDIRECT). One that leads to another origin (scheme, host or port; from ws to wss on one
/// host's ports 80 and 443 is none) takes no secrets along: user and password of the URL, and the header fields
/// Authorization, Cookie, Proxy-Authorization and Host, are left out from there on. Default 0: a redirecting answer
/// ends the connection by ROPEWAY_ERROR_HTTP_STATUS.
#define ROPEWAY_OPTION_MAX_REDIRECTS 1100

/// ropeway_engine_connect: whether the connection is made again when it could not be made, or is lost. 0: no. 1: yes,
/// unless that was final by the rule: errors of the network, time-outs, HTTP statuses 408, 425, 429 and 5xx of
/// the server or a proxy, and the peer's close codes 1001 and 1011 to 1014 are not final, everything else is. 2: after every end, for the application to
/// decide. Default 0. The other layers do not look at it.
///
/// The connection keeps its number, user data and subscriptions all the while. Each end that is not final is
/// ROPEWAY_EVENT_RECONNECTING; ROPEWAY_EVENT_OPENED comes each time it is open again; ROPEWAY_EVENT_CLOSED comes once, at
/// the end. Between two attempts ropeway_engine_close and ropeway_engine_abort make it the end,
/// ropeway_engine_set_connection_headers gives the next attempt a fresh token, and ropeway_engine_reconnect_now ends the
/// wait. Each attempt begins with the URL of ropeway_engine_connect, and has a ROPEWAY_OPTION_OPEN_TIMEOUT of its own.
#define ROPEWAY_OPTION_RECONNECT 1101

/// The wait before an attempt is a random part of a ceiling (full jitter): this for the first attempt, in milliseconds.
/// A server's Retry-After, in seconds, with status 429 or 503 is added. Default 1,000.
#define ROPEWAY_OPTION_RECONNECT_BASE 1102

/// The most that a wait before an attempt lasts, in milliseconds. Default 60,000.
#define ROPEWAY_OPTION_RECONNECT_CAP 1103

/// What the ceiling grows to with each further attempt, in percent; below 100 counts as 100. Default 200.
#define ROPEWAY_OPTION_RECONNECT_FACTOR 1104

/// A connection that was open for so many milliseconds begins anew with its base and its count of attempts. Default
/// 10,000.
#define ROPEWAY_OPTION_RECONNECT_STABLE_AFTER 1105

/// Attempts after the connection was last stable, the first one not counted; when they are used up, the last end is
/// final. Default 0: without end.
#define ROPEWAY_OPTION_RECONNECT_MAX_ATTEMPTS 1106

/// Bytes of messages that are taken (ROPEWAY_QUEUED) while a reconnecting connection is not open, each counting 14 more
/// than its payload; past it a send is ROPEWAY_ERROR_HELD_FULL. They are sent once, in their order, before anything that
/// is sent after the next ROPEWAY_EVENT_OPENED, and ROPEWAY_EVENT_WRITABLE follows; at the final end those that wait are
/// dropped. A message that was taken while the connection was open is never sent a second time: when the connection is
/// lost, it may have arrived or not. At most ROPEWAY_OPTION_SEND_QUEUE_LIMIT counts. Default 0: such a send is
/// ROPEWAY_ERROR_NOT_OPEN or ROPEWAY_ERROR_CLOSED.
#define ROPEWAY_OPTION_RESEND_LIMIT 1107

/// For tests: a number that makes the waits the same in every run. Default -1: from the system's random numbers.
#define ROPEWAY_OPTION_RECONNECT_SEED 1108

/// Engine, 1: each connection is counted apart, for ropeway_engine_connection_metrics; some 90 bytes for each.
/// Default 0.
#define ROPEWAY_OPTION_CONNECTION_METRICS 1150

/// Connections taken from listeners.
#define ROPEWAY_COUNTER_ACCEPTED 1

/// Connections dialled, however often each.
#define ROPEWAY_COUNTER_DIALLED 2

/// Opening handshakes that ended well; a reconnecting connection has one each time it opens.
#define ROPEWAY_COUNTER_OPENED 3

/// Connections that ended, opened or not.
#define ROPEWAY_COUNTER_CLOSED 4

/// Messages received.
#define ROPEWAY_COUNTER_MESSAGES_RECEIVED 5

/// Messages taken to be sent, one for each receiver of a published one.
#define ROPEWAY_COUNTER_MESSAGES_SENT 6

/// Bytes read from sockets.
#define ROPEWAY_COUNTER_BYTES_RECEIVED 7

/// Bytes that the kernel took.
#define ROPEWAY_COUNTER_BYTES_SENT 8

/// Published messages that a subscriber did not get, because its queue was above the high-water mark.
#define ROPEWAY_COUNTER_PUBLISHES_DROPPED 9

/// Connections that a listener refused because their address had ROPEWAY_OPTION_MAX_PER_ADDRESS of them.
#define ROPEWAY_COUNTER_REFUSED_BY_ADDRESS 10

/// Go on reading and writing.
#define ROPEWAY_SHUTDOWN_NO 0

/// Once the output is sent: read on and pass it along until the stream ends or the next deadline, then close.
#define ROPEWAY_SHUTDOWN_AWAIT_END 1

/// Once the output is sent: end the sending direction (shutdown with SHUT_WR), then as ROPEWAY_SHUTDOWN_AWAIT_END.
#define ROPEWAY_SHUTDOWN_HALF_CLOSE 2

/// Once the output is sent: close the transport.
#define ROPEWAY_SHUTDOWN_CLOSE 3

/// Close the transport at once: it is of no use any more, or there has been time enough.
#define ROPEWAY_SHUTDOWN_DROP 4

/// The addresses that a ropeway_resolver has found; lent to it until it returns.
typedef struct ropeway_addresses ropeway_addresses;

/// One connection, used by one thread at a time, whose calls wait. Nothing is read while no call is under way, so call
/// ropeway_client_receive now and then, or the peer's pings stay unanswered.
typedef struct ropeway_client ropeway_client;

/// Many connections and listeners. Used by one thread at a time; other threads reach it through a ropeway_remote.
typedef struct ropeway_engine ropeway_engine;

/// The head of an HTTP request or response (RFC 9112), lent as long as the event that it came with, and usable by the
/// thread that may use the event.
typedef struct ropeway_head ropeway_head;

/// Settings of an engine, a listener, a connection. One set may serve for all: each call reads what concerns it and
/// copies it, so the set can be changed or freed right after.
///
/// Used by one thread at a time.
typedef struct ropeway_options ropeway_options;

/// One WebSocket connection over a transport of the caller's. Bytes that came are passed to
/// ropeway_protocol_receive, events taken from ropeway_protocol_next_event, and after every call the bytes of
/// ropeway_protocol_output sent, ropeway_protocol_shutdown obeyed and ropeway_protocol_next_deadline kept.
///
/// Used by one thread at a time. `now`, where it is asked for, is the caller's monotonic clock in microseconds, 1 or
/// later.
typedef struct ropeway_protocol ropeway_protocol;

/// A handle on an engine for any thread, several at once. Its commands are carried out by the engine's next
/// ropeway_engine_poll, which they bring about, in the order in which one thread gave them. It may outlive the engine:
/// then every call gives ROPEWAY_ERROR_ENGINE_GONE.
typedef struct ropeway_remote ropeway_remote;

/// The outcome of a call. ROPEWAY_OK is 0; a positive number is a success with something to know about it; a negative
/// one is an error, and then nothing was done and no result was written:
/// -1xx is the caller's misuse, -2xx the peer's violation, -3xx a limit passed, -4xx the network, the operating
/// system or a time-out, -5xx Ropeway itself. Later releases add numbers within these ranges.
typedef int32_t ropeway_status;

/// A frame's header as it is on the wire (RFC 6455 section 5.2), with its payload. Lent to a ropeway_trace for the
/// length of the call. Later releases may add fields at the end; `size` says how many there are.
typedef struct ropeway_frame {
    /// Size of this structure in the library in use, in bytes.
    uint32_t size;
    /// ROPEWAY_CLIENT or ROPEWAY_SERVER: which end this side is.
    int32_t role;
    /// 1 when this side sent the frame, 0 when it came.
    int32_t sent;
    /// The opcode: 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong.
    int32_t opcode;
    /// 1 when FIN is set.
    int32_t fin;
    /// 1 when RSV1 is set: the message is compressed.
    int32_t rsv1;
    /// 1 when the payload is masked by `mask`.
    int32_t masked;
    /// The masking key; zeros when there is none.
    uint8_t mask[4];
    /// The payload's length as the header states it, in bytes.
    uint64_t length;
    /// The payload, unmasked; of a frame that is still coming, the part that is there.
    const void *payload;
    /// Bytes at `payload`.
    size_t payload_length;
} ropeway_frame;

/// A function that is shown each frame: `user` as it was passed to ropeway_options_set_trace, and the frame, lent
/// until it returns. It is called in the middle of another call, on the thread that made that, and must not call
/// any function on the same engine, client or protocol.
typedef void (*ropeway_trace)(void *user, const struct ropeway_frame *frame);

/// A function that resolves names: `user` as it was passed to ropeway_options_set_resolver, and the host and port of the
/// URL. It adds what it finds to `addresses` by ropeway_addresses_add, best first, and returns NULL; or it returns why
/// the name cannot be resolved, a string that is copied at once, and stands in the error of the connection.
///
/// It is called on a thread of Ropeway's, up to four at the same time for one engine, and may take its time;
/// ROPEWAY_OPTION_OPEN_TIMEOUT ends the connection, not the call.
typedef const char *(*ropeway_resolver)(void *user,
                                        const char *host,
                                        uint16_t port,
                                        struct ropeway_addresses *addresses);

/// Names a connection of one engine, by value. 0 names none. When the connection has ended the number is stale and
/// every call with it gives ROPEWAY_ERROR_CLOSED, for ever: numbers are not used again.
typedef uint64_t ropeway_connection;

/// Names a listener of one engine, by value. 0 names none; a stale one gives ROPEWAY_ERROR_CLOSED.
typedef uint64_t ropeway_listener;

/// What has happened. It and all that it points to are lent: until the next call of ropeway_engine_next_event or
/// ropeway_engine_poll on the same engine, of ropeway_protocol_next_event or ropeway_protocol_receive on the same
/// protocol, of any function on the same client, or until that object is freed. Sending on an engine or protocol leaves
/// it alone; in all three layers a message can be sent back straight from it.
///
/// A field that the type does not mention is 0 or NULL. Later releases may add fields at the end (`size` says how
/// many there are), and types: leave alone what you do not know.
typedef struct ropeway_event {
    /// Size of this structure in the library in use, in bytes.
    uint32_t size;
    /// ROPEWAY_EVENT_...
    int32_t type;
    /// The connection it happened on; 0 for none, and in the client and protocol layers.
    ropeway_connection connection;
    /// The listener that the connection came from; 0 for one that was dialled.
    ropeway_listener listener;
    /// What ropeway_engine_set_user_data set for the connection.
    void *user_data;
    /// Payload of a message, ping or pong; the reason of a close. Not NUL-terminated.
    const void *data;
    /// Bytes at `data`.
    size_t length;
    /// ROPEWAY_TEXT or ROPEWAY_BINARY.
    int32_t kind;
    /// ROPEWAY_FLAG_..., added up.
    uint32_t flags;
    /// The code by RFC 6455 section 7.1.5: the peer's; 1005 when its Close frame had none, 1006 when none came.
    int32_t close_code;
    /// The code that this side sent: 1005 for a Close frame without one, 0 when none was sent.
    int32_t sent_code;
    /// Why: an error's number, or ROPEWAY_OK.
    ropeway_status status;
    /// The same as a sentence, NUL-terminated; NULL when `status` is ROPEWAY_OK.
    const char *error;
    /// The subprotocol that was agreed on, NUL-terminated; NULL for none.
    const char *subprotocol;
    /// The peer's handshake, where there is something to read; NULL otherwise.
    const struct ropeway_head *head;
    /// Time from a keep-alive ping to its pong, in microseconds; -1 when unknown.
    int64_t round_trip;
    /// Size of a message that was not delivered, in bytes.
    uint64_t undelivered;
    /// Where a redirect leads, NUL-terminated, with a password left out; NULL otherwise.
    const char *url;
    /// Wait before the next attempt, in milliseconds.
    int64_t delay;
    /// Number of the attempt that comes next.
    uint32_t attempt;
    /// The topic of a relayed message, NUL-terminated; NULL otherwise.
    const char *topic;
} ropeway_event;

/// A certificate in DER (X.509, RFC 5280).
typedef struct ropeway_certificate {
    /// Its bytes.
    const void *data;
    /// How many there are.
    size_t length;
} ropeway_certificate;

/// What a TLS handshake agreed on. Later releases may add fields at the end; `size` says how many there are.
typedef struct ropeway_tls_info {
    /// Size of this structure in the library in use, in bytes.
    uint32_t size;
    /// 1 when an earlier session was resumed.
    int32_t resumed;
    /// "TLSv1.3" or "TLSv1.2".
    const char *version;
    /// The cipher suite's name in the RFCs, as "TLS13_AES_256_GCM_SHA384".
    const char *cipher_suite;
    /// The application protocol (ALPN, RFC 7301); NULL when none was agreed on.
    const char *application_protocol;
    /// The name that the client asked for (SNI, RFC 6066 section 3); NULL when it gave an address, or nothing.
    const char *server_name;
    /// The peer's certificate chain, its own certificate first; NULL when it showed none.
    const struct ropeway_certificate *certificates;
    /// How many certificates there are.
    size_t certificate_count;
} ropeway_tls_info;

/// What an engine has done since it was made; `connections` and `queued` are as they are now. The caller sets `size`;
/// later releases may add fields at the end.
typedef struct ropeway_metrics {
    /// Set by the caller: sizeof of this structure. On return: how many bytes of it the library filled.
    size_t size;
    /// Connections there are, those being made or closed included.
    uint64_t connections;
    /// Bytes that wait in all send queues.
    uint64_t queued;
    /// Connections taken from listeners, or over from the caller.
    uint64_t accepted;
    /// Connections asked for, however often each was dialled.
    uint64_t dialled;
    /// Opening handshakes that ended well; a reconnecting connection has one each time it opens.
    uint64_t opened;
    /// Connections that ended, opened or not.
    uint64_t closed;
    /// The same by the close code that came, 1006 where no Close frame did, without the refused ones below: the codes
    /// 1000 to 1015 each, those up to 3999 together, those from 4000 on together.
    uint64_t close_codes[18];
    /// Turned away by a listener, because there were ROPEWAY_OPTION_MAX_CONNECTIONS.
    uint64_t refused_connections;
    /// Turned away by a listener, because their address had ROPEWAY_OPTION_MAX_PER_ADDRESS of them.
    uint64_t refused_addresses;
    /// Answered by the application with a status of 400 or more.
    uint64_t refused_application;
    /// What the peer sent as its opening handshake was wrong or unwelcome, or it refused ours.
    uint64_t refused_handshake;
    /// TLS could not be agreed on.
    uint64_t refused_tls;
    /// Not open within ROPEWAY_OPTION_OPEN_TIMEOUT.
    uint64_t refused_timeout;
    /// Messages received; one in fragments or pieces counts with its last.
    uint64_t messages_received;
    /// Messages taken to be sent, one for each receiver of a published one.
    uint64_t messages_sent;
    /// Bytes of messages received, after inflation.
    uint64_t payload_received;
    /// Bytes of messages sent, before compression.
    uint64_t payload_sent;
    /// Bytes read from sockets, handshakes and control frames included, what TLS adds not.
    uint64_t bytes_received;
    /// Bytes that the kernel took, likewise.
    uint64_t bytes_sent;
    /// Pings received.
    uint64_t pings_received;
    /// Pings sent.
    uint64_t pings_sent;
    /// Pongs that answered a keep-alive ping.
    uint64_t round_trips;
    /// The time from those pings to their pongs, all together, in microseconds.
    uint64_t round_trip_total;
    /// Published messages that a subscriber did not get, because its queue was above the high-water mark.
    uint64_t publishes_dropped;
    /// 1 when the relay (ropeway_engine_relay) gets what other nodes publish at present, otherwise 0.
    uint64_t relay_connected;
    /// Messages that the relay's broker took.
    uint64_t relay_sent;
    /// Messages of other nodes that were published here.
    uint64_t relay_received;
    /// Messages that the relay dropped: its queue was full, the connection broke before the broker's answer, or one was larger
    /// than the broker takes.
    uint64_t relay_dropped;
    /// Messages of other nodes that did not come here, as far as is known.
    uint64_t relay_lost;
    /// Bytes that wait for the broker.
    uint64_t relay_queued;
} ropeway_metrics;

/// What a connection has done, all attempts of a reconnecting one together; `queued` is as it is now. The caller sets
/// `size`; later releases may add fields at the end.
typedef struct ropeway_connection_metrics {
    /// Set by the caller: sizeof of this structure. On return: how many bytes of it the library filled.
    size_t size;
    /// Bytes that the kernel has not taken yet.
    uint64_t queued;
    /// Messages received; one in fragments or pieces counts with its last.
    uint64_t messages_received;
    /// Messages taken to be sent.
    uint64_t messages_sent;
    /// Bytes of messages received, after inflation.
    uint64_t payload_received;
    /// Bytes of messages sent, before compression.
    uint64_t payload_sent;
    /// Bytes read from the socket, handshake and control frames included, what TLS adds not.
    uint64_t bytes_received;
    /// Bytes that the kernel took, likewise.
    uint64_t bytes_sent;
    /// Pings received.
    uint64_t pings_received;
    /// Pings sent.
    uint64_t pings_sent;
    /// From the last keep-alive ping that was answered to its pong, in microseconds; -1 before the first.
    int64_t round_trip;
} ropeway_connection_metrics;

/// Done.
#define ROPEWAY_OK 0

/// Taken, but the connection's send queue is now above its high-water mark: a polite sender stops until
/// ROPEWAY_EVENT_WRITABLE comes.
#define ROPEWAY_QUEUED 1

/// There is none: no event within the time-out, no header field of that name, no deadline.
#define ROPEWAY_NONE 2

/// It was so already: subscribed, or not.
#define ROPEWAY_UNCHANGED 3

/// A pointer that must not be NULL is.
#define ROPEWAY_ERROR_NULL -100

/// An argument is none of the values that it may have.
#define ROPEWAY_ERROR_INVALID_ARGUMENT -101

/// No option has this key.
#define ROPEWAY_ERROR_UNKNOWN_OPTION -102

/// The option takes a value of another type: a number, a string.
#define ROPEWAY_ERROR_OPTION_TYPE -103

/// The option does not take this number.
#define ROPEWAY_ERROR_OPTION_VALUE -104

/// The call breaks a rule of the interface, or comes at the wrong time; ropeway_last_error says which.
#define ROPEWAY_ERROR_MISUSE -105

/// The connection or listener is closing or closed, or its number names none.
#define ROPEWAY_ERROR_CLOSED -106

/// The connection's opening handshake has not ended.
#define ROPEWAY_ERROR_NOT_OPEN -107

/// Text that is to be sent, or a string argument, is not UTF-8.
#define ROPEWAY_ERROR_INVALID_UTF8 -108

/// A message is being sent in fragments and has to be finished first.
#define ROPEWAY_ERROR_MESSAGE_IN_PROGRESS -109

/// The fragments of one message must be all text or all binary.
#define ROPEWAY_ERROR_KIND_CHANGED -110

/// A ping or pong holds 125 bytes, a close reason 123 (RFC 6455 section 5.5).
#define ROPEWAY_ERROR_CONTROL_TOO_LONG -111

/// The close code must not be sent (RFC 6455 section 7.4).
#define ROPEWAY_ERROR_INVALID_CLOSE_CODE -112

/// The URL cannot be used.
#define ROPEWAY_ERROR_INVALID_URL -113

/// A header field cannot be sent: its name is no token, its value holds a control character, or Ropeway writes it.
#define ROPEWAY_ERROR_INVALID_HEADER -114

/// A subprotocol is no token, or stands twice.
#define ROPEWAY_ERROR_INVALID_SUBPROTOCOL -115

/// A request is refused with a status from 200 to 599.
#define ROPEWAY_ERROR_INVALID_REFUSAL -116

/// What is to be allowed is no origin, or pattern of origins.
#define ROPEWAY_ERROR_INVALID_ORIGIN -127

/// This side's application refused the request.
#define ROPEWAY_ERROR_REFUSED -117

/// The connection was aborted by this side.
#define ROPEWAY_ERROR_ABORTED -118

/// The engine belongs to the process from which this one was forked.
#define ROPEWAY_ERROR_FORKED -119

/// The engine of this remote has been freed.
#define ROPEWAY_ERROR_ENGINE_GONE -120

/// The caller's buffer is too small.
#define ROPEWAY_ERROR_BUFFER_TOO_SMALL -121

/// A compression setting is outside its range for a server, or for a client.
#define ROPEWAY_ERROR_COMPRESSION_OPTION -122

/// A certificate, key, authority or name of the TLS options cannot be used; ropeway_last_error says which and why.
#define ROPEWAY_ERROR_TLS_SETTINGS -123

/// The proxy's URL, of ROPEWAY_OPTION_PROXY or of the environment, cannot be used.
#define ROPEWAY_ERROR_PROXY_URL -124

/// The proxy wants a user name and password, and its URL has none.
#define ROPEWAY_ERROR_PROXY_CREDENTIALS_NEEDED -125

/// The proxy does not take the user name and password of its URL.
#define ROPEWAY_ERROR_PROXY_CREDENTIALS_REFUSED -126

/// A frame with RSV bits that no extension defines.
#define ROPEWAY_ERROR_RESERVED_BITS -200

/// A frame with a reserved opcode.
#define ROPEWAY_ERROR_RESERVED_OPCODE -201

/// A control frame without FIN.
#define ROPEWAY_ERROR_FRAGMENTED_CONTROL -202

/// A control frame of over 125 bytes.
#define ROPEWAY_ERROR_LONG_CONTROL -203

/// A masked frame from a server.
#define ROPEWAY_ERROR_MASKED_BY_SERVER -204

/// An unmasked frame from a client.
#define ROPEWAY_ERROR_UNMASKED_BY_CLIENT -205

/// A frame whose length is not encoded in the fewest bytes.
#define ROPEWAY_ERROR_OVERLONG_LENGTH -206

/// A frame of a length of 2^63 or more.
#define ROPEWAY_ERROR_LENGTH_TOO_LARGE -207

/// A continuation frame while no message is under way.
#define ROPEWAY_ERROR_UNEXPECTED_CONTINUATION -208

/// A new message while a fragmented one is under way.
#define ROPEWAY_ERROR_EXPECTED_CONTINUATION -209

/// A Close frame with a payload of one byte.
#define ROPEWAY_ERROR_CLOSE_OF_ONE_BYTE -210

/// A Close frame with a code that may not be sent.
#define ROPEWAY_ERROR_PEER_CLOSE_CODE -211

/// A text message that is not UTF-8.
#define ROPEWAY_ERROR_PEER_TEXT_UTF8 -212

/// A close reason that is not UTF-8.
#define ROPEWAY_ERROR_PEER_REASON_UTF8 -213

/// A control frame marked as compressed (RFC 7692).
#define ROPEWAY_ERROR_COMPRESSED_CONTROL -214

/// A continuation frame marked as compressed (RFC 7692).
#define ROPEWAY_ERROR_COMPRESSED_CONTINUATION -215

/// A compressed message could not be inflated (RFC 7692 section 7.2.2); closed with 1007.
#define ROPEWAY_ERROR_INFLATE -216

/// Another violation in a frame, without a number in this release.
#define ROPEWAY_ERROR_FRAME -249

/// The peer's certificate is not accepted: it is of an unknown authority, for another name, expired, or missing;
/// ropeway_last_error or the event's error says which.
#define ROPEWAY_ERROR_TLS_CERTIFICATE -230

/// The peer ended the connection by a TLS alert (RFC 8446 section 6.2).
#define ROPEWAY_ERROR_TLS_ALERT -231

/// The two sides have no TLS version, cipher suite or application protocol in common.
#define ROPEWAY_ERROR_TLS_INCOMPATIBLE -232

/// The peer speaks plain HTTP where TLS was expected.
#define ROPEWAY_ERROR_PLAIN_ON_TLS_PORT -233

/// What the peer sent is no TLS.
#define ROPEWAY_ERROR_NOT_TLS -234

/// The peer broke a rule of TLS.
#define ROPEWAY_ERROR_TLS_PROTOCOL -235

/// What came is no HTTP/1.1 head (RFC 9112).
#define ROPEWAY_ERROR_MALFORMED_HEAD -250

/// The stream ended within the head.
#define ROPEWAY_ERROR_INCOMPLETE_HEAD -251

/// The peer speaks TLS where plain HTTP was expected: wss against ws.
#define ROPEWAY_ERROR_TLS_ON_PLAIN_PORT -252

/// The head is of another version of HTTP than 1.1.
#define ROPEWAY_ERROR_HTTP_VERSION -253

/// The request asks for no WebSocket.
#define ROPEWAY_ERROR_NOT_WEBSOCKET -254

/// An upgrade was asked for by another method than GET.
#define ROPEWAY_ERROR_METHOD -255

/// A required header field is missing.
#define ROPEWAY_ERROR_MISSING_HEADER -256

/// A header field that may stand once stands more often.
#define ROPEWAY_ERROR_DUPLICATE_HEADER -257

/// A header field has a value that it may not have.
#define ROPEWAY_ERROR_PEER_HEADER -258

/// Sec-WebSocket-Version is not 13.
#define ROPEWAY_ERROR_WEBSOCKET_VERSION -259

/// The request is a handshake of a draft before RFC 6455.
#define ROPEWAY_ERROR_DRAFT_HANDSHAKE -260

/// Sec-WebSocket-Key is not 16 bytes in base64.
#define ROPEWAY_ERROR_INVALID_KEY -261

/// An upgrade request announces a body.
#define ROPEWAY_ERROR_REQUEST_BODY -262

/// Sec-WebSocket-Accept does not answer the key that was sent.
#define ROPEWAY_ERROR_ACCEPT_MISMATCH -263

/// The server chose a subprotocol that was not offered.
#define ROPEWAY_ERROR_UNOFFERED_SUBPROTOCOL -264

/// The server chose an extension that was not offered.
#define ROPEWAY_ERROR_UNOFFERED_EXTENSION -265

/// The server refused: it answered with another status than 101. Its response is the event's head.
#define ROPEWAY_ERROR_HTTP_STATUS -266

/// The server's answer to an extension that was offered is none that may be given (RFC 7692 section 7.1).
#define ROPEWAY_ERROR_INVALID_EXTENSION -267

/// The proxy refused to connect to the server, or could not: ropeway_last_error or the event's error has the status and
/// reason of an HTTP proxy, the reply of a SOCKS proxy in words.
#define ROPEWAY_ERROR_PROXY_REFUSED -270

/// The proxy offers no way of authentication that is supported.
#define ROPEWAY_ERROR_PROXY_AUTHENTICATION -271

/// What the proxy answered is not what such a proxy answers (RFC 9112, RFC 1928), or too long.
#define ROPEWAY_ERROR_PROXY_ANSWER -272

/// TLS with the proxy itself failed: its certificate, for instance, is not accepted.
#define ROPEWAY_ERROR_PROXY_TLS -273

/// The server redirected from wss to ws, which is not followed.
#define ROPEWAY_ERROR_INSECURE_REDIRECT -280

/// The server redirected to what is not the URL of a WebSocket.
#define ROPEWAY_ERROR_INVALID_REDIRECT -281

/// The client's request comes from a page whose origin is not among ROPEWAY_OPTION_ALLOWED_ORIGIN; it got 403.
#define ROPEWAY_ERROR_ORIGIN -285

/// Another failure of the opening handshake, without a number in this release.
#define ROPEWAY_ERROR_HANDSHAKE -299

/// A received message passed ROPEWAY_OPTION_MAX_MESSAGE_SIZE; closed with 1009.
#define ROPEWAY_ERROR_MESSAGE_TOO_BIG -300

/// A received message passed ROPEWAY_OPTION_MAX_FRAGMENTS; closed with 1009.
#define ROPEWAY_ERROR_TOO_MANY_FRAGMENTS -301

/// The engine's incomplete messages passed ROPEWAY_OPTION_MAX_INCOMPLETE_BYTES; closed with 1013.
#define ROPEWAY_ERROR_INCOMPLETE_MESSAGES -302

/// The message would take the send queue past ROPEWAY_OPTION_SEND_QUEUE_LIMIT; nothing of it was taken.
#define ROPEWAY_ERROR_FULL -303

/// The engine has ROPEWAY_OPTION_MAX_CONNECTIONS.
#define ROPEWAY_ERROR_TOO_MANY_CONNECTIONS -304

/// More would wait for the engine than ROPEWAY_OPTION_REMOTE_QUEUE_LIMIT; nothing was taken.
#define ROPEWAY_ERROR_REMOTE_FULL -305

/// The peer's handshake head passed ROPEWAY_OPTION_MAX_HEAD_SIZE.
#define ROPEWAY_ERROR_HEAD_TOO_LARGE -306

/// The first line of the peer's head passed ROPEWAY_OPTION_MAX_HEAD_SIZE.
#define ROPEWAY_ERROR_START_LINE_TOO_LONG -307

/// The peer's head passed ROPEWAY_OPTION_MAX_HEADERS.
#define ROPEWAY_ERROR_TOO_MANY_HEADERS -308

/// With ROPEWAY_OPTION_CLOSE_SLOW_SUBSCRIBERS: a subscriber's queue was above ROPEWAY_OPTION_SEND_QUEUE_HIGH when a
/// message was published.
#define ROPEWAY_ERROR_SLOW_SUBSCRIBER -309

/// The server redirected more often than ROPEWAY_OPTION_MAX_REDIRECTS allows.
#define ROPEWAY_ERROR_TOO_MANY_REDIRECTS -315

/// ROPEWAY_OPTION_RESEND_LIMIT would be passed; the message was not taken.
#define ROPEWAY_ERROR_HELD_FULL -316

/// Another limit, without a number in this release.
#define ROPEWAY_ERROR_LIMIT -399

/// The connection did not open within ROPEWAY_OPTION_OPEN_TIMEOUT. The sentence says what was waited for: the name, which
/// addresses and what was wrong with each, the proxy, TLS, or the opening handshake.
#define ROPEWAY_ERROR_OPEN_TIMEOUT -400

/// Nothing came after a keep-alive ping within ROPEWAY_OPTION_PONG_TIMEOUT.
#define ROPEWAY_ERROR_PONG_TIMEOUT -401

/// No message came within ROPEWAY_OPTION_IDLE_TIMEOUT.
#define ROPEWAY_ERROR_IDLE_TIMEOUT -402

/// The closing handshake did not end within ROPEWAY_OPTION_CLOSE_TIMEOUT.
#define ROPEWAY_ERROR_CLOSE_TIMEOUT -403

/// Another wait ran out, without a number in this release.
#define ROPEWAY_ERROR_TIMEOUT -404

/// The stream ended without a Close frame.
#define ROPEWAY_ERROR_CONNECTION_LOST -410

/// The operating system refused; ropeway_last_error or the event's error says what.
#define ROPEWAY_ERROR_IO -411

/// The host's name cannot be resolved.
#define ROPEWAY_ERROR_RESOLVE -412

/// No address of the host took the connection.
#define ROPEWAY_ERROR_CONNECT -413

/// The peer closed the connection in the middle of the TLS handshake.
#define ROPEWAY_ERROR_TLS_HANDSHAKE_CUT -414

/// The TLS stream ended without close_notify (RFC 8446 section 6.1): it may have been cut short.
#define ROPEWAY_ERROR_TLS_TRUNCATED -415

/// The proxy's name cannot be resolved.
#define ROPEWAY_ERROR_PROXY_RESOLVE -420

/// No address of the proxy took the connection.
#define ROPEWAY_ERROR_PROXY_CONNECT -421

/// The connection to the proxy ended, or broke, before the proxy had answered.
#define ROPEWAY_ERROR_PROXY_CLOSED -422

/// A defect in Ropeway. The object it happened in takes no more calls but the one that frees it.
#define ROPEWAY_ERROR_PANIC -500

/// The operating system gave no random bytes for a masking key.
#define ROPEWAY_ERROR_RANDOM -501

/// An earlier call on this object ended in ROPEWAY_ERROR_PANIC.
#define ROPEWAY_ERROR_POISONED -502

/// There is no memory for the copy that the call takes.
#define ROPEWAY_ERROR_OUT_OF_MEMORY -503

/// zlib failed to compress a message; it was not taken.
#define ROPEWAY_ERROR_COMPRESS -504

/// An error without a number in this release.
#define ROPEWAY_ERROR_INTERNAL -599

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/// The release of the library in use, as "0.1.0". A static string; any thread.
const char *ropeway_version(void);

/// The ROPEWAY_ABI_VERSION that the library in use was built with. Any thread.
int32_t ropeway_abi_version(void);

/// A few words for a status, in English; "unknown status" for a number that is none. A static string; any thread.
const char *ropeway_status_string(ropeway_status status);

/// The last error of the calling thread as a full sentence in English, with the figures in it; an empty string when
/// no call has failed yet. For people: a program goes by the status.
///
/// Calls that succeed leave it alone. The text is lent until the next call that fails on the same thread, or the
/// thread's end. Any thread; each has its own.
const char *ropeway_last_error(void);

/// Makes a set that holds the defaults. The caller owns it and frees it by ropeway_options_free. Never NULL.
struct ropeway_options *ropeway_options_new(void);

/// Makes a copy of a set, which the caller owns; a trace is shared with the original. NULL, with
/// ropeway_last_error, when `options` is NULL.
struct ropeway_options *ropeway_options_clone(const struct ropeway_options *options);

/// Frees a set. What was made from it lives on. NULL is let pass.
void ropeway_options_free(struct ropeway_options *options);

/// Sets a number: a size in bytes, a time in milliseconds, a count, or a switch (0 or 1), as the comment of `key`
/// (ROPEWAY_OPTION_...) says.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_UNKNOWN_OPTION, ROPEWAY_ERROR_OPTION_TYPE for a key that takes a
/// string, ROPEWAY_ERROR_OPTION_VALUE for a number that it does not take.
ropeway_status ropeway_options_set_int(struct ropeway_options *options,
                                       int32_t key,
                                       int64_t value);

/// Writes the number that `key` has now, a default for instance, to `*value`.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_UNKNOWN_OPTION, ROPEWAY_ERROR_OPTION_TYPE.
ropeway_status ropeway_options_get_int(const struct ropeway_options *options,
                                       int32_t key,
                                       int64_t *value);

/// Sets a string, which is copied. What can be set several times, as ROPEWAY_OPTION_SUBPROTOCOL, adds one to the list;
/// others replace what was there. A certificate or key is read where the set is used.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_UNKNOWN_OPTION, ROPEWAY_ERROR_OPTION_TYPE for a key that takes a
/// number, ROPEWAY_ERROR_INVALID_UTF8, ROPEWAY_ERROR_INVALID_SUBPROTOCOL, ROPEWAY_ERROR_INVALID_HEADER for an origin
/// with a control character or credentials that cannot be sent, ROPEWAY_ERROR_INVALID_ORIGIN for a pattern of origins,
/// ROPEWAY_ERROR_INVALID_ARGUMENT for a key without a certificate or a string that is no address, ROPEWAY_ERROR_PROXY_URL.
ropeway_status ropeway_options_set_string(struct ropeway_options *options,
                                          int32_t key,
                                          const char *value);

/// Adds a header field to the request (client), or to the response that accepts or refuses (server). Both strings are
/// copied. A name that is there already is sent again, not replaced.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_UTF8; ROPEWAY_ERROR_INVALID_HEADER when the name is no token or
/// the value holds CR, LF or another control character. A name that Ropeway writes by itself, such as Upgrade, is
/// refused where the set is used.
ropeway_status ropeway_options_add_header(struct ropeway_options *options,
                                          const char *name,
                                          const char *value);

/// Shows each frame sent or received on the connections made from these options to `trace`; NULL ends that for
/// connections made later. For logs and for learning: it costs time on every frame.
///
/// `user` is passed along; it must stay valid until every connection made from the options has ended, and may be used
/// on any thread that drives one of them.
///
/// Errors: ROPEWAY_ERROR_NULL.
ropeway_status ropeway_options_set_trace(struct ropeway_options *options,
                                         ropeway_trace trace,
                                         void *user);

/// Lets `resolver` resolve the names of hosts for the connections made from these options, in place of the system; NULL
/// gives them back to the system. An address in a URL is not shown to it. Of what it answers at most 64 addresses are
/// tried.
///
/// `user` is passed along; it must stay valid until every call of `resolver` has returned, which can be later than the
/// end of the connection, and may be used on other threads.
///
/// Errors: ROPEWAY_ERROR_NULL.
ropeway_status ropeway_options_set_resolver(struct ropeway_options *options,
                                            ropeway_resolver resolver,
                                            void *user);

/// Adds an address that a ropeway_resolver has found: `192.0.2.1`, `2001:db8::1`, or with a port of its own in place of
/// the URL's, `192.0.2.1:8080`, `[2001:db8::1]:8080`. Copied.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_ARGUMENT for a string that is no address;
/// ROPEWAY_ERROR_INVALID_UTF8.
ropeway_status ropeway_addresses_add(struct ropeway_addresses *addresses,
                                     const char *address);

/// A request's method, as "GET"; NULL for a response, or when `head` is NULL. Lent as long as the head.
const char *ropeway_head_method(const struct ropeway_head *head);

/// A request's target as it was sent, as "/chat?room=1"; NULL for a response, or when `head` is NULL. Lent as long as
/// the head.
const char *ropeway_head_target(const struct ropeway_head *head);

/// A response's status, as 101 or 403; 0 for a request, or when `head` is NULL.
int32_t ropeway_head_status(const struct ropeway_head *head);

/// The number of header fields; 0 when `head` is NULL.
size_t ropeway_head_count(const struct ropeway_head *head);

/// The value of the first header field called `name`, compared without regard to case: `*value` and `*length`. It is
/// not NUL-terminated, holds no control character but TAB, need not be UTF-8, and is lent as long as the head.
///
/// ROPEWAY_NONE when there is no such field. Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_UTF8 for `name`.
ropeway_status ropeway_head_field(const struct ropeway_head *head,
                                  const char *name,
                                  const char **value,
                                  size_t *length);

/// The header field at `index`, in the order they were sent: its name and value, neither NUL-terminated, both lent as
/// long as the head.
///
/// ROPEWAY_NONE past the last one. Errors: ROPEWAY_ERROR_NULL.
ropeway_status ropeway_head_at(const struct ropeway_head *head,
                               size_t index,
                               const char **name,
                               size_t *name_length,
                               const char **value,
                               size_t *value_length);

/// The body of a response that refused, as far as ROPEWAY_OPTION_MAX_REFUSED_BODY had it kept; empty otherwise. Lent
/// as long as the head.
///
/// Errors: ROPEWAY_ERROR_NULL.
ropeway_status ropeway_head_body(const struct ropeway_head *head,
                                 const void **data,
                                 size_t *length);

/// Whether the request brings this user name and password (Basic, RFC 7617): ROPEWAY_OK when it does, ROPEWAY_NONE when
/// it brings others or none. The time that it takes tells nothing of where they differ; it may tell a length.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_UTF8.
ropeway_status ropeway_head_basic_auth(const struct ropeway_head *head,
                                       const char *user,
                                       const char *password);

/// Connects to `url`, as "wss://example.com/chat", or "ws+unix:/path/to.sock:/chat" for a Unix socket, and writes the open connection to `*client`. Waits, at most
/// ROPEWAY_OPTION_OPEN_TIMEOUT, redirects included (ROPEWAY_OPTION_MAX_REDIRECTS). `options`, NULL for the defaults, are copied. The caller owns the client and frees it
/// by ropeway_client_free.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_URL, ROPEWAY_ERROR_INVALID_HEADER, and whatever keeps a
/// connection from opening: ROPEWAY_ERROR_TLS_SETTINGS, ROPEWAY_ERROR_RESOLVE, ROPEWAY_ERROR_CONNECT, those of
/// proxies (ROPEWAY_ERROR_PROXY_...), ROPEWAY_ERROR_OPEN_TIMEOUT,
/// ROPEWAY_ERROR_HTTP_STATUS and the other -2xx.
ropeway_status ropeway_client_open(const char *url,
                                   const struct ropeway_options *options,
                                   struct ropeway_client **client);

/// Frees a client, and drops its connection if it is still open. NULL is let pass.
void ropeway_client_free(struct ropeway_client *client);

/// Sends a whole message of the kind ROPEWAY_TEXT or ROPEWAY_BINARY: `length` bytes at `data`, which are copied. Waits
/// until the system has taken all of it; messages and pongs that come meanwhile are kept for
/// ropeway_client_receive, up to ROPEWAY_OPTION_SEND_QUEUE_LIMIT, after which the peer has to wait.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_CLOSED, ROPEWAY_ERROR_INVALID_UTF8,
/// ROPEWAY_ERROR_FULL, ROPEWAY_ERROR_MESSAGE_IN_PROGRESS, ROPEWAY_ERROR_FORKED; what came before the end can still be
/// received.
ropeway_status ropeway_client_send(struct ropeway_client *client,
                                   int32_t kind,
                                   const void *data,
                                   size_t length);

/// Sends a whole text message of `length` bytes, a NUL not among them. Otherwise as ropeway_client_send.
ropeway_status ropeway_client_send_text(struct ropeway_client *client,
                                        const char *text,
                                        size_t length);

/// Sends a whole binary message. Otherwise as ropeway_client_send.
ropeway_status ropeway_client_send_binary(struct ropeway_client *client,
                                          const void *data,
                                          size_t length);

/// Sends the next fragment of a message, as ropeway_engine_send_fragment. Errors as ropeway_client_send, and
/// ROPEWAY_ERROR_KIND_CHANGED.
ropeway_status ropeway_client_send_fragment(struct ropeway_client *client,
                                            int32_t kind,
                                            const void *data,
                                            size_t length,
                                            int32_t last);

/// Sends a ping of at most 125 bytes, which are copied; `data` may be NULL for none. Its pong comes by
/// ropeway_client_receive.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED, ROPEWAY_ERROR_CONTROL_TOO_LONG.
ropeway_status ropeway_client_ping(struct ropeway_client *client,
                                   const void *data,
                                   size_t length);

/// Waits up to `timeout` milliseconds (-1: for ever) for the next event and writes it to `*event`, lent until the next
/// call on the client, which may be one that sends it back. It is a ROPEWAY_EVENT_MESSAGE, a ROPEWAY_EVENT_PONG or
/// ROPEWAY_EVENT_CLOSED, which every further call gives again. Messages come whole: ROPEWAY_OPTION_STREAMING is not
/// for this layer. Keep-alive pings are sent, and pings answered, while a call waits.
///
/// ROPEWAY_NONE when nothing came in time: nothing is lost, call again. Errors: ROPEWAY_ERROR_NULL,
/// ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_FORKED, ROPEWAY_ERROR_IO.
ropeway_status ropeway_client_receive(struct ropeway_client *client,
                                      int64_t timeout,
                                      const struct ropeway_event **event);

/// Closes the connection, with the codes and reasons of ropeway_engine_close, and waits for its end, at most
/// ROPEWAY_OPTION_CLOSE_TIMEOUT. Messages that still come are dropped. How it ended is written to `*event`, a
/// ROPEWAY_EVENT_CLOSED, unless that is NULL; it is lent until the next call on the client.
///
/// When the connection has ended already, that end is told. Errors: ROPEWAY_ERROR_NULL,
/// ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_INVALID_CLOSE_CODE, ROPEWAY_ERROR_CONTROL_TOO_LONG,
/// ROPEWAY_ERROR_INVALID_UTF8.
ropeway_status ropeway_client_close(struct ropeway_client *client,
                                    int32_t code,
                                    const char *reason,
                                    const struct ropeway_event **event);

/// How the connection opened: a ROPEWAY_EVENT_OPENED, with the subprotocol and the server's response, is written to
/// `*event`, lent as by ropeway_client_receive.
///
/// Errors: ROPEWAY_ERROR_NULL.
ropeway_status ropeway_client_opened(struct ropeway_client *client,
                                     const struct ropeway_event **event);

/// Makes an engine with the ROPEWAY_OPTION_ numbers of the 600s in `options`, or their defaults for NULL, and writes
/// it to `*engine`. The caller owns it and frees it by ropeway_engine_free.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_IO when the process has no descriptor left.
ropeway_status ropeway_engine_new(const struct ropeway_options *options,
                                  struct ropeway_engine **engine);

/// Frees an engine: its listeners and connections are closed at once, without Close frames, and their numbers are
/// stale. Its remotes live on and answer ROPEWAY_ERROR_ENGINE_GONE. NULL is let pass.
void ropeway_engine_free(struct ropeway_engine *engine);

/// The engine's one descriptor, -1 when `engine` is NULL. It is readable, for poll, epoll, kqueue or any event loop,
/// whenever there is something to do, time-outs included; then take the events by ropeway_engine_next_event until it
/// gives NULL. The engine owns the descriptor: only wait on it.
int ropeway_engine_descriptor(const struct ropeway_engine *engine);

/// Waits up to `timeout` milliseconds (-1: for ever, 0: not at all) until there is something to do; then take the
/// events by ropeway_engine_next_event. Returns early, with ROPEWAY_OK, after ropeway_remote_wake and when a signal
/// handler ran. Ends the loan of the last event.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_IO, ROPEWAY_ERROR_FORKED.
ropeway_status ropeway_engine_poll(struct ropeway_engine *engine,
                                   int64_t timeout);

/// The next event, lent until the next call of this function or of ropeway_engine_poll on the engine; NULL when the
/// turn is over: every connection that was ready has been read once. Then poll, or wait until the descriptor is
/// readable. Also NULL, with ropeway_last_error, when `engine` is NULL or has failed by a defect; ropeway_engine_poll
/// says so by its status.
///
/// Take every event before you wait: what is sent in between goes out together, at the latest with the NULL. The
/// function never waits itself.
const struct ropeway_event *ropeway_engine_next_event(struct ropeway_engine *engine);

/// Makes a remote of the engine and writes it to `*remote`. The caller owns it and frees it by ropeway_remote_free;
/// it may outlive the engine.
///
/// Errors: ROPEWAY_ERROR_NULL.
ropeway_status ropeway_engine_remote(struct ropeway_engine *engine,
                                     struct ropeway_remote **remote);

/// Writes the numbers of the engine's connections, opening, open and closing, to `ids`, which has room for `capacity`
/// of them, and how many there are to `*count`. With a `capacity` of 0, `ids` may be NULL: `*count` is then all that
/// is told. More than `capacity` are left out.
///
/// Errors: ROPEWAY_ERROR_NULL.
ropeway_status ropeway_engine_list(const struct ropeway_engine *engine,
                                   ropeway_connection *ids,
                                   size_t capacity,
                                   size_t *count);

/// Begins to listen and writes the listener's number to `*listener`. `url` says where: `ws://127.0.0.1:8080/`,
/// `wss://[::]:8443/`, `ws://localhost:0/`; the host is an address, or localhost; port 0 takes a free one, which
/// ropeway_engine_listener_port tells; the path does not matter. wss takes a certificate
/// (ROPEWAY_OPTION_TLS_CERTIFICATE). `ws+unix:/path/to.sock` is a Unix socket: one that a server left behind is
/// replaced, and the file is removed when the listener ends. `options`, NULL for the defaults, are those of the
/// listener (the 700s and 900s) and of the connections that come from it; they are copied.
///
/// Connections are accepted, and their handshakes done, while events are taken; each is told by ROPEWAY_EVENT_OPENED.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_URL; ROPEWAY_ERROR_MISUSE for a host that is no address, or
/// wss without a certificate; ROPEWAY_ERROR_TLS_SETTINGS for a certificate or key that cannot be used;
/// ROPEWAY_ERROR_IO when the address is in use or not to be had; ROPEWAY_ERROR_FORKED.
ropeway_status ropeway_engine_listen(struct ropeway_engine *engine,
                                     const char *url,
                                     const struct ropeway_options *options,
                                     ropeway_listener *listener);

/// Takes over a socket that listens already, TCP or Unix, as socket activation hands it in, and writes the listener's
/// number to `*listener`. `options` is as for ropeway_engine_listen, of the listener's own only the 900s count: with a
/// certificate (ROPEWAY_OPTION_TLS_CERTIFICATE) it speaks TLS. `descriptor` becomes the engine's, non-blocking and
/// closed on exec, when ROPEWAY_OK is returned, and stays the caller's otherwise. A Unix socket's file is left alone.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_ARGUMENT for a negative descriptor; ROPEWAY_ERROR_IO for one that
/// is no listening stream socket; ROPEWAY_ERROR_TLS_SETTINGS; ROPEWAY_ERROR_FORKED.
ropeway_status ropeway_engine_adopt_listener(struct ropeway_engine *engine,
                                             int descriptor,
                                             const struct ropeway_options *options,
                                             ropeway_listener *listener);

/// Takes over a connected stream socket, TCP or Unix, as a server's connection, and writes its number to
/// `*connection`: an HTTP server hands in what it has seen an upgrade come on. `received` are the `length` bytes that
/// have been read of it already, from the first of the request on; they are copied; NULL and 0 for none. The opening
/// handshake goes on from there: ROPEWAY_EVENT_UPGRADE_REQUEST (when asked for) or ROPEWAY_EVENT_OPENED follows, with
/// no listener. `options`, NULL for the defaults, are copied. TLS is not spoken on it. `descriptor` becomes the
/// engine's, non-blocking and closed on exec, when ROPEWAY_OK is returned, and stays the caller's otherwise.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_ARGUMENT for a negative descriptor; ROPEWAY_ERROR_IO for one that
/// is no connected stream socket; ROPEWAY_ERROR_TOO_MANY_CONNECTIONS; ROPEWAY_ERROR_FORKED.
ropeway_status ropeway_engine_adopt(struct ropeway_engine *engine,
                                    int descriptor,
                                    const void *received,
                                    size_t length,
                                    const struct ropeway_options *options,
                                    ropeway_connection *connection);

/// Writes the port that a listener has to `*port`.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED for a stale number; ROPEWAY_ERROR_MISUSE for a Unix socket.
ropeway_status ropeway_engine_listener_port(const struct ropeway_engine *engine,
                                            ropeway_listener listener,
                                            uint16_t *port);

/// Writes the address and port that a listener has, as `127.0.0.1:8080` or `[::1]:8080`, NUL-terminated, to `buffer`,
/// which holds `capacity` bytes; 64 are always enough for an address, 128 for
/// the path of a Unix socket, which is written instead.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED for a stale number; ROPEWAY_ERROR_BUFFER_TOO_SMALL.
ropeway_status ropeway_engine_listener_address(const struct ropeway_engine *engine,
                                               ropeway_listener listener,
                                               char *buffer,
                                               size_t capacity);

/// Gives a wss listener the certificates and other TLS settings of `options`, whose files are read anew: renewed
/// certificates, without a restart. They are for connections accepted from now on; those that there are keep theirs.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED for a stale number; ROPEWAY_ERROR_MISUSE for a listener that does
/// not speak TLS; ROPEWAY_ERROR_TLS_SETTINGS, after which the listener goes on with what it had.
ropeway_status ropeway_engine_reload_tls(struct ropeway_engine *engine,
                                         ropeway_listener listener,
                                         const struct ropeway_options *options);

/// Ends a listener: no more connections come from it; those that did live on. Its number is stale after.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED for a stale number.
ropeway_status ropeway_engine_close_listener(struct ropeway_engine *engine,
                                             ropeway_listener listener);

/// Begins to connect to `url`, as "wss://example.com/chat?room=1", or "ws+unix:/path/to.sock:/chat" for a Unix socket,
/// and writes the connection's number to `*connection`. `options`, NULL for the defaults, are copied. Does not wait: ROPEWAY_EVENT_OPENED tells of success,
/// ROPEWAY_EVENT_CLOSED of failure, name resolution included; with ROPEWAY_OPTION_RECONNECT it is tried again.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_URL, ROPEWAY_ERROR_PROXY_URL for one of the environment's,
/// ROPEWAY_ERROR_TLS_SETTINGS for wss, ROPEWAY_ERROR_TOO_MANY_CONNECTIONS, ROPEWAY_ERROR_IO when no thread for the name's resolution can be had,
/// ROPEWAY_ERROR_FORKED.
ropeway_status ropeway_engine_connect(struct ropeway_engine *engine,
                                      const char *url,
                                      const struct ropeway_options *options,
                                      ropeway_connection *connection);

/// Accepts the upgrade that ROPEWAY_EVENT_UPGRADE_REQUEST told of; ROPEWAY_EVENT_OPENED follows. `subprotocol` is one
/// of those that the client offered, or NULL for none. The header fields of `options`, which may be NULL, are added
/// to the response; nothing else of them counts. All is copied.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED; ROPEWAY_ERROR_MISUSE when the connection does not wait for
/// a decision or the subprotocol was not offered; ROPEWAY_ERROR_INVALID_HEADER. The decision is still open then.
ropeway_status ropeway_engine_accept(struct ropeway_engine *engine,
                                     ropeway_connection connection,
                                     const char *subprotocol,
                                     const struct ropeway_options *options);

/// Refuses the upgrade that ROPEWAY_EVENT_UPGRADE_REQUEST told of, or answers the request of
/// ROPEWAY_EVENT_HTTP_REQUEST: with an HTTP `status` from 200 to 599, the header fields of `options`, which may be
/// NULL, and the `length` bytes at `body`. All is copied. The connection ends; ROPEWAY_EVENT_CLOSED follows.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED; ROPEWAY_ERROR_MISUSE when the connection does not wait for
/// a decision; ROPEWAY_ERROR_INVALID_REFUSAL; ROPEWAY_ERROR_INVALID_ARGUMENT.
ropeway_status ropeway_engine_refuse(struct ropeway_engine *engine,
                                     ropeway_connection connection,
                                     int32_t status,
                                     const struct ropeway_options *options,
                                     const void *body,
                                     size_t length);

/// Sends a whole message of the kind ROPEWAY_TEXT or ROPEWAY_BINARY: `length` bytes at `data` (NULL when there are
/// none), which are copied or on their way when the call returns, so their memory is the caller's again.
///
/// ROPEWAY_QUEUED when it was taken and the connection's queue is above its high-water mark now, or when it waits for a
/// reconnecting connection to open (ROPEWAY_OPTION_RESEND_LIMIT). Errors, with nothing taken: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_CLOSED, ROPEWAY_ERROR_NOT_OPEN,
/// ROPEWAY_ERROR_FULL, ROPEWAY_ERROR_HELD_FULL, ROPEWAY_ERROR_INVALID_UTF8 for text that is not UTF-8, ROPEWAY_ERROR_MESSAGE_IN_PROGRESS,
/// ROPEWAY_ERROR_RANDOM.
ropeway_status ropeway_engine_send(struct ropeway_engine *engine,
                                   ropeway_connection connection,
                                   int32_t kind,
                                   const void *data,
                                   size_t length);

/// As ropeway_engine_send, with a word on compression for this message alone: `compress` is one of
/// ROPEWAY_COMPRESS_BY_OPTIONS, ROPEWAY_COMPRESS_NEVER and ROPEWAY_COMPRESS_ALWAYS.
ropeway_status ropeway_engine_send_compressed(struct ropeway_engine *engine,
                                              ropeway_connection connection,
                                              int32_t kind,
                                              int32_t compress,
                                              const void *data,
                                              size_t length);

/// Sends a whole text message of `length` bytes, a NUL not among them. Otherwise as ropeway_engine_send.
ropeway_status ropeway_engine_send_text(struct ropeway_engine *engine,
                                        ropeway_connection connection,
                                        const char *text,
                                        size_t length);

/// Sends a whole binary message. Otherwise as ropeway_engine_send.
ropeway_status ropeway_engine_send_binary(struct ropeway_engine *engine,
                                          ropeway_connection connection,
                                          const void *data,
                                          size_t length);

/// Sends the next fragment of a message (RFC 6455 section 5.4), so that one of any length passes in little memory:
/// the first call begins the message, all name the same `kind`, and `last`, 1 instead of 0, ends it. A fragment of
/// text must not end inside a character. In between, pings, pongs and a close may be sent, other messages not.
///
/// As ropeway_engine_send, and ROPEWAY_ERROR_KIND_CHANGED.
ropeway_status ropeway_engine_send_fragment(struct ropeway_engine *engine,
                                            ropeway_connection connection,
                                            int32_t kind,
                                            const void *data,
                                            size_t length,
                                            int32_t last);

/// Sends a ping of at most 125 bytes (RFC 6455 section 5.5.2), which are copied; `data` may be NULL for none. Its pong
/// comes as ROPEWAY_EVENT_PONG. Keep-alive pings are sent without being asked for: ROPEWAY_OPTION_PING_INTERVAL.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED, ROPEWAY_ERROR_NOT_OPEN, ROPEWAY_ERROR_CONTROL_TOO_LONG,
/// ROPEWAY_ERROR_FULL.
ropeway_status ropeway_engine_ping(struct ropeway_engine *engine,
                                   ropeway_connection connection,
                                   const void *data,
                                   size_t length);

/// Sends a pong nobody asked for (RFC 6455 section 5.5.3), of at most 125 bytes. Pings are answered without it.
/// Otherwise as ropeway_engine_ping.
ropeway_status ropeway_engine_pong(struct ropeway_engine *engine,
                                   ropeway_connection connection,
                                   const void *data,
                                   size_t length);

/// Begins the closing handshake (RFC 6455 section 7.1.2) with a code of 1000 to 1003, 1007 to 1014 or 3000 to 4999, or
/// 1005 to send none, and a reason of at most 123 bytes of UTF-8, NULL for none. Messages of the peer still come until
/// its Close frame does; ROPEWAY_EVENT_CLOSED follows, within ROPEWAY_OPTION_CLOSE_TIMEOUT. During the opening
/// handshake, and between two attempts of a reconnecting connection, it is dropped instead.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED, also when a close is under way already,
/// ROPEWAY_ERROR_INVALID_CLOSE_CODE, ROPEWAY_ERROR_CONTROL_TOO_LONG, ROPEWAY_ERROR_INVALID_UTF8.
ropeway_status ropeway_engine_close(struct ropeway_engine *engine,
                                    ropeway_connection connection,
                                    int32_t code,
                                    const char *reason);

/// Ends a connection at once, without a Close frame. ROPEWAY_EVENT_CLOSED follows.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
ropeway_status ropeway_engine_abort(struct ropeway_engine *engine, ropeway_connection connection);

/// Stops to read from a connection until ropeway_engine_resume, so that its peer has to wait once the kernel's buffers
/// are full. Messages that have been read already are held back too, and the keep-alive rests. Sending goes on; close
/// and abort end the pause. Before ROPEWAY_EVENT_OPENED it holds from there on. When the peer ends its direction in
/// order, that waits too; when the connection breaks, ROPEWAY_EVENT_CLOSED comes, and what was not read is lost.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
ropeway_status ropeway_engine_pause(struct ropeway_engine *engine,
                                    ropeway_connection connection);

/// Reads again from a connection that was paused.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
ropeway_status ropeway_engine_resume(struct ropeway_engine *engine, ropeway_connection connection);

/// Writes to `*bytes` how many bytes wait to be sent on a connection.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
ropeway_status ropeway_engine_queued_bytes(const struct ropeway_engine *engine,
                                           ropeway_connection connection,
                                           uint64_t *bytes);

/// Writes the peer's address and port, as `127.0.0.1:49152` or `[::1]:49152`, NUL-terminated, to `buffer`, which holds
/// `capacity` bytes; 64 are always enough.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED; ROPEWAY_ERROR_IO while it is being dialled, and when the peer is
/// gone; ROPEWAY_ERROR_BUFFER_TOO_SMALL.
ropeway_status ropeway_engine_peer_address(const struct ropeway_engine *engine,
                                           ropeway_connection connection,
                                           char *buffer,
                                           size_t capacity);

/// Keeps a pointer of the application's with a connection; each event of the connection brings it, and Ropeway never
/// follows it. NULL at first.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
ropeway_status ropeway_engine_set_user_data(struct ropeway_engine *engine,
                                            ropeway_connection connection,
                                            void *user_data);

/// Writes what ropeway_engine_set_user_data set to `*user_data`.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
ropeway_status ropeway_engine_user_data(const struct ropeway_engine *engine,
                                        ropeway_connection connection,
                                        void **user_data);

/// Writes what the TLS handshake of a connection agreed on to `*info`, lent until the next call of this function on the
/// engine.
///
/// ROPEWAY_NONE for a connection without TLS, and before its handshake is done. Errors: ROPEWAY_ERROR_NULL,
/// ROPEWAY_ERROR_CLOSED.
ropeway_status ropeway_engine_tls_info(const struct ropeway_engine *engine,
                                       ropeway_connection connection,
                                       const struct ropeway_tls_info **info);

/// Writes what the TLS handshake of a client agreed on to `*info`, lent until the next call of this function on the
/// client.
///
/// ROPEWAY_NONE for a connection without TLS, and once it has ended. Errors: ROPEWAY_ERROR_NULL.
ropeway_status ropeway_client_tls_info(struct ropeway_client *client,
                                       const struct ropeway_tls_info **info);

/// Gives the requests that a connection has still to send the header fields of `options`, none for NULL, in place of
/// those it was dialled with; nothing else of them counts. All is copied. They are for the present attempt, if its
/// request has not gone out (after ROPEWAY_EVENT_REDIRECT it has not), and for all later ones. Nothing is stripped of
/// them then; it is after a further redirect to another origin.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED; ROPEWAY_ERROR_INVALID_HEADER; ROPEWAY_ERROR_MISUSE for a connection
/// that was dialled without ROPEWAY_OPTION_RECONNECT and waits for no redirect.
ropeway_status ropeway_engine_set_connection_headers(struct ropeway_engine *engine,
                                                     ropeway_connection connection,
                                                     const struct ropeway_options *options);

/// Ends the wait that ROPEWAY_EVENT_RECONNECTING told of: the next attempt begins at once. Does nothing for a connection
/// that is not in such a wait.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
ropeway_status ropeway_engine_reconnect_now(struct ropeway_engine *engine,
                                            ropeway_connection connection);

/// Subscribes a connection to a topic, any UTF-8 string, compared byte by byte, which is copied. The subscription ends
/// with the connection.
///
/// ROPEWAY_UNCHANGED when it was subscribed already. Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_UTF8,
/// ROPEWAY_ERROR_CLOSED, ROPEWAY_ERROR_FORKED.
ropeway_status ropeway_engine_subscribe(struct ropeway_engine *engine,
                                        ropeway_connection connection,
                                        const char *topic);

/// Ends a connection's subscription to a topic.
///
/// ROPEWAY_UNCHANGED when there was none. Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_UTF8,
/// ROPEWAY_ERROR_CLOSED.
ropeway_status ropeway_engine_unsubscribe(struct ropeway_engine *engine,
                                          ropeway_connection connection,
                                          const char *topic);

/// Sends a message of the kind ROPEWAY_TEXT or ROPEWAY_BINARY to every subscriber of a topic but `except` (0: to all).
/// The `length` bytes at `data` are copied once, whatever the number of subscribers. One whose queue is above its
/// high-water mark, or that is in the middle of a fragmented message, does not get it. How many subscribers there are
/// besides `except` is written to `*subscribers`, unless that is NULL.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_INVALID_UTF8.
ropeway_status ropeway_engine_publish(struct ropeway_engine *engine,
                                      const char *topic,
                                      int32_t kind,
                                      const void *data,
                                      size_t length,
                                      ropeway_connection except,
                                      size_t *subscribers);

/// Writes the number of a topic's subscribers to `*count`.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_UTF8.
ropeway_status ropeway_engine_subscribers(const struct ropeway_engine *engine,
                                          const char *topic,
                                          size_t *count);

/// Writes what the engine has done to `*metrics`. It looks at every connection: some milliseconds for 100,000.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_ARGUMENT when `size` is not set.
ropeway_status ropeway_engine_metrics(const struct ropeway_engine *engine,
                                      struct ropeway_metrics *metrics);

/// Writes what one connection has done to `*metrics`; its last figures can be had while its ROPEWAY_EVENT_CLOSED is
/// lent.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED; ROPEWAY_ERROR_MISUSE without ROPEWAY_OPTION_CONNECTION_METRICS;
/// ROPEWAY_ERROR_INVALID_ARGUMENT when `size` is not set.
ropeway_status ropeway_engine_connection_metrics(const struct ropeway_engine *engine,
                                                 ropeway_connection connection,
                                                 struct ropeway_connection_metrics *metrics);

/// Writes what the engine has done to `*text` as Prometheus reads it (text format 0.0.4), some 4 KB with a NUL, lent
/// until the next call of this function on the engine. Answer a scrape with the media type
/// `text/plain; version=0.0.4; charset=utf-8`.
///
/// Errors: ROPEWAY_ERROR_NULL.
ropeway_status ropeway_engine_prometheus(const struct ropeway_engine *engine,
                                         const char **text);

/// Writes one of the totals of ropeway_metrics (ROPEWAY_COUNTER_...) to `*value`: what was there before
/// ropeway_engine_metrics, for programs that ask so.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_ARGUMENT for a `counter` that there is not.
ropeway_status ropeway_engine_counter(const struct ropeway_engine *engine,
                                      int32_t counter,
                                      uint64_t *value);

/// Connects the engine's topics with those of other nodes, in this process, in others and on other machines, over the
/// broker at `url`: Redis or Valkey (`redis://[USER:PASSWORD@]HOST[:PORT]/`, in TLS `rediss://`, or `redis+unix:///PATH`) or NATS
/// (`nats://[USER:PASSWORD@]HOST[:PORT]`, in TLS `tls://`). From now on what is published on the engine goes to the subscribers
/// of all nodes, and what other nodes publish is told by ROPEWAY_EVENT_RELAYED too. NULL ends that. The broker need not be there
/// yet.
///
/// A message arrives at most once, those of one engine in their order. While the broker is away up to 16 MiB wait; what is
/// dropped or lost is counted in ropeway_metrics. Two threads are started; ending the relay, and freeing the engine, waits
/// for them, up to some seconds when the broker does not answer.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_UTF8, ROPEWAY_ERROR_INVALID_URL; ROPEWAY_ERROR_IO when no thread can
/// be started.
ropeway_status ropeway_engine_relay(struct ropeway_engine *engine,
                                    const char *url);

/// Makes another handle on the same engine and writes it to `*copy`; the caller owns it. Any thread.
///
/// Errors: ROPEWAY_ERROR_NULL.
ropeway_status ropeway_remote_clone(const struct ropeway_remote *remote,
                                    struct ropeway_remote **copy);

/// Frees a remote; what it was asked to do is still done. NULL is let pass. Any thread, when no other uses this handle.
void ropeway_remote_free(struct ropeway_remote *remote);

/// Sends a message of the kind ROPEWAY_TEXT or ROPEWAY_BINARY on a connection: `length` bytes at `data`, which are
/// copied. Whether the connection takes it is seen later: when it does not, the engine tells
/// ROPEWAY_EVENT_UNDELIVERED; when it is gone, nothing. Any thread.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_REMOTE_FULL, ROPEWAY_ERROR_ENGINE_GONE,
/// ROPEWAY_ERROR_OUT_OF_MEMORY.
ropeway_status ropeway_remote_send(const struct ropeway_remote *remote,
                                   ropeway_connection connection,
                                   int32_t kind,
                                   const void *data,
                                   size_t length);

/// Publishes a message to a topic's subscribers, as ropeway_engine_publish. Any thread.
///
/// Errors: as ropeway_remote_send, and ROPEWAY_ERROR_INVALID_UTF8 for the topic.
ropeway_status ropeway_remote_publish(const struct ropeway_remote *remote,
                                      const char *topic,
                                      int32_t kind,
                                      const void *data,
                                      size_t length);

/// Begins the closing handshake of a connection, as ropeway_engine_close. A code or reason that cannot be sent closes
/// with 1011 instead. Any thread.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_INVALID_UTF8, ROPEWAY_ERROR_REMOTE_FULL,
/// ROPEWAY_ERROR_ENGINE_GONE.
ropeway_status ropeway_remote_close(const struct ropeway_remote *remote,
                                    ropeway_connection connection,
                                    int32_t code,
                                    const char *reason);

/// Ends a connection at once, as ropeway_engine_abort. Any thread.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_REMOTE_FULL, ROPEWAY_ERROR_ENGINE_GONE.
ropeway_status ropeway_remote_abort(const struct ropeway_remote *remote,
                                    ropeway_connection connection);

/// Makes a waiting ropeway_engine_poll return, and the engine's descriptor readable. Any thread; while the engine is
/// there, a signal handler too (it may change errno).
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_ENGINE_GONE.
ropeway_status ropeway_remote_wake(const struct ropeway_remote *remote);

/// Makes the client's side of a connection that has just been made to the host of `url`, and writes it to `*protocol`;
/// its request is the first output. `options`, NULL for the defaults, are copied. The caller owns it and frees it by
/// ropeway_protocol_free. Whether the transport is TLS for wss is the caller's care.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_INVALID_URL,
/// ROPEWAY_ERROR_INVALID_HEADER, ROPEWAY_ERROR_RANDOM.
ropeway_status ropeway_protocol_client(const char *url,
                                       const struct ropeway_options *options,
                                       uint64_t now,
                                       struct ropeway_protocol **protocol);

/// Makes the server's side of a connection that a client has just made, and writes it to `*protocol`. `options`, NULL
/// for the defaults, are copied. The caller owns it and frees it by ropeway_protocol_free.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT.
ropeway_status ropeway_protocol_server(const struct ropeway_options *options,
                                       uint64_t now,
                                       struct ropeway_protocol **protocol);

/// Makes one side of a connection, `role` being ROPEWAY_CLIENT or ROPEWAY_SERVER, whose opening handshake was done
/// elsewhere: frames come next, and no ROPEWAY_EVENT_OPENED. Otherwise as ropeway_protocol_server.
ropeway_status ropeway_protocol_open(int32_t role,
                                     const struct ropeway_options *options,
                                     uint64_t now,
                                     struct ropeway_protocol **protocol);

/// Frees a protocol, and with it its output and the event that is lent. NULL is let pass.
void ropeway_protocol_free(struct ropeway_protocol *protocol);

/// Passes on `length` bytes that came from the peer, which are copied; then take the events. Any division of the bytes
/// among calls gives the same events. Ends the loan of the last event.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT.
ropeway_status ropeway_protocol_receive(struct ropeway_protocol *protocol,
                                        const void *data,
                                        size_t length);

/// The next event, lent until the next call of this function or of ropeway_protocol_receive on the protocol; NULL when
/// there is none: more bytes are needed. Also NULL, with ropeway_last_error, on a bad argument or after a defect.
/// Answers that the RFC demands (a pong, the other Close frame, a refusal) are put into the output on the way, so look
/// at that after it too.
const struct ropeway_event *ropeway_protocol_next_event(struct ropeway_protocol *protocol,
                                                        uint64_t now);

/// What is to be sent to the peer: `*length` bytes at `*data`, lent until the next call on the protocol other than
/// this; none when `*length` is 0. Say how many went by ropeway_protocol_consume.
///
/// Errors: ROPEWAY_ERROR_NULL.
ropeway_status ropeway_protocol_output(const struct ropeway_protocol *protocol,
                                       const void **data,
                                       size_t *length);

/// Says that the first `count` bytes of the output have been sent.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_ARGUMENT for more than there are.
ropeway_status ropeway_protocol_consume(struct ropeway_protocol *protocol, size_t count);

/// Says by 1 that the transport takes nothing at present, by 0 that it does again. In between, pings are answered at
/// most once, the newest, when the transport takes bytes again, however many come.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_RANDOM.
ropeway_status ropeway_protocol_set_blocked(struct ropeway_protocol *protocol,
                                            int32_t blocked);

/// Writes to `*deadline` when ropeway_protocol_on_deadline is to be called, on the clock of `now`.
///
/// ROPEWAY_NONE when there is no need to. Errors: ROPEWAY_ERROR_NULL.
ropeway_status ropeway_protocol_next_deadline(const struct ropeway_protocol *protocol,
                                              uint64_t *deadline);

/// Does what the time calls for: a keep-alive ping, the end of a wait. Too early is harmless. Take the events after.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT.
ropeway_status ropeway_protocol_on_deadline(struct ropeway_protocol *protocol,
                                            uint64_t now);

/// Says that the peer has ended its direction of the stream. Take the events after.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT.
ropeway_status ropeway_protocol_on_eof(struct ropeway_protocol *protocol, uint64_t now);

/// Says that the transport has failed with the operating system's error `number` (errno). Take the events after.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT.
ropeway_status ropeway_protocol_on_error(struct ropeway_protocol *protocol,
                                         int32_t number,
                                         uint64_t now);

/// What to do with the transport once the output is sent: ROPEWAY_SHUTDOWN_...; ROPEWAY_SHUTDOWN_DROP, with
/// ropeway_last_error, when `protocol` is NULL or has failed by a defect.
int32_t ropeway_protocol_shutdown(const struct ropeway_protocol *protocol);

/// Puts a whole message of the kind ROPEWAY_TEXT or ROPEWAY_BINARY into the output: `length` bytes at `data`, which are
/// copied.
///
/// Errors, with nothing put there: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_CLOSED,
/// ROPEWAY_ERROR_NOT_OPEN, ROPEWAY_ERROR_INVALID_UTF8, ROPEWAY_ERROR_MESSAGE_IN_PROGRESS, ROPEWAY_ERROR_RANDOM.
ropeway_status ropeway_protocol_send(struct ropeway_protocol *protocol,
                                     int32_t kind,
                                     const void *data,
                                     size_t length);

/// Puts a whole text message of `length` bytes, a NUL not among them, into the output. Otherwise as
/// ropeway_protocol_send.
ropeway_status ropeway_protocol_send_text(struct ropeway_protocol *protocol,
                                          const char *text,
                                          size_t length);

/// Puts a whole binary message into the output. Otherwise as ropeway_protocol_send.
ropeway_status ropeway_protocol_send_binary(struct ropeway_protocol *protocol,
                                            const void *data,
                                            size_t length);

/// Puts the next fragment of a message into the output, as ropeway_engine_send_fragment. Errors as
/// ropeway_protocol_send, and ROPEWAY_ERROR_KIND_CHANGED.
ropeway_status ropeway_protocol_send_fragment(struct ropeway_protocol *protocol,
                                              int32_t kind,
                                              const void *data,
                                              size_t length,
                                              int32_t last);

/// Puts a ping of at most 125 bytes into the output.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED, ROPEWAY_ERROR_NOT_OPEN, ROPEWAY_ERROR_CONTROL_TOO_LONG.
ropeway_status ropeway_protocol_ping(struct ropeway_protocol *protocol,
                                     const void *data,
                                     size_t length);

/// Puts a pong nobody asked for into the output. Otherwise as ropeway_protocol_ping.
ropeway_status ropeway_protocol_pong(struct ropeway_protocol *protocol,
                                     const void *data,
                                     size_t length);

/// Begins the closing handshake, with the codes, reasons and errors of ropeway_engine_close.
ropeway_status ropeway_protocol_close(struct ropeway_protocol *protocol,
                                      int32_t code,
                                      const char *reason,
                                      uint64_t now);

/// Accepts the upgrade that ROPEWAY_EVENT_UPGRADE_REQUEST told of, as ropeway_engine_accept. Take the next event
/// after it: ROPEWAY_EVENT_OPENED, even without new bytes.
ropeway_status ropeway_protocol_accept(struct ropeway_protocol *protocol,
                                       const char *subprotocol,
                                       const struct ropeway_options *options,
                                       uint64_t now);

/// Refuses the upgrade or answers the request, as ropeway_engine_refuse.
ropeway_status ropeway_protocol_refuse(struct ropeway_protocol *protocol,
                                       int32_t status,
                                       const struct ropeway_options *options,
                                       const void *body,
                                       size_t length,
                                       uint64_t now);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ROPEWAY_H */
