"""Our imitation of an Azure AD B2C and an Entra External ID tenant, so that the tool can be tried and tested offline.

It keeps the product honest: it is written from what is documented or reported about Microsoft Graph, never
from what our own client happens to send. It is an island: nothing here may import the product, and only the
command line starts it. What it claims, and on whose word, stands in `docs/reference/emulator-coverage.md`.

Rooms: `server` (addresses and process) · `tokens` and `credentials` (the identity endpoints) · `graph_endpoint` and
`graph/` (Microsoft Graph) · `tenants` (what exists before any account does) · `directory`, `recycle_bin`, `sight`,
`lag`, `lookup`, `store` (the accounts) · `sign_in` (does this password open this account?) · `control` (what tests and
the demo steer it with).
"""
