// What a crossing between JavaScript and the native side costs, for bench/run.py.
//
// node crossings.js WAY SIZE
//
// Prints the nanoseconds of one crossing. Nothing is sent: the connection named is none, so that the calls cost what their arguments do.

const { native, send, queuedBytes } = require('../../bindings/node/lib/engine');

const CALLS = 200_000;
const ROUNDS = 7;
const NOBODY = -1;
const View = Buffer[Symbol.species];

/** Nanoseconds of one call, the best of several rounds. */
function measure(action) {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const began = process.hrtime.bigint();
    for (let i = 0; i < CALLS; i++) action();
    best = Math.min(best, Number(process.hrtime.bigint() - began) / CALLS);
  }
  return Math.round(best);
}

const ways = {
  'a number, by a function made by hand (`queuedBytes`)': () => () => queuedBytes(NOBODY),
  'a number, by a method of napi-rs (`abort`)': () => () => native.abort(NOBODY),
  'a Buffer, by a function made by hand (`send`)': (bytes) => () => send(NOBODY, bytes, 1, 0),
  'a Buffer, by a method of napi-rs (`ping`)': (bytes) => () => native.ping(NOBODY, bytes),
  'a string, its length told (`send`)': (_bytes, text) => () => send(NOBODY, text, 16, text.length),
  'the same as a Buffer made of it first': (_bytes, text) => () => send(NOBODY, Buffer.from(text), 1, 0),
  'a view of the slab': (bytes) => () => new View(bytes.buffer, bytes.byteOffset, bytes.length),
  'a copy of its own instead': (bytes) => () => Buffer.from(bytes),
};

const [way, size] = process.argv.slice(2);
console.log(measure(ways[way](Buffer.alloc(Number(size), 'x'), 'x'.repeat(Number(size)))));
