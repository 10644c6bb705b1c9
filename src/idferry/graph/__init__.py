"""Microsoft Graph: the only code that knows its URLs, envelopes and error codes."""
