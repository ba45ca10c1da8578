"""A FastAPI application whose WebSockets are Ropeway's.

uvicorn --ws ropeway.uvicorn:WebSocketProtocol web_app:app
"""

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.get("/")
def health() -> str:
    """HTTP goes on as ever."""
    return "well"


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    """So do WebSockets."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
