// Says hello and prints what comes back.
//
// node hello_client.js ws://127.0.0.1:9000/ [TEXT]

const { WebSocket } = require('ropeway');

const [url = 'ws://127.0.0.1:9000/', text = 'hello'] = process.argv.slice(2);
const websocket = new WebSocket(url);

websocket.addEventListener('open', () => websocket.send(text));
websocket.addEventListener('message', ({ data }) => {
  console.log(data);
  websocket.close(1000);
});
websocket.addEventListener('close', ({ code }) => console.log(`closed with ${code}`));
websocket.addEventListener('error', ({ message }) => console.error(message));
