/* Says hello and prints what comes back: the blocking client.
 *
 *     hello_client ws://127.0.0.1:9000/ [TEXT]
 */
#include <ropeway.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    const char *url = argc > 1 ? argv[1] : "ws://127.0.0.1:9000/";
    const char *text = argc > 2 ? argv[2] : "hello";
    const ropeway_event *event;
    ropeway_client *client;

    if (ropeway_client_open(url, NULL, &client) != ROPEWAY_OK) {
        fprintf(stderr, "%s\n", ropeway_last_error());
        return 1;
    }
    if (ropeway_client_send_text(client, text, strlen(text)) == ROPEWAY_OK &&
        ropeway_client_receive(client, 5000, &event) == ROPEWAY_OK && event->type == ROPEWAY_EVENT_MESSAGE)
        printf("%.*s\n", (int)event->length, (const char *)event->data);
    if (ropeway_client_close(client, 1000, "bye", &event) == ROPEWAY_OK)
        printf("closed with %d\n", (int)event->close_code);
    ropeway_client_free(client);
    return 0;
}
