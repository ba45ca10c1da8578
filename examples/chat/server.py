"""A chat: rooms, names, who is there, the last lines, who is typing. README.md has the protocol and its limits.

python server.py [PORT [HOST]] [--relay BROKER]
"""

import argparse
import asyncio
import collections
import contextlib
import json
import pathlib
import re
import signal
import time
from typing import Any

import ropeway

LINES, PEOPLE, ROOMS = 50, 100, 1000
WORD, TEXT, MESSAGE = 64, 2000, 8192
AT_ONCE, A_SECOND = 20, 5

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PAGE = {f"/{file.name}": file for file in (pathlib.Path(__file__).parent / "page").iterdir()}


class Misuse(Exception):
    """What no page of the chat sends."""


class Room:
    """Who is in it, by name, and what was said last."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.lines: collections.deque[dict[str, Any]] = collections.deque(maxlen=LINES)


rooms: dict[str, Room] = {}


def find_room(name: str) -> Room | None:
    """The room, made if need be in the place of an empty one; None when there are too many."""
    if name not in rooms and len(rooms) >= ROOMS:
        empty = next((other for other, room in rooms.items() if not room.people), None)
        if empty is None:
            return None
        del rooms[empty]
    return rooms.setdefault(name, Room())


def text_of(message: Any, field: str, most: int) -> str:
    """A field's text, within its limit and without control characters."""
    value = message.get(field)
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= most:
        raise Misuse(f"{field} is 1 to {most} bytes of text")
    if re.search(r"[\x00-\x1f\x7f-\x9f]|^ | $", value):
        raise Misuse(f"{field} has a control character, or a space at an end")
    return value


class Person:
    """One connection."""

    def __init__(self, connection: ropeway.ServerConnection) -> None:
        self.connection = connection
        self.room = self.name = self.key = ""
        self.allowance, self.counted = float(AT_ONCE), time.monotonic()

    def tell(self, **message: Any) -> None:
        """To this one, who may just have gone."""
        with contextlib.suppress(ropeway.ConnectionClosed):
            self.connection.send_nowait(json.dumps(message))

    def tell_room(self, **message: Any) -> None:
        """To all in the room: framed once, and a slow reader holds up nobody."""
        self.connection.server.publish(self.room, json.dumps(message))

    def take(self, data: str | bytes) -> None:
        """What this one has sent."""
        now = time.monotonic()
        self.allowance = min(AT_ONCE, self.allowance + (now - self.counted) * A_SECOND) - 1
        self.counted = now
        if self.allowance < 0:
            raise Misuse("too fast")
        message: Any = json.loads(data) if isinstance(data, str) else None
        match message:
            case {"type": "join"}:
                words = [text_of(message, field, WORD) for field in ("room", "name", "key")]
                self.leave()
                self.join(*words)
            case {"type": "say"} if self.room:
                line = {"name": self.name, "text": text_of(message, "text", TEXT), "time": int(time.time() * 1000)}
                rooms[self.room].lines.append(line)
                self.tell_room(type="said", **line)
            case {"type": "typing"} if self.room:
                self.tell_room(type="typing", name=self.name)
            case _:
                raise Misuse("not a message of the chat")

    def join(self, name_of_room: str, name: str, key: str) -> None:
        """Enters a room; by the key also over a connection that is not known to be lost."""
        room = find_room(name_of_room)
        holder = room.people.get(name) if room else None
        if holder and holder.key != key:
            return self.tell(type="refused", reason="taken")
        if room is None or (not holder and len(room.people) >= PEOPLE):
            return self.tell(type="refused", reason="full")
        self.room, self.name, self.key = name_of_room, name, key
        if holder:
            holder.connection.unsubscribe(holder.room)
            holder.room = ""
            holder.tell(type="refused", reason="elsewhere")
        else:
            self.tell_room(type="arrived", name=name)
        room.people[name] = self
        self.connection.subscribe(name_of_room)
        self.tell(type="joined", room=name_of_room, name=name, people=list(room.people), lines=list(room.lines))

    def leave(self) -> None:
        """Leaves the room, if in any."""
        if self.room:
            self.connection.unsubscribe(self.room)
            del rooms[self.room].people[self.name]
            self.tell_room(type="left", name=self.name)
            self.room = ""


def hear(name_of_room: str, data: str | bytes) -> None:
    """What has happened in a room at another server: what was said is kept, and who comes hears who is here."""
    room = find_room(name_of_room)
    message: dict[str, Any] = json.loads(data)
    match message:
        case {"type": "said", **line} if room:
            room.lines.append(line)
        case {"type": "arrived" | "left"} if room and room.people:
            person = next(iter(room.people.values()))
            person.tell_room(type="here", people=list(room.people))


async def chat(connection: ropeway.ServerConnection) -> None:
    """Runs for each connection, until it ends."""
    person = Person(connection)
    try:
        async for data in connection:
            person.take(data)
    except (Misuse, ValueError, RecursionError) as error:
        person.leave()
        await connection.close(1008, str(error)[:100] if isinstance(error, Misuse) else "no JSON")
    except ropeway.ConnectionClosedError:
        pass  # lost; nobody is to blame
    finally:
        person.leave()


def page(_: ropeway.ServerConnection, request: ropeway.Request) -> ropeway.Response | None:
    """Answers what is not for a WebSocket."""
    if "Upgrade" in request.headers:
        return None
    path = request.path.partition("?")[0]
    file = PAGE.get("/index.html" if path == "/" else path)
    if file is None:
        return ropeway.Response(404, "Not Found", ropeway.Headers(), b"There is no such page.\n")
    headers = ropeway.Headers({"Content-Type": f"{TYPES[file.suffix]}; charset=utf-8"})
    return ropeway.Response(200, "OK", headers, file.read_bytes())


async def main(port: int, host: str, broker: str | None) -> None:
    """Serves until it is interrupted."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with ropeway.serve(chat, host, port, process_request=page, max_size=MESSAGE) as server:
        server.relay(broker, hear)
        print(f"listening on http://{host}:{server.port}/", flush=True)
        await stopped.wait()


parser = argparse.ArgumentParser()
parser.add_argument("port", type=int, nargs="?", default=8000)
parser.add_argument("host", nargs="?", default="127.0.0.1")
parser.add_argument("--relay", metavar="BROKER", help="meet other servers there: redis://HOST/, nats://HOST")
arguments = parser.parse_args()
asyncio.run(main(arguments.port, arguments.host, arguments.relay))
