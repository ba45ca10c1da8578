/* An echo server in a loop of SDL's events, as a game has it, until it is told to quit (SIGTERM and SIGINT do).
 *
 *     echo_sdl [PORT]
 *
 * SDL watches no descriptors. So a thread waits for the engine's, and does nothing else: it pushes an event into SDL's queue,
 * and waits until the loop has taken what there was. A loop that draws frames anyhow can do without the thread, and call
 * ropeway_engine_poll(engine, 0) and echo_turn(engine) once a frame.
 */
#define _POSIX_C_SOURCE 200809L

#include "echo.h"

#include <SDL.h>
#include <poll.h>
#include <unistd.h>

struct watch {
    int descriptor, stop; /* readable to end the thread */
    Uint32 event;
    SDL_sem *taken;
};

static int wait_for_descriptor(void *argument) {
    const struct watch *watch = argument;
    struct pollfd polled[2] = {{.fd = watch->descriptor, .events = POLLIN}, {.fd = watch->stop, .events = POLLIN}};
    while (poll(polled, 2, -1) >= 0 && polled[1].revents == 0) {
        SDL_Event event = {.type = watch->event};
        SDL_PushEvent(&event);
        SDL_SemWait(watch->taken);
    }
    return 0;
}

int main(int argc, char **argv) {
    ropeway_engine *engine = echo_start(argc > 1 ? argv[1] : NULL);
    struct watch watch;
    SDL_Thread *thread;
    SDL_Event event;
    int ends[2];
    if (engine == NULL || SDL_Init(SDL_INIT_EVENTS) != 0 || pipe(ends) != 0)
        return 1;
    watch = (struct watch){ropeway_engine_descriptor(engine), ends[0], SDL_RegisterEvents(1), SDL_CreateSemaphore(0)};
    thread = SDL_CreateThread(wait_for_descriptor, "ropeway", &watch);

    while (SDL_WaitEvent(&event) && event.type != SDL_QUIT)
        if (event.type == watch.event) {
            echo_turn(engine);
            SDL_SemPost(watch.taken);
        }

    close(ends[1]);
    SDL_SemPost(watch.taken);
    SDL_WaitThread(thread, NULL);
    SDL_DestroySemaphore(watch.taken);
    close(ends[0]);
    SDL_Quit();
    ropeway_engine_free(engine);
    return 0;
}
