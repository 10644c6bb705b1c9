"""The emulated part of Microsoft Graph: what each request needs, does and answers.

`service` takes requests from HTTP, `operations` names them, one module per resource answers them. What is not
covered answers 501 and says so; nothing is silently accepted.
"""
