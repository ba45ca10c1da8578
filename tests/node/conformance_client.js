// The Node.js package's client, for tests/conformance: what it has to do stands there.

const { WebSocket } = require('../../bindings/node');

/** Cases at a time. */
const PARALLEL = 8;
const base = process.argv.at(-1);
const perMessageDeflate = { threshold: 0 };
if (process.argv.includes('--no-takeover')) {
  Object.assign(perMessageDeflate, { serverNoContextTakeover: true, clientNoContextTakeover: true });
}

function open(path) {
  return new WebSocket(base + path, { perMessageDeflate });
}

/** Opens a connection and waits for its end, whatever it is. */
function run(path, onMessage) {
  return new Promise((resolve) => {
    const websocket = open(path);
    if (onMessage !== undefined) websocket.on('message', (data, isBinary) => onMessage(websocket, data, isBinary));
    websocket.on('error', () => {});
    websocket.on('close', resolve);
  });
}

async function main() {
  let count = 0;
  await run('/getCaseCount', (_websocket, data) => {
    count = Number(data);
  });
  let next = 1;
  const worker = async () => {
    while (next <= count) {
      await run(`/runCase?case=${next++}&agent=ropeway`, (websocket, data, isBinary) =>
        websocket.send(data, { binary: isBinary }),
      );
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  await run('/updateReports?agent=ropeway');
}

main();
