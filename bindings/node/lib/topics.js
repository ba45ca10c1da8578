// Topics: those of the engine for its own connections, and beside them the same for connections over streams of Node's.

const { native } = require('./engine');
const { toBytes } = require('./data');

/** Connections over streams, by topic. */
const subscribers = new Map();

/** Whether the connection had not been subscribed before. */
function subscribe(websocket, topic) {
  if (websocket._place < 0) return false;
  if (websocket._driver === null) return native.subscribe(websocket._place, topic);
  const set = subscribers.get(topic) ?? new Set();
  if (set.has(websocket)) return false;
  subscribers.set(topic, set.add(websocket));
  return true;
}

/** Whether it had been. */
function unsubscribe(websocket, topic) {
  if (websocket._place < 0) return false;
  if (websocket._driver === null) return native.unsubscribe(websocket._place, topic);
  const set = subscribers.get(topic);
  const had = set?.delete(websocket) ?? false;
  if (set?.size === 0) subscribers.delete(topic);
  return had;
}

/** A connection over a stream has ended. */
function leave(websocket) {
  for (const topic of subscribers.keys()) unsubscribe(websocket, topic);
}

/** Sends to all subscribers. How many there are. */
function publish(topic, data, binary) {
  const bytes = Buffer.from(toBytes(data));
  const set = subscribers.get(topic);
  for (const websocket of set ?? []) websocket.send(bytes, { binary });
  return native.publish(topic, bytes, binary) + (set?.size ?? 0);
}

module.exports = { subscribe, unsubscribe, leave, publish };
