"""Runs the command line as `python -m idferry`."""

from idferry.cli.app import main

if __name__ == "__main__":
    main()
