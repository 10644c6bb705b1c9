"""The sign-in service: what the tenant calls over HTTP while people sign in.

It turns requests into calls of flows and their answers into the bytes that each caller expects. It must not know any
adapter or settings file: `wiring` hands both in as values and ports. Nothing here logs a request body.
"""
