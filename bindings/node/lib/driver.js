// Drives a connection over a stream of Node's (TLS, or any Duplex) with the core's sans-I/O protocol: bytes in, events
// out, bytes to send out, deadlines out.

const { native, connections, queuedBytes, tell, CLOSED } = require('./engine');

/** The default of `maxQueuedBytes`, as in the core. */
const MAX_QUEUED_BYTES = 64 << 20;

// What is left to do with the stream (src/engine.rs has the same).
const GO_ON = 0;
const AWAIT_END = 1;
const END = 2;
const DESTROY = 3;

// Only one connection at a time has bytes in the native side's buffer; what a handler brings about meanwhile waits.
const steps = [];
let isStepping = false;

/** Does `step`, now or when the present one is done: it returns what there is to tell. */
function enqueue(driver, step) {
  steps.push(driver, step);
  if (isStepping) return;
  isStepping = true;
  while (steps.length > 0) {
    const [next, action] = steps.splice(0, 2);
    next._step(action());
  }
  isStepping = false;
}

class Driver {
  #websocket;
  #place;
  #timer = null;
  #flushing = false;
  #callbacks = [];
  #failure = null;
  #told = false;
  #limit;

  /**
   * Begins to drive `websocket` over `stream`, in which at most `limit` bytes may wait; `received` is what has been read of
   * it already.
   */
  constructor(websocket, stream, place, limit = MAX_QUEUED_BYTES, received = undefined) {
    this.#limit = limit;
    this.#websocket = websocket;
    this.#place = place;
    this.stream = stream;
    websocket._place = place;
    websocket._driver = this;
    connections[place] = websocket;
    stream.setTimeout?.(0);
    stream.setNoDelay?.();
    stream.on('data', (chunk) => enqueue(this, () => native.feed(this.#place, chunk)));
    stream.on('end', () => enqueue(this, () => native.end(this.#place, false)));
    stream.on('error', (error) => {
      this.#failure = error;
    });
    stream.on('drain', () => websocket.emit('drain'));
    stream.on('close', () => this.#onClose());
    if (received !== undefined) enqueue(this, () => native.feed(this.#place, received));
    this.#flush();
  }

  /** Bytes that the stream has not passed on yet. */
  get bufferedAmount() {
    return this.stream.writableLength ?? 0;
  }

  /** Whether a further message has to be refused. One that finds nothing waiting is taken whatever its size. */
  isFull(length) {
    const waiting = this.bufferedAmount + queuedBytes(this.#place);
    return waiting > 0 && waiting + length > this.#limit;
  }

  /** Sends what has been made, at the end of the present callback. */
  flushSoon(callback) {
    if (callback !== undefined) this.#callbacks.push(callback);
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => this.#flush());
  }

  /** Tells events, and asks for those behind them. */
  _step(events) {
    let next = 0;
    while (next < events.length) {
      if (events[next] === null) {
        events = native.more(this.#place);
        next = 0;
        continue;
      }
      try {
        if (events[next] === CLOSED) this.#onClosed(events[next + 1]);
        else tell(this.#websocket, events[next], events[next + 1]);
      } catch (error) {
        // Nobody catches it, as with any event's handler; the rest is told all the same.
        process.nextTick(() => {
          throw error;
        });
      }
      next += 2;
    }
    this.flushSoon();
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
      this.#timer = setTimeout(() => enqueue(this, () => native.tick(this.#place)), Math.ceil(work.deadline));
      this.#timer.unref();
    }
    // After the end only the peer's is waited for; what it sends is read away.
    if (work.shutdown === AWAIT_END || work.shutdown === END) this.stream.resume();
    else if (work.shutdown !== GO_ON) clearTimeout(this.#timer);
  }

  #onClose() {
    clearTimeout(this.#timer);
    enqueue(this, () => (this.#told ? [] : native.end(this.#place, true)));
    enqueue(this, () => {
      native.detach(this.#place);
      this.#place = -1;
      return [];
    });
  }
}

module.exports = { Driver };
