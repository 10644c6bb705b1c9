"""The emulated part of Microsoft Graph: what each request needs, does and answers.

`graph_endpoint`, beside this package, takes requests from HTTP; `performer` carries them out, `operations` names them,
one module per resource answers them. What is not covered answers 501 and says so; nothing is silently accepted.
"""
