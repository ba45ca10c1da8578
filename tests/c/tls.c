/* TLS settings through the C interface: what they refuse, and what a listener without TLS answers. The connections
 * themselves are the business of tests/interop.
 */
#include "harness.h"

int main(void) {
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
    return finish("tls");
}
