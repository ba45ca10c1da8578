/* A chat: rooms, names, who is there, the last lines, who is typing. README.md has the protocol and its limits.
 *
 *     chat_server [PORT [HOST [FOLDER OF THE PAGE]]] [--relay BROKER]
 *
 * JSON is jansson's (libjansson-dev).
 */
#define _POSIX_C_SOURCE 200809L

#include <jansson.h>
#include <ropeway.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINES = 50, PEOPLE = 100, ROOMS = 1000, WORD = 64, TEXT = 2000, MESSAGE = 8192, AT_ONCE = 20, A_SECOND = 5 };

struct person { /* one connection; its user data */
    ropeway_connection connection;
    struct room *room;
    char name[WORD + 1], key[WORD + 1];
    double allowance, counted;
    struct person *next;
};

static struct room {
    char name[WORD + 1]; /* "" for a place that was never used */
    struct person *people;
    size_t count;
    json_t *lines;
} rooms[ROOMS];

static struct file {
    const char *path, *type;
    char body[1 << 16];
    size_t length;
} files[] = {
    {.path = "index.html", .type = "text/html; charset=utf-8"},
    {.path = "chat.css", .type = "text/css; charset=utf-8"},
    {.path = "chat.js", .type = "text/javascript; charset=utf-8"},
    {.path = "icon.svg", .type = "image/svg+xml; charset=utf-8"},
};
enum { FILES = sizeof files / sizeof *files };

static ropeway_engine *engine;

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* To one, or to all in a room: framed once, and a slow reader holds up nobody. Takes the message over. */
static void tell(ropeway_connection connection, const struct room *room, json_t *message) {
    char *text = json_dumps(message, JSON_COMPACT);
    if (text != NULL && room != NULL)
        ropeway_engine_publish(engine, room->name, ROPEWAY_TEXT, text, strlen(text), 0, NULL);
    else if (text != NULL)
        ropeway_engine_send_text(engine, connection, text, strlen(text));
    free(text);
    json_decref(message);
}

/* The room, made if need be in the place of an empty one; NULL when there are too many. */
static struct room *find_room(const char *name) {
    struct room *room, *free_place = NULL;
    for (room = rooms; room < rooms + ROOMS; room++) {
        if (strcmp(room->name, name) == 0)
            return room;
        if (room->people == NULL && (free_place == NULL || (free_place->name[0] && !room->name[0])))
            free_place = room;
    }
    if (free_place != NULL) {
        json_decref(free_place->lines);
        free_place->lines = json_array();
        strcpy(free_place->name, name);
    }
    return free_place;
}

/* A field's text, within its limit and without control characters; otherwise NULL. */
static const char *text_of(const json_t *message, const char *field, size_t most) {
    const json_t *value = json_object_get(message, field);
    const unsigned char *text = (const unsigned char *)json_string_value(value);
    size_t i, length = json_string_length(value);
    if (text == NULL || length < 1 || length > most || text[0] == ' ' || text[length - 1] == ' ')
        return NULL;
    for (i = 0; i < length; i++)
        if (text[i] < 0x20 || text[i] == 0x7f || (text[i] == 0xc2 && text[i + 1] < 0xa0))
            return NULL;
    return (const char *)text;
}

/* Takes a person out of the room's list, and of its topic. */
static void remove_from_room(struct person *person) {
    struct person **place = &person->room->people;
    while (*place != person)
        place = &(*place)->next;
    *place = person->next;
    person->room->count--;
    ropeway_engine_unsubscribe(engine, person->connection, person->room->name);
    person->room = NULL;
}

static void leave(struct person *person) {
    const struct room *room = person->room;
    if (room != NULL) {
        remove_from_room(person);
        tell(0, room, json_pack("{ss, ss}", "type", "left", "name", person->name));
    }
}

/* The names of all in a room. */
static json_t *names_in(const struct room *room) {
    json_t *names = json_array();
    const struct person *person;
    for (person = room->people; person != NULL; person = person->next)
        json_array_append_new(names, json_string(person->name));
    return names;
}

/* Enters a room; by the key also over a connection that is not known to be lost. */
static void join(struct person *person, const char *room_name, const char *name, const char *key) {
    struct room *room = find_room(room_name);
    struct person *other, *holder = NULL;
    if (room != NULL)
        for (other = room->people; other != NULL; other = other->next)
            if (strcmp(other->name, name) == 0)
                holder = other;
    if (holder != NULL && strcmp(holder->key, key) != 0) {
        tell(person->connection, NULL, json_pack("{ss, ss}", "type", "refused", "reason", "taken"));
    } else if (room == NULL || (holder == NULL && room->count >= PEOPLE)) {
        tell(person->connection, NULL, json_pack("{ss, ss}", "type", "refused", "reason", "full"));
    } else {
        if (holder != NULL) {
            remove_from_room(holder);
            tell(holder->connection, NULL, json_pack("{ss, ss}", "type", "refused", "reason", "elsewhere"));
        } else {
            tell(0, room, json_pack("{ss, ss}", "type", "arrived", "name", name));
        }
        strcpy(person->name, name);
        strcpy(person->key, key);
        person->room = room;
        person->next = room->people;
        room->people = person;
        room->count++;
        ropeway_engine_subscribe(engine, person->connection, room->name);
        tell(person->connection, NULL,
             json_pack("{ss, ss, ss, so, sO}", "type", "joined", "room", room->name, "name", name, "people", names_in(room),
                       "lines", room->lines));
    }
}

/* Keeps a line. Takes it over. */
static void keep(struct room *room, json_t *line) {
    json_array_append_new(room->lines, line);
    if (json_array_size(room->lines) > LINES)
        json_array_remove(room->lines, 0);
}

static void say(struct person *person, const char *text) {
    json_int_t time = (json_int_t)(seconds(CLOCK_REALTIME) * 1000);
    keep(person->room, json_pack("{ss, ss, sI}", "name", person->name, "text", text, "time", time));
    tell(0, person->room,
         json_pack("{ss, ss, ss, sI}", "type", "said", "name", person->name, "text", text, "time", time));
}

/* What has happened in a room at another server: what was said is kept, and who comes hears who is here. */
static void hear(const char *topic, json_t *message) {
    const char *type = json_string_value(json_object_get(message, "type"));
    struct room *room = strlen(topic) <= WORD ? find_room(topic) : NULL;
    if (room == NULL || type == NULL)
        return;
    if (strcmp(type, "said") == 0) {
        json_object_del(message, "type");
        keep(room, json_incref(message));
    } else if (room->people != NULL && (strcmp(type, "arrived") == 0 || strcmp(type, "left") == 0)) {
        tell(0, room, json_pack("{ss, so}", "type", "here", "people", names_in(room)));
    }
}

/* What a person has sent. NULL, or what is wrong with it. */
static const char *take(struct person *person, const json_t *message) {
    const char *type = json_string_value(json_object_get(message, "type")), *text;
    double now = seconds(CLOCK_MONOTONIC), allowance = person->allowance + (now - person->counted) * A_SECOND;
    person->allowance = (allowance < AT_ONCE ? allowance : AT_ONCE) - 1;
    person->counted = now;
    if (person->allowance < 0)
        return "too fast";
    if (type != NULL && strcmp(type, "join") == 0) {
        const char *room = text_of(message, "room", WORD), *name = text_of(message, "name", WORD);
        const char *key = text_of(message, "key", WORD);
        if (room == NULL || name == NULL || key == NULL)
            return "room, name and key are 1 to 64 bytes of text";
        leave(person);
        join(person, room, name, key);
    } else if (type != NULL && strcmp(type, "say") == 0 && person->room != NULL) {
        if ((text = text_of(message, "text", TEXT)) == NULL)
            return "text is 1 to 2000 bytes of text";
        say(person, text);
    } else if (type != NULL && strcmp(type, "typing") == 0 && person->room != NULL) {
        tell(0, person->room, json_pack("{ss, ss}", "type", "typing", "name", person->name));
    } else {
        return "not a message of the chat";
    }
    return NULL;
}

static void end(ropeway_connection connection, struct person *person) {
    if (person != NULL)
        leave(person);
    free(person);
    ropeway_engine_set_user_data(engine, connection, NULL);
}

/* Answers what is not for a WebSocket. */
static void answer(const ropeway_event *event) {
    const char *target = ropeway_head_target(event->head);
    size_t i, length = strcspn(target, "?");
    ropeway_options *options = ropeway_options_new();
    for (i = 0; i < FILES; i++) {
        const char *path = length == 1 ? "index.html" : target + 1;
        if (strncmp(files[i].path, path, strlen(files[i].path)) == 0 && (length == 1 || length == strlen(files[i].path) + 1))
            break;
    }
    if (i < FILES) {
        ropeway_options_add_header(options, "Content-Type", files[i].type);
        ropeway_engine_refuse(engine, event->connection, 200, options, files[i].body, files[i].length);
    } else {
        ropeway_engine_refuse(engine, event->connection, 404, NULL, "There is no such page.\n", 23);
    }
    ropeway_options_free(options);
}

static void handle(const ropeway_event *event) {
    struct person *person = event->user_data;
    const char *wrong;
    json_t *message;
    switch (event->type) {
    case ROPEWAY_EVENT_HTTP_REQUEST:
        answer(event);
        break;
    case ROPEWAY_EVENT_OPENED:
        if ((person = calloc(1, sizeof *person)) == NULL)
            abort();
        person->connection = event->connection;
        person->allowance = AT_ONCE;
        person->counted = seconds(CLOCK_MONOTONIC);
        ropeway_engine_set_user_data(engine, event->connection, person);
        break;
    case ROPEWAY_EVENT_MESSAGE:
        if (person == NULL)
            break; /* it is being closed */
        message = event->kind == ROPEWAY_TEXT ? json_loadb(event->data, event->length, 0, NULL) : NULL;
        if ((wrong = take(person, message)) != NULL) {
            end(event->connection, person);
            ropeway_engine_close(engine, event->connection, 1008, wrong);
        }
        json_decref(message);
        break;
    case ROPEWAY_EVENT_RELAYED:
        message = json_loadb(event->data, event->length, 0, NULL);
        hear(event->topic, message);
        json_decref(message);
        break;
    case ROPEWAY_EVENT_CLOSED:
        end(event->connection, person);
        break;
    }
}

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, ropeway_last_error());
    return EXIT_FAILURE;
}

int main(int argc, char **argv) {
    const char *broker = argc > 2 && strcmp(argv[argc - 2], "--relay") == 0 ? argv[argc - 1] : NULL;
    argc -= broker != NULL ? 2 : 0;
    const char *port = argc > 1 ? argv[1] : "8000", *host = argc > 2 ? argv[2] : "127.0.0.1";
    const char *folder = argc > 3 ? argv[3] : "examples/chat/page";
    ropeway_options *options = ropeway_options_new();
    const ropeway_event *event;
    ropeway_listener listener;
    char text[512];
    size_t i;

    for (i = 0; i < FILES; i++) {
        FILE *file;
        snprintf(text, sizeof text, "%s/%s", folder, files[i].path);
        if ((file = fopen(text, "rb")) == NULL)
            return perror(text), EXIT_FAILURE;
        files[i].length = fread(files[i].body, 1, sizeof files[i].body, file);
        fclose(file);
    }
    ropeway_options_set_int(options, ROPEWAY_OPTION_PLAIN_HTTP, 1);
    ropeway_options_set_int(options, ROPEWAY_OPTION_MAX_MESSAGE_SIZE, MESSAGE);
    snprintf(text, sizeof text, "ws://%s:%s/", host, port);
    if (ropeway_engine_new(NULL, &engine) != ROPEWAY_OK)
        return fail("engine");
    if (broker != NULL && ropeway_engine_relay(engine, broker) != ROPEWAY_OK)
        return fail(broker);
    if (ropeway_engine_listen(engine, text, options, &listener) != ROPEWAY_OK)
        return fail(text);
    ropeway_engine_listener_address(engine, listener, text, sizeof text);
    printf("listening on http://%s/\n", text);
    fflush(stdout);
    while (ropeway_engine_poll(engine, -1) == ROPEWAY_OK)
        while ((event = ropeway_engine_next_event(engine)) != NULL)
            handle(event);
    return fail("poll");
}
