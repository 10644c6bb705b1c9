"""idferry moves people's accounts into Azure AD B2C or Microsoft Entra External ID.

The package's public face is its command line (`idferry --help`); the names in `__all__` are what other
programs may import, and a test freezes them.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
