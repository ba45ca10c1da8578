// Round trips of Node's WebSocket clients with an echo server, for bench/run.py.
//
// node client.js LIBRARY URI SIZE SECONDS
//
// Prints the processor's time, user and system, that this process took for one round trip, in microseconds.

/** Bytes of a message; nobody compresses. */
const LIMIT = 16 << 20;

const [library, uri, size, seconds] = process.argv.slice(2);
const message = Buffer.alloc(Number(size), 'x');

/** Counts round trips and processor time, after a tenth of the time to warm up. */
class Window {
  constructor(length) {
    const now = performance.now();
    this.begins = now + length / 10;
    this.ends = now + length;
    this.trips = 0;
    this.cpu = null;
  }

  /** Asked after each round trip. */
  isOver() {
    const now = performance.now();
    if (this.cpu === null && now >= this.begins) {
      this.trips = 0;
      this.cpu = process.cpuUsage();
    } else if (now >= this.ends) {
      const { user, system } = process.cpuUsage(this.cpu);
      console.log((user + system) / this.trips);
      return true;
    }
    this.trips++;
    return false;
  }
}

/** Sends the next message, or ends the process. */
function goOn(window, send) {
  if (window.isOver()) process.exit(0);
  send();
}

function likeWs({ WebSocket }) {
  const websocket = new WebSocket(uri, { maxPayload: LIMIT, perMessageDeflate: false });
  websocket.on('open', () => {
    const window = new Window(1000 * seconds);
    websocket.on('message', () => goOn(window, () => websocket.send(message)));
    websocket.send(message);
  });
}

const CLIENTS = {
  ropeway: () => likeWs(require('../../bindings/node')),
  ws: () => likeWs(require('ws')),
  undici: () => {
    const { WebSocket } = require('undici');
    const websocket = new WebSocket(uri);
    websocket.binaryType = 'arraybuffer';
    websocket.onopen = () => {
      const window = new Window(1000 * seconds);
      websocket.onmessage = () => goOn(window, () => websocket.send(message));
      websocket.send(message);
    };
  },
  websocket: () => {
    const { client: WebSocketClient } = require('websocket');
    const limits = { maxReceivedFrameSize: LIMIT, maxReceivedMessageSize: LIMIT, fragmentOutgoingMessages: false };
    const client = new WebSocketClient(limits);
    client.on('connect', (connection) => {
      const window = new Window(1000 * seconds);
      connection.on('message', () => goOn(window, () => connection.sendBytes(message)));
      connection.sendBytes(message);
    });
    client.connect(uri);
  },
};

CLIENTS[library]();
