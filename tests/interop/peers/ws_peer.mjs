/* The ws package as a peer; the parts it plays stand in tests/interop/parts.py. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

// The package stands beside Ropeway's own for Node.js, whose tests use it too.
const { WebSocket, WebSocketServer } = createRequire(new URL("../../../bindings/node/", import.meta.url))("ws");

const compression = (mode) =>
  mode === "off"
    ? false
    : {
        threshold: 0,
        serverNoContextTakeover: mode === "no-takeover",
        clientNoContextTakeover: mode === "no-takeover",
      };

function answer(socket) {
  socket.on("pong", () => socket.send("pong"));
  socket.on("message", (data, binary) => {
    const text = binary ? "" : data.toString();
    if (text === "close") {
      socket.close(4001, "as asked");
    } else if (text === "fragments") {
      socket.send("one ", { fin: false });
      socket.send("two ", { fin: false });
      socket.send("three", { fin: true });
    } else if (text === "ping") {
      socket.ping("there?");
    } else {
      socket.send(data, { binary });
    }
  });
}

async function serve({ tls, key, deflate }) {
  const http = tls ? createHttpsServer({ cert: readFileSync(tls), key: readFileSync(key) }) : createHttpServer();
  new WebSocketServer({ server: http, perMessageDeflate: compression(deflate) }).on("connection", answer);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  process.on("SIGTERM", () => process.exit(0));
  console.log(`listening on ${http.address().port}`);
}

async function open(url, { ca, deflate }) {
  const options = { perMessageDeflate: compression(deflate), ...(ca && { ca: readFileSync(ca) }) };
  const socket = new WebSocket(url, options);
  let response;
  socket.on("upgrade", (head) => (response = head));
  await once(socket, "open");
  return [socket, response.headers["sec-websocket-extensions"] ?? ""];
}

async function tour(url, options) {
  const [socket, agreed] = await open(url, options);
  console.log(agreed);
  const noise = randomBytes(1 << 20);
  const line = "café, € and 🚡: the same again, the same again, the same again";
  const sizes = [0, 1, 125, 126, 127, 65535, 65536, 1 << 20];
  const messages = [line, line, line, "", "ab".repeat(1 << 19), ...sizes.map((size) => noise.subarray(0, size))];
  for (const message of messages) {
    const back = once(socket, "message");
    socket.send(message);
    const [data, binary] = await back;
    assert.equal(binary, typeof message !== "string");
    assert.ok(data.equals(Buffer.from(message)), `${message.length} came back otherwise`);
  }
  const whole = once(socket, "message");
  const pong = once(socket, "pong");
  ["a message ", "", "in four ", "fragments"].forEach((part, place) => {
    socket.send(part, { fin: place === 3 });
    if (place === 1) socket.ping("between");
  });
  assert.equal((await pong)[0].toString(), "between");
  assert.equal((await whole)[0].toString(), "a message in four fragments");
  socket.close(1000, "bye");
  assert.equal((await once(socket, "close"))[0], 1000);

  const [other] = await open(url, options);
  other.close(4001, "bye");
  assert.equal((await once(other, "close"))[0], 4001);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tls: { type: "string" },
    ca: { type: "string" },
    deflate: { type: "string", default: "off" },
  },
});
const [part, word] = positionals;
await (part === "serve" ? serve({ ...values, key: word }) : tour(word, values));
