"""Client and server for asyncio and uvloop."""
