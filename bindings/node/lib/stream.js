// A WebSocket as a Duplex stream: each chunk read is a message, and each chunk written becomes one.

const { Duplex } = require('node:stream');

/** Runs `action` once the connection is open; not at all when it does not come to that. */
function whenOpen(websocket, action) {
  if (websocket.readyState === websocket.CONNECTING) websocket.once('open', action);
  else action();
}

function createWebSocketStream(websocket, options) {
  let isFailed = false;
  const duplex = new Duplex({
    ...options,
    autoDestroy: false,
    emitClose: false,
    objectMode: false,
    writableObjectMode: false,
    read() {
      if (websocket.isPaused) websocket.resume();
    },
    write(chunk, _encoding, callback) {
      whenOpen(websocket, () => websocket.send(chunk, callback));
    },
    final(callback) {
      whenOpen(websocket, () => {
        if (websocket.readyState === websocket.CLOSED) return callback();
        websocket.once('close', () => callback());
        websocket.close();
      });
    },
    destroy(error, callback) {
      const finish = () => {
        callback(error);
        process.nextTick(() => duplex.emit('close'));
      };
      if (websocket.readyState === websocket.CLOSED) return finish();
      websocket.once('close', finish);
      // After an error of its own the WebSocket is closing, with a Close frame that is to arrive.
      if (!isFailed) websocket.terminate();
    },
  });

  websocket.on('message', (data, isBinary) => {
    const chunk = !isBinary && duplex.readableObjectMode ? data.toString() : data;
    if (!duplex.push(chunk)) websocket.pause();
  });
  websocket.once('error', (error) => {
    if (duplex.destroyed) return;
    isFailed = true;
    duplex.destroy(error);
  });
  websocket.once('close', () => {
    if (!duplex.destroyed) duplex.push(null);
  });
  duplex.on('end', () => {
    if (!duplex.destroyed && duplex.writableFinished) duplex.destroy();
  });
  duplex.on('finish', () => {
    if (!duplex.destroyed && duplex.readableEnded) duplex.destroy();
  });
  duplex.once('error', () => duplex.destroy());
  return duplex;
}

module.exports = { createWebSocketStream };
