// WebSocketStream (the web's, github.com/whatwg/websockets pull request 48): a WebSocket as a pair of web streams, with
// back-pressure both ways.

const { WebSocket } = require('./websocket');
const { toCloseReason } = require('./data');

/** Messages that may wait for their reader before the connection is paused. */
const READ_AHEAD = 16;

/** How a WebSocketStream is closed with a code, and how it fails. */
class WebSocketError extends DOMException {
  #closeCode;
  #reason;

  constructor(message = '', { closeCode, reason = '' } = {}) {
    super(message, 'WebSocketError');
    const code = closeCode ?? (reason === '' ? null : 1000);
    toCloseReason(code ?? undefined, reason);
    this.#closeCode = code;
    this.#reason = reason;
  }

  get closeCode() {
    return this.#closeCode;
  }

  get reason() {
    return this.#reason;
  }
}

/** An error of the end that has come, whose code may be one that cannot be sent. */
function ended(code, reason) {
  const error = new WebSocketError(`the connection ended with ${code}`);
  Object.defineProperties(error, { closeCode: { value: code }, reason: { value: reason } });
  return error;
}

class WebSocketStream {
  #websocket;

  constructor(url, { protocols, signal, ...options } = {}) {
    signal?.throwIfAborted();
    const websocket = new WebSocket(url, protocols ?? [], options);
    this.#websocket = websocket;
    this.url = websocket.url;
    let failure = null;
    websocket.on('error', (error) => {
      failure = error;
    });
    this.opened = new Promise((resolve, reject) => {
      const abort = () => {
        reject(signal.reason);
        websocket.terminate();
      };
      signal?.addEventListener('abort', abort, { once: true });
      websocket.once('close', (code) => reject(failure ?? ended(code, '')));
      websocket.once('open', () => {
        signal?.removeEventListener('abort', abort);
        const { protocol, extensions } = websocket;
        resolve({ readable: readableOf(websocket), writable: writableOf(websocket), protocol, extensions });
      });
    });
    this.closed = new Promise((resolve, reject) => {
      websocket.once('close', (closeCode, bytes) => {
        const reason = bytes.toString();
        if (failure === null && websocket._wasClean) resolve({ closeCode, reason });
        else reject(failure ?? ended(closeCode, reason));
      });
    });
    // Whoever asks for neither has no use for the rejections.
    this.opened.catch(() => {});
    this.closed.catch(() => {});
  }

  /** Begins to close. */
  close({ closeCode, reason = '' } = {}) {
    const code = closeCode ?? (reason === '' ? undefined : 1000);
    toCloseReason(code, reason);
    this.#websocket.close(code, reason);
  }
}

function readableOf(websocket) {
  let isOver = false;
  return new ReadableStream(
    {
      start(controller) {
        websocket.on('message', (data, isBinary) => {
          if (isOver) return;
          controller.enqueue(isBinary ? new Uint8Array(data) : data.toString());
          if (controller.desiredSize <= 0) websocket.pause();
        });
        websocket.once('close', (code, reason) => {
          if (isOver) return;
          isOver = true;
          if (websocket._wasClean) controller.close();
          else controller.error(ended(code, reason.toString()));
        });
      },
      pull() {
        if (websocket.isPaused) websocket.resume();
      },
      cancel(reason) {
        isOver = true;
        if (websocket.isPaused) websocket.resume();
        closeFor(websocket, reason);
      },
    },
    { highWaterMark: READ_AHEAD },
  );
}

function writableOf(websocket) {
  return new WritableStream({
    start(controller) {
      websocket.once('close', (code, reason) => controller.error(ended(code, reason.toString())));
    },
    write(chunk) {
      return new Promise((resolve, reject) => {
        const data =
          typeof chunk === 'string' || ArrayBuffer.isView(chunk) || chunk instanceof ArrayBuffer
            ? chunk
            : String(chunk);
        websocket.send(data, (error) => (error === undefined ? resolve() : reject(error)));
      });
    },
    close() {
      closeFor(websocket);
      if (websocket.readyState === websocket.CLOSED) return undefined;
      return new Promise((resolve) => websocket.once('close', () => resolve()));
    },
    abort(reason) {
      closeFor(websocket, reason);
    },
  });
}

/** Closes with the code of a WebSocketError, if it is one that has any. */
function closeFor(websocket, reason) {
  if (reason instanceof WebSocketError && reason.closeCode !== null) websocket.close(reason.closeCode, reason.reason);
  else websocket.close();
}

module.exports = { WebSocketStream, WebSocketError };
