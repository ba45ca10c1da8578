"""Says hello and prints what comes back.

python hello_client.py ws://127.0.0.1:9000/ [TEXT]
"""

import asyncio
import sys

import ropeway


async def main(uri: str, text: str) -> None:
    """Connects, sends, receives, closes."""
    async with ropeway.connect(uri) as connection:
        await connection.send(text)
        print(await connection.recv())
    print(f"closed with {connection.close_code}")


asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "hello"))
