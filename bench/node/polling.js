// A value that changes once a second, by HTTP on uWebSockets.js, as bench/polling/poll_server.c does it on libevent.
//
// node polling.js

const uws = require('uwebsockets');

let value = '0'.repeat(20);
/** Requests that wait for the next value. */
let waiting = new Set();
let timer;

function answer(response) {
  response.cork(() => {
    response.writeHeader('Content-Type', 'text/plain').writeHeader('Cache-Control', 'no-store').end(value);
  });
}

function tick() {
  value = process.hrtime.bigint().toString().padStart(20, '0');
  const answered = waiting;
  waiting = new Set();
  for (const response of answered) answer(response);
}

function begin() {
  if (timer !== undefined) return;
  tick();
  timer = setInterval(tick, 1000);
}

uws
  .App()
  .get('/now', (response) => {
    begin();
    answer(response);
  })
  .get('/next', (response, request) => {
    begin();
    if (request.getQuery() < value) {
      answer(response);
      return;
    }
    response.onAborted(() => waiting.delete(response));
    waiting.add(response);
  })
  .listen('127.0.0.1', 0, (socket) => {
    console.log(`listening on http://127.0.0.1:${uws.us_socket_local_port(socket)}/`);
  });
