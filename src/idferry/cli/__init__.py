"""The command line: one module per group of commands. It words results; it decides nothing."""
