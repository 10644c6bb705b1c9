"""Asks a test tenant what only a tenant can tell: the questions of docs/explain/limits.md that Microsoft Graph answers.

`python -m tools.probe_tenant --settings FILE --test-tenant DOMAIN`. It speaks to Graph by itself, so that it sees what the
product's own client would smooth over. It must not touch an account that it has not made.
"""
