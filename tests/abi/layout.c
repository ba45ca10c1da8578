/* Sizes and offsets of the public structures on a 64-bit system; that it compiles is the test. A field may be added at
 * the end, and the size here raised; nothing else may change.
 */
#include <ropeway.h>

#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")
#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " has another size")

#if UINTPTR_MAX == UINT64_MAX
SIZE(ropeway_status, 4);
SIZE(ropeway_connection, 8);
SIZE(ropeway_listener, 8);

AT(ropeway_event, size, 0);
AT(ropeway_event, type, 4);
AT(ropeway_event, connection, 8);
AT(ropeway_event, listener, 16);
AT(ropeway_event, user_data, 24);
AT(ropeway_event, data, 32);
AT(ropeway_event, length, 40);
AT(ropeway_event, kind, 48);
AT(ropeway_event, flags, 52);
AT(ropeway_event, close_code, 56);
AT(ropeway_event, sent_code, 60);
AT(ropeway_event, status, 64);
AT(ropeway_event, error, 72);
AT(ropeway_event, subprotocol, 80);
AT(ropeway_event, head, 88);
AT(ropeway_event, round_trip, 96);
AT(ropeway_event, undelivered, 104);
AT(ropeway_event, url, 112);
AT(ropeway_event, delay, 120);
AT(ropeway_event, attempt, 128);
AT(ropeway_event, topic, 136);
SIZE(ropeway_event, 144);

AT(ropeway_frame, size, 0);
AT(ropeway_frame, role, 4);
AT(ropeway_frame, sent, 8);
AT(ropeway_frame, opcode, 12);
AT(ropeway_frame, fin, 16);
AT(ropeway_frame, rsv1, 20);
AT(ropeway_frame, masked, 24);
AT(ropeway_frame, mask, 28);
AT(ropeway_frame, length, 32);
AT(ropeway_frame, payload, 40);
AT(ropeway_frame, payload_length, 48);
SIZE(ropeway_frame, 56);

AT(ropeway_certificate, data, 0);
AT(ropeway_certificate, length, 8);
SIZE(ropeway_certificate, 16);

AT(ropeway_tls_info, size, 0);
AT(ropeway_tls_info, resumed, 4);
AT(ropeway_tls_info, version, 8);
AT(ropeway_tls_info, cipher_suite, 16);
AT(ropeway_tls_info, application_protocol, 24);
AT(ropeway_tls_info, server_name, 32);
AT(ropeway_tls_info, certificates, 40);
AT(ropeway_tls_info, certificate_count, 48);
SIZE(ropeway_tls_info, 56);

AT(ropeway_metrics, size, 0);
AT(ropeway_metrics, connections, 8);
AT(ropeway_metrics, queued, 16);
AT(ropeway_metrics, accepted, 24);
AT(ropeway_metrics, dialled, 32);
AT(ropeway_metrics, opened, 40);
AT(ropeway_metrics, closed, 48);
AT(ropeway_metrics, close_codes, 56);
AT(ropeway_metrics, refused_connections, 200);
AT(ropeway_metrics, refused_addresses, 208);
AT(ropeway_metrics, refused_application, 216);
AT(ropeway_metrics, refused_handshake, 224);
AT(ropeway_metrics, refused_tls, 232);
AT(ropeway_metrics, refused_timeout, 240);
AT(ropeway_metrics, messages_received, 248);
AT(ropeway_metrics, messages_sent, 256);
AT(ropeway_metrics, payload_received, 264);
AT(ropeway_metrics, payload_sent, 272);
AT(ropeway_metrics, bytes_received, 280);
AT(ropeway_metrics, bytes_sent, 288);
AT(ropeway_metrics, pings_received, 296);
AT(ropeway_metrics, pings_sent, 304);
AT(ropeway_metrics, round_trips, 312);
AT(ropeway_metrics, round_trip_total, 320);
AT(ropeway_metrics, publishes_dropped, 328);
AT(ropeway_metrics, relay_connected, 336);
AT(ropeway_metrics, relay_sent, 344);
AT(ropeway_metrics, relay_received, 352);
AT(ropeway_metrics, relay_dropped, 360);
AT(ropeway_metrics, relay_lost, 368);
AT(ropeway_metrics, relay_queued, 376);
SIZE(ropeway_metrics, 384);

AT(ropeway_connection_metrics, size, 0);
AT(ropeway_connection_metrics, queued, 8);
AT(ropeway_connection_metrics, messages_received, 16);
AT(ropeway_connection_metrics, messages_sent, 24);
AT(ropeway_connection_metrics, payload_received, 32);
AT(ropeway_connection_metrics, payload_sent, 40);
AT(ropeway_connection_metrics, bytes_received, 48);
AT(ropeway_connection_metrics, bytes_sent, 56);
AT(ropeway_connection_metrics, pings_received, 64);
AT(ropeway_connection_metrics, pings_sent, 72);
AT(ropeway_connection_metrics, round_trip, 80);
SIZE(ropeway_connection_metrics, 88);
#endif
