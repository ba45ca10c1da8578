// Tried once when the package is loaded: a handshake and a message through the native module, both ends in memory. A module
// that was built for another runtime, or badly, then throws here instead of misbehaving later.

const { binding, native, send, BINARY, OPENED } = require('./engine');

const MESSAGE = Buffer.from('ropeway');

function check(isRight, what) {
  if (!isRight) throw new Error(`ropeway: the native module does not work with this runtime: ${what}`);
}

function selfTest() {
  const places = [
    native.attachClient('ws://localhost/', new binding.Options({ server: false })),
    native.attachServer(new binding.Options({ server: true }), undefined, []),
  ];
  const [client, server] = places;
  try {
    check(native.feed(server, native.take(client))[0] === OPENED, 'a request is not accepted');
    check(native.feed(client, native.take(server))[0] === OPENED, 'a response is not understood');
    send(client, MESSAGE, 1, 0);
    const [kind, payload] = native.feed(server, native.take(client));
    check(kind === BINARY && MESSAGE.equals(payload), 'a message does not arrive');
  } finally {
    for (const place of places) native.detach(place);
  }
}

module.exports = { selfTest };
