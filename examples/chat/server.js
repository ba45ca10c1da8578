// A chat: rooms, names, who is there, the last lines, who is typing. README.md has the protocol and its limits.
//
// node server.js [PORT [HOST]] [--relay BROKER]

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { parseArgs } = require('node:util');

const { WebSocketServer } = require('ropeway');

const LINES = 50;
const PEOPLE = 100;
const ROOMS = 1000;
const WORD = 64;
const TEXT = 2000;
const MESSAGE = 8192;
const AT_ONCE = 20;
const A_SECOND = 5;

const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml' };
const FOLDER = path.join(__dirname, 'page');
const FILES = new Set(fs.readdirSync(FOLDER));

/** What no page of the chat sends. */
class Misuse extends Error {}

/** Who is in it, by name, and what was said last. */
class Room {
  people = new Map();
  lines = [];

  keep(line) {
    if (this.lines.push(line) > LINES) this.lines.shift();
  }
}

/** @type {Map<string, Room>} */
const rooms = new Map();

/** The room, made if need be in the place of an empty one; undefined when there are too many. */
function findRoom(name) {
  if (!rooms.has(name)) {
    if (rooms.size >= ROOMS) {
      const empty = [...rooms.keys()].find((other) => rooms.get(other).people.size === 0);
      if (empty === undefined) return undefined;
      rooms.delete(empty);
    }
    rooms.set(name, new Room());
  }
  return rooms.get(name);
}

/** A field's text, within its limit and without control characters. */
function textOf(message, field, most) {
  const value = message[field];
  if (typeof value !== 'string' || value === '' || Buffer.byteLength(value) > most) {
    throw new Misuse(`${field} is 1 to ${most} bytes of text`);
  }
  if (!value.isWellFormed() || /\p{Cc}|^ | $/u.test(value)) {
    throw new Misuse(`${field} has a control character, or a space at an end`);
  }
  return value;
}

/** One connection. */
class Person {
  room = '';
  name = '';
  key = '';
  allowance = AT_ONCE;
  counted = performance.now();

  constructor(websocket) {
    this.websocket = websocket;
  }

  tell(message) {
    this.websocket.send(JSON.stringify(message));
  }

  /** To all in the room: framed once, and a slow reader holds up nobody. */
  tellRoom(message) {
    websockets.publish(this.room, JSON.stringify(message));
  }

  /** What this one has sent. */
  take(data, isBinary) {
    const now = performance.now();
    this.allowance = Math.min(AT_ONCE, this.allowance + ((now - this.counted) / 1000) * A_SECOND) - 1;
    this.counted = now;
    if (this.allowance < 0) throw new Misuse('too fast');
    const message = isBinary ? null : JSON.parse(data);
    if (message?.type === 'join') {
      const words = ['room', 'name', 'key'].map((field) => textOf(message, field, WORD));
      this.leave();
      this.join(...words);
    } else if (message?.type === 'say' && this.room) {
      const line = { name: this.name, text: textOf(message, 'text', TEXT), time: Date.now() };
      rooms.get(this.room).keep(line);
      this.tellRoom({ type: 'said', ...line });
    } else if (message?.type === 'typing' && this.room) {
      this.tellRoom({ type: 'typing', name: this.name });
    } else {
      throw new Misuse('not a message of the chat');
    }
  }

  /** Enters a room; by the key also over a connection that is not known to be lost. */
  join(nameOfRoom, name, key) {
    const room = findRoom(nameOfRoom);
    const holder = room?.people.get(name);
    if (holder && holder.key !== key) return this.tell({ type: 'refused', reason: 'taken' });
    if (!room || (!holder && room.people.size >= PEOPLE)) return this.tell({ type: 'refused', reason: 'full' });
    Object.assign(this, { room: nameOfRoom, name, key });
    if (holder) {
      holder.websocket.unsubscribe(nameOfRoom);
      holder.room = '';
      holder.tell({ type: 'refused', reason: 'elsewhere' });
    } else {
      this.tellRoom({ type: 'arrived', name });
    }
    room.people.set(name, this);
    this.websocket.subscribe(nameOfRoom);
    this.tell({ type: 'joined', room: nameOfRoom, name, people: [...room.people.keys()], lines: room.lines });
  }

  /** Leaves the room, if in any. */
  leave() {
    if (!this.room) return;
    this.websocket.unsubscribe(this.room);
    rooms.get(this.room).people.delete(this.name);
    this.tellRoom({ type: 'left', name: this.name });
    this.room = '';
  }
}

/** What has happened in a room at another server: what was said is kept, and who comes hears who is here. */
function hear(nameOfRoom, data) {
  const room = findRoom(nameOfRoom);
  const { type, ...line } = JSON.parse(data);
  if (type === 'said') room?.keep(line);
  else if ((type === 'arrived' || type === 'left') && room?.people.size > 0) {
    websockets.publish(nameOfRoom, JSON.stringify({ type: 'here', people: [...room.people.keys()] }));
  }
}

const server = http.createServer((request, response) => {
  const wanted = request.url.split('?')[0];
  const file = wanted === '/' ? 'index.html' : wanted.slice(1);
  if (!FILES.has(file)) return response.writeHead(404).end('There is no such page.\n');
  response.setHeader('Content-Type', `${TYPES[path.extname(file)]}; charset=utf-8`);
  response.end(fs.readFileSync(path.join(FOLDER, file)));
});
const websockets = new WebSocketServer({ server, maxPayload: MESSAGE });

websockets.on('connection', (websocket) => {
  const person = new Person(websocket);
  websocket.on('message', (data, isBinary) => {
    try {
      person.take(data, isBinary);
    } catch (error) {
      if (!(error instanceof Misuse || error instanceof SyntaxError)) throw error;
      websocket.close(1008, error instanceof Misuse ? error.message : 'no JSON');
    }
  });
  websocket.on('close', () => person.leave());
  websocket.on('error', () => {}); // 'close' follows
});

const { positionals, values } = parseArgs({ allowPositionals: true, options: { relay: { type: 'string' } } });
const [port = '8000', host = '127.0.0.1'] = positionals;
if (values.relay) websockets.relay(values.relay, hear);
server.listen(Number(port), host, () => {
  console.log(`listening on http://${host}:${server.address().port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    for (const websocket of websockets.clients) websocket.close(1001);
    server.close();
    server.closeAllConnections();
  });
}
