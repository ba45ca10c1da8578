"""Says hello and prints what comes back, with the C library and its header alone: no package, no compiler.

python hello_client.py ws://127.0.0.1:9000/ [TEXT]

The library is looked for as a program would; LD_LIBRARY_PATH says where else. Of a structure only the fields up to the
last one that is used have to be declared: later releases add fields at the end alone.
"""

import ctypes
import sys

OK, MESSAGE = 0, 4  # ROPEWAY_OK, ROPEWAY_EVENT_MESSAGE


class Event(ctypes.Structure):
    """The first fields of ropeway_event."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("type", ctypes.c_int32),
        ("connection", ctypes.c_uint64),
        ("listener", ctypes.c_uint64),
        ("user_data", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
        ("length", ctypes.c_size_t),
        ("kind", ctypes.c_int32),
        ("flags", ctypes.c_uint32),
        ("close_code", ctypes.c_int32),
    )


library = ctypes.CDLL("libropeway.so.0")
library.ropeway_last_error.restype = ctypes.c_char_p
library.ropeway_client_open.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]
library.ropeway_client_send_text.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
library.ropeway_client_receive.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.POINTER(ctypes.POINTER(Event))]
library.ropeway_client_close.argtypes = [
    ctypes.c_void_p,
    ctypes.c_int32,
    ctypes.c_char_p,
    ctypes.POINTER(ctypes.POINTER(Event)),
]
library.ropeway_client_free.argtypes = [ctypes.c_void_p]
library.ropeway_client_free.restype = None


def main(url: str = "ws://127.0.0.1:9000/", text: str = "hello") -> None:
    """Talks to the server."""
    client, event, said = ctypes.c_void_p(), ctypes.POINTER(Event)(), text.encode()
    if library.ropeway_client_open(url.encode(), None, ctypes.byref(client)) != OK:
        sys.exit(library.ropeway_last_error().decode())
    try:
        library.ropeway_client_send_text(client, said, len(said))
        if library.ropeway_client_receive(client, 5000, ctypes.byref(event)) == OK and event.contents.type == MESSAGE:
            print(ctypes.string_at(event.contents.data, event.contents.length).decode())
        if library.ropeway_client_close(client, 1000, b"bye", ctypes.byref(event)) == OK:
            print(f"closed with {event.contents.close_code}")
    finally:
        library.ropeway_client_free(client)


main(*sys.argv[1:3])
