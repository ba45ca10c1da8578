/* Says hello through a proxy and prints what comes back; built and run by check_proxies.
 *
 *     proxied_client PROXY URL [CA]
 *
 * CA, a file, is trusted in the server's certificate and in an https proxy's.
 */
#include <ropeway.h>
#include <stdio.h>

int main(int argc, char **argv) {
    const ropeway_event *event;
    ropeway_options *options = ropeway_options_new();
    ropeway_client *client = NULL;
    if (argc < 3)
        return 2;
    if (ropeway_options_set_string(options, ROPEWAY_OPTION_PROXY, argv[1]) != ROPEWAY_OK ||
        (argc > 3 && ropeway_options_set_string(options, ROPEWAY_OPTION_TLS_CA, argv[3]) != ROPEWAY_OK) ||
        (argc > 3 && ropeway_options_set_string(options, ROPEWAY_OPTION_PROXY_CA, argv[3]) != ROPEWAY_OK) ||
        ropeway_client_open(argv[2], options, &client) != ROPEWAY_OK) {
        fprintf(stderr, "%s\n", ropeway_last_error());
        ropeway_options_free(options);
        return 1;
    }
    if (ropeway_client_send_text(client, "hello", 5) == ROPEWAY_OK &&
        ropeway_client_receive(client, 10000, &event) == ROPEWAY_OK && event->type == ROPEWAY_EVENT_MESSAGE)
        printf("%.*s\n", (int)event->length, (const char *)event->data);
    if (ropeway_client_close(client, 1000, "bye", &event) == ROPEWAY_OK)
        printf("closed with %d\n", (int)event->close_code);
    ropeway_client_free(client);
    ropeway_options_free(options);
    return 0;
}
