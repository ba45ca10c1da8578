/* The header as ABI 0 began, without its comments: programs that were compiled against it run with every library whose
 * ROPEWAY_ABI_VERSION is 0. Never changed; replaced as a whole when that number rises.
 */
#ifndef ROPEWAY_H
#define ROPEWAY_H 
#include <stddef.h>
#include <stdint.h>
#define ROPEWAY_ABI_VERSION 0
#define ROPEWAY_OPTION_MAX_MESSAGE_SIZE 100
#define ROPEWAY_OPTION_MAX_FRAGMENTS 101
#define ROPEWAY_OPTION_MAX_HEAD_SIZE 102
#define ROPEWAY_OPTION_MAX_HEADERS 103
#define ROPEWAY_OPTION_MAX_REFUSED_BODY 104
#define ROPEWAY_OPTION_OPEN_TIMEOUT 200
#define ROPEWAY_OPTION_CLOSE_TIMEOUT 201
#define ROPEWAY_OPTION_PING_INTERVAL 202
#define ROPEWAY_OPTION_PONG_TIMEOUT 203
#define ROPEWAY_OPTION_IDLE_TIMEOUT 204
#define ROPEWAY_OPTION_SEND_QUEUE_LOW 300
#define ROPEWAY_OPTION_SEND_QUEUE_HIGH 301
#define ROPEWAY_OPTION_SEND_QUEUE_LIMIT 302
#define ROPEWAY_OPTION_STREAMING 400
#define ROPEWAY_OPTION_ASK_UPGRADE 401
#define ROPEWAY_OPTION_PLAIN_HTTP 402
#define ROPEWAY_OPTION_SUBPROTOCOL 500
#define ROPEWAY_OPTION_ORIGIN 501
#define ROPEWAY_OPTION_MAX_CONNECTIONS 600
#define ROPEWAY_OPTION_MAX_INCOMPLETE_BYTES 601
#define ROPEWAY_OPTION_REMOTE_QUEUE_LIMIT 602
#define ROPEWAY_OPTION_BACKLOG 700
#define ROPEWAY_OPTION_REUSE_PORT 701
#define ROPEWAY_OPTION_IPV6_ONLY 702
#define ROPEWAY_CLIENT 1
#define ROPEWAY_SERVER 2
#define ROPEWAY_TEXT 1
#define ROPEWAY_BINARY 2
#define ROPEWAY_EVENT_UPGRADE_REQUEST 1
#define ROPEWAY_EVENT_HTTP_REQUEST 2
#define ROPEWAY_EVENT_OPENED 3
#define ROPEWAY_EVENT_MESSAGE 4
#define ROPEWAY_EVENT_FRAGMENT 5
#define ROPEWAY_EVENT_PING 6
#define ROPEWAY_EVENT_PONG 7
#define ROPEWAY_EVENT_WRITABLE 8
#define ROPEWAY_EVENT_CLOSED 9
#define ROPEWAY_EVENT_ACCEPT_FAILED 10
#define ROPEWAY_EVENT_UNDELIVERED 11
#define ROPEWAY_FLAG_FIRST 1
#define ROPEWAY_FLAG_LAST 2
#define ROPEWAY_FLAG_CLEAN 4
#define ROPEWAY_FLAG_CLOSE_RECEIVED 8
#define ROPEWAY_FLAG_CLOSE_SENT 16
#define ROPEWAY_FLAG_CLOSED_BY_US 32
#define ROPEWAY_COUNTER_ACCEPTED 1
#define ROPEWAY_COUNTER_DIALLED 2
#define ROPEWAY_COUNTER_OPENED 3
#define ROPEWAY_COUNTER_CLOSED 4
#define ROPEWAY_COUNTER_MESSAGES_RECEIVED 5
#define ROPEWAY_COUNTER_MESSAGES_SENT 6
#define ROPEWAY_COUNTER_BYTES_RECEIVED 7
#define ROPEWAY_COUNTER_BYTES_SENT 8
#define ROPEWAY_COUNTER_PUBLISHES_DROPPED 9
#define ROPEWAY_SHUTDOWN_NO 0
#define ROPEWAY_SHUTDOWN_AWAIT_END 1
#define ROPEWAY_SHUTDOWN_HALF_CLOSE 2
#define ROPEWAY_SHUTDOWN_CLOSE 3
typedef struct ropeway_client ropeway_client;
typedef struct ropeway_engine ropeway_engine;
typedef struct ropeway_head ropeway_head;
typedef struct ropeway_options ropeway_options;
typedef struct ropeway_protocol ropeway_protocol;
typedef struct ropeway_remote ropeway_remote;
typedef int32_t ropeway_status;
typedef struct ropeway_frame {
    uint32_t size;
    int32_t role;
    int32_t sent;
    int32_t opcode;
    int32_t fin;
    int32_t rsv1;
    int32_t masked;
    uint8_t mask[4];
    uint64_t length;
    const void *payload;
    size_t payload_length;
} ropeway_frame;
typedef void (*ropeway_trace)(void *user, const struct ropeway_frame *frame);
typedef uint64_t ropeway_connection;
typedef uint64_t ropeway_listener;
typedef struct ropeway_event {
    uint32_t size;
    int32_t type;
    ropeway_connection connection;
    ropeway_listener listener;
    void *user_data;
    const void *data;
    size_t length;
    int32_t kind;
    uint32_t flags;
    int32_t close_code;
    int32_t sent_code;
    ropeway_status status;
    const char *error;
    const char *subprotocol;
    const struct ropeway_head *head;
    int64_t round_trip;
    uint64_t undelivered;
} ropeway_event;
#define ROPEWAY_OK 0
#define ROPEWAY_QUEUED 1
#define ROPEWAY_NONE 2
#define ROPEWAY_UNCHANGED 3
#define ROPEWAY_ERROR_NULL -100
#define ROPEWAY_ERROR_INVALID_ARGUMENT -101
#define ROPEWAY_ERROR_UNKNOWN_OPTION -102
#define ROPEWAY_ERROR_OPTION_TYPE -103
#define ROPEWAY_ERROR_OPTION_VALUE -104
#define ROPEWAY_ERROR_WRONG_STATE -105
#define ROPEWAY_ERROR_CLOSED -106
#define ROPEWAY_ERROR_NOT_OPEN -107
#define ROPEWAY_ERROR_INVALID_UTF8 -108
#define ROPEWAY_ERROR_MESSAGE_IN_PROGRESS -109
#define ROPEWAY_ERROR_KIND_CHANGED -110
#define ROPEWAY_ERROR_CONTROL_TOO_LONG -111
#define ROPEWAY_ERROR_INVALID_CLOSE_CODE -112
#define ROPEWAY_ERROR_INVALID_URL -113
#define ROPEWAY_ERROR_INVALID_HEADER -114
#define ROPEWAY_ERROR_INVALID_SUBPROTOCOL -115
#define ROPEWAY_ERROR_INVALID_REFUSAL -116
#define ROPEWAY_ERROR_REFUSED -117
#define ROPEWAY_ERROR_ABORTED -118
#define ROPEWAY_ERROR_FORKED -119
#define ROPEWAY_ERROR_ENGINE_GONE -120
#define ROPEWAY_ERROR_BUFFER_TOO_SMALL -121
#define ROPEWAY_ERROR_RESERVED_BITS -200
#define ROPEWAY_ERROR_RESERVED_OPCODE -201
#define ROPEWAY_ERROR_FRAGMENTED_CONTROL -202
#define ROPEWAY_ERROR_LONG_CONTROL -203
#define ROPEWAY_ERROR_MASKED_BY_SERVER -204
#define ROPEWAY_ERROR_UNMASKED_BY_CLIENT -205
#define ROPEWAY_ERROR_OVERLONG_LENGTH -206
#define ROPEWAY_ERROR_LENGTH_TOO_LARGE -207
#define ROPEWAY_ERROR_UNEXPECTED_CONTINUATION -208
#define ROPEWAY_ERROR_EXPECTED_CONTINUATION -209
#define ROPEWAY_ERROR_CLOSE_OF_ONE_BYTE -210
#define ROPEWAY_ERROR_PEER_CLOSE_CODE -211
#define ROPEWAY_ERROR_PEER_TEXT_UTF8 -212
#define ROPEWAY_ERROR_PEER_REASON_UTF8 -213
#define ROPEWAY_ERROR_COMPRESSED_CONTROL -214
#define ROPEWAY_ERROR_COMPRESSED_CONTINUATION -215
#define ROPEWAY_ERROR_FRAME -249
#define ROPEWAY_ERROR_MALFORMED_HEAD -250
#define ROPEWAY_ERROR_INCOMPLETE_HEAD -251
#define ROPEWAY_ERROR_TLS_ON_PLAIN_PORT -252
#define ROPEWAY_ERROR_HTTP_VERSION -253
#define ROPEWAY_ERROR_NOT_WEBSOCKET -254
#define ROPEWAY_ERROR_METHOD -255
#define ROPEWAY_ERROR_MISSING_HEADER -256
#define ROPEWAY_ERROR_DUPLICATE_HEADER -257
#define ROPEWAY_ERROR_PEER_HEADER -258
#define ROPEWAY_ERROR_WEBSOCKET_VERSION -259
#define ROPEWAY_ERROR_DRAFT_HANDSHAKE -260
#define ROPEWAY_ERROR_INVALID_KEY -261
#define ROPEWAY_ERROR_REQUEST_BODY -262
#define ROPEWAY_ERROR_ACCEPT_MISMATCH -263
#define ROPEWAY_ERROR_UNOFFERED_SUBPROTOCOL -264
#define ROPEWAY_ERROR_UNOFFERED_EXTENSION -265
#define ROPEWAY_ERROR_HTTP_STATUS -266
#define ROPEWAY_ERROR_HANDSHAKE -299
#define ROPEWAY_ERROR_MESSAGE_TOO_BIG -300
#define ROPEWAY_ERROR_TOO_MANY_FRAGMENTS -301
#define ROPEWAY_ERROR_INCOMPLETE_MESSAGES -302
#define ROPEWAY_ERROR_FULL -303
#define ROPEWAY_ERROR_TOO_MANY_CONNECTIONS -304
#define ROPEWAY_ERROR_REMOTE_FULL -305
#define ROPEWAY_ERROR_HEAD_TOO_LARGE -306
#define ROPEWAY_ERROR_START_LINE_TOO_LONG -307
#define ROPEWAY_ERROR_TOO_MANY_HEADERS -308
#define ROPEWAY_ERROR_LIMIT -399
#define ROPEWAY_ERROR_OPEN_TIMEOUT -400
#define ROPEWAY_ERROR_PONG_TIMEOUT -401
#define ROPEWAY_ERROR_IDLE_TIMEOUT -402
#define ROPEWAY_ERROR_CLOSE_TIMEOUT -403
#define ROPEWAY_ERROR_TIMEOUT -404
#define ROPEWAY_ERROR_CONNECTION_LOST -410
#define ROPEWAY_ERROR_IO -411
#define ROPEWAY_ERROR_RESOLVE -412
#define ROPEWAY_ERROR_CONNECT -413
#define ROPEWAY_ERROR_PANIC -500
#define ROPEWAY_ERROR_RANDOM -501
#define ROPEWAY_ERROR_POISONED -502
#define ROPEWAY_ERROR_OUT_OF_MEMORY -503
#define ROPEWAY_ERROR_INTERNAL -599
#ifdef __cplusplus
extern "C" {
#endif
const char *ropeway_version(void);
int32_t ropeway_abi_version(void);
const char *ropeway_status_string(ropeway_status status);
const char *ropeway_last_error(void);
struct ropeway_options *ropeway_options_new(void);
struct ropeway_options *ropeway_options_clone(const struct ropeway_options *options);
void ropeway_options_free(struct ropeway_options *options);
ropeway_status ropeway_options_set_int(struct ropeway_options *options,
                                       int32_t key,
                                       int64_t value);
ropeway_status ropeway_options_get_int(const struct ropeway_options *options,
                                       int32_t key,
                                       int64_t *value);
ropeway_status ropeway_options_set_string(struct ropeway_options *options,
                                          int32_t key,
                                          const char *value);
ropeway_status ropeway_options_add_header(struct ropeway_options *options,
                                          const char *name,
                                          const char *value);
ropeway_status ropeway_options_set_trace(struct ropeway_options *options,
                                         ropeway_trace trace,
                                         void *user);
const char *ropeway_head_method(const struct ropeway_head *head);
const char *ropeway_head_target(const struct ropeway_head *head);
int32_t ropeway_head_status(const struct ropeway_head *head);
size_t ropeway_head_count(const struct ropeway_head *head);
ropeway_status ropeway_head_field(const struct ropeway_head *head,
                                  const char *name,
                                  const char **value,
                                  size_t *length);
ropeway_status ropeway_head_at(const struct ropeway_head *head,
                               size_t index,
                               const char **name,
                               size_t *name_length,
                               const char **value,
                               size_t *value_length);
ropeway_status ropeway_head_body(const struct ropeway_head *head,
                                 const void **data,
                                 size_t *length);
ropeway_status ropeway_client_open(const char *url,
                                   const struct ropeway_options *options,
                                   struct ropeway_client **client);
void ropeway_client_free(struct ropeway_client *client);
ropeway_status ropeway_client_send(struct ropeway_client *client,
                                   int32_t kind,
                                   const void *data,
                                   size_t length);
ropeway_status ropeway_client_send_text(struct ropeway_client *client,
                                        const char *text,
                                        size_t length);
ropeway_status ropeway_client_send_binary(struct ropeway_client *client,
                                          const void *data,
                                          size_t length);
ropeway_status ropeway_client_send_fragment(struct ropeway_client *client,
                                            int32_t kind,
                                            const void *data,
                                            size_t length,
                                            int32_t last);
ropeway_status ropeway_client_ping(struct ropeway_client *client, const void *data, size_t length);
ropeway_status ropeway_client_receive(struct ropeway_client *client,
                                      int64_t timeout,
                                      const struct ropeway_event **event);
ropeway_status ropeway_client_close(struct ropeway_client *client,
                                    int32_t code,
                                    const char *reason,
                                    const struct ropeway_event **event);
ropeway_status ropeway_client_opened(struct ropeway_client *client,
                                     const struct ropeway_event **event);
ropeway_status ropeway_engine_new(const struct ropeway_options *options,
                                  struct ropeway_engine **engine);
void ropeway_engine_free(struct ropeway_engine *engine);
int ropeway_engine_descriptor(const struct ropeway_engine *engine);
ropeway_status ropeway_engine_poll(struct ropeway_engine *engine,
                                   int64_t timeout);
const struct ropeway_event *ropeway_engine_next_event(struct ropeway_engine *engine);
ropeway_status ropeway_engine_remote(struct ropeway_engine *engine,
                                     struct ropeway_remote **remote);
ropeway_status ropeway_engine_list(const struct ropeway_engine *engine,
                                   ropeway_connection *ids,
                                   size_t capacity,
                                   size_t *count);
ropeway_status ropeway_engine_counter(const struct ropeway_engine *engine,
                                      int32_t counter,
                                      uint64_t *value);
ropeway_status ropeway_engine_listen(struct ropeway_engine *engine,
                                     const char *url,
                                     const struct ropeway_options *options,
                                     ropeway_listener *listener);
ropeway_status ropeway_engine_listener_port(const struct ropeway_engine *engine,
                                            ropeway_listener listener,
                                            uint16_t *port);
ropeway_status ropeway_engine_listener_address(const struct ropeway_engine *engine,
                                               ropeway_listener listener,
                                               char *buffer,
                                               size_t capacity);
ropeway_status ropeway_engine_close_listener(struct ropeway_engine *engine,
                                             ropeway_listener listener);
ropeway_status ropeway_engine_connect(struct ropeway_engine *engine,
                                      const char *url,
                                      const struct ropeway_options *options,
                                      ropeway_connection *connection);
ropeway_status ropeway_engine_accept(struct ropeway_engine *engine,
                                     ropeway_connection connection,
                                     const char *subprotocol,
                                     const struct ropeway_options *options);
ropeway_status ropeway_engine_refuse(struct ropeway_engine *engine,
                                     ropeway_connection connection,
                                     int32_t status,
                                     const struct ropeway_options *options,
                                     const void *body,
                                     size_t length);
ropeway_status ropeway_engine_send(struct ropeway_engine *engine,
                                   ropeway_connection connection,
                                   int32_t kind,
                                   const void *data,
                                   size_t length);
ropeway_status ropeway_engine_send_text(struct ropeway_engine *engine,
                                        ropeway_connection connection,
                                        const char *text,
                                        size_t length);
ropeway_status ropeway_engine_send_binary(struct ropeway_engine *engine,
                                          ropeway_connection connection,
                                          const void *data,
                                          size_t length);
ropeway_status ropeway_engine_send_fragment(struct ropeway_engine *engine,
                                            ropeway_connection connection,
                                            int32_t kind,
                                            const void *data,
                                            size_t length,
                                            int32_t last);
ropeway_status ropeway_engine_ping(struct ropeway_engine *engine,
                                   ropeway_connection connection,
                                   const void *data,
                                   size_t length);
ropeway_status ropeway_engine_pong(struct ropeway_engine *engine,
                                   ropeway_connection connection,
                                   const void *data,
                                   size_t length);
ropeway_status ropeway_engine_close(struct ropeway_engine *engine,
                                    ropeway_connection connection,
                                    int32_t code,
                                    const char *reason);
ropeway_status ropeway_engine_abort(struct ropeway_engine *engine, ropeway_connection connection);
ropeway_status ropeway_engine_pause(struct ropeway_engine *engine,
                                    ropeway_connection connection);
ropeway_status ropeway_engine_resume(struct ropeway_engine *engine, ropeway_connection connection);
ropeway_status ropeway_engine_queued_bytes(const struct ropeway_engine *engine,
                                           ropeway_connection connection,
                                           uint64_t *bytes);
ropeway_status ropeway_engine_peer_address(const struct ropeway_engine *engine,
                                           ropeway_connection connection,
                                           char *buffer,
                                           size_t capacity);
ropeway_status ropeway_engine_set_user_data(struct ropeway_engine *engine,
                                            ropeway_connection connection,
                                            void *user_data);
ropeway_status ropeway_engine_user_data(const struct ropeway_engine *engine,
                                        ropeway_connection connection,
                                        void **user_data);
ropeway_status ropeway_engine_subscribe(struct ropeway_engine *engine,
                                        ropeway_connection connection,
                                        const char *topic);
ropeway_status ropeway_engine_unsubscribe(struct ropeway_engine *engine,
                                          ropeway_connection connection,
                                          const char *topic);
ropeway_status ropeway_engine_publish(struct ropeway_engine *engine,
                                      const char *topic,
                                      int32_t kind,
                                      const void *data,
                                      size_t length,
                                      ropeway_connection except,
                                      size_t *reached);
ropeway_status ropeway_engine_subscribers(const struct ropeway_engine *engine,
                                          const char *topic,
                                          size_t *count);
ropeway_status ropeway_remote_clone(const struct ropeway_remote *remote,
                                    struct ropeway_remote **copy);
void ropeway_remote_free(struct ropeway_remote *remote);
ropeway_status ropeway_remote_send(const struct ropeway_remote *remote,
                                   ropeway_connection connection,
                                   int32_t kind,
                                   const void *data,
                                   size_t length);
ropeway_status ropeway_remote_publish(const struct ropeway_remote *remote,
                                      const char *topic,
                                      int32_t kind,
                                      const void *data,
                                      size_t length);
ropeway_status ropeway_remote_close(const struct ropeway_remote *remote,
                                    ropeway_connection connection,
                                    int32_t code,
                                    const char *reason);
ropeway_status ropeway_remote_abort(const struct ropeway_remote *remote,
                                    ropeway_connection connection);
ropeway_status ropeway_remote_wake(const struct ropeway_remote *remote);
ropeway_status ropeway_protocol_client(const char *url,
                                       const struct ropeway_options *options,
                                       uint64_t now,
                                       struct ropeway_protocol **protocol);
ropeway_status ropeway_protocol_server(const struct ropeway_options *options,
                                       uint64_t now,
                                       struct ropeway_protocol **protocol);
ropeway_status ropeway_protocol_open(int32_t role,
                                     const struct ropeway_options *options,
                                     uint64_t now,
                                     struct ropeway_protocol **protocol);
void ropeway_protocol_free(struct ropeway_protocol *protocol);
ropeway_status ropeway_protocol_receive(struct ropeway_protocol *protocol,
                                        const void *data,
                                        size_t length);
const struct ropeway_event *ropeway_protocol_next_event(struct ropeway_protocol *protocol,
                                                        uint64_t now);
ropeway_status ropeway_protocol_output(const struct ropeway_protocol *protocol,
                                       const void **data,
                                       size_t *length);
ropeway_status ropeway_protocol_consume(struct ropeway_protocol *protocol, size_t count);
ropeway_status ropeway_protocol_set_blocked(struct ropeway_protocol *protocol,
                                            int32_t blocked);
ropeway_status ropeway_protocol_send(struct ropeway_protocol *protocol,
                                     int32_t kind,
                                     const void *data,
                                     size_t length);
ropeway_status ropeway_protocol_send_text(struct ropeway_protocol *protocol,
                                          const char *text,
                                          size_t length);
ropeway_status ropeway_protocol_send_binary(struct ropeway_protocol *protocol,
                                            const void *data,
                                            size_t length);
ropeway_status ropeway_protocol_send_fragment(struct ropeway_protocol *protocol,
                                              int32_t kind,
                                              const void *data,
                                              size_t length,
                                              int32_t last);
ropeway_status ropeway_protocol_ping(struct ropeway_protocol *protocol,
                                     const void *data,
                                     size_t length);
ropeway_status ropeway_protocol_pong(struct ropeway_protocol *protocol,
                                     const void *data,
                                     size_t length);
ropeway_status ropeway_protocol_close(struct ropeway_protocol *protocol,
                                      int32_t code,
                                      const char *reason,
                                      uint64_t now);
ropeway_status ropeway_protocol_accept(struct ropeway_protocol *protocol,
                                       const char *subprotocol,
                                       const struct ropeway_options *options,
                                       uint64_t now);
ropeway_status ropeway_protocol_refuse(struct ropeway_protocol *protocol,
                                       int32_t status,
                                       const struct ropeway_options *options,
                                       const void *body,
                                       size_t length,
                                       uint64_t now);
ropeway_status ropeway_protocol_next_deadline(const struct ropeway_protocol *protocol,
                                              uint64_t *deadline);
ropeway_status ropeway_protocol_on_deadline(struct ropeway_protocol *protocol,
                                            uint64_t now);
ropeway_status ropeway_protocol_on_eof(struct ropeway_protocol *protocol, uint64_t now);
ropeway_status ropeway_protocol_on_error(struct ropeway_protocol *protocol,
                                         int32_t number,
                                         uint64_t now);
int32_t ropeway_protocol_shutdown(const struct ropeway_protocol *protocol);
#ifdef __cplusplus
}
#endif
#endif
