/* TLS through the C interface: what its settings refuse, a connection in it, and what that tells of itself. Other
 * implementations of TLS are the business of tests/interop.
 */
#include "harness.h"

static char folder[] = "/tmp/ropeway-tls-XXXXXX", certificate[64], key[64];

/* Makes a certificate for localhost; 0 without an openssl to make one. */
static int make_certificate(void) {
    char command[512];
    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(certificate, sizeof certificate, "%s/certificate.pem", folder);
    snprintf(key, sizeof key, "%s/key.pem", folder);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
             "-addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -keyout %s -out %s "
             "2>/dev/null",
             key, certificate);
    return system(command) == 0;
}

static void remove_certificate(void) {
    unlink(certificate);
    unlink(key);
    rmdir(folder);
}

static void refusals(void) {
    ropeway_options *options = ropeway_options_new();
    ropeway_engine *engine = make_engine();
    ropeway_listener listener, refused = 0;
    listen_on(engine, NULL, &listener);

    CHECK_STATUS(ropeway_engine_reload_tls(NULL, listener, options), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_reload_tls(engine, listener, options), ROPEWAY_ERROR_TLS_SETTINGS);

    /* A server without a certificate, and one whose certificate is not there. */
    CHECK(ropeway_engine_listen(engine, "wss://127.0.0.1:0/", options, &refused) < 0);
    ropeway_options_set_string(options, ROPEWAY_OPTION_TLS_CERTIFICATE, "/nonexistent/certificate.pem");
    ropeway_options_set_string(options, ROPEWAY_OPTION_TLS_KEY, "/nonexistent/key.pem");
    CHECK_STATUS(ropeway_engine_listen(engine, "wss://127.0.0.1:0/", options, &refused), ROPEWAY_ERROR_TLS_SETTINGS);
    CHECK(strstr(ropeway_last_error(), "/nonexistent/") != NULL);
    CHECK(refused == 0);

    ropeway_engine_free(engine);
    ropeway_options_free(options);
}

/* A connection without TLS has nothing to tell. */
static void plain(void) {
    struct pair pair = make_pair(NULL);
    const ropeway_tls_info *info = NULL;
    CHECK_STATUS(ropeway_engine_tls_info(pair.engine, pair.client, &info), ROPEWAY_NONE);
    CHECK_STATUS(ropeway_engine_tls_info(pair.engine, 7, &info), ROPEWAY_ERROR_CLOSED);
    CHECK_STATUS(ropeway_engine_tls_info(NULL, pair.client, &info), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_tls_info(pair.engine, pair.client, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_client_tls_info(NULL, &info), ROPEWAY_ERROR_NULL);
    CHECK(info == NULL);
    ropeway_engine_free(pair.engine);
}

static int says(const char *text, const char *expected) {
    return expected == NULL ? text == NULL : text != NULL && strcmp(text, expected) == 0;
}

/* What both ends of a connection tell; `certificates` is how many the peer showed. */
static void tells(const ropeway_tls_info *info, int resumed, size_t certificates) {
    size_t i;
    CHECK(info->size == sizeof *info);
    CHECK(info->resumed == resumed);
    CHECK(says(info->version, "TLSv1.3"));
    CHECK(strncmp(info->cipher_suite, "TLS13_", 6) == 0);
    CHECK(says(info->application_protocol, "cabin/1"));
    CHECK(says(info->server_name, "localhost"));
    CHECK(info->certificate_count == certificates && (certificates > 0) == (info->certificates != NULL));
    for (i = 0; i < info->certificate_count; i++) /* a SEQUENCE in DER */
        CHECK(info->certificates[i].length > 100 && *(const unsigned char *)info->certificates[i].data == 0x30);
}

static void *serve(void *engine) {
    for (;;) {
        const ropeway_event *event = next_event(engine);
        if (event->type == ROPEWAY_EVENT_CLOSED)
            return NULL;
    }
}

static void connections(void) {
    ropeway_options *server = ropeway_options_new(), *client = ropeway_options_new();
    ropeway_engine *engine = make_engine();
    ropeway_listener listener;
    ropeway_connection dialled, accepted = 0;
    const ropeway_tls_info *info = NULL;
    ropeway_client *blocking = NULL;
    pthread_t thread;
    uint16_t port = 0;
    char url[64];
    int opened = 0;
    CHECK_STATUS(ropeway_options_set_string(server, ROPEWAY_OPTION_TLS_CERTIFICATE, certificate), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_set_string(server, ROPEWAY_OPTION_TLS_KEY, key), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_set_string(server, ROPEWAY_OPTION_TLS_APPLICATION_PROTOCOLS, "cabin/2,cabin/1"),
                 ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_set_string(client, ROPEWAY_OPTION_TLS_CA, certificate), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_set_int(client, ROPEWAY_OPTION_TLS_SYSTEM_CA, 0), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_set_string(client, ROPEWAY_OPTION_TLS_SERVER_NAME, "localhost"), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_set_string(client, ROPEWAY_OPTION_TLS_APPLICATION_PROTOCOLS, "cabin/1"), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_set_int(client, ROPEWAY_OPTION_TLS_APPLICATION_PROTOCOLS, 1),
                 ROPEWAY_ERROR_OPTION_TYPE);
    REQUIRE(ropeway_engine_listen(engine, "wss://127.0.0.1:0/", server, &listener) == ROPEWAY_OK);
    REQUIRE(ropeway_engine_listener_port(engine, listener, &port) == ROPEWAY_OK);
    snprintf(url, sizeof url, "wss://127.0.0.1:%u/", (unsigned)port);

    REQUIRE(ropeway_engine_connect(engine, url, client, &dialled) == ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_tls_info(engine, dialled, &info), ROPEWAY_NONE);
    while (opened < 2) {
        const ropeway_event *event = next_event(engine);
        REQUIRE(event->type == ROPEWAY_EVENT_OPENED);
        if (event->connection != dialled)
            accepted = event->connection;
        opened++;
    }
    CHECK_STATUS(ropeway_engine_tls_info(engine, dialled, &info), ROPEWAY_OK);
    tells(info, 0, 1);
    CHECK_STATUS(ropeway_engine_tls_info(engine, accepted, &info), ROPEWAY_OK);
    tells(info, 0, 0);

    /* The same certificate again, for the next ones; tickets of the old settings are not taken then. */
    CHECK_STATUS(ropeway_engine_reload_tls(engine, listener, server), ROPEWAY_OK);
    ropeway_engine_close(engine, dialled, 1000, NULL);
    await_event(engine, accepted, ROPEWAY_EVENT_CLOSED);
    await_event(engine, dialled, ROPEWAY_EVENT_CLOSED);

    REQUIRE(pthread_create(&thread, NULL, serve, engine) == 0);
    REQUIRE(ropeway_client_open(url, client, &blocking) == ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_tls_info(blocking, &info), ROPEWAY_OK);
    tells(info, 0, 1);
    CHECK_STATUS(ropeway_client_close(blocking, 1000, NULL, NULL), ROPEWAY_OK);
    pthread_join(thread, NULL);

    ropeway_client_free(blocking);
    ropeway_engine_free(engine);
    ropeway_options_free(server);
    ropeway_options_free(client);
}

int main(void) {
    refusals();
    plain();
    if (make_certificate())
        connections();
    else
        fprintf(stderr, "tls: no openssl to make a certificate: connections are not checked\n");
    remove_certificate();
    return finish("tls");
}
