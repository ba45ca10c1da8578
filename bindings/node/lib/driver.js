// Drives a connection over a stream of Node's (TLS, or any Duplex) with the core's sans-I/O protocol: bytes in, events
// out, bytes to send out, deadlines out.

const { native, connections, tell, CLOSED } = require('./engine');

// What is left to do with the stream (src/engine.rs has the same).
const GO_ON = 0;
const AWAIT_END = 1;
const END = 2;
const DESTROY = 3;

class Driver {
  #websocket;
  #place;
  #timer = null;
  #flushing = false;
  #callbacks = [];
  #failure = null;
  #told = false;

  /** Begins to drive `websocket` over `stream`; `received` is what has been read of it already. */
  constructor(websocket, stream, place, received) {
    this.#websocket = websocket;
    this.#place = place;
    this.stream = stream;
    websocket._place = place;
    websocket._driver = this;
    connections[place] = websocket;
    stream.setTimeout?.(0);
    stream.setNoDelay?.();
    stream.on('data', (chunk) => this.#handOut(native.feed(place, chunk)));
    stream.on('end', () => this.#handOut(native.end(place, false)));
    stream.on('error', (error) => {
      this.#failure = error;
    });
    stream.on('close', () => this.#onClose());
    if (received !== undefined) this.#handOut(native.feed(place, received));
    this.#flush();
  }

  /** Bytes that the stream has not passed on yet. */
  get bufferedAmount() {
    return this.stream.writableLength ?? 0;
  }

  /** Sends what has been made, at the end of the present callback. */
  flushSoon(callback) {
    if (callback !== undefined) this.#callbacks.push(callback);
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => this.#flush());
  }

  #handOut(events, first = 0) {
    let next = first;
    try {
      while (next < events.length) {
        const kind = events[next];
        const payload = events[next + 1];
        next += 2;
        if (kind === CLOSED) this.#onClosed(payload);
        else tell(this.#websocket, kind, payload);
      }
    } finally {
      // A handler threw: the rest is told all the same.
      if (next < events.length) process.nextTick(() => this.#handOut(events, next));
      this.flushSoon();
    }
  }

  #onClosed(closed) {
    this.#told = true;
    connections[this.#place] = undefined;
    const isOpening = this.#websocket._readyState === 0;
    if (this.#failure !== null && isOpening) this.#websocket._abortReason ??= this.#failure;
    this.#websocket._onClosed(closed);
  }

  #flush() {
    this.#flushing = false;
    const bytes = native.take(this.#place);
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    const done = (error) => {
      for (const callback of callbacks) callback(error ?? undefined);
    };
    if (bytes !== null && !this.stream.destroyed) this.stream.write(bytes, done);
    else if (callbacks.length > 0) process.nextTick(done);
    this.#work();
  }

  #work() {
    const work = native.work(this.#place);
    if (work === null) return;
    if (work.shutdown === END) this.stream.end();
    else if (work.shutdown === DESTROY) this.stream.destroy();
    clearTimeout(this.#timer);
    if (work.deadline !== undefined) {
      this.#timer = setTimeout(() => this.#handOut(native.tick(this.#place)), Math.ceil(work.deadline));
      this.#timer.unref();
    }
    // After the end only the peer's is waited for; what it sends is read away.
    if (work.shutdown === AWAIT_END || work.shutdown === END) this.stream.resume();
    else if (work.shutdown !== GO_ON) clearTimeout(this.#timer);
  }

  #onClose() {
    clearTimeout(this.#timer);
    try {
      if (!this.#told) this.#handOut(native.end(this.#place, true));
    } finally {
      native.detach(this.#place);
    }
  }
}

module.exports = { Driver };
