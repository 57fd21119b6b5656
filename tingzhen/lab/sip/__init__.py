"""SIP phones in asyncio: just enough of RFC 3261 to place, answer, hold and transfer calls."""
