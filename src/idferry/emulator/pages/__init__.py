"""The pages that a person meets when signing in to an emulated external tenant, and the tokens behind them.

Server-side HTML without scripts. What is decided about a sign-in stands in `password_submit/`.
"""
