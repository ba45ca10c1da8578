// node.js BROKER: a node in Node.js, as node.c.

const { WebSocketServer } = require('../../bindings/node');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
let told = 0;
server.relay(process.argv[2], (topic, data, isBinary) => {
  told += topic === 'news' && isBinary === (data.at(-1) % 2 === 0) ? 1 : 0;
});
server.on('connection', (peer) => {
  peer.subscribe('news');
  peer.on('message', (data, isBinary) => {
    if (data.toString() === 'told?') peer.send(`told ${told}`);
    else server.publish('news', data, { binary: isBinary });
  });
});
const timer = setInterval(() => {
  if (!server.relayMetrics().connected) return;
  clearInterval(timer);
  console.log(`listening on ws://127.0.0.1:${server.address().port}/`);
}, 10);
