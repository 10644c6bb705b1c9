"""An external tenant's sign-in with a user name and a password, and the call to a password-submit extension.

https://learn.microsoft.com/entra/external-id/customers/how-to-migrate-passwords-just-in-time. It knows nothing of pages:
`pages/` shows what is decided here, and the control API tells it.
"""
